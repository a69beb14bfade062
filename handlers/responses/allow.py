"""/allow VALUE [30d|forever|..d] REASON: asks to let something pass although Defender would stop it."""

from bot.defender.client import Defender
from bot.responses.declared import Response
from bot.responses.indicators import making
from bot.roles import Role
from handlers.indicator_aim import AIM, INDICATOR, expiry, severity
from handlers.proposing import command_for

RESPONSE = Response(
    name="allow",
    family="indicator",
    how=making("Allowed"),
    calls=(Defender.submit_indicator,),
    risk="high",
    asks=Role.OPERATOR,
    group="address",
    target=INDICATOR,
    parameters=(expiry("30d"), severity("Informational")),
    inverse="unblock",
)

COMMAND = command_for(
    RESPONSE,
    aim=AIM,
    examples=("/allow tools[.]fabrikam-partner[.]example 90d false positive, see ticket 4712",),
)

TEXTS = {
    "help.allow.summary": "asks to let something pass although Defender would stop it",
    "response.allow.name": "Allowance",
    "response.allow.title": "Allow {device}",
    "response.allow.button": "Allow",
    "response.allow.effect": (
        "Defender no longer stops it on any device, as soon as each has heard of it, even if it is harmful. An "
        "indicator that is there for it now is replaced."
    ),
    "response.allow.stand.succeeded": (
        "**Defender holds the indicator: {status}.** When each device follows, it does not say."
    ),
    "response.allow.undo": "Unblock removes the indicator. What was there before does not come back by itself.",
}
