"""Several processes of the bot before one simulator and one Redis, and Teams' side of their conversations."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

from bot.app import Bot
from bot.demo import APP_ID, TENANT, Person
from bot.simulator.server import Simulator
from tests.integration.conftest import CHANNEL, OTHER_TENANT, PEOPLE, Stage, open_conversations
from tests.integration.talk import BOTH
from tests.served import Served
from tests.state.redis_process import RedisProcess

PATIENCE = 15.0
"""Teams waits so long for an answer, then it delivers again (teams-platform 5.3)."""
DELIVERIES = 40
PAUSE = 0.25


def environ_for(sim: Simulator, redis_url: str, folder: Path, **more: str) -> dict[str, str]:
    """The variables of `run`, with signed traffic, for a process before that simulator."""
    return {
        "LOGIN_URL": sim.url,
        "GRAPH_URL": sim.url,
        "DEFENDER_URL": sim.url,
        "APP_ID": APP_ID,
        "APP_TENANT_ID": TENANT,
        "BOT_OPENID_URL": f"{sim.url}/v1/.well-known/openidconfiguration",
        "REDIS_URL": redis_url,
        "DATA_DIR": str(folder),
        "AUDIT_KEY": "one key for all replicas, as long as it must be",
        "ALLOWED_TENANTS": f"{TENANT},{OTHER_TENANT}",
        "POLL_SECONDS": "1",
        **BOTH,
        **more,
    }


class Pair(Stage):
    """A stage whose bot is several processes; `deliver` sends to any of them that takes turns, as a proxy does."""

    def __init__(self, sim: Simulator, redis: RedisProcess, bots: Sequence[Served], http: httpx.AsyncClient) -> None:
        nowhere: Any = None
        super().__init__(sim, nowhere, bots[0].url, http, sim.url)
        self.redis = redis
        self.bots = list(bots)
        self.dice = random.Random(3)  # noqa: S311 - it only picks a process
        self.redelivered = 0

    bot: Bot

    async def start(self) -> None:
        """Start all, and wait until they are ready."""
        for bot in self.bots:
            bot.start()
        await asyncio.gather(*(bot.ready(self.http, 30.0) for bot in self.bots))

    async def again(self, bot: Served) -> None:
        """Start one that has ended."""
        bot.start()
        await bot.ready(self.http, 30.0)

    def to(self, bot: Served) -> Stage:
        """The same world, spoken to by way of one process alone."""
        return Stage(self.sim, self.bot, bot.url, self.http, self.service_url)

    async def send(self, activity: dict[str, Any]) -> httpx.Response:
        """Deliver as Teams does: again, with the same id, wherever no answer came; to whichever process is alive."""
        for _ in range(DELIVERIES):
            if bots := [bot for bot in self.bots if bot.process]:
                with contextlib.suppress(httpx.HTTPError):
                    self.url = self.dice.choice(bots).url
                    answer = await super().send(activity)
                    if answer.status_code < 500:
                        return answer
            self.redelivered += 1
            await asyncio.sleep(PAUSE)
        raise AssertionError("nobody answers")

    def actions(self, device: str = "", kind: str = "Isolate") -> list[Any]:
        """The device actions that the service accepted from the bot."""
        return self.sim.world.ledger.created(device, kind)


@contextlib.asynccontextmanager
async def paired(
    redis: RedisProcess, folder: Path, *, count: int = 2, size: str = "tiny", throttling: bool = False, **more: str
) -> AsyncIterator[Pair]:
    """So many processes, started and ready; all are killed at the end."""
    async with Simulator(size=size, throttling=throttling).running() as sim, httpx.AsyncClient() as http:
        open_conversations(sim)
        environ = environ_for(sim, redis.url, folder, **more)
        pair = Pair(sim, redis, [Served(environ, folder, f"bot{n}") for n in range(count)], http)
        try:
            await pair.start()
            yield pair
        finally:
            await asyncio.gather(*(bot.kill() for bot in pair.bots))


async def until(what: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Wait until something is true (or gives something), and return it."""
    async with asyncio.timeout(seconds):
        while not (found := what()):  # noqa: ASYNC110 - another process brings it about
            await asyncio.sleep(0.05)
    return found


__all__ = ["CHANNEL", "PEOPLE", "Pair", "Person", "environ_for", "paired", "until"]
