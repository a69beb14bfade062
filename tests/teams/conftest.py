from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import stamina
from aiohttp import web
from aiohttp.test_utils import TestClient

from bot.clock import SystemClock
from bot.teams.seam import TeamsSeam, TeamsSettings, build_teams
from bot.turn import Answer, Turn
from tests.teams.microsoft import APP, TENANT, Microsoft


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retries happen, their pauses do not."""
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


@dataclass
class Work:
    """What the bot does with turns: it remembers them and answers what it was told to."""

    seen: list[Turn] = field(default_factory=list)
    answer: Answer = field(default_factory=Answer)
    error: Exception | None = None

    async def __call__(self, turn: Turn) -> Answer:
        """Take a turn."""
        self.seen.append(turn)
        if self.error:
            raise self.error
        return self.answer


@dataclass
class World:
    """A running endpoint: `http` posts to it, `microsoft` is everything around it, `work` what it does."""

    http: TestClient[Any, Any]
    microsoft: Microsoft
    work: Work
    seam: TeamsSeam

    async def post(self, body: Any, headers: dict[str, str] | None = None) -> Any:
        """Post an activity."""
        return await self.http.post("/api/messages", json=body, headers=headers or {})


@pytest.fixture
async def world(aiohttp_client) -> AsyncIterator[World]:
    """The endpoint as in production, with Microsoft in memory."""
    microsoft = Microsoft()
    work = Work()
    http = microsoft.client()
    settings = TeamsSettings(app_id=APP, tenants=[TENANT])
    seam = build_teams(
        settings, http=http, auth=None, clock=SystemClock(), on_turn=work, failed=lambda _, ref: f"failed {ref}"
    )
    app = web.Application()
    app.router.add_route("*", "/api/messages", seam.messages.handle)
    yield World(await aiohttp_client(app), microsoft, work, seam)
    await seam.close()
    await http.aclose()
