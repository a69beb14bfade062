"""/unblock-list ID REASON: asks to remove the indicators that a request for a list made; an approver decides."""

import asyncio
import re
from collections.abc import Sequence

from bot.command import Context
from bot.defender.client import Defender
from bot.defender.indicators.models import Indicator
from bot.defender.indicators.values import defanged
from bot.errors import NotFound, ServiceError, UsageError
from bot.responses import requests
from bot.responses.declared import Remote, Response
from bot.responses.indicator_list import clearing, made_by
from bot.responses.models import Evidence, Fact, Request, Target
from bot.roles import Role
from handlers.aiming import READ_SECONDS, Aim, last_time
from handlers.indicator_list import VALUES, few
from handlers.proposing import command_for

ID = re.compile(r"WK-[0-9A-Z]{1,20}")
LIST = re.compile(r"list:[0-9a-f]{32}")


async def find(context: Context, word: str, _command: str, _rest: str) -> Target:
    """The request that is meant: by its id, or (on its card) by its list. Raises UsageError, NotFound."""
    request = await _request(context, word)
    if request.response != "block-list" or not request.attempts:
        raise NotFound("error.indicator.no-list", id=request.id)
    if await _made(context, request.id) == []:
        raise NotFound("error.indicator.list-gone", id=request.id)
    return Target(id=request.id, name=f"{request.target.name} ({request.id})", kind=VALUES)


async def _request(context: Context, word: str) -> Request:
    if ID.fullmatch(word.upper()):
        return await requests.get(context.services, context.customer, word.upper())
    if not LIST.fullmatch(word):
        raise UsageError("error.no_request_id", usage=COMMAND.usage)
    of_list = await requests.latest(context.services, context.customer, word)
    found = next((one for one in of_list if one.response == "block-list" and one.attempts), None)
    if found is None:
        raise NotFound("error.no_such_request", id=word)
    return found


async def _made(context: Context, key: str) -> Sequence[Indicator] | None:
    """What bears the request's mark now; None where that cannot be read."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await made_by(Remote(defender=context.defender, graph=context.graph), key)
    except (ServiceError, TimeoutError):
        return None


async def _gather(context: Context, target: Target, response: Response) -> Evidence:
    """How many of them there are, and the first."""
    made = await _made(context, target.id)
    last, last_at = await last_time(context, target, response)
    count = Fact(key="list-there", value="" if made is None else str(len(made)))
    shown = [defanged(one.indicator_value or "?") for one in made or ()]
    facts = [count, *([Fact(key="list-first", value=few(shown))] if shown else [])]
    return Evidence(read_at=context.now, facts=tuple(facts), last_time=last, last_time_at=last_at)


RESPONSE = Response(
    name="unblock-list",
    family="indicator",
    how=clearing(),
    calls=(Defender.delete_indicators,),
    risk="high",
    asks=Role.OPERATOR,
    group="file",
    target=VALUES,
)

COMMAND = command_for(
    RESPONSE,
    aim=Aim(
        kind=VALUES,
        hint="REQUEST",
        find=find,
        gather=_gather,
        needs=(Defender.indicators_titled,),
        missing="error.no_list",
    ),
    examples=("/unblock-list WK-7QX2M the list was for another company",),
)

TEXTS = {
    "help.unblock-list.summary": "asks to remove what a request for a list blocked",
    "response.unblock-list.name": "Removal of a list",
    "response.unblock-list.title": "Remove the indicators of {device}",
    "response.unblock-list.button": "Unblock all",
    "response.unblock-list.effect": (
        "All indicators that bear the mark of that request are removed. Those that somebody changed since stay."
    ),
    "response.unblock-list.stand.succeeded": (
        "**None of them is there any more.** When each device follows, Defender does not say."
    ),
    "response.unblock-list.undo": "Nothing does by itself: ask for the list anew.",
}
