"""The bot's processes and Redis: started, killed, started again."""

import asyncio
import contextlib
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import httpx

from tests.fast_clock import FastClock
from tests.served import Served
from tests.soak.trouble import Tally
from tests.state.redis_process import RedisProcess

AMBIGUOUS = re.compile(r"^watchkeeper_ambiguous_posts_total ([0-9.e+]+)", re.MULTILINE)
HARMLESS = frozenset({"info", "warning", "debug"})
PLAIN = re.compile(r"(?:ERROR|CRITICAL) \S+ ")
"""How the line of another library begins that says that something failed."""


class Fleet:
    """Keeps `wanted` processes of the bot alive, as a container platform does, and kills them when told.

    What dies is started again at once; a process that ends without having been told to is counted.
    """

    def __init__(self, bots: list[Served], redis: RedisProcess, http: httpx.AsyncClient, clock: FastClock) -> None:
        self.bots, self.redis, self.http, self.clock = bots, redis, http, clock
        self.wanted = 1
        self.tally = Tally()
        self.ambiguous: Counter[str] = Counter()
        self._ready: set[Served] = set()
        self._redis_busy = asyncio.Lock()
        self._busy: dict[Served, asyncio.Lock] = {bot: asyncio.Lock() for bot in bots}

    def up(self) -> list[Served]:
        """Those that take turns."""
        return [bot for bot in self.bots if bot in self._ready]

    async def keep(self) -> None:
        """Keep as many alive as are wanted, until cancelled."""
        while True:
            await asyncio.gather(*(self._tend(bot, n < self.wanted) for n, bot in enumerate(self.bots)))
            await asyncio.sleep(0.2)

    async def _tend(self, bot: Served, wanted: bool) -> None:  # noqa: FBT001 - one call, above
        async with self._busy[bot]:
            if bot.process and bot.process.poll() is not None:
                self._ready.discard(bot)
                self.tally.counts[f"processes that ended by themselves ({bot.process.returncode})"] += 1
                bot.process = None
            if wanted and bot.process is None:
                bot.start()
            elif not wanted and bot.process:
                self._ready.discard(bot)
                await self._scrape(bot)
                await bot.stop()
            if bot.process and bot not in self._ready and await self._answers(bot):
                self._ready.add(bot)
            if bot in self._ready:
                await self._scrape(bot)

    async def _answers(self, bot: Served) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return (await self.http.get(f"{bot.url}/readyz", timeout=2)).status_code == 200
        return False

    async def _scrape(self, bot: Served) -> None:
        """Read the bot's own count of posts made again."""
        with contextlib.suppress(httpx.HTTPError):
            answer = await self.http.get(f"http://127.0.0.1:{bot.metrics_port}/metrics", timeout=2)
            if (found := AMBIGUOUS.search(answer.text)) and bot.process:
                self.ambiguous[f"{bot.process.pid}"] = int(float(found[1]))

    async def kill(self, dice: Random) -> None:
        """SIGKILL one that lives, in this moment."""
        await until(lambda: any(bot.process for bot in self.bots))
        bot = dice.choice([bot for bot in self.bots if bot.process])
        async with self._busy[bot]:
            await self._scrape(bot)
            self._ready.discard(bot)
            self.tally.doubts.append((self.clock.now(), "kill"))
            self.tally.counts["kills of the bot"] += 1
            await bot.kill()

    async def restart_redis(self) -> None:
        """SIGKILL Redis, and start it on its data."""
        async with self._redis_busy:  # a second server on the same data would be the soak's own fault
            self.tally.counts["restarts of Redis"] += 1
            self.tally.doubts.append((self.clock.now(), "redis"))
            await asyncio.to_thread(self.redis.kill)
            await asyncio.sleep(0.3)
            await asyncio.to_thread(self.redis.start)
            self.tally.doubts.append((self.clock.now(), "redis"))

    async def end(self) -> None:
        """End all of them."""
        for bot in self.bots:
            async with self._busy[bot]:
                self._ready.discard(bot)
                await self._scrape(bot)
                await bot.kill()


async def until(what: Callable[[], bool]) -> None:
    """Wait until something is so; whoever waits has a time limit of their own."""
    while not what():  # noqa: ASYNC110 - what is waited for happens in other processes
        await asyncio.sleep(0.1)


def unexpected(logs: list[Path]) -> list[str]:
    """Lines of the bot's log that say that something was not foreseen, each with the bot's name."""
    found = []
    for log in logs:
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        for line, then in zip(lines, [*lines[1:], ""], strict=False):
            if PLAIN.match(line):
                found.append(f"{log.stem}: {line} / {then}"[:600])
            elif _level(line) not in HARMLESS:
                found.append(f"{log.stem}: {line}"[:600])
    return found


def _level(line: str) -> str:
    """The level of a line of the bot's own; what is none, such as the places of an exception, is taken for harmless."""
    with contextlib.suppress(ValueError):
        entry = json.loads(line)
        return str(entry.get("level")) if isinstance(entry, dict) else "info"
    return "info"
