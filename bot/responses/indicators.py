"""How indicators are made and removed in Defender, and recognised there (defender-api 14).

One value has one indicator: making another replaces it. Ours carries the request's mark at the beginning of its title.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast, get_args

from bot.defender.client import Defender
from bot.defender.indicators.models import (
    MOST_ACTIVE,
    Draft,
    Indicator,
    IndicatorAction,
    Severity,
)
from bot.defender.indicators.values import Value, recognise
from bot.errors import Missing, Rejected, ServiceError, Unavailable
from bot.responses.declared import How, Remote
from bot.responses.how import SETTLING, sent_as
from bot.responses.models import Request, Work
from bot.wire import folded

ACTION, EXPIRES, SEVERITY = "indicatorAction", "expirationTime", "severity"
"""The parameters of a request; an action that a response always takes is no parameter of it."""
FOREVER = "forever"
NOW = "indicator-now"
"""The fact of the evidence that says which action holds for the value; NONE where there is none, empty if unread."""
NONE = "none"
CHANGED = "trouble.indicator_changed"
REMOVED, MONITORED = "Removed", "Monitored"
"""Our words for what the service has none for, or one that means something else here."""
FULL = "IndicatorsFull"
"""The code of a refusal whose cause we found ourselves: the tenant holds as many as it may."""
READ_FIRST = 4.0
"""Seconds for what is read beside a change, so that both end in the time of a sending."""
NEAR = timedelta(days=1)
"""So far apart two times of expiry count as the same."""
NEEDS = (Defender.indicators_for, Defender.indicators)
_SEVERITIES: Mapping[str, Severity] = {word: word for word in get_args(Severity)}


def making(action: IndicatorAction | None = None) -> How:
    """An indicator of that action, or of the one among the request's parameters."""

    def wanted(request: Request) -> IndicatorAction:
        return action or cast(IndicatorAction, request.parameters[ACTION])

    async def send(remote: Remote, request: Request, comment: str) -> Work:
        draft = draft_of(request, recognise(request.target.id), wanted(request), comment)
        try:
            made = await remote.defender.submit_indicator(draft)
        except Rejected as refused:
            raise await why_refused(remote, refused) from None
        return _work(request, made, wanted(request)).model_copy(update={"ours": True})

    async def find(remote: Remote, request: Request) -> list[Work]:
        found = [_work(request, one, wanted(request)) for one in await held(remote, request)]
        return [work for work in found if work.ours or work.same]

    async def look(remote: Remote, request: Request) -> Work:
        name = sent_as(request)
        for one in await held(remote, request):
            if one.id == name:
                return _work(request, one, wanted(request))
        raise Missing("defender", "indicators", code="gone")

    return How(send=send, find=find, look=look, still=unchanged, needs=NEEDS)


def removing() -> How:
    """No indicator for the value any more, whatever it did."""

    async def send(remote: Remote, request: Request, _comment: str) -> Work:
        found = await read_first(held(remote, request))
        gone = Work(status=REMOVED, state="succeeded", ours=True, id=",".join(one.id for one in found))
        try:
            if len(found) == 1:
                await remote.defender.delete_indicator(found[0].id)
            elif found:
                await remote.defender.delete_indicators([one.id for one in found])
        except Missing:
            found = []
        return gone if found else gone.model_copy(update={"id": "", "ours": False, "same": True})

    async def find(remote: Remote, request: Request) -> list[Work]:
        return [] if await held(remote, request) else [Work(status=REMOVED, state="succeeded", same=True)]

    async def look(remote: Remote, request: Request) -> Work:
        left = await held(remote, request)
        name = request.attempt.action if request.attempt else ""
        stays = any(one.id in name.split(",") or not name for one in left)
        return Work(id=name, status=REMOVED, state="active" if stays else "succeeded")

    return How(send=send, find=find, look=look, still=unchanged, needs=NEEDS, settles=SETTLING)


async def held(remote: Remote, request: Request) -> list[Indicator]:
    """The active indicators for the request's value."""
    value = recognise(request.target.id)
    return await remote.defender.indicators_for(value.text, value.type)


async def unchanged(remote: Remote, request: Request) -> tuple[str, Mapping[str, str]]:
    """Whether another action holds for the value than the one that people were shown when they decided."""
    facts = request.evidence.facts if request.evidence else ()
    was = next((fact.value for fact in facts if fact.key == NOW), "")
    now = action_of(await held(remote, request))
    same = not was or folded(was) == folded(now)
    return ("", {}) if same else (CHANGED, {"was": was, "now": now})


def action_of(found: Sequence[Indicator]) -> str:
    """What holds for a value, in the service's word."""
    return (found[0].action or "?") if found else NONE


def draft_of(request: Request, value: Value, action: IndicatorAction, comment: str) -> Draft:
    """The indicator that a request asks for; its time of expiry counts from the sending."""
    return Draft(
        type=value.type,
        value=value.text,
        action=action,
        title=f"{request.mark} {action} by Watchkeeper",
        description=comment,
        severity=_SEVERITIES.get(request.parameters.get(SEVERITY, ""), "Medium"),
        expires=expiry_of(request),
    )


def expiry_of(request: Request) -> datetime | None:
    """When the indicator is to end by itself; None: never."""
    days = request.parameters.get(EXPIRES, FOREVER).removesuffix("d")
    began = request.attempt.began if request.attempt else request.created
    return began.replace(microsecond=0) + timedelta(days=int(days)) if days.isdigit() else None


def _work(request: Request, one: Indicator, action: IndicatorAction) -> Work:
    """An indicator in the words of the state machine: ours, another's that does the same, or ours that was changed."""
    alike = one.does == folded(action)
    ours = request.marked(one.title or "")
    return Work(
        id=one.id,
        status=MONITORED if one.does == "audit" else one.action or "",
        state="succeeded" if alike else "cancelled",
        at=one.last_update_time,
        who=one.maker,
        kind=one.indicator_type or "",
        ours=ours,
        same=alike and one.everywhere and _same_end(expiry_of(request), one.expiration_time),
    )


def _same_end(wanted: datetime | None, there: datetime | None) -> bool:
    if wanted is None or there is None:
        return wanted is there
    return abs(wanted - there) <= NEAR


async def why_refused(remote: Remote, refused: Rejected) -> Rejected:
    """The refusal, with its cause where that is that the tenant is full: the pages name no code for it."""
    try:
        async with asyncio.timeout(READ_FIRST):
            active = await remote.defender.indicators(top=MOST_ACTIVE)
    except (ServiceError, TimeoutError):
        return refused
    if len(active) < MOST_ACTIVE:
        return refused
    return Rejected(refused.service, refused.operation, status=refused.status, code=FULL, message=refused.message)


async def read_first(reading: Awaitable[list[Indicator]]) -> list[Indicator]:
    """What is there right before a change; where that cannot be read, surely nothing was changed."""
    try:
        async with asyncio.timeout(READ_FIRST):
            return await reading
    except TimeoutError:
        code = "deadline"
    except Unavailable as error:
        code = error.code
    raise Unavailable("defender", "indicators", sent=False, code=code)
