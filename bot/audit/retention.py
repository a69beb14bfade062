"""Once a day for each customer: the whole trail is checked, its head is logged, and what is too old is trimmed.

A trim takes entries away only after it verified them, and leaves a signed checkpoint in their place, in the same
script. Nothing is trimmed from a trail that is broken anywhere: it is evidence.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from bot.audit import Entry
from bot.audit.chain import Checkpoint, Row, first_break
from bot.audit.trail import Verdict, seen, verify
from bot.errors import Conflict
from bot.metrics import AUDIT_CHECKS, AUDIT_TRIMMED
from bot.services import Services
from bot.state.store import Trim

log = structlog.get_logger()

EVERY = 3600.0
CHECKED = "audit:checked"
KEPT_SECONDS = 90 * 24 * 3600.0
AT_ONCE = 1000
HOURS = 24


@dataclass(frozen=True, kw_only=True)
class AuditHead:
    """How a customer's audit trail stands, for the digest and the status.

    `head` is the hash of the newest entry (empty: there is none), `count` how many the trail ever had, `trimmed` how
    many of them a checkpoint stands for, made at `trimmed_at`. `checked` is the moment of the last full check, and
    `broken` where it found the trail broken, as words for a log ("" where it held).
    """

    head: str
    count: int
    trimmed: int = 0
    trimmed_at: datetime | None = None
    checked: datetime | None = None
    broken: str = ""


async def head_line(services: Services, customer: str) -> AuditHead:
    """How the trail stands now. Raises StoreDown."""
    standing = await services.store.standing(customer)
    kept = await services.store.get_value(customer, CHECKED) or {}
    checkpoint = Checkpoint.read(standing.checkpoint, customer, services.ledger.seals) if standing.checkpoint else None
    return AuditHead(
        head=standing.head,
        count=standing.length + (checkpoint.count if checkpoint else 0),
        trimmed=checkpoint.count if checkpoint else 0,
        trimmed_at=checkpoint.at if checkpoint else None,
        checked=datetime.fromisoformat(kept["at"]) if kept else None,
        broken=str(kept.get("broken", "")),
    )


async def poll(services: Services, customer: str) -> None:
    """The day's work, at an hour of the day that is the customer's own, so that a thousand do not all come at once."""
    now = services.clock.now()
    kept = await services.store.get_value(customer, CHECKED)
    today = kept is not None and datetime.fromisoformat(kept["at"]).astimezone(UTC).date() == now.date()
    if today or (kept is not None and now.hour < zlib.crc32(customer.encode()) % HOURS):
        return
    await check(services, customer)


async def check(services: Services, customer: str) -> Verdict:
    """Check the whole trail, log its head, and trim what is older than AUDIT_DAYS if all of it holds."""
    now = services.clock.now()
    verdict = await verify(services.store, services.ledger.seals, customer)
    broken = f"{verdict.broken.kind} at {verdict.broken.position or 'the end'}" if verdict.broken else ""
    AUDIT_CHECKS.labels("broken" if broken else "ok").inc()
    log.info("audit_head", customer=customer, head=verdict.head, entries=verdict.count, verified=not broken)
    if broken:
        log.error("audit_broken", customer=customer, where=broken, strange=verdict.strange)
    elif services.audit_days:
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        await trim(services, customer, midnight - timedelta(days=services.audit_days))
    await services.store.put_value(customer, CHECKED, {"at": now.isoformat(), "broken": broken}, KEPT_SECONDS)
    return verdict


async def trim(services: Services, customer: str, before: datetime) -> int:
    """Take away the entries made before that moment, as far as they follow one another; returns how many."""
    taken = 0
    while batch := await _trim_some(services, customer, before):
        taken += batch
        AUDIT_TRIMMED.inc(batch)
    if taken:
        log.info("audit_trimmed", customer=customer, entries=taken, before=before.isoformat())
    return taken


async def _trim_some(services: Services, customer: str, before: datetime) -> int:
    """One batch: verified, then replaced by a checkpoint, with an entry that says so. A crash leaves all or nothing."""
    store, seals = services.store, services.ledger.seals
    standing = await store.standing(customer)
    last = Checkpoint.read(standing.checkpoint, customer, seals) if standing.checkpoint else None
    old = _older(await store.audit(customer, limit=AT_ONCE), before)
    bad = standing.checkpoint and last is None
    if not old or bad or first_break(seals, old, last.hash if last else ""):
        if old:
            AUDIT_CHECKS.labels("not trimmed").inc()
            log.error("audit_not_trimmed", customer=customer, why="it does not verify")
        return 0
    now = services.clock.now()
    position, _, found = old[-1]
    checkpoint = Checkpoint(
        customer=customer, position=position, hash=found, count=len(old) + (last.count if last else 0), at=now
    )
    made = Trim(last=position, before=standing.checkpoint, checkpoint=checkpoint.text(seals))
    more = {"entries": len(old), "hash": found}
    entry = Entry(at=now, what="audit trimmed", who="watchkeeper", subject=f"audit:{position}", more=more)
    try:
        await services.ledger.commit(customer, [], [entry], made)
    except Conflict:
        log.info("audit_trimmed_by_another", customer=customer)
        return 0
    return len(old)


def _older(rows: Sequence[Row], before: datetime) -> list[Row]:
    """The rows up to the first that was made at that moment or later, or whose time cannot be read."""
    old: list[Row] = []
    for row in rows:
        at = seen(row, "").at
        if at is None or at >= before:
            break
        old.append(row)
    return old
