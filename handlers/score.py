"""/score [now]: Microsoft Secure Score, Secure Score for Devices and the exposure score, and what changed."""

from bot.command import Command, Context, Reply
from bot.defender.client import Defender
from bot.errors import UsageError
from bot.figures import SCORES
from bot.graph.client import Graph
from bot.measures import latest
from bot.roles import Role
from cards.score import ANEW, score_card

USAGE = f"/score [{ANEW}]"


def _parse(words: str) -> bool:
    """Whether to read anew, instead of what was read within the last minute."""
    if words.casefold() not in ("", ANEW):
        raise UsageError("error.score_word", said=words, usage=USAGE)
    return bool(words)


async def _run(context: Context, anew: bool) -> Reply:  # noqa: FBT001 - what the words say is one bit
    figures = await latest(context.services, context.customer, SCORES, anew=anew)
    if not figures.parts():
        raise next(iter(figures.failures.values()))
    return Reply(shown=score_card(context.look, figures))


COMMAND = Command(
    name="score",
    usage=USAGE,
    examples=("/score", f"/score {ANEW}"),
    role=Role.READER,
    parse=_parse,
    run=_run,
    aliases=("scores",),
    menu=True,
    needs=(Graph.secure_scores, Defender.configuration_score, Defender.exposure_score),
)
