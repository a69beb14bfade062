"""/score: Microsoft Secure Score, Secure Score for Devices and the exposure score, as figures."""

import asyncio

from bot.command import Command, Context, Reply
from bot.roles import Role
from cards.score import ScoreView, score_card
from handlers.reading import Sources

READ_SECONDS = 15.0
SCORES = 3


async def _run(context: Context, _words: str) -> Reply:
    sources = Sources(READ_SECONDS)
    secure, devices, exposure = await asyncio.gather(
        sources.read("secure", context.graph.secure_scores(top=1)),
        sources.read("devices", context.defender.configuration_score()),
        sources.read("exposure", context.defender.exposure_score()),
    )
    if len(sources.failed) == SCORES:
        raise next(iter(sources.failed.values()))
    view = ScoreView(
        secure=secure[0] if secure else None,
        devices=devices,
        exposure=exposure,
        unread=sources.unread,
        lacking=sources.lacking,
    )
    return Reply(shown=score_card(context.look, view))


COMMAND = Command(
    name="score",
    usage="/score",
    examples=("/score",),
    role=Role.READER,
    parse=str,
    run=_run,
    aliases=("scores",),
    menu=True,
    permissions=("SecurityEvents.Read.All", "Score.Read.All"),
)
