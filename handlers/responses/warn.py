"""/warn VALUE [forever|..d] [severity] REASON: asks to warn people of something, who may then go on."""

from bot.responses.indicators import making
from handlers.indicator_aim import AIM, expiry, indicating, said_of, severity
from handlers.proposing import command_for

RESPONSE = indicating(
    name="warn",
    how=making("Warn"),
    risk="medium",
    group="address",
    parameters=(expiry(), severity()),
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
    **said_of("warn"),
}
