"""/block VALUE [plain|remediate] [forever|..d] [severity] REASON: asks to block a file, address, domain or URL."""

from bot.responses.declared import Parameter
from bot.responses.indicators import ACTION, making
from handlers.indicator_aim import AIM, REMEDIATE, expiry, indicating, said_of, severity
from handlers.proposing import command_for

RESPONSE = indicating(
    name="block",
    how=making(),
    risk="high",
    group="file",
    parameters=(
        Parameter(name=ACTION, choices={"plain": "Block", REMEDIATE: "BlockAndRemediate"}),
        expiry(),
        severity(),
    ),
)

COMMAND = command_for(
    RESPONSE,
    aim=AIM,
    examples=(
        "/block hxxps://bad[.]example/login 30d phishing page of ticket 4711",
        "/block 3395856ce81f2b7382dee72602f798b642f14140 remediate dropper of incident 1001",
    ),
)

TEXTS = {
    "help.block.summary": "asks to block a file, certificate, address, domain or URL",
    "response.block.name": "Block",
    "response.block.title": "Block {device}",
    "response.block.button": "Block",
    "response.block.effect": (
        "No device may run, open or reach it any more, as soon as each has heard of it. Defender does not say when "
        "that is. An indicator that is there for it now is replaced."
    ),
    "response.block.effect.blockandremediate": (
        "No device may run it any more, and Defender removes it where it finds it. It does not say when each "
        "device has heard of it. An indicator that is there for it now is replaced."
    ),
    **said_of("block"),
}
