"""/warn VALUE [forever|..d] [severity] REASON: asks to warn people of something, who may then go on."""

from bot.defender.client import Defender
from bot.responses.declared import Response
from bot.responses.indicators import making
from bot.roles import Role
from handlers.indicator_aim import AIM, INDICATOR, expiry, severity
from handlers.proposing import command_for

RESPONSE = Response(
    name="warn",
    family="indicator",
    how=making("Warn"),
    calls=(Defender.submit_indicator,),
    risk="medium",
    asks=Role.OPERATOR,
    group="address",
    target=INDICATOR,
    parameters=(expiry(), severity()),
    inverse="unblock",
)

COMMAND = command_for(
    RESPONSE,
    aim=AIM,
    examples=("/warn fileshare[.]example 30d not our file share",),
)

TEXTS = {
    "help.warn.summary": "asks to warn people of something, who may then go on",
    "response.warn.name": "Warning",
    "response.warn.title": "Warn of {device}",
    "response.warn.button": "Warn",
    "response.warn.effect": (
        "People are warned and may go on. One page of Microsoft's says that this works with Defender for Cloud "
        "Apps only. An indicator that is there for it now is replaced: where that blocks, the block ends."
    ),
    "response.warn.stand.succeeded": (
        "**Defender holds the indicator: {status}.** When each device follows, it does not say."
    ),
    "response.warn.undo": "Unblock removes the indicator. What was there before does not come back by itself.",
}
