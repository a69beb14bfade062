"""The judge: each function returns a sentence for every breach of what must hold at the end. No bot code is used."""

import hmac
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise

from bot.simulator.incidents import Incident
from bot.simulator.world import FAMILIES, Action, Customer, LedgerEntry
from tests.soak.cards_read import OVER, Seen
from tests.soak.center_judged import cards_of_items_wrong, items_lost
from tests.soak.evidence import Evidence, Record
from tests.soak.marked import action_of, ended_wrong, wrong_investigation
from tests.soak.outputs_judged import given_to_others, look_wrong, outputs_wrong
from tests.soak.repertoire import BY_NAME
from tests.soak.unmarked import (
    BY_POLICY,
    approved,
    given_in,
    marked_twice,
    more_than_approved,
    not_as_approved,
    not_as_asked,
    runs_since,
    wrong_of_several,
    wrong_setting,
)
from tests.soak.world import INCIDENTS, PLAYERS, REQUESTS

MARK = re.compile(r"\[(WK-[\w-]+)/(\d+)\]")
MARGIN = timedelta(seconds=60)
"""Of the soak's clock: what came to be this long before a call could be seen by whoever lists before calling."""
DECIDED = {
    "approve": "approved",
    "reject": "rejected",
    "withdraw": "withdrawn",
    "resend": "sent again",
    "giveup": "given up",
}
INVESTIGATION = "StartInvestigation"
VERBS = {what: verb for verb, what in DECIDED.items()}
NOT_SENT = frozenset({"refused", "rejected", "expired", "unsent", "withdrawn"})
STATUS = {
    "active": "active",
    "inProgress": "in progress",
    "awaitingAction": "awaiting action",
    "resolved": "resolved",
    "redirected": "merged into another",
}


def _ours(evidence: Evidence) -> Iterator[tuple[str, str, LedgerEntry]]:
    """The bot's accepted calls that made an action: request, mark, entry."""
    for entry in evidence.sim.world.ledger.entries:
        if entry.created and (found := MARK.match(entry.comment)):
            yield found[1], found[0], entry


def doubled(evidence: Evidence) -> Iterator[str]:
    """Actions beyond one for each attempt that a person approved, or beside one that could be seen to run."""
    made = list(_ours(evidence))
    for mark, times in Counter(mark for _, mark, _ in made).items():
        if times > 1:
            yield f"{mark} was accepted {times} times"
    records = {id_: record for found in evidence.records.values() for id_, record in found.items()}
    for id_, times in Counter(id_ for id_, _, _ in made).items():
        attempts = 1 + sum(d["what"] == "sent again" for d in records.get(id_, {}).get("decisions", ()))
        if times > attempts:
            yield f"{id_} has {times} actions for {attempts} approved attempts"
    yield from _at_once(evidence, [(id_, entry) for id_, _, entry in made])
    yield from more_than_approved(evidence)
    yield from marked_twice(evidence)
    for id_, _, entry in made:
        if entry.type == INVESTIGATION:
            continue  # any number of them may go on at the same time
        if not evidence.was_slow(entry.at) and (beside := _beside(evidence.sim.world.customers[entry.tenant], entry)):
            yield f"{id_} began {entry.type} while {beside.type} {beside.id} ({beside.requestor}) was under way"


def _at_once(evidence: Evidence, made: list[tuple[str, LedgerEntry]]) -> Iterator[str]:
    """Two of the bot's own actions of a family under way on a device at the same time."""
    actions: dict[tuple[str, str], list[tuple[Action, str]]] = {}
    for id_, entry in made:
        if entry.type == INVESTIGATION:
            continue
        action = evidence.sim.world.customers[entry.tenant].actions[entry.action_id]
        actions.setdefault((action.machine_id, action.family), []).append((action, id_))
    for found in actions.values():
        for (one, first), (two, second) in pairwise(sorted(found, key=lambda pair: pair[0].created)):
            if not one.final or two.created < one.updated:
                yield f"{second} began {two.type} while {one.type} of {first} was under way"


def _beside(customer: Customer, entry: LedgerEntry) -> Action | None:
    """Another action of the family that was listed and active for a while when this one was accepted."""
    family, seen = FAMILIES.get(entry.type, entry.type), entry.at - MARGIN
    for other in customer.actions.values():
        same = other.machine_id == entry.machine_id and other.family == family and other.id != entry.action_id
        if same and max(other.created, other.listed_from) <= seen and not (other.final and other.updated <= entry.at):
            return other
    return None


def lost(evidence: Evidence) -> Iterator[str]:
    """Requests without a record or a card, approved ones that are neither carried out nor shown as what they are."""
    records = {id_ for found in evidence.records.values() for id_ in found}
    for id_ in evidence.board.requests():
        if id_ not in records:
            yield f"{id_} was shown and has no record"
    for tenant, record in evidence.all_records():
        places = set() if record.get("batch") else {REQUESTS[tenant], record["origin"]}
        for place in places:
            if not evidence.board.cards("request", record["id"], place) and not _waits(record, place):
                yield f"{record['id']} ({record['state']}) has no card in {place} and nothing is on its way"
        cards = [m for m in evidence.board.cards("request", record["id"]) if not evidence.unknown(m)]
        for seen in (evidence.board.shown[m] for m in cards if approved(record)):
            if not _explains(seen):
                yield f"{record['id']} was approved; a card says {seen.lines[:3]}, with {sorted(seen.data)}"


def _explains(seen: Seen) -> bool:
    return seen.stand in OVER or (seen.stand == "unknown" and {"resend", "giveup"} <= set(seen.data))


def _waits(record: Record, place: str) -> bool:
    """Whether a card is still to be posted in a conversation."""
    posts = [post for post in record["posts"] if post["place"]["id"] == place and post["key"] == "card"]
    return any(post["state"] == "wanted" for post in posts)


def lost_incidents(evidence: Evidence) -> Iterator[str]:
    """Incidents that stand in no card, neither an own one nor a summary, and for which nothing is on its way."""
    for tenant, customer in evidence.sim.world.customers.items():
        room = sum(s.total for m, s in evidence.board.shown.items() if _summary(evidence, tenant, m, s))
        for incident in customer.incidents.values():
            record = evidence.incidents[tenant].get(incident.id)
            place = INCIDENTS[tenant]
            if evidence.board.cards("incident", incident.id, place) or (place, incident.id) in evidence.board.named:
                continue
            if incident.status == "redirected" and incident.updated - incident.created < timedelta(minutes=10):
                continue  # merged before it was read: the surviving one has the card
            if record is None:
                yield f"incident {incident.id} has no card and no record"
            elif _waits(record, INCIDENTS[tenant]):
                continue
            elif room <= 0:
                yield f"incident {incident.id} has a record and stands in no card"
            room -= 1


def _summary(evidence: Evidence, tenant: str, message: str, seen: Seen) -> bool:
    return seen.kind == "summary" and evidence.board.where[message] == INCIDENTS[tenant]


def out_of_order(evidence: Evidence) -> Iterator[str]:
    """Devices that do not stand as last approved although the card says so, and pairs done the wrong way round."""
    found: dict[tuple[str, str, str], list[Record]] = {}
    targets = {record["id"]: record["target"]["id"] for _, record in evidence.all_records()}
    for tenant, record in evidence.all_records():
        act, target = BY_NAME[record["response"]], record["target"]["id"]
        target = targets.get(target, target)  # what takes a request back stands beside it
        if act.holds and approved(record) and not record.get("members"):
            found.setdefault((tenant, target, act.of(given_in(record))), []).append(record)
    for (tenant, _, _), records in found.items():
        customer = evidence.sim.world.customers[tenant]
        ordered = sorted(records, key=_approved_at)
        marked = BY_NAME[ordered[-1]["response"]].truth == "action"
        last = max(ordered, key=_sent_at)
        yield from (_end_of if marked else not_as_approved)(customer, last["target"]["id"], last)
        for first, second in pairwise(ordered) if marked else ():
            yield from _pair(customer, first, second)


def _sent_at(record: Record) -> str:
    """When it was sent last; one that was sent again may still have been approved before another that waits."""
    return max((str(attempt.get("began", "")) for attempt in record["attempts"]), default="")


def _approved_at(record: Record) -> datetime:
    yes = {"approved", "sent again", BY_POLICY}
    decided = [datetime.fromisoformat(d["at"]) for d in record["decisions"] if d["what"] in yes]
    return max(decided, default=datetime.fromisoformat(record["created"]))


def _end_of(customer: Customer, device: str, last: Record) -> Iterator[str]:
    action = action_of(customer, last)
    if last["state"] != "succeeded" or action is None:
        return  # its card says why not, which is looked at elsewhere
    later = [a for a in customer.actions.values() if a.machine_id == device and a.family == action.family]
    if any(a.updated > action.updated and a.id != action.id and not MARK.match(a.comment) for a in later):
        return  # somebody acted in the portal afterwards
    holds = BY_NAME[last["response"]].holds
    if holds and not holds(customer, device, given_in(last)):
        yield f"{customer.devices[device].name} is not as {last['id']} ({last['response']}) was approved"


def _pair(customer: Customer, first: Record, second: Record) -> Iterator[str]:
    one, two = action_of(customer, first), action_of(customer, second)
    resent = any(d["what"] == "sent again" for record in (first, second) for d in record["decisions"])
    close = _approved_at(second) - _approved_at(first) < MARGIN
    if one and two and one.created > two.created and not resent and not close:
        yield f"{second['id']} ({second['response']}) was begun before {first['id']}, which was approved earlier"


def not_final(evidence: Evidence) -> Iterator[str]:
    """Requests that have not ended, and cards that still say that something goes on."""
    final = {"succeeded", "failed", "timed out", "cancelled", "rejected", "expired", "withdrawn", "given up"}
    final |= {"handed over", "partly done"}
    for _, record in evidence.all_records():
        if record["state"] not in final:
            yield f"{record['id']} is {record['state']} (trouble: {record['trouble'] or 'none'})"
    for message, seen in evidence.board.shown.items():
        if seen.kind == "working" and not evidence.unknown(message):
            yield f"message {message} still says: {seen.text[:80]!r}"


def unauthorised(evidence: Evidence) -> Iterator[str]:
    """Decisions that nobody made who may, and actions without one."""
    pressed = {(p.verb, p.who.id, p.request) for p in evidence.presses if p.who.tenant == _tenant(p.conversation)}
    players = {player.id: player for player in PLAYERS}
    for tenant, record in evidence.all_records():
        asked = players.get(record["requester"]["id"])
        may = asked and (asked.decides if BY_NAME[record["response"]].decider else asked.proposes)
        if not asked or not may or asked.tenant != tenant:
            yield f"{record['id']} was asked for by {record['requester']['name']}, who may not"
        for decision in record["decisions"]:
            if decision["what"] == BY_POLICY:
                yield from _by_itself(evidence, tenant, record, decision)
                continue
            who = players.get(decision["who"]["id"])
            own = decision["who"]["id"] == record["requester"]["id"]
            right = who is not None and who.tenant == tenant and (own if decision["what"] == "withdrawn" else not own)
            if not right or not (decision["what"] == "withdrawn" or (who and who.decides)):
                yield f"{record['id']} was {decision['what']} by {decision['who']['name']}, who may not"
            elif not {(VERBS[decision["what"]], decision["who"]["id"], id_) for id_ in _shown_as(record)} & pressed:
                yield f"{record['id']} was {decision['what']} by {decision['who']['name']}, who pressed nothing"
    records = {record["id"]: record for _, record in evidence.all_records()}
    for id_, _, entry in _ours(evidence):
        asked = _shown_as(records.get(id_, {"id": id_}))
        alone = BY_NAME[records[id_]["response"]].alone if id_ in records else False
        yes = [p for p in evidence.presses if p.request in asked and p.verb == "approve" and p.who.decides]
        free = runs_since(evidence, entry.tenant, records[id_]) if id_ in records else None
        by_itself = free is not None and free <= entry.at
        if not alone and not by_itself and not any(p.at <= entry.at and p.who.tenant == entry.tenant for p in yes):
            yield f"{entry.type} of {id_} was called before anybody approved it"
    yield from given_to_others(evidence)


def _by_itself(evidence: Evidence, tenant: str, record: Record, decision: Mapping[str, str]) -> Iterator[str]:
    """It ran by itself although it must not: of its kind, before the time to object was over, or after somebody did."""
    at, free = datetime.fromisoformat(decision["at"]), runs_since(evidence, tenant, record)
    if free is None or at < free:
        yield f"{record['id']} ({record['response']}) ran by itself at {at}; by the policy it may {free or 'not'}"
    for press in evidence.presses:
        mine = press.request in _shown_as(record) and press.verb in {"reject", "withdraw"}
        if mine and press.taken and press.who.tenant == tenant:
            yield f"{record['id']} ran by itself although {press.who.name} was told that the {press.verb} was taken"


def _shown_as(record: Record) -> set[str]:
    """Under which ids people saw it: its own, and that of the request for several devices that it belongs to."""
    return {record["id"], record.get("batch") or record["id"]}


def _tenant(conversation: str) -> str:
    places = {place: tenant for tenant, place in REQUESTS.items()} | {p.chat: p.tenant for p in PLAYERS}
    return places[conversation]


def decisions_lost(evidence: Evidence) -> Iterator[str]:
    """Decisions of which a person was told that they were taken, which the record or the audit trail lacks."""
    trail = {(e["what"], e["who"], e["subject"]) for rows, _ in evidence.audits.values() for e in _entries(rows)}
    for press in evidence.presses:
        if not press.taken:
            continue
        what, tenant = DECIDED[press.verb], press.who.tenant
        record = evidence.records[tenant].get(press.request, {})
        if not any(d["what"] == what and d["who"]["id"] == press.who.id for d in record.get("decisions", ())):
            yield f"{press.who.name} was told {what} for {press.request}; the record lacks it"
        if (what, f"{tenant}/{press.who.id}", f"request:{press.request}") not in trail:
            yield f"{press.who.name} was told {what} for {press.request}; the audit trail lacks it"


def _entries(rows: list[tuple[str, str]]) -> Iterator[Mapping[str, str]]:
    for text, _ in rows:
        yield json.loads(text)


def cards_too_many(evidence: Evidence) -> Iterator[str]:
    """Second cards of one record in one conversation that no ambiguous post explains."""
    for (kind, id_), messages in evidence.board.of.items():
        live = [m for m in messages if evidence.board.shown[m].kind == kind and not evidence.unknown(m)]
        for place, times in Counter(evidence.board.where[m] for m in live).items():
            if kind in {"request", "incident"} and times > 1:
                yield f"{kind} {id_} has {times} cards in {place}"


def cards_wrong(evidence: Evidence) -> Iterator[str]:
    """Cards that the bot knows of and that say something else than the service does."""
    for tenant, record in evidence.all_records():
        customer = evidence.sim.world.customers[tenant]
        made = [entry for id_, _, entry in _ours(evidence) if id_ == record["id"]]
        for message in evidence.board.cards("request", record["id"]):
            if not evidence.unknown(message) and (
                wrong := _wrong(evidence, customer, record, evidence.board.shown[message], made)
                or look_wrong(evidence, tenant, record, evidence.board.shown[message])
            ):
                yield f"{record['id']} in {evidence.board.where[message]}: {wrong}"
    for tenant, customer in evidence.sim.world.customers.items():
        for incident in customer.incidents.values():
            for message in evidence.board.cards("incident", incident.id, INCIDENTS[tenant]):
                if not evidence.unknown(message):
                    yield from _wrong_incident(customer, incident, evidence.board.shown[message])
    yield from outputs_wrong(evidence)


def _wrong(evidence: Evidence, customer: Customer, record: Record, seen: Seen, made: list[LedgerEntry]) -> str:
    """What is wrong about a request's last card; empty where it is true."""
    if record.get("members"):
        return wrong_of_several(evidence, record, seen)
    if seen.stand in NOT_SENT and made:
        return f"says {seen.stand}; the service accepted {made[0].type} {made[0].action_id}"
    act = BY_NAME[record["response"]]
    if act.truth == "call":
        return wrong_setting(evidence, customer, record, seen)
    if act.truth == "investigation":
        return wrong_investigation(customer, record, seen)
    return ended_wrong(customer, act, seen)


def _wrong_incident(customer: Customer, incident: Incident, seen: Seen) -> Iterator[str]:
    severity, status, merged = seen.incident
    truth = (incident.severity, STATUS[incident.status], incident.redirect or "")
    if (severity, status, merged) != truth:
        yield f"incident {incident.id}: the card says {(severity, status, merged)}, the service {truth}"
    alerts = str(len(customer.alerts_of(incident)))
    if incident.status != "redirected" and seen.facts.get("Alerts") != alerts:
        yield f"incident {incident.id}: the card says {seen.facts.get('Alerts')} alerts, the service {alerts}"


def audit_broken(evidence: Evidence) -> Iterator[str]:
    """Where an audit chain does not hold."""
    for tenant, (rows, head) in evidence.audits.items():
        last = ""
        for number, (text, seal) in enumerate(rows):
            if hmac.new(evidence.key.encode(), f"{last}\n{text}".encode(), sha256).hexdigest() != seal:
                yield f"{tenant}: entry {number} does not follow"
            last = seal
        if last != head:
            yield f"{tenant}: the head is not the newest entry"


RULES: Mapping[str, Callable[[Evidence], Iterator[str]]] = {
    "doubled actions": doubled,
    "lost requests": lost,
    "lost incidents": lost_incidents,
    "not as asked": not_as_asked,
    "out of order": out_of_order,
    "not final": not_final,
    "unauthorised acts": unauthorised,
    "acknowledged decisions lost": decisions_lost,
    "cards too many, unexplained": cards_too_many,
    "cards that say something else": cards_wrong,
    "Action center items lost": items_lost,
    "Action center cards wrong": cards_of_items_wrong,
    "audit chain broken": audit_broken,
}
