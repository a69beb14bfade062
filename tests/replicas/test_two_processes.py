"""Two processes of the bot and a Redis, killed and restarted under load: nothing is doubled, nothing is lost."""

import asyncio
import re
import time

import pytest
import pytest_asyncio

from bot.demo import ADELE, MEGAN, PATTI, TENANT
from bot.posting import LEASE
from tests.integration.talk import chat, heard, verbs
from tests.replicas.load import Load, loaded
from tests.replicas.pair import Pair, paired
from tests.served import Served
from tests.soak.cards_read import taken
from tests.state.redis_process import redis_process

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def redis():
    with redis_process() as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pair(redis, tmp_path_factory):
    async with paired(redis, tmp_path_factory.mktemp("data"), size="company") as started:
        yield started


def polls(pair: Pair) -> int:
    """How often the first company's incidents were read."""
    return sum(1 for name, tenant, _ in pair.sim.calls if (name, tenant) == ("graph.incidents.list", TENANT))


async def test_two_processes_are_one_bot(pair):
    """A turn is worked on once, whichever gets it; the other gives the same answer; each round polls once."""
    one, two = (pair.to(bot) for bot in pair.bots)
    here = chat(pair, [ADELE, MEGAN, PATTI], "channel")
    activity = pair.activity(ADELE, here, text="/whoami")
    await asyncio.gather(one.send(activity), two.send(activity))
    await two.send(activity)
    assert len(heard(pair, here)) == 1
    await one.say(PATTI, "/subscribe", here)
    device = next(
        d for d in pair.sim.first.devices.values() if d.online and d.os == "Windows11" and d.onboarding == "onboarded"
    )
    await two.say(ADELE, f"/isolate {device.id} it talks to a bad host", here)
    card = await pair.until(lambda: next((m for m in heard(pair, here) if "approve" in verbs(m)), None))
    before, began = polls(pair), time.monotonic()
    first = await one.click(MEGAN, card, "approve", id="the same press")
    assert await two.click(MEGAN, card, "approve", id="the same press") == first
    assert taken("approve", MEGAN.name, first)
    await pair.until(lambda: pair.actions(device.id))
    await asyncio.sleep(4)  # rounds are a second apart
    assert 2 <= polls(pair) - before <= time.monotonic() - began + 2
    assert len(pair.actions(device.id)) == 1
    assert sum([await turns(pair, bot) for bot in pair.bots]) == 7


async def turns(pair: Pair, bot: Served) -> int:
    """How many turns a process took, by its own metrics: each process has a port for them."""
    answer = await pair.http.get(f"http://127.0.0.1:{bot.metrics_port}/metrics")
    counts = re.findall(r"^watchkeeper_turn_seconds_count.* ([0-9.]+)$", answer.text, re.MULTILINE)
    return int(sum(map(float, counts)))


async def settled(load: Load) -> None:
    """Wait until all that was asked and approved is done, and each incident stands somewhere."""
    try:
        async with asyncio.timeout(90):
            while load.undone() or load.cardless() or load.unanswered():
                await load.send_again()
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise AssertionError(load.look()) from None


async def test_kills_and_restarts_under_load(pair, redis):
    """Either process killed, Redis killed, one restarted as it should be, while people work and incidents come."""
    one, two = pair.bots
    async with loaded(pair) as load:
        await asyncio.sleep(pair.dice.uniform(1.0, 2.0))
        await one.kill()
        await pair.again(one)
        await asyncio.sleep(pair.dice.uniform(0.5, 1.0))
        await asyncio.to_thread(redis.kill)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(redis.start)
        await asyncio.gather(*(bot.ready(pair.http, 30.0) for bot in pair.bots))
        assert await one.stop(10.0) == 0  # a rolling restart, in the midst of which the other dies
        await pair.again(one)
        await two.kill()
        await pair.again(two)
    redis.age(LEASE)  # what died held leases
    await settled(load)
    assert len(load.approved) >= 2
    assert load.doubled() == []
    assert sum(load.cards()[number] - 1 for number in load.incidents) <= 3  # posts of what died, whose answer was lost
