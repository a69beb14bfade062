"""The judge of what is no machine action: of calls that were accepted, and of what is so afterwards.

Each function returns a sentence for every breach. No bot code is used.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.simulator.world import Customer
from tests.soak.acts import DONE, Act, Given, filled
from tests.soak.cards_read import Seen
from tests.soak.evidence import Evidence, Record
from tests.soak.repertoire import ACTS, BY_NAME
from tests.soak.truth import Taken
from tests.soak.wishes import Wish
from tests.soak.world import BY_ITSELF

BY_POLICY = "approved by policy"
DECIDED_AGAINST = frozenset({"rejected", "expired", "withdrawn"})
IN_A_CALL = re.compile(r"\[(wk-[\w-]+/\d+)\]")
IN_A_COMMENT = re.compile(r"\[(WK-[\w-]+)/\d+\]")
SUPERSEDED = re.compile(r"\[(wk-[\w-]+)\]supersededby")
CANCELLED = re.compile(r"/machineactions/([\w-]+)/cancel\n")
OPERATIONS = frozenset(act.operation for act in ACTS if act.truth == "call")


def given_in(record: Record) -> Given:
    """What it was asked for with; the values of a list stand beside its parameters."""
    return {**record.get("parameters", {}), "values": " ".join(record.get("values", ()))}


def approvals(record: Record) -> list[datetime]:
    """When it might be sent, and again: each moment allows for one call more."""
    act, decisions = BY_NAME[record["response"]], record["decisions"]
    again = [datetime.fromisoformat(d["at"]) for d in decisions if d["what"] == "sent again"]
    if act.alone:
        return [datetime.fromisoformat(record["created"]), *again]
    yes = {d["who"]["id"]: datetime.fromisoformat(d["at"]) for d in reversed(decisions) if d["what"] == "approved"}
    free = next((datetime.fromisoformat(d["at"]) for d in decisions if d["what"] == BY_POLICY), None)
    if free and act.name in BY_ITSELF and record["state"] not in DECIDED_AGAINST:
        return [min([free, *yes.values()]), *again]
    if len(yes) < act.approvals or record["state"] in DECIDED_AGAINST:
        return []
    return [sorted(yes.values())[act.approvals - 1], *again]


def runs_since(evidence: Evidence, tenant: str, record: Record) -> datetime | None:
    """Since when it may run by itself, by the soak's policy; one of several devices counts from the request for all."""
    if record["response"] not in BY_ITSELF:
        return None
    whole = evidence.records[tenant].get(record.get("batch") or record["id"], record)
    return datetime.fromisoformat(whole["created"]) + BY_ITSELF[record["response"]] - timedelta(seconds=1)


def approved(record: Record) -> bool:
    """Whether it may be carried out."""
    return bool(approvals(record))


@dataclass(frozen=True)
class Kind:
    """Calls that are alike: the customer, the operation, and the words that stand in each."""

    tenant: str
    operation: str
    needles: tuple[str, ...]

    def fits(self, call: Taken) -> bool:
        """Whether a call is one of them."""
        same = (call.tenant, call.operation) == (self.tenant, self.operation)
        return same and all(needle in call.said for needle in self.needles)

    def __str__(self) -> str:
        return f"{self.operation} with {', '.join(map(repr, self.needles)) or 'anything'}"


def kind_of(tenant: str, record: Record) -> Kind:
    """The calls that a request may make."""
    act, target = BY_NAME[record["response"]], record["target"]["id"]
    left, _, right = target.partition("/")
    values = {**given_in(record), "id": target, "left": left, "right": right, "request": record["id"]}
    needles = (filled(needle, values).replace(" ", "").casefold() for needle in act.needles)
    return Kind(tenant, act.operation, tuple(needles))


def more_than_approved(evidence: Evidence) -> Iterator[str]:
    """Calls beyond those that people approved, before it, or for nothing that anybody asked for."""
    allowed: dict[Kind, list[datetime]] = {}
    for tenant, record in evidence.all_records():
        if BY_NAME[record["response"]].truth == "call" and not record.get("members"):
            allowed.setdefault(kind_of(tenant, record), []).extend(approvals(record))
    yield from _for_nothing(evidence, allowed)
    for kind, moments in allowed.items():
        made = sorted(call.at for call in evidence.taken if kind.fits(call))
        if len(made) > len(moments):
            yield f"{kind} was accepted {len(made)} times, and approved {len(moments)} times"
        elif any(at < since for at, since in zip(made, sorted(moments), strict=False)):
            yield f"{kind} was accepted before it was approved"


def _for_nothing(evidence: Evidence, allowed: Mapping[Kind, list[datetime]]) -> Iterator[str]:
    for call in evidence.taken:
        wanted = any(kind.fits(call) for kind in allowed) or _makes_way(evidence, call)
        if call.operation in OPERATIONS and not wanted:
            yield f"{call.operation} was accepted for what nobody asked for: {call.said[:200]!r}"


def _makes_way(evidence: Evidence, call: Taken) -> bool:
    """Whether it takes back an action of the bot's own that waits, because the opposite was approved on that device."""
    named, cancelled = SUPERSEDED.search(call.said), CANCELLED.search(call.said)
    customer = evidence.sim.world.customers[call.tenant]
    if not named or not cancelled or cancelled[1] not in customer.actions:
        return False
    action = customer.actions[cancelled[1]]
    records = evidence.records[call.tenant]
    later, its = records.get(named[1].upper()), IN_A_COMMENT.match(action.comment)
    earlier = records.get(its[1]) if its else None
    if not later or not earlier or later["target"]["id"] != action.machine_id:
        return False
    opposite = BY_NAME[later["response"]].back == earlier["response"]
    return opposite and any(since <= call.at for since in approvals(later))


def marked_twice(evidence: Evidence) -> Iterator[str]:
    """Calls that bear the mark of one attempt, and were accepted more than once."""
    marks = [(call.operation, mark) for call in evidence.taken for mark in set(IN_A_CALL.findall(call.said))]
    for (operation, mark), times in Counter(marks).items():
        if times > 1:
            yield f"{operation} was accepted {times} times with the mark of {mark}"


def not_as_approved(customer: Customer, target: str, last: Record) -> Iterator[str]:
    """Whether it is as last approved, where that is shown as done."""
    act = BY_NAME[last["response"]]
    if last["state"] == "succeeded" and act.holds and not act.holds(customer, target, given_in(last)):
        yield f"{last['target']['name']} is not as {last['id']} ({last['response']}) was approved"


def wrong_setting(evidence: Evidence, customer: Customer, record: Record, seen: Seen) -> str:
    """It is shown as done although no such call was ever accepted, and it is not so either."""
    act, target = BY_NAME[record["response"]], record["target"]["id"]
    if seen.stand not in act.done:
        return _denied(evidence, customer, record, seen)
    adopted = any(attempt.get("adopted") for attempt in record["attempts"])
    held = any(holds(customer, target, given_in(record)) for holds in (act.holds, act.was) if holds)
    if adopted or held:
        return ""  # adopted: it was so already, and may be undone since
    if act.needles and any(kind_of(customer.id, record).fits(call) for call in evidence.taken):
        return ""  # it was done, and undone since
    return f"says {seen.stand}; {act.operation} was never accepted for {record['target']['name']}"


def _denied(evidence: Evidence, customer: Customer, record: Record, seen: Seen) -> str:
    """It is said that nothing was sent, although a call that can only be this request's was accepted."""
    act = BY_NAME[record["response"]]
    kind = kind_of(customer.id, record)
    its_own = any("{request}" in needle for needle in act.needles)
    unsent = its_own and seen.stand in {"rejected", "expired", "unsent", "withdrawn"}
    accepted = unsent and any(kind.fits(call) for call in evidence.taken)
    return f"says {seen.stand}; the service accepted {kind}" if accepted else ""


def wrong_of_several(evidence: Evidence, record: Record, seen: Seen) -> str:
    """What a card for several devices says at its end, by the devices' own requests."""
    known = {one["id"]: one for _, one in evidence.all_records()}
    states = {_stood(record, known.get(member["request"])) for member in record["members"]}
    wrong = {
        "done on all": bool(states - DONE),
        "done on some": not states & DONE or not states - DONE,
        "done on none": bool(states & (DONE | {"given up", "timed out"})),
        "confirmed on none": bool(states & DONE),
    }
    if wrong.get(seen.stand):
        return f"says {seen.stand}; the devices' requests are {sorted(states)}"
    return ""


def _stood(record: Record, one: Record | None) -> str:
    """How a device's own request ended; one that was open before and asks for something else does nothing of this."""
    if one is None:
        return "lost"
    return one["state"] if one["parameters"] == record["parameters"] else "asked otherwise"


def not_as_asked(evidence: Evidence) -> Iterator[str]:
    """Requests that are for something else than what their person typed."""
    for tenant, record in evidence.all_records():
        found = re.search(r"soak-\d{4}", record.get("reason", ""))
        wish = evidence.wishes.get(found[0]) if found else _pressed_for(evidence, tenant, record)
        if wish is None:
            yield f"{record['id']} is for nothing that anybody typed: {record.get('reason', '')!r}"
            continue
        given = given_in(record)
        other = {
            n: given.get(n, "") for n, value in wish.given.items() if given.get(n, "").casefold() != value.casefold()
        }
        if (record["response"], tenant) != (wish.act.name, wish.tenant) or other:
            yield f"{record['id']} is {record['response']} with {other}, and {wish.line!r} was typed"
        elif not _meant(wish.act, record, wish.target.id, wish.names):
            yield f"{record['id']} is for {record['target']}, and {wish.line!r} was typed"


def _pressed_for(evidence: Evidence, tenant: str, record: Record) -> Wish | None:
    """A request without a reason may come from the button of an inverse: which that person pressed for that thing."""
    pressed = {press.request for press in evidence.presses if press.who.id == record["requester"]["id"]}
    for wish in evidence.wishes.values() if not record.get("reason") else ():
        same = (wish.act.name, wish.tenant, wish.who.id) == (record["response"], tenant, record["requester"]["id"])
        if same and wish.undoes in pressed and _meant(wish.act, record, wish.target.id, wish.names):
            return wish
    return None


def _meant(act: Act, record: Record, target: str, names: tuple[str, ...]) -> bool:
    """Whether it is for the thing, or for one of the several devices."""
    if record.get("members"):
        return {member["target"]["name"] for member in record["members"]} == set(names)
    if names:
        return record["target"]["name"] in names
    return not target or record["target"]["id"].casefold() == target.casefold()
