"""What is asked of the queue: no wake-up is swallowed, a round is asked for once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import handlers
from bot.command import Watcher
from bot.job_queue import JobQueue, Task
from bot.jobs import ASKED, Jobs
from bot.state.memory import MemoryStore
from bot.state.store import Change, Record
from tests.responses.people import TENANT
from tests.responses.stage import Stage
from tests.state.redis_process import RedisProcess

KIND = "of another version"


class HeldStore(MemoryStore):
    """Reading a record of that kind, which is all that its job does, is counted and lasts until it is let go."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.read = 0
        self.go = asyncio.Event()

    async def get(self, customer: str, kind: str, key: str) -> Record | None:
        found = await super().get(customer, kind, key)
        if kind == KIND:
            self.read += 1
            await self.go.wait()
        return found


class NotingQueue(JobQueue):
    """Takes what is added, and does nothing with it; `full`: it takes nothing."""

    def __init__(self) -> None:
        self.added: list[str] = []
        self.full = False

    async def add(self, task: Task, *arguments: str, key: str, when: Any) -> None:
        if self.full:
            raise ConnectionError("no queue at the moment")
        self.added.append(key)


@asynccontextmanager
async def jobs_on(redis: RedisProcess) -> AsyncIterator[tuple[Jobs, HeldStore]]:
    stage = Stage()
    store = stage.store = HeldStore(stage.clock)
    await store.commit(TENANT, [Change(kind=KIND, id="x", rev=0, data={"v": 9})])
    features = replace(handlers.features(30.0), watchers=(), views=())
    jobs = Jobs(redis.url, features, list)
    await jobs.start(stage.services())
    try:
        yield jobs, store
    finally:
        store.go.set()
        await jobs.stop(5.0)


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not what():  # noqa: ASYNC110 - docket's worker makes it true
            await asyncio.sleep(0.02)


async def test_no_wake_up_is_swallowed(redis):
    """Whoever asks while a job runs that has read the record before gets another, each time."""
    async with jobs_on(redis) as (jobs, store):
        for count in range(1, 6):
            await jobs.soon(TENANT, KIND, "x")
            await until(lambda count=count: store.read == count)
        await asyncio.sleep(0.5)
        assert store.read == 5


async def test_a_round_is_asked_for_once():
    """Sweeps that come soon after ask for no round that the queue took; one that it did not take is asked for again."""
    stage, watcher = Stage(), Watcher(name="w", every=30.0, poll=None)
    jobs, queue = Jobs("redis://127.0.0.1:1/0", handlers.features(30.0), list), NotingQueue()
    jobs._services, jobs._queue = stage.services(), queue
    queue.full = True
    await jobs._next_poll(TENANT, watcher)
    queue.full = False
    for _ in range(3):
        await jobs._next_poll(TENANT, watcher)
    assert len(queue.added) == 1
    stage.clock.move(30)
    await jobs._next_poll(TENANT, watcher)
    assert len(set(queue.added)) == 2
    (key, (number, at)) = next(iter(jobs._asked.items()))
    jobs._asked[key] = (number, at - ASKED - timedelta(seconds=1))
    await jobs._next_poll(TENANT, watcher)
    assert queue.added[1:] == [queue.added[1]] * 2
