"""/unblock VALUE REASON: asks to remove the indicator of a value, whether it blocks, warns, monitors or allows."""

from bot.defender.client import Defender
from bot.responses.declared import Response
from bot.responses.indicators import removing
from bot.roles import Role
from handlers.indicator_aim import AIM, INDICATOR
from handlers.proposing import command_for

RESPONSE = Response(
    name="unblock",
    family="indicator",
    how=removing(),
    calls=(Defender.delete_indicator, Defender.delete_indicators),
    risk="high",
    asks=Role.OPERATOR,
    group="address",
    target=INDICATOR,
)

COMMAND = command_for(
    RESPONSE,
    aim=AIM,
    examples=(
        "/unblock hxxps://bad[.]example/login the site was cleaned",
        "/unblock 3395856ce81f2b7382dee72602f798b642f14140 wrong file",
    ),
)

TEXTS = {
    "help.unblock.summary": "asks to remove the indicator of something, whatever it does",
    "response.unblock.name": "Removal of an indicator",
    "response.unblock.title": "Remove the indicator of {device}",
    "response.unblock.button": "Unblock",
    "response.unblock.effect": (
        "Defender treats it as if nobody had said anything about it. Where the indicator allowed it, Defender may "
        "stop it now."
    ),
    "response.unblock.stand.succeeded": (
        "**There is no indicator for it any more.** When each device follows, Defender does not say."
    ),
    "response.unblock.undo": "Nothing does by itself: ask for the indicator anew, as the card shows what it was.",
}
