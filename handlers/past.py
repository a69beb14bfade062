"""What is over: our requests, machine actions that others started, and what was followed in the Action center.

Defender is asked for as many actions as the time holds, up to a bound, and so is the store; what was not read is said.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches

from bot import files
from bot.audit import Entry
from bot.audit.export import csv_row
from bot.center import KIND, CenterItem
from bot.command import Context, Reply
from bot.defender.models import MachineAction
from bot.devices import find_device
from bot.errors import NotFound, UsageError
from bot.records import readable
from bot.responses import requests
from bot.responses.declared import Response
from bot.responses.models import DEVICE, Decision, Request
from bot.responses.ruling import BY_POLICY
from bot.roles import Role
from bot.wire import MACHINE_ID, folded
from cards.center import GOOD
from cards.past import PastEntry, PastList, exported_past_card, past_card
from cards.text import count, plain
from handlers.audit_actions import MARK
from handlers.paging import page_of
from handlers.past_words import IT, Wanted
from handlers.reading import Sources

MOST_REQUESTS = 2000
MOST_ACTIONS = 2000
MOST_ITEMS = 2000
READ_SECONDS = 12.0
ME = "me"
COLUMNS = (
    *("ended (UTC)", "started (UTC)", "what", "target kind", "target", "target id", "outcome", "service status"),
    *("started by", "decided by", "source", "request", "action", "reason"),
)
CENTER = "center"
OUTCOMES_THERE = {
    "succeeded": GOOD - {"benign"},
    "partly done": frozenset({"partiallyremediated"}),
    "rejected": frozenset({"declined"}),
    "failed": frozenset({"failed", "innerfailure", "unremediated"}),
    "cancelled": frozenset({"terminated", "terminatedbyuser", "terminatedbysystem"}),
}
"""Our words for what the services say of a thing that waited in the Action center; of others none is sure."""
OURS = {"timeout": "timed out"}
"""A machine action's end in our words, where they differ."""


@dataclass(frozen=True, kw_only=True)
class Past:
    """What was found. `unread` and `cut` name what could not be read at all, or not far enough back."""

    entries: tuple[PastEntry, ...]
    unread: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()


async def show(context: Context, wanted: Wanted) -> Reply:
    """One page, or the file. Raises PersonErrors, ServiceError."""
    if wanted.export:
        files.need_personal_chat(context)
    device, name = await _device(context, wanted)
    past = await gather(context, wanted, device)
    line = wanted.line(device=device)
    if wanted.export:
        return await _export(context, past, line)
    rows, page, pages = page_of(past.entries, wanted.page)
    labels = {"device": name, "by": wanted.by, "response": wanted.response, "outcome": wanted.outcome}
    listed = PastList(
        line=line,
        filters=tuple((key, value) for key, value in labels.items() if value),
        days=wanted.days,
        rows=rows,
        page=page,
        pages=pages,
        found=len(past.entries),
        unread=past.unread,
        lacking=past.lacking,
        cut=past.cut,
        tenant=context.customer,
    )
    return Reply(shown=past_card(context.look, listed))


async def _device(context: Context, wanted: Wanted) -> tuple[str, str]:
    """The id and name of the device that is meant; one that Defender no longer knows is found among our requests."""
    said = wanted.device
    if not said:
        return "", ""
    try:
        machine = await find_device(context, said, "actions history device", f"{wanted.days} days")
    except NotFound:
        for request in await requests.latest(context.services, context.customer, limit=MOST_REQUESTS):
            target = request.target
            names = (target.id, target.name.casefold(), target.name.casefold().partition(".")[0])
            if target.kind == DEVICE and said.casefold() in names:
                return target.id, target.name
        if MACHINE_ID.fullmatch(said) and said.casefold() != IT:
            return said.lower(), said.lower()
        raise
    return machine.id, machine.name


async def gather(context: Context, wanted: Wanted, device: str) -> Past:
    """All entries that match, the latest first."""
    since = context.now - timedelta(days=wanted.days)
    types = _types(context, wanted.response)
    stored = await requests.latest(context.services, context.customer, limit=MOST_REQUESTS)
    sources = Sources(READ_SECONDS, context)
    reading = context.defender.machine_actions(machine_id=device, since=since, top=MOST_ACTIONS)
    actions = await sources.read("actions", reading)
    cut = ["requests"] if len(stored) >= MOST_REQUESTS and stored[-1].created > since else []
    cut += ["actions"] if len(actions or ()) >= MOST_ACTIONS else []
    items = readable(await context.services.store.newest(context.customer, KIND, limit=MOST_ITEMS), CenterItem)
    cut += ["items"] if len(items) >= MOST_ITEMS and items[-1].seen > since else []
    waited = [of_item(one) for one in items if one.state == "over" and (one.ended or one.seen) >= since]
    entries = [*_ours(stored, since), *_others(stored, actions or ()), *waited]
    person = _person(context, wanted.by)
    found = [
        one
        for one in entries
        if device in ("", one.target_id)
        and (not wanted.response or one.what == wanted.response or (one.what in types and one.source != "bot"))
        and wanted.outcome in ("", one.outcome)
        and _is_by(one, person)
    ]
    return Past(
        entries=tuple(sorted(found, key=lambda one: one.ended or one.started, reverse=True)),
        unread=sources.unread,
        lacking=sources.lacking,
        cut=tuple(cut),
    )


def _types(context: Context, name: str) -> frozenset[str]:
    """The types of machine action that a response becomes. Raises UsageError for a name that no response has."""
    if not name:
        return frozenset()
    declared: Mapping[str, Response] = context.services.responses
    response = declared.get(name.casefold())
    if response is None:
        near = get_close_matches(name.casefold(), list(declared), n=1)
        key = "error.unknown_response_near" if near else "error.unknown_response"
        raise UsageError(key, said=name, near=next(iter(near), ""))
    return response.how.types


def _person(context: Context, said: str) -> tuple[str, ...]:
    """Who is meant: ids and names to look for, folded; empty for everybody."""
    if said.casefold() == ME:
        return context.actor.id.casefold(), context.actor.name.casefold()
    return (said.casefold(),) if said else ()


def _is_by(entry: PastEntry, person: Sequence[str]) -> bool:
    """Whether somebody of that name started or decided it; a part of a name is enough."""
    people = [*entry.people, entry.started_by, entry.decided_by]
    return not person or any(one in who.casefold() for one in person for who in people)


def _ours(stored: Iterable[Request], since: datetime) -> list[PastEntry]:
    return [_of_request(one) for one in stored if one.final and (one.ended or one.created) >= since]


def _of_request(request: Request) -> PastEntry:
    decided = [one for one in request.decisions if one.what in ("approved", "rejected", BY_POLICY)]
    people = (request.requester, *(one.who for one in request.decisions))
    return PastEntry(
        started=request.created,
        ended=request.ended,
        what=request.response,
        kind=request.target.kind,
        target=request.target.name,
        target_id=request.target.id,
        outcome=request.state.value,
        status=request.status,
        started_by=request.requester.name,
        decided_by=", ".join(dict.fromkeys(_decider(one) for one in decided)),
        people=tuple(dict.fromkeys(one.id for one in people)),
        source="bot",
        request=request.id,
        action=request.attempt.action if request.attempt else "",
        reason=request.reason,
    )


def _decider(decision: Decision) -> str:
    """Who decided; where it ran because nobody objected, the policy, and the part of it that says so."""
    return f"policy: {decision.who.name}" if decision.what == BY_POLICY else decision.who.name


def _others(stored: Iterable[Request], actions: Iterable[MachineAction]) -> list[PastEntry]:
    """Actions that are over and do not stand in a request that was read: ours are known by id and by their mark."""
    ours = {attempt.action for request in stored for attempt in request.attempts if attempt.action}
    known = {request.id for request in stored}
    found = []
    for action in actions:
        mark = MARK.match(action.requestor_comment or "")
        if action.is_final and action.id not in ours and not (mark and mark[1] in known):
            found.append(_of_action(action, mark[1] if mark else ""))
    return found


def _of_action(action: MachineAction, request: str) -> PastEntry:
    """One that was started in the portal or by another app, or by this bot for a request that is no longer kept."""
    sources = {"portal": "portal", "publicapi": "api"}
    ended = action.updated or action.created
    return PastEntry(
        started=action.created or ended or datetime.min.replace(tzinfo=ended.tzinfo if ended else None),
        ended=ended,
        what=action.type or "",
        kind=DEVICE,
        target=action.computer_dns_name or "",
        target_id=action.machine_id or "",
        outcome=OURS.get(action.state, action.state),
        status=action.status or "",
        started_by=action.requestor or "",
        decided_by="",
        source="bot" if request else sources.get(folded(action.request_source), "elsewhere"),
        request=request,
        action=action.id,
        reason=action.requestor_comment or "",
    )


def of_item(item: CenterItem) -> PastEntry:
    """What waited in the Action center and does not any more. Its outcome is in our words where one of them fits."""
    return PastEntry(
        started=item.since,
        ended=item.ended,
        what=item.kind,
        kind=CENTER,
        target=item.name,
        target_id=item.device,
        outcome=next((word for word, said in OUTCOMES_THERE.items() if item.outcome in said), ""),
        status=item.outcome,
        started_by="",
        decided_by=item.who,
        source=CENTER,
        action=item.investigation,
        device=item.device_name,
    )


async def _export(context: Context, past: Past, line: str) -> Reply:
    """Write down who exports what, make the file, and offer it."""
    if not past.entries:
        raise NotFound("error.past_nothing")
    kept = fitting(past.entries)
    entry = Entry(
        at=context.now,
        what="history exported",
        who=f"{context.actor.tenant}/{context.actor.id}",
        subject="actions:history",
        more={"filters": line, "entries": len(kept)},
    )
    await context.services.ledger.commit(context.customer, [], [entry])
    name = f"actions-{context.now:%Y-%m-%d-%H%M}.csv"
    number = count(context.look, "past.count", len(kept))
    description = plain(context.look, "past.exported.description", entries=number)
    await files.offer(context, name, as_csv(kept), description, Role.READER)
    whole = len(kept) == len(past.entries) and not past.cut and not past.unread
    return Reply(shown=exported_past_card(context.look, name, len(kept), whole=whole))


def fitting(entries: Sequence[PastEntry]) -> Sequence[PastEntry]:
    """The newest of the entries that a file has room for."""
    room = files.MOST_BYTES - len(_begin().encode())
    for taken, entry in enumerate(entries):
        room -= len(row_of(entry).encode("utf-8", "replace"))
        if room < 0:
            return entries[:taken]
    return entries


def as_csv(entries: Iterable[PastEntry]) -> bytes:
    """A table for a spreadsheet (RFC 4180, UTF-8 with a byte order mark); times are UTC, no value is a formula."""
    return "".join((_begin(), *(row_of(entry) for entry in entries))).encode("utf-8", "replace")


def _begin() -> str:
    return "\ufeff" + csv_row(COLUMNS)


def row_of(entry: PastEntry) -> str:
    """One entry as a row of the table."""
    times = [at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else "" for at in (entry.ended, entry.started)]
    return csv_row(
        (
            *times,
            *(entry.what, entry.kind, entry.target, entry.target_id, entry.outcome, entry.status),
            *(entry.started_by, entry.decided_by, entry.source, entry.request, entry.action, entry.reason),
        )
    )
