"""/allow VALUE [30d|forever|..d] REASON: asks to let something pass although Defender would stop it."""

from bot.responses.indicators import making
from handlers.indicator_aim import AIM, expiry, indicating, said_of, severity
from handlers.proposing import command_for

RESPONSE = indicating(
    name="allow",
    how=making("Allowed"),
    risk="high",
    group="address",
    parameters=(expiry("30d"), severity("Informational")),
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
    **said_of("allow"),
}
