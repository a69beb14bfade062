"""The auditor's fourth part: nothing that waits is forgotten, and what Teams did not take is counted."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from bot.command import View
from bot.errors import Conflict
from bot.posts import Post, Shownable
from bot.records import newest, read, write
from bot.services import Services
from handlers.findings import Findings

log = structlog.get_logger()

PART = "records"
SCANNED = 200
MOST_DUE = 5000
OVERDUE = timedelta(minutes=2)
WAITS_LONG = timedelta(hours=1)
MOST_WAITS = 500
FAR = timedelta(days=4000)


async def compare_records(
    services: Services,
    customer: str,
    findings: Findings,
    views: Mapping[str, View],
    waited: Mapping[str, datetime],
) -> None:
    """Wake what is overdue, give a due time to what lost it, count posts that wait or may not stand.

    Looked at are the newest of each kind and what the other parts have read. `waited` says since when a post was seen
    to wait.
    """
    for kind, view in views.items():
        found = await newest(services.store, customer, kind, view.model, limit=SCANNED)
        findings.seen |= {(kind, record.id): record for record in found}
    findings.count(PART, len(findings.seen))
    await _wake_overdue(services, customer, findings)
    await _rouse(services, customer, findings, views)
    _count_posts(findings, waited, services.clock.now())


async def _wake_overdue(services: Services, customer: str, findings: Findings) -> None:
    overdue = await services.store.due(customer, services.clock.now() - OVERDUE)
    findings.gap("overdue", len(overdue))
    for due in overdue:
        await services.wake(customer, due.kind, due.id)
    findings.mended("overdue", len(overdue))


async def _rouse(services: Services, customer: str, findings: Findings, views: Mapping[str, View]) -> None:
    """Find what should be woken some time and has no due time; it is read again before it is written."""
    now = services.clock.now()
    due = await services.store.due(customer, now + FAR, limit=MOST_DUE)
    known = {(one.kind, one.id) for one in due}
    horizon = due[-1].at if len(due) >= MOST_DUE else None
    for (kind, key), record in findings.seen.items():
        wants = record.due(now) if kind in views and (kind, key) not in known else None
        if wants and (horizon is None or wants < horizon):
            roused = await _roused(services, customer, views[kind], key)
            findings.gap("asleep", roused is not None)
            findings.mended("asleep", bool(roused))


async def _roused(services: Services, customer: str, view: View, key: str) -> bool | None:
    """Write the record anew with its due time: None where it is at rest by now, False where somebody wrote first."""
    found = await read(services.store, customer, view.kind, key, view.model)
    now = services.clock.now()
    if not found or found[0].due(now) is None:
        return None
    try:
        await services.ledger.commit(customer, [write(view.kind, found[0], now, found[1])])
    except Conflict:
        return False
    await services.wake(customer, view.kind, key)
    return True


def _count_posts(findings: Findings, waited: Mapping[str, datetime], now: datetime) -> None:
    """Posts that may or may not stand, and those that Teams has not taken for more than an hour."""
    for (kind, key), record in findings.seen.items():
        findings.unsure += sum(1 for post in record.posts if post.state == "unsure")
        for name in _waiting(record, f"{kind}:{key}"):
            if len(findings.waits) < MOST_WAITS:
                findings.waits[name] = waited.get(name, now)
    findings.waiting = sum(1 for since in findings.waits.values() if now - since >= WAITS_LONG)


def _waiting(record: Shownable, name: str) -> Sequence[str]:
    return [f"{name}:{_where(post)}" for post in record.outdated()]


def _where(post: Post) -> str:
    return f"{post.key}:{post.place.id}"
