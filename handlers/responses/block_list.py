"""/block-list [forever|..d] [severity] REASON VALUE..: asks to block up to 500 values with one decision and one call.

The values stand behind the reason, or in a text file that is sent along in a personal chat.
"""

from bot.command import Command, Context, Reply
from bot.defender.client import Defender
from bot.errors import UsageError
from bot.responses.declared import Response
from bot.responses.indicator_list import importing
from bot.roles import Role
from handlers.aiming import Aim
from handlers.indicator_aim import expiry, find, severity
from handlers.indicator_list import (
    LONGEST_LIST,
    NEEDS,
    VALUES,
    gathering,
    is_value,
    listed,
    name_of,
    split,
    target_of,
    values_in_file,
)
from handlers.proposing import Asked, check_reason, choice_of, propose, usage_of
from handlers.standing import admit

RESPONSE = Response(
    name="block-list",
    family="indicator",
    how=importing("Block"),
    calls=(Defender.import_indicators,),
    risk="high",
    asks=Role.OPERATOR,
    group="file",
    target=VALUES,
    parameters=(expiry(), severity()),
    inverse="unblock-list",
)
AIM = Aim(kind=VALUES, hint="", find=find, gather=gathering(()), needs=NEEDS)
USAGE = f"{' '.join(usage_of(RESPONSE, AIM).split())} VALUE.."


def _parse(words: str) -> Asked:
    """The choices, then the reason up to the first word that is a value, then nothing but values."""
    rest, parameters = words, {}
    for parameter in RESPONSE.parameters:
        parameters[parameter.name], rest = choice_of(parameter, rest)
    said = split(rest)
    first = next((n for n, word in enumerate(said) if is_value(word)), len(said))
    reason = " ".join(said[:first])
    check_reason(RESPONSE, reason, USAGE)
    return Asked(target="", parameters=parameters, reason=reason, rest="", values=tuple(said[first:]))


async def _run(context: Context, asked: Asked) -> Reply:
    """The list of the message, or of the file that came with it."""
    await admit(context, RESPONSE)
    words = list(asked.values) or await values_in_file(context)
    if not words:
        raise UsageError("error.indicator.list-empty", usage=USAGE)
    values = await listed(context, words)
    aim = Aim(kind=VALUES, hint="", find=find, gather=gathering(values), needs=NEEDS)
    whole = Asked(
        target="",
        parameters=asked.parameters,
        reason=asked.reason,
        rest="",
        values=tuple(value.id for value in values),
    )
    return await propose(context, RESPONSE, aim, target_of(values, name_of(context.look, values)), whole)


COMMAND = Command(
    name="block-list",
    usage=USAGE,
    examples=("/block-list 30d phishing kit of ticket 4711: bad[.]example 198[.]51[.]100[.]7",),
    role=RESPONSE.asks,
    parse=_parse,
    run=_run,
    needs=NEEDS,
    longest=LONGEST_LIST,
)

TEXTS = {
    "help.block-list.summary": "asks to block up to 500 things at once; in a chat with me also from a text file",
    "response.block-list.name": "Block of a list",
    "response.block-list.title": "Block {device}",
    "response.block-list.button": "Block",
    "response.block-list.effect": (
        "No device may run, open or reach any of them any more, as soon as each has heard of it. Indicators that are "
        "there for them now are replaced. Single values may fail: then the card names them."
    ),
    "response.block-list.stand.succeeded": (
        "**Defender holds all of them: {status}.** When each device follows, it does not say."
    ),
    "response.block-list.stand.partlydone": (
        "**Only some are known to be blocked: {status}.** Below is what became of the others."
    ),
    "response.block-list.stand.failed": "**None is blocked: {status}.** Defender refused every one.",
    "response.block-list.undo": (
        "Unblock all removes those that nobody changed since. What was there before does not come back."
    ),
}
