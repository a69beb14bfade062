"""The bot killed for good (SIGKILL) on its way from the approval to the end, with a real Redis and real HTTP."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.audit import Ledger
from bot.demo import TENANT
from bot.responses import requests
from bot.responses.models import Person, Request, State
from bot.simulator import Fault, Simulator
from bot.simulator.actions import Pace
from bot.state.redis import RedisStore
from tests.responses.bot_process import AUDIT_KEY, CHANNEL, main
from tests.state.redis_process import RedisProcess, redis_process

ADELE = Person(id="adele", tenant=TENANT, name="Adele Vance")
MEGAN = Person(id="megan", tenant=TENANT, name="Megan Bowen")
PATIENCE = 20.0
HANGS = {"kind": "slow", "seconds": 60.0}
LIST, ISOLATE, GET = "defender.machineactions.list", "defender.machines.isolate", "defender.machineactions.get"


@dataclass
class Bot:
    """A process of the bot, seen from outside."""

    process: Any
    pipe: Any

    async def ask(self, *words: Any) -> Any:
        """Have something done in it."""
        self.pipe.send(words)
        return await self.answer()

    async def answer(self) -> Any:
        """Wait for what it says."""
        assert await asyncio.to_thread(self.pipe.poll, PATIENCE), "the process does not answer"
        return self.pipe.recv()

    async def kill(self) -> None:
        """SIGKILL: it has no time for anything."""
        self.process.kill()
        await asyncio.to_thread(self.process.join, PATIENCE)


@dataclass
class Scene:
    """A simulated company, a Redis, and processes of the bot that come and go."""

    sim: Simulator
    redis: RedisProcess
    store: RedisStore
    start: Callable[[], Awaitable[Bot]]
    started: list[Bot] = field(default_factory=list)

    @property
    def device(self) -> str:
        return next(
            d.id
            for d in self.sim.first.devices.values()
            if d.os == "Windows11" and d.onboarding == "onboarded" and d.online
        )

    async def request(self) -> Request:
        (record,) = await self.store.newest(TENANT, requests.KIND)
        return Request.model_validate(record.data)

    async def until(self, what: Callable[[], Any]) -> None:
        """Wait until something is seen."""
        for _ in range(int(PATIENCE / 0.01)):
            if what():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("waited in vain")

    async def reaches(self, state: State) -> None:
        """Wait until the request is in that state."""
        for _ in range(int(PATIENCE / 0.01)):
            if (await self.request()).state is state:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("waited in vain")

    def called(self, operation: str) -> Callable[[], bool]:
        """Whether the fault that waits for that call has been met."""
        return lambda: operation not in [name for name, _, _ in self.sim.faults.waiting()]

    async def after_the_kill(self) -> Bot:
        """A new process, once the leases of the dead one have run out."""
        self.redis.age(30)
        self.sim.faults.clear()
        return await self.start()

    async def finish(self, bot: Bot, key: str, *ends: State) -> None:
        """Let the process go on, its time running fast, until the request is in one of these states."""
        async with asyncio.timeout(PATIENCE):
            while (await self.request()).state not in ends:
                await bot.ask("forward", key)
                await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def starter() -> multiprocessing.context.ForkServerContext:
    """Processes are forked from one that has imported everything: it takes no time to start one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.responses.bot_process"])
    return context


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisProcess]:
    with redis_process() as server:
        yield server


@pytest.fixture
async def scene(starter, redis_server: RedisProcess, tmp_path: Path) -> AsyncIterator[Scene]:
    with redis_server.client() as client:
        client.flushall()
    async with Simulator(size="tiny", throttling=False).running() as sim, _store(redis_server.url) as store:
        sim.connector.open(CHANNEL, TENANT)
        sim.dispatcher.pace = Pace(start=0.2, run={"Isolate": 0.2})
        started: list[Bot] = []

        async def start() -> Bot:
            ours, theirs = starter.Pipe()
            process = starter.Process(target=main, args=(theirs, sim.url, redis_server.url, str(tmp_path)), daemon=True)
            process.start()
            started.append(Bot(process, ours))
            assert await started[-1].answer() == "ready"
            return started[-1]

        yield Scene(sim, redis_server, store, start, started)
        for bot in started:
            await bot.kill()


@asynccontextmanager
async def _store(url: str) -> AsyncIterator[RedisStore]:
    store = RedisStore.open(url)
    yield store
    await store.close()


async def asked(scene: Scene) -> tuple[Bot, str]:
    """A process in which an isolation was asked for."""
    bot = await scene.start()
    return bot, await bot.ask("propose", scene.device, ADELE)


async def assert_done(scene: Scene) -> None:
    """One isolation at the service, the record says so, and so does its one card."""
    request = await scene.request()
    entries = scene.sim.world.ledger.created(comment="[WK-")
    assert [entry.action_id for entry in entries] == [request.attempt.action]
    assert request.state is State.SUCCEEDED
    assert scene.sim.first.devices[scene.device].isolated
    await scene.until(lambda: scene.sim.connector.messages("Succeeded", CHANNEL))
    rows = await scene.store.audit(TENANT)
    assert Ledger(scene.store, AUDIT_KEY).first_broken(rows) == ""
    assert sum('"what":"approved"' in text for _, text, _ in rows) == 1


async def decide_again(scene: Scene, bot: Bot, key: str) -> None:
    """Nothing was sent: when the search is over, the approver has it sent again."""
    async with asyncio.timeout(PATIENCE):
        while (await scene.request()).trouble != "trouble.not_found":
            await bot.ask("forward", key)
            await asyncio.sleep(0.05)
    assert scene.sim.world.ledger.created(comment="[WK-") == []
    assert await bot.ask("resend", key, MEGAN) == "approved"


KILLS = {
    "while it posts the first card": ("connector.post", HANGS),
    "while it shows the approval": ("connector.edit", HANGS),
    "while it sends, accepted": (ISOLATE, HANGS),
    "while it sends, accepted and listed late": (ISOLATE, {**HANGS, "unlisted": 1.5}),
    "while it asks how the action stands": (GET, HANGS),
}


@pytest.mark.parametrize("point", KILLS)
async def test_a_killed_process_leaves_one_action_and_a_true_card(scene: Scene, point):
    """Killed in the middle of a call, another process does the rest: one action, an end, and a card that says it."""
    operation, fault = KILLS[point]
    scene.sim.faults.add(operation, Fault(**fault))
    bot, key = await asked(scene)
    if operation == "connector.post":
        await scene.until(scene.called(operation))
    await bot.ask("approve", key, MEGAN)
    await scene.until(scene.called(operation))
    if operation == ISOLATE:  # the service has carried it out, and its answer is on its long way
        await scene.until(scene.sim.world.ledger.created)
    if operation == "connector.edit":  # the step goes on beside the card: in the middle of it, a person would be asked
        await scene.reaches(State.SENT)
    await bot.kill()
    other = await scene.after_the_kill()
    await scene.finish(other, key, State.SUCCEEDED)
    await assert_done(scene)


async def test_killed_right_after_the_approval(scene: Scene):
    """The approval was committed and its process died in that moment: the isolation is sent by another, once."""
    bot, key = await asked(scene)
    bot.pipe.send(("approve_and_die", key, MEGAN))
    await asyncio.to_thread(bot.process.join, PATIENCE)
    other = await scene.after_the_kill()
    await scene.finish(other, key, State.SUCCEEDED, State.UNKNOWN)
    if not scene.sim.world.ledger.created(comment="[WK-"):  # it had come as far as writing down that it will send
        await decide_again(scene, other, key)
    await scene.finish(other, key, State.SUCCEEDED)
    await assert_done(scene)


async def test_killed_before_the_call_a_person_decides(scene: Scene):
    """Killed while it listed the device's actions, nothing was sent: the card asks, and "send again" does it once."""
    scene.sim.faults.add(LIST, Fault(**HANGS))
    bot, key = await asked(scene)
    await bot.ask("approve", key, MEGAN)
    await scene.until(scene.called(LIST))
    await bot.kill()
    other = await scene.after_the_kill()
    await scene.finish(other, key, State.UNKNOWN)
    await decide_again(scene, other, key)
    await scene.finish(other, key, State.SUCCEEDED)
    await assert_done(scene)
