"""SIGTERM: what is under way is finished, nothing is taken any more, and it ends in ten seconds whatever hangs."""

import asyncio
from pathlib import Path

import httpx
import pytest

from bot.demo import ADELE, MEGAN, PATTI, TENANT
from bot.simulator.faults import Fault
from bot.state.redis import RedisStore
from tests.integration.talk import chat, heard, verbs, words, working
from tests.replicas.pair import Pair, paired
from tests.state.redis_process import RedisProcess, redis_process

TEN_SECONDS = 10.0
HANGING = ("defender.*", "connector.*", "login.*", "redis frozen")


def leases(redis: RedisProcess) -> list[str]:
    """Leases that somebody holds."""
    with redis.client() as client:
        return [key for key in client.scan_iter() if ":lease:" in key]


async def test_first_not_ready_then_finished_then_closed(redis, tmp_path):
    """At once it is not ready; turns that come nevertheless are answered, slow answers finished; then it takes none."""
    async with paired(redis, tmp_path, count=1) as pair:
        here, there = chat(pair, [ADELE]), chat(pair, [ADELE])
        bot = pair.bots[0]
        await pair.say(ADELE, "/whoami", here)
        pair.sim.faults.add("defender.machines.list", Fault(kind="slow", seconds=4, times=20))
        await pair.say(ADELE, "/devices", here)
        assert working(heard(pair, here)[1])
        ending = asyncio.create_task(bot.stop(TEN_SECONDS))
        async with asyncio.timeout(2):
            while (await pair.http.get(f"{bot.url}/readyz")).status_code == 200:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)
        await pair.to(bot).say(ADELE, "/whoami", there)
        assert "Adele" in words(heard(pair, there)[0])
        assert await ending == 0
        assert not working(heard(pair, here)[1])
        with pytest.raises(httpx.ConnectError):
            await pair.http.get(f"{bot.url}/readyz")
        assert leases(redis) == []


async def ends_though_it_hangs(folder: Path, hanging: str) -> None:
    """A person presses and another asks while something hangs; then the signal comes."""
    with redis_process() as redis:
        async with paired(redis, folder, count=1) as pair:
            here = chat(pair, [ADELE, PATTI, MEGAN], "channel")
            bot, device = pair.bots[0], next(iter(pair.sim.first.devices.values()))
            await pair.say(PATTI, "/subscribe", here)
            await pair.say(ADELE, f"/isolate {device.id} it talks to a bad host", here)
            card = await pair.until(lambda: next((m for m in heard(pair, here) if "approve" in verbs(m)), None), 30)
            if hanging.startswith("redis"):
                redis.freeze()
            else:
                pair.sim.faults.add(hanging, Fault(kind="timeout", seconds=60, times=10_000))
            talking = [
                asyncio.create_task(pair.to(bot).click(MEGAN, card, "approve")),
                asyncio.create_task(pair.to(bot).say(ADELE, "/devices", here)),
            ]
            await asyncio.sleep(1.5)  # so that all of it hangs when the signal comes
            assert await bot.stop(TEN_SECONDS) == 0, hanging
            for task in talking:
                task.cancel()
            await asyncio.gather(*talking, return_exceptions=True)
            if not hanging.startswith("redis"):
                assert leases(redis) == [], hanging
            if hanging.startswith("defender"):
                await _interrupted_by_record(pair, redis, here)


async def _interrupted_by_record(pair: Pair, redis: RedisProcess, here: str) -> None:
    """The working card of an answer that never came is a record, by which another process says so."""
    cards = [message for message in heard(pair, here) if working(message)]
    store = RedisStore.open(redis.url)
    assert [await store.get(TENANT, "reply", card.id) is not None for card in cards] == [True]
    await store.close()


async def test_it_ends_whatever_hangs(tmp_path):
    """A service, the connector or Redis that never answers holds up neither the end nor the exit code."""
    folders = [tmp_path / str(number) for number in range(len(HANGING))]
    for folder in folders:
        folder.mkdir()
    await asyncio.gather(*map(ends_though_it_hangs, folders, HANGING))
