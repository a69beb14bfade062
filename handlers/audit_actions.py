"""The auditor's second part: machine actions that carry our mark, beside the requests that they belong to.

What must not be is said, and never undone by calling the service: an action there may be the right one.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bot.auditreport import Alarm
from bot.coverage import note_read
from bot.defender.models import MachineAction
from bot.errors import Missing, ServiceError, Stale
from bot.records import readable
from bot.responses import machine, requests
from bot.responses.models import Request, State
from bot.responses.ruling import BY_POLICY
from bot.services import Services
from handlers.findings import Findings

PART = "actions"
SOURCE = "machine-actions"
WINDOW = timedelta(days=7)
MOST = 2000
MOST_ASKED = 20
SLACK = timedelta(minutes=2)
MARK = re.compile(r"\[(WK-[0-9A-Z]{4,20})/(\d{1,4})\]")


async def compare_actions(services: Services, customer: str, findings: Findings) -> None:
    """Compare the actions of the last week with the requests that their marks name; raises ServiceError.

    The actions are listed first: whatever is listed then has its request already.
    """
    try:
        listed = await services.defender(customer).machine_actions(since=services.clock.now() - WINDOW, top=MOST)
    except ServiceError as error:
        await note_read(services, customer, SOURCE, error)
        raise
    await note_read(services, customer, SOURCE)
    findings.count(PART, len(listed))
    if len(listed) >= MOST:
        findings.later.append(PART)
    by_request = _by_request(listed)
    stored = await services.store.get_many(customer, requests.KIND, list(by_request))
    known = {request.id: request for request in readable(stored, Request)}
    unreadable = {record.id for record in stored} - known.keys()
    for key, actions in by_request.items():
        if key not in unreadable:
            findings.alarms += _alarms(known.get(key), key, actions)
    await _compare_states(services, customer, findings, known, by_request)


def _by_request(listed: Sequence[MachineAction]) -> dict[str, list[MachineAction]]:
    """The actions that carry a mark, by the request that it names, oldest first."""
    found: dict[str, list[MachineAction]] = {}
    for action in reversed(listed):
        if mark := MARK.match(action.requestor_comment or ""):
            found.setdefault(mark[1], []).append(action)
    return found


def _alarms(request: Request | None, key: str, actions: Sequence[MachineAction]) -> list[Alarm]:
    """Actions that no approved attempt of a request explains."""
    if request is None:
        return [_alarm("unknown", key, action) for action in actions]
    allowed = approved_attempts(request)
    if not allowed:
        return [_alarm("unapproved", key, action) for action in actions]
    marks: set[str] = set()
    doubled = []
    for action in actions:
        mark = MARK.match(action.requestor_comment or "")
        if mark and (mark[0] in marks or len(marks) >= allowed):
            doubled.append(_alarm("doubled", key, action))
        elif mark:
            marks.add(mark[0])
    return doubled


def approved_attempts(request: Request) -> int:
    """How many sendings people or the policy approved: the first, and each "send again"."""
    by_policy = any(decision.what == BY_POLICY for decision in request.decisions)
    if len(request.approvals) < request.approvals_needed and not by_policy:
        return 0
    return 1 + sum(1 for decision in request.decisions if decision.what == "sent again")


def _alarm(kind: str, key: str, action: MachineAction) -> Alarm:
    return Alarm(kind=kind, action=action.id, request=key, device=action.computer_dns_name or action.machine_id or "")


async def _compare_states(
    services: Services,
    customer: str,
    findings: Findings,
    known: Mapping[str, Request],
    by_request: Mapping[str, Sequence[MachineAction]],
) -> None:
    """One is over and the other is not: here it is brought up, there it is said."""
    now, asked = services.clock.now(), 0
    for key, request in known.items():
        for action in by_request[key]:
            if request.final and action.is_active and asked < MOST_ASKED:
                asked += 1
                if await _still_active(services, customer, action.id):
                    findings.alarms.append(_alarm("active", key, action))
            elif _overlooked(request, action, now):
                findings.gap("action")
                findings.mended("action", await _look_now(services, customer, key, now))


async def _still_active(services: Services, customer: str, action: str) -> bool:
    """Whether it is active even now: the list may be older than the request's end."""
    try:
        return (await services.defender(customer).machine_action(action)).is_active
    except Missing:
        return False


def _overlooked(request: Request, action: MachineAction, now: datetime) -> bool:
    """Whether the service has had news of a request for longer than we wait between two looks."""
    if request.state is State.SENT and request.attempt and request.attempt.action == action.id:
        pause = machine.sent_pause(now - (request.sent_at or now))
        return action.is_final and action.updated is not None and now - action.updated > pause + SLACK
    late = action.created is not None and now - action.created > machine.UNKNOWN_SLOW + SLACK
    return request.state is State.UNKNOWN and late


async def _look_now(services: Services, customer: str, key: str, now: datetime) -> int:
    """Have the request ask the service; 1 where it will."""
    try:
        await requests.transition(services, customer, key, lambda r: machine.look_now(r, now), now=now)
    except Stale:
        return 0
    await services.wake(customer, requests.KIND, key)
    return 1
