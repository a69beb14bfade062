"""/monitor VALUE [forever|..d] [severity] REASON: asks to let something pass but raise an alert each time."""

from bot.responses.indicators import making
from handlers.indicator_aim import AIM, expiry, indicating, said_of, severity
from handlers.proposing import command_for

RESPONSE = indicating(
    name="monitor",
    how=making("Audit"),
    risk="medium",
    group="address",
    parameters=(expiry("30d"), severity("Informational")),
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
    **said_of("monitor"),
}
