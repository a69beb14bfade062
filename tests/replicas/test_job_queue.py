"""The queue of jobs: a worker that gets nothing for long is made anew, and the queue goes on as if nothing had been."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
import structlog
from redis import exceptions

from bot.job_queue import JobQueue
from tests.state.redis_process import RedisProcess


class Bell:
    """A task that says that it was done."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.queue: JobQueue | None = None
        self.go = asyncio.Event()
        self.go.set()
        self.running: set[asyncio.Task] = set()

    async def ring(self, name: str) -> None:
        """One job."""
        task = asyncio.current_task()
        self.running.add(task)
        self.queue.begun()
        try:
            await self.go.wait()
            self.rung.append(name)
        finally:
            self.queue.ended()
            self.running.discard(task)


async def unknown(*_args: object, **_more: object) -> None:
    """What no version knows."""


@asynccontextmanager
async def working(redis: RedisProcess, quiet: float = 120.0) -> AsyncIterator[Bell]:
    bell = Bell()
    bell.queue = JobQueue(redis.url, (bell.ring,), unknown, quiet=quiet)
    await bell.queue.start("worker")
    try:
        yield bell
    finally:
        bell.go.set()
        await bell.queue.stop(5.0, bell.running)


async def rung(bell: Bell, name: str) -> None:
    await bell.queue.add(bell.ring, name, key=name, when=datetime.now(UTC))
    async with asyncio.timeout(20):
        while name not in bell.rung:  # noqa: ASYNC110 - docket's worker rings it
            await asyncio.sleep(0.02)


async def test_a_quiet_worker_is_made_anew(redis):
    """However often that happens, jobs are done, and no connection is left behind."""
    async with working(redis, quiet=0.4) as bell:
        await rung(bell, "first")
        connections = await settled_connections(redis)
        with structlog.testing.capture_logs() as logs:
            await asyncio.sleep(3)
        assert [entry["event"] for entry in logs].count("jobs_stuck") >= 1
        assert bell.queue.ready()
        await rung(bell, "second")
        assert await settled_connections(redis) <= connections + 2


@pytest.mark.parametrize(
    ("error", "level"),
    [(exceptions.BusyLoadingError(), "WARNING"), (exceptions.TimeoutError(), "WARNING"), (KeyError(), "ERROR")],
)
async def test_a_redis_that_is_away_is_a_warning(redis, caplog, error, level):
    """What docket could not tell Redis is no error of ours; whatever else stops a job of docket's own is one."""
    async with working(redis):
        logging.getLogger("docket.worker").error("a job", exc_info=error)
    assert [one.levelname for one in caplog.records if one.getMessage() == "a job"] == [level]


async def settled_connections(redis: RedisProcess) -> int:
    await asyncio.sleep(0.3)
    with redis.client() as client:
        return len(client.client_list())


async def test_a_worker_with_a_long_job_is_not_stuck(redis):
    """While a job runs the worker is at work, however long it takes; and its other jobs go on."""
    async with working(redis, quiet=0.4) as bell:
        bell.go.clear()
        await bell.queue.add(bell.ring, "long", key="long", when=datetime.now(UTC))
        async with asyncio.timeout(20):
            while not bell.running:  # noqa: ASYNC110 - docket's worker begins it
                await asyncio.sleep(0.02)
        with structlog.testing.capture_logs() as logs:
            await asyncio.sleep(1.5)
        assert [entry["event"] for entry in logs] == []
        bell.go.set()
        await rung(bell, "other")
        assert bell.rung[0] == "long"


async def test_stopping_lets_jobs_finish_and_takes_no_more(redis):
    """A job under way is finished; one that comes afterwards waits for another process."""
    async with working(redis) as bell:
        bell.go.clear()
        await bell.queue.add(bell.ring, "long", key="long", when=datetime.now(UTC))
        async with asyncio.timeout(20):
            while not bell.running:  # noqa: ASYNC110 - docket's worker begins it
                await asyncio.sleep(0.02)
        bell.queue.pause()
        await asyncio.sleep(0.5)
        await bell.queue.add(bell.ring, "late", key="late", when=datetime.now(UTC))
        stopping = asyncio.create_task(bell.queue.stop(10.0, bell.running))
        await asyncio.sleep(0.3)
        assert not stopping.done()
        bell.go.set()
        await stopping
        assert bell.rung == ["long"]
    async with working(redis) as other:
        async with asyncio.timeout(20):
            while "late" not in other.rung:  # noqa: ASYNC110 - docket's worker rings it
                await asyncio.sleep(0.02)


async def test_a_job_that_does_not_end_is_given_up(redis):
    """Stopping takes no longer than it was given, and the job is left to another process."""
    async with working(redis) as bell:
        bell.go.clear()
        await bell.queue.add(bell.ring, "long", key="long", when=datetime.now(UTC))
        async with asyncio.timeout(20):
            while not bell.running:  # noqa: ASYNC110 - docket's worker begins it
                await asyncio.sleep(0.02)
        async with asyncio.timeout(5):
            await bell.queue.stop(0.3, bell.running)
        assert bell.rung == []
        assert not bell.running


async def test_what_cannot_be_reached_is_not_added(redis):
    """A queue that was stopped says so, and one whose Redis is gone does not wait for ever."""
    async with working(redis) as bell:
        await bell.queue.stop(1.0, set())
        with pytest.raises(ConnectionError):
            await bell.queue.add(bell.ring, "x", key="x", when=datetime.now(UTC))
