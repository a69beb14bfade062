"""The auditor's third part: each request under way holds its device's family, and nothing over holds anything."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from bot.auditreport import Alarm
from bot.errors import Conflict
from bot.records import newest, read, write
from bot.responses import requests
from bot.responses.models import FINAL, Request, State
from bot.responses.requests import ASK, FLIGHT, KIND
from bot.services import Services
from bot.state.store import Change, Record
from handlers.findings import Findings

log = structlog.get_logger()

PART = "requests"
MOST = 500
UNDER_WAY = (State.SENDING, State.SENT, State.UNKNOWN)
SETTLED = timedelta(minutes=2)


async def compare_requests(services: Services, customer: str, findings: Findings) -> None:
    """Compare the requests with what they hold; free what is held by none, give back what one under way lost."""
    await _free_stale(services, customer, findings)
    found = await newest(services.store, customer, KIND, Request, limit=MOST)
    findings.count(PART, len(found))
    findings.seen |= {(KIND, request.id): request for request in found}
    for request in found:
        if request.state in UNDER_WAY:
            await _restore_flight(services, customer, findings, request)


async def _restore_flight(services: Services, customer: str, findings: Findings, request: Request) -> None:
    key = requests.flight_key(request)
    held_by, _ = await requests.holder(services, customer, FLIGHT, key)
    if held_by == request.id:
        return
    current = await read(services.store, customer, KIND, request.id, Request)
    if not current or current[0].state not in UNDER_WAY:
        return
    if held_by:  # by one that is under way too: what nobody holds was freed before
        findings.alarms.append(Alarm(kind="two", request=request.id, device=request.target.name))
        return
    findings.gap("hold")
    hold = Change(kind=FLIGHT, id=key, rev=0, data={"v": 1, "request": request.id})
    same = write(KIND, current[0], services.clock.now(), current[1])  # it must not end between
    findings.mended("hold", await _commit(services, customer, same, hold))


async def _free_stale(services: Services, customer: str, findings: Findings) -> None:
    """A hold of a request that is over, or is no more, would block the device for ever."""
    for kind in (FLIGHT, ASK):
        held = await services.store.newest(customer, kind, limit=MOST)
        keys = sorted({_holder(record) for record in held})
        stored = await services.store.get_many(customer, KIND, keys)
        holders = {record.id: record for record in stored}
        for record in held:
            if _stale(record, holders, services.clock.now()):
                findings.gap("hold")
                free = Change(kind=kind, id=record.id, rev=record.rev, data=None)
                findings.mended("hold", await _commit(services, customer, free))


def _holder(record: Record) -> str:
    return str(record.data.get("request", ""))


def _stale(record: Record, holders: Mapping[str, Record], now: datetime) -> bool:
    """Only a request's last commit frees what it holds: what one that ended a while ago still holds stays for ever."""
    holder = holders.get(_holder(record))
    if holder is None:
        return True
    if holder.state not in {state.value for state in FINAL}:
        return False
    ended = holder.data.get("ended")
    return ended is None or now - datetime.fromisoformat(str(ended)) > SETTLED


async def _commit(services: Services, customer: str, *changes: Change) -> int:
    """Write changes; 0 where somebody else was first."""
    try:
        await services.ledger.commit(customer, changes)
    except Conflict:
        log.info("audit_overtaken", customer=customer, kind=changes[-1].kind)
        return 0
    return 1
