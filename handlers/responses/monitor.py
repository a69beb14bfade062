"""/monitor VALUE [forever|..d] [severity] REASON: asks to let something pass but raise an alert each time."""

from bot.defender.client import Defender
from bot.responses.declared import Response
from bot.responses.indicators import making
from bot.roles import Role
from handlers.indicator_aim import AIM, INDICATOR, expiry, severity
from handlers.proposing import command_for

RESPONSE = Response(
    name="monitor",
    family="indicator",
    how=making("Audit"),
    calls=(Defender.submit_indicator,),
    risk="medium",
    asks=Role.OPERATOR,
    group="address",
    target=INDICATOR,
    parameters=(expiry("30d"), severity("Informational")),
    inverse="unblock",
)

COMMAND = command_for(
    RESPONSE,
    aim=AIM,
    examples=("/monitor 198[.]51[.]100[.]7 14d who still talks to the old gateway?",),
)

TEXTS = {
    "help.monitor.summary": "asks for an alert whenever something is seen; it is not stopped",
    "response.monitor.name": "Monitoring",
    "response.monitor.title": "Monitor {device}",
    "response.monitor.button": "Monitor",
    "response.monitor.effect": (
        "Defender raises an alert when it sees it, and lets it pass. An indicator that is there for it now is "
        "replaced: where that blocks, the block ends."
    ),
    "response.monitor.stand.succeeded": (
        "**Defender holds the indicator: {status}.** When each device follows, it does not say."
    ),
    "response.monitor.undo": "Unblock removes the indicator. What was there before does not come back by itself.",
}
