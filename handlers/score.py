"""/score: Microsoft Secure Score, Secure Score for Devices and the exposure score, as figures."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from bot.command import Command, Context, Reply
from bot.errors import ServiceError
from bot.roles import Role
from cards.score import ScoreView, score_card

T = TypeVar("T")


async def _read(reading: Awaitable[T]) -> T | ServiceError:
    try:
        return await reading
    except ServiceError as error:
        return error


async def _run(context: Context, _words: str) -> Reply:
    secure, devices, exposure = await asyncio.gather(
        _read(context.graph.secure_scores(top=1)),
        _read(context.defender.configuration_score()),
        _read(context.defender.exposure_score()),
    )
    answers = {"secure score": secure, "device score": devices, "exposure score": exposure}
    failed = {name: answer for name, answer in answers.items() if isinstance(answer, ServiceError)}
    if len(failed) == len(answers):
        raise next(iter(failed.values()))
    view = ScoreView(
        secure=None if isinstance(secure, ServiceError) or not secure else secure[0],
        devices=None if isinstance(devices, ServiceError) else devices,
        exposure=None if isinstance(exposure, ServiceError) else exposure,
        unread=tuple(failed),
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
