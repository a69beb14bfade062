"""What the auditor must not mend is said once, as a card in each conversation that subscribes."""

import secrets
from collections.abc import Sequence

import structlog

from bot import notices
from bot.auditreport import Alarm
from bot.errors import Conflict
from bot.metrics import AUDITOR_ALARMS
from bot.notices import Notice
from bot.posts import DAY, Post
from bot.records import write
from bot.services import Services
from bot.state.store import Change
from bot.subscribers import active

log = structlog.get_logger()

KIND = "alarm"
KEPT = 180 * DAY
MOST_NEW = 200
ROWS = 5


async def tell(services: Services, customer: str, alarms: Sequence[Alarm]) -> None:
    """Say the alarms that were not said before: one card for all of a run, and a line in the log for each."""
    by_id = {_id(alarm): alarm for alarm in alarms}
    known = {record.id for record in await services.store.get_many(customer, KIND, list(by_id))} if by_id else set()
    fresh = {key: alarm for key, alarm in by_id.items() if key not in known}
    fresh = dict(list(fresh.items())[:MOST_NEW])
    if not fresh:
        return
    now = services.clock.now()
    posts = tuple(
        Post(key="card", place=s.place, locale=s.locale, zone=s.zone) for s in await active(services, customer)
    )
    said = Notice(
        id=secrets.token_hex(8),
        customer=customer,
        posts=posts,
        about="alarms",
        at=now,
        alarms=tuple(fresh.values())[:ROWS],
        total=len(fresh),
    )
    marks = [Change(kind=KIND, id=key, rev=0, data={"v": 1, "at": now.isoformat()}, keep=KEPT) for key in fresh]
    try:
        await services.ledger.commit(customer, [write(notices.KIND, said, now), *marks])
    except Conflict:
        log.info("alarms_said_by_another", customer=customer)
        return
    for alarm in fresh.values():
        AUDITOR_ALARMS.labels(alarm.kind).inc()
        log.error("audit_alarm", customer=customer, about=alarm.kind, action=alarm.action, request=alarm.request)
    await services.wake(customer, notices.KIND, said.id)


def _id(alarm: Alarm) -> str:
    return f"{alarm.kind}-{alarm.action or alarm.request}"
