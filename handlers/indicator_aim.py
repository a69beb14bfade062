"""The target of an indicator: a hash, certificate, address, domain or URL, as it was typed or pasted.

What must not be blocked is refused here; what an approver is told of it is read in handlers/indicator_facts.py.
"""

import asyncio
import re
from functools import partial

from bot.command import Context
from bot.defender.client import Defender
from bot.defender.indicators.spared import microsofts
from bot.defender.indicators.values import CERTIFICATE, FILES, Value, covers, inside, recognise
from bot.errors import NotFound, ServiceError, UsageError
from bot.graph.client import Graph
from bot.responses.declared import Parameter, Response
from bot.responses.indicators import FOREVER
from bot.responses.models import Target
from bot.roles import Role
from handlers.aiming import READ_SECONDS, Aim
from handlers.indicator_facts import FACT_NEEDS, gather

INDICATOR = "indicator"
HINT = "VALUE"
HURTS = frozenset({"block", "warn", "block-list"})
"""The responses that keep people or programs from what they are aimed at."""
REMEDIATE = "remediate"
SHORT = 12
"""So many characters of a hash stand in a title."""
DAYS = (1, 3, 7, 14, 30, 60, 90, 180, 365)
_EXPIRIES = {FOREVER: FOREVER, **{f"{days}d": f"{days}d" for days in DAYS}}
_SEVERITIES = {word.casefold(): word for word in ("Medium", "Low", "High", "Informational")}
_DAYS = re.compile(r"\d{1,5}\s?d(?:ays?)?", re.IGNORECASE | re.ASCII)

indicating = partial(
    Response,
    family="indicator",
    calls=(Defender.submit_indicator,),
    asks=Role.OPERATOR,
    target=INDICATOR,
    inverse="unblock",
)
"""A response that leaves an indicator for a value."""


def said_of(response: str) -> dict[str, str]:
    """What the cards of each such response say of its end and of what undoes it."""
    return {
        f"response.{response}.stand.succeeded": (
            "**Defender holds the indicator: {status}.** When each device follows, it does not say."
        ),
        f"response.{response}.undo": (
            "Unblock removes the indicator. What was there before does not come back by itself."
        ),
    }


def expiry(default: str = FOREVER) -> Parameter:
    """For how long, `default` where nothing is said."""
    return Parameter(name="expirationTime", choices={default: default, **_EXPIRIES})


def severity(default: str = "Medium") -> Parameter:
    """How severe the alerts of the indicator are."""
    return Parameter(name="severity", choices={default.casefold(): default, **_SEVERITIES})


async def find(context: Context, word: str, command: str, rest: str) -> Target:
    """What the word is. Raises UsageError (also for what would hurt the own company), NotFound, ServiceError."""
    value = recognise(word)
    _check_words(value, rest)
    if command in HURTS:
        await spare(context, value)
    if command == "unblock":
        await _must_exist(context, value)
    return Target(id=value.id, name=name_of(value), kind=INDICATOR)


def _check_words(value: Value, rest: str) -> None:
    """What stands before the reason and is none of the choices, although it was meant as one."""
    words = rest.casefold().split(" ")
    if words[0] == REMEDIATE and value.type not in FILES:
        raise UsageError("error.indicator.remediate")
    wrong = next((one for one in words[:3] if _DAYS.fullmatch(one) and one not in _EXPIRIES), "")
    if wrong:
        raise UsageError("error.indicator.days", said=wrong, choices=", ".join(_EXPIRIES))


def name_of(value: Value) -> str:
    """What a title calls it; an address in a spelling that is no link."""
    if value.type == "CertificateThumbprint":
        return f"{CERTIFICATE}{value.text[:SHORT]}…"
    if value.type in FILES:
        return f"{value.type.removeprefix('File').upper()} {value.text[:SHORT]}…"
    return value.shown


async def spare(context: Context, value: Value) -> None:
    """Refuse what the own company needs. Domains that cannot be read refuse nothing: the evidence says so."""
    if inside(value):
        raise UsageError("error.indicator.inside", value=value.shown)
    if host := microsofts(value):
        raise UsageError("error.indicator.microsoft", value=value.shown, host=host)
    if value.host:
        for domain in await own_domains(context):
            if covers(value, domain):
                raise UsageError("error.indicator.own", value=value.shown, domain=domain)


async def own_domains(context: Context) -> list[str]:
    """The company's verified domains; empty where they cannot be read."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            return [one.id for one in await context.graph.domains() if one.is_verified is not False]
    except (ServiceError, TimeoutError):
        return []


async def _must_exist(context: Context, value: Value) -> None:
    """There must be something to remove, unless that cannot be read."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            found = await context.defender.indicators_for(value.text, value.type)
    except (ServiceError, TimeoutError):
        return
    if not found:
        raise NotFound("error.indicator.none", value=value.shown)


AIM = Aim(
    kind=INDICATOR,
    hint=HINT,
    find=find,
    gather=gather,
    needs=(*FACT_NEEDS, Defender.indicators_for, Graph.domains),
    missing="error.no_indicator",
)
