"""The judge of what carries no mark of its request at its service, and of requests for several devices.

Each function returns a sentence for every breach. No bot code is used.
"""

from collections import Counter
from collections.abc import Iterator

from bot.simulator.world import Customer
from tests.soak.cards_read import Seen
from tests.soak.evidence import Evidence, Record
from tests.soak.repertoire import BY_NAME, MARKED
from tests.soak.world import targets

DECIDED_AGAINST = frozenset({"rejected", "expired", "withdrawn"})
DONE = frozenset({"succeeded", "handed over"})


def approved(record: Record) -> bool:
    """Whether it may be carried out."""
    return BY_NAME[record["response"]].alone or any(d["what"] == "approved" for d in record["decisions"])


def more_than_approved(evidence: Evidence) -> Iterator[str]:
    """Calls beyond those that people approved, by target."""
    allowed: Counter[tuple[str, str, str]] = Counter()
    for tenant, record in evidence.all_records():
        act = BY_NAME[record["response"]]
        if act.on not in MARKED and record["state"] not in DECIDED_AGAINST and approved(record):
            again = sum(d["what"] == "sent again" for d in record["decisions"])
            allowed[tenant, act.operation, record["target"]["id"].casefold()] += 1 + again
    for call, times in calls(evidence).items():
        if times > allowed[call]:
            yield f"{call[1]} on {call[2]} was accepted {times} times, and approved {allowed[call]} times"


def calls(evidence: Evidence) -> Counter[tuple[str, str, str]]:
    """How often each operation without a mark was accepted, by customer and target."""
    named: dict[tuple[str, str], set[str]] = {}
    for act in BY_NAME.values():
        if act.on not in MARKED:
            for tenant in evidence.sim.world.customers:
                found = {id_.casefold() for id_, _ in targets(evidence.sim, tenant, act.on)}
                named.setdefault((tenant, act.operation), set()).update(found)
    counted: Counter[tuple[str, str, str]] = Counter()
    for call in evidence.taken:
        for target in named.get((call.tenant, call.operation), ()):
            counted[call.tenant, call.operation, target] += target in call.said
    return counted


def not_as_approved(customer: Customer, target: str, last: Record) -> Iterator[str]:
    """Whether it is as last approved, where that is shown as done."""
    act = BY_NAME[last["response"]]
    if last["state"] == "succeeded" and act.holds and not act.holds(customer, target, ""):
        yield f"{last['target']['name']} is not as {last['id']} ({last['response']}) was approved"


def wrong_setting(evidence: Evidence, customer: Customer, record: Record, seen: Seen) -> str:
    """It is shown as done although no such call was ever accepted, and it is not so either."""
    act, target = BY_NAME[record["response"]], record["target"]["id"]
    adopted = any(
        attempt.get("adopted") for attempt in record["attempts"]
    )  # it was so already, and may be undone since
    if adopted or seen.stand not in DONE or (act.holds and act.holds(customer, target, "")):
        return ""
    if calls(evidence)[customer.id, act.operation, target.casefold()]:
        return ""  # it was done, and undone since
    named = record["attempts"][-1]["action"] if record["attempts"] else ""
    if named and any(
        (c.tenant, c.operation) == (customer.id, act.operation) and named in c.said for c in evidence.taken
    ):
        return ""  # an indicator is removed by its number
    return f"says {seen.stand}; {act.operation} was never accepted for {record['target']['name']}"


def wrong_of_several(evidence: Evidence, record: Record, seen: Seen) -> str:
    """What a card for several devices says at its end, by the devices' own requests."""
    known = {one["id"]: one["state"] for _, one in evidence.all_records()}
    states = {known.get(member["request"], "lost") for member in record["members"]}
    if seen.stand == "done on all" and states - DONE:
        return f"says done on every device; their requests are {sorted(states)}"
    if seen.stand == "done on none" and states & DONE:
        return f"says done on no device; their requests are {sorted(states)}"
    return ""
