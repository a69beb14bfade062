"""Reading the audit trail of a customer: the newest entries, or all of it with a judgement on its chain."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.audit.chain import Break, Checkpoint, Row, first_break, sealed_with_another_key
from bot.audit.seals import Seals
from bot.state.store import Standing, Store

PAGE = 200
AGAIN = 3
CLOCKS = timedelta(hours=1)
"""How far the clocks of two bots may differ: entries stand in the order of writing, not quite in that of time."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An entry as it was read. What cannot be read of it (somebody changed it) is empty, `at` None."""

    position: str
    text: str
    hash: str
    before: str
    at: datetime | None = None
    what: str = ""
    who: str = ""
    subject: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Window:
    """The newest entries, oldest first. `count` is how many the trail ever had; `cut`: there are more in that time.

    `broken` is the first of them that does not follow, or that the checkpoint or head in Redis does not fit.
    """

    entries: Sequence[Seen]
    head: str
    count: int
    cut: bool = False
    checkpoint: Checkpoint | None = None
    broken: Break | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of checking a whole trail: `checked` entries from the `checkpoint` on, `count` with those trimmed.

    `head` is the hash of the newest. `strange`: no entry fits this key at all. `noted`: the hash that was looked for
    (see `verify`) is in the trail.
    """

    checked: int
    count: int
    head: str
    checkpoint: Checkpoint | None = None
    broken: Break | None = None
    strange: bool = False
    noted: bool = False


def seen(row: Row, before: str) -> Seen:
    """A stored entry, read."""
    position, text, found = row
    bare = Seen(position=position, text=text, hash=found, before=before)
    try:
        body = json.loads(text)
        at = datetime.fromisoformat(body["at"])
        more = dict(body["more"])
        what, who, subject = (str(body[name]) for name in ("what", "who", "subject"))
    except (ValueError, LookupError, TypeError):
        return bare
    return Seen(
        position=position,
        text=text,
        hash=found,
        before=before,
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
        what=what,
        who=who,
        subject=subject,
        more=more,
    )


async def pages(store: Store, customer: str, after: str = "") -> AsyncIterator[list[Row]]:
    """All entries behind a position, oldest first, page by page; each page waits for Redis, so that others get on."""
    while page := await store.audit(customer, limit=PAGE, after=after):
        yield page
        after = page[-1][0]


async def recent(store: Store, seals: Seals, customer: str, since: datetime, most: int) -> Window:
    """The entries made since then, at most so many, with a judgement on their chain. Raises StoreDown."""
    for _ in range(AGAIN):
        standing = await store.standing(customer)
        window = await _recent(store, seals, customer, standing, since, most)
        if not window.broken or await _untrimmed(store, customer, standing):
            break
    return window


async def _untrimmed(store: Store, customer: str, standing: Standing) -> bool:
    """Whether nothing was trimmed since: a trim under way looks like a gap."""
    return (await store.standing(customer)).checkpoint == standing.checkpoint


async def _recent(store: Store, seals: Seals, customer: str, standing: Standing, since: datetime, most: int) -> Window:
    rows, cut = await _back(store, customer, since, most)
    checkpoint, bad = _checkpoint(standing, customer, seals)
    before = await _before(store, customer, rows, checkpoint)
    entries = await asyncio.to_thread(_read, rows, before)
    broken = bad or await asyncio.to_thread(first_break, seals, rows, before)
    if not broken and standing.head not in ({row[2] for row in rows} or {before}):
        broken = Break(position="", kind="head")
    return Window(
        entries=tuple(itertools.dropwhile(lambda entry: entry.at is not None and entry.at < since, entries)),
        head=rows[-1][2] if rows else standing.head,
        count=standing.length + (checkpoint.count if checkpoint else 0),
        cut=cut,
        checkpoint=checkpoint,
        broken=broken,
    )


def _read(rows: Sequence[Row], before: str) -> list[Seen]:
    entries = []
    for row in rows:
        entries.append(seen(row, before))
        before = row[2]
    return entries


async def _back(store: Store, customer: str, since: datetime, most: int) -> tuple[list[Row], bool]:
    """The newest entries down to the first that is clearly older, oldest first; and whether more were left out."""
    rows: list[Row] = []
    before = ""
    while page := await store.audit_back(customer, limit=PAGE, before=before):
        for row in page:
            at = seen(row, "").at
            if rows and at is not None and at < since - CLOCKS:
                return rows[::-1], False
            if len(rows) == most:
                return rows[::-1], True
            rows.append(row)
        before = page[-1][0]
    return rows[::-1], False


async def _before(store: Store, customer: str, rows: Sequence[Row], checkpoint: Checkpoint | None) -> str:
    """The hash that the first of the rows follows."""
    older = await store.audit_back(customer, limit=1, before=rows[0][0]) if rows else []
    return older[0][2] if older else checkpoint.hash if checkpoint else ""


def _checkpoint(standing: Standing, customer: str, seals: Seals) -> tuple[Checkpoint | None, Break | None]:
    if not standing.checkpoint:
        return None, None
    checkpoint = Checkpoint.read(standing.checkpoint, customer, seals)
    return checkpoint, None if checkpoint else Break(position="", kind="checkpoint")


async def verify(store: Store, seals: Seals, customer: str, noted: str = "") -> Verdict:
    """Check the whole trail, from its checkpoint to its head. Raises StoreDown.

    `noted` is a head that somebody wrote down earlier, or its beginning: it must be in the trail. Only that shows
    whether the newest entries were cut off, or an older Redis was put back.
    """
    for _ in range(AGAIN):
        standing = await store.standing(customer)
        verdict = await _walk(store, seals, customer, standing, noted)
        if not verdict.broken or await _untrimmed(store, customer, standing):
            break
    return verdict


async def _walk(store: Store, seals: Seals, customer: str, standing: Standing, noted: str) -> Verdict:
    checkpoint, broken = _checkpoint(standing, customer, seals)
    head = checkpoint.hash if checkpoint else ""
    wanted = {standing.head} if standing.length or standing.head != head else set()
    checked, found = 0, bool(noted) and head.startswith(noted)
    if not broken:
        async for page in pages(store, customer):
            broken = await _page_break(store, seals, customer, page, head)
            good = page if not broken else page[: [row[0] for row in page].index(broken.position)]
            checked += len(good)
            wanted -= {row[2] for row in good}
            found = found or (bool(noted) and any(row[2].startswith(noted) for row in good))
            head = good[-1][2] if good else head
            if broken:
                break
    if wanted and not broken:
        broken = Break(position="", kind="head")
    return Verdict(
        checked=checked,
        count=checked + (checkpoint.count if checkpoint else 0),
        head=head,
        checkpoint=checkpoint,
        broken=broken,
        strange=bool(broken) and not checked and sealed_with_another_key(seals, await store.audit(customer)),
        noted=found,
    )


async def _page_break(store: Store, seals: Seals, customer: str, page: list[Row], before: str) -> Break | None:
    """The break in a page; the page behind it is read too, to tell what happened."""
    if first_break(seals, page, before) is None:
        return None
    return first_break(seals, [*page, *await store.audit(customer, limit=PAGE, after=page[-1][0])], before)
