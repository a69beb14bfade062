"""/audit [export] [device|user|request] [N days]: who did what, and whether the trail holds; also as a file."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot import files, subscribers
from bot.audit import Entry, retention
from bot.audit.export import About, Csv, Ending, Export, Format, JsonLines, whole_file
from bot.audit.names import Names, names_of
from bot.audit.trail import Seen, Window, recent
from bot.command import Command, Context, Reply, Watcher
from bot.defender.client import Defender
from bot.errors import NotFound
from bot.records import readable
from bot.roles import Role
from bot.subscriptions import Subscription
from cards.audit import AuditList, AuditRow, Exported, audit_card, exported_card
from cards.text import count, plain
from handlers.auditing import USAGE, Asked, Chosen, choose, device_of, parse
from handlers.paging import page_of

MOST = 20_000
ROOM = 4096
"""Bytes of a file that are kept free for its header and footer."""


async def _run(context: Context, asked: Asked) -> Reply:
    if asked.export:
        files.need_personal_chat(context)
    services = context.services
    since = context.now - timedelta(days=asked.days)
    window = await recent(services.store, services.ledger.seals, context.customer, since, MOST)
    names = await names_of(services.store, context.customer)
    chosen = await choose(context, asked, window.entries, names)
    found = [entry for entry in window.entries if chosen.takes(entry)]
    if asked.export:
        return await _export(context, asked.export, window, chosen, found, names)
    return Reply(shown=audit_card(context.look, await _listed(context, asked, window, chosen, found, names)))


async def _listed(
    context: Context, asked: Asked, window: Window, chosen: Chosen, found: Sequence[Seen], names: Names
) -> AuditList:
    rows, page, pages = page_of(found[::-1], asked.page)
    responses = _responses(window)
    places = await _places(context, rows)
    return AuditList(
        line=chosen.line,
        days=chosen.days,
        filters=tuple(chosen.labels.items()),
        rows=tuple(_row(context, entry, chosen, names, responses, places) for entry in rows),
        page=page,
        pages=pages,
        found=len(found),
        read=len(window.entries),
        count=window.count,
        head=window.head,
        broken=window.broken.kind if window.broken else "",
        broken_at=window.broken.position if window.broken else "",
        cut=window.cut,
    )


def _responses(window: Window) -> dict[str, str]:
    """Which response a subject is about, as its entries name it."""
    return {entry.subject: str(entry.more["response"]) for entry in window.entries if entry.more.get("response")}


async def _places(context: Context, rows: Sequence[Seen]) -> dict[str, str]:
    """The names of conversations that subscribed, by the id that entries name."""
    ids = [entry.subject.partition(":")[2] for entry in rows if entry.subject.startswith("conversation:")]
    found = await context.services.store.get_many(context.customer, subscribers.KIND, ids)
    return {place.id: place.place.name for place in readable(found, Subscription) if place.place.name}


def _row(
    context: Context,
    entry: Seen,
    chosen: Chosen,
    names: Names,
    responses: Mapping[str, str],
    places: Mapping[str, str],
) -> AuditRow:
    kind, _, subject = entry.subject.partition(":")
    device = device_of(entry, chosen.devices)
    own = entry.who.casefold() == f"{context.actor.tenant}/{context.actor.id}".casefold()
    return AuditRow(
        position=entry.position,
        at=entry.at,
        what=entry.what,
        who=(context.actor.name if own else names.person(entry.who)) or entry.who.rpartition("/")[2],
        kind=kind,
        id=places.get(subject, subject),
        response=responses.get(entry.subject, ""),
        device=names.machines.get(device, device),
    )


async def _export(
    context: Context, file_format: Format, window: Window, chosen: Chosen, found: Sequence[Seen], names: Names
) -> Reply:
    """Write down who exports what, make the file, and offer it."""
    if not found:
        raise NotFound("error.audit_nothing")
    kept = await asyncio.to_thread(_fitting, _maker(context, file_format, names), found)
    cut = window.cut or len(kept) < len(found)
    more = {"format": file_format, "filters": chosen.words, "days": chosen.days, "entries": len(kept)}
    entry = Entry(
        at=context.now,
        what="audit exported",
        who=f"{context.actor.tenant}/{context.actor.id}",
        subject="audit:trail",
        more=more,
    )
    await context.services.ledger.commit(context.customer, [], [entry])
    about = About(
        customer=context.customer,
        made=context.now,
        filters=chosen.words,
        since=context.now - timedelta(days=chosen.days),
        checkpoint=window.checkpoint,
    )
    ending = Ending(head=window.head, count=window.count, broken=window.broken, cut=cut)
    content = await asyncio.to_thread(whole_file, _maker(context, file_format, names), about, kept, ending)
    name = f"audit-{context.now:%Y-%m-%d-%H%M}.{file_format}"
    number = count(context.look, "audit.count", len(kept))
    description = plain(context.look, "audit.exported.description", entries=number)
    await files.offer(context, name, content, description, Role.ADMIN)
    made = Exported(
        name=name,
        entries=len(kept),
        cut=cut,
        broken=window.broken.kind if window.broken else "",
        verifiable=file_format == "jsonl",
    )
    return Reply(shown=exported_card(context.look, made))


def _maker(context: Context, file_format: Format, names: Names) -> Export:
    return Csv(name=names.person) if file_format == "csv" else JsonLines(context.services.ledger.seals)


def _fitting(export: Export, found: Sequence[Seen]) -> Sequence[Seen]:
    """The newest of the entries that a file has room for, oldest first."""
    room = files.MOST_BYTES - ROOM
    for taken, entry in enumerate(reversed(found)):
        room -= len(export.add(entry).encode("utf-8", "replace")) + len(str(len(found)))
        if room < 0:
            return found[len(found) - taken :]
    return found


COMMAND = Command(
    name="audit",
    usage=USAGE,
    examples=("/audit", "/audit device LAPTOP-042 30 days", "/audit user Megan Bowen", "/audit export jsonl 90 days"),
    role=Role.ADMIN,
    parse=parse,
    run=_run,
    needs=(Defender.machines,),
)

WATCHER = Watcher(name="audit", every=retention.EVERY, poll=retention.poll)
