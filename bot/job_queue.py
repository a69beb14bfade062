"""The queue of jobs in Redis that all replicas share, and this process's worker on it: docket's life.

docket waits for Redis without a time limit, and a worker that began while a node of a cluster went away may wait for
that node for ever. So a worker that was given nothing for long is taken for stuck, and queue and worker are made anew.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog
from docket import Docket, Worker

log = structlog.get_logger()

NAME = "wk-jobs"
CONCURRENT = 100
QUIET = 120.0
"""Seconds without any job after which a worker is taken for stuck. With several replicas one may rest as long."""
ADD_SECONDS, CLOSE_SECONDS = 5.0, 0.3
CANCELS, CANCEL_SECONDS = 3, 0.2

Task = Callable[..., Awaitable[None]]


class JobQueue:
    """Adds jobs, and works on them: `tasks` are what can be done, `unknown` takes what a newer version added."""

    def __init__(self, url: str, tasks: Sequence[Task], unknown: Task, *, quiet: float = QUIET) -> None:
        self._url = url
        self._tasks = tasks
        self._unknown = unknown
        self._quiet = quiet
        self._docket: Docket | None = None
        self._pausing = asyncio.Event()
        self._working: asyncio.Task[None] | None = None
        self._left: set[asyncio.Task[Any]] = set()
        self._busy = 0
        self._last = 0.0

    async def start(self, worker: str) -> None:
        """Connect, and begin to work under that name. Raises what redis-py raises."""
        logging.getLogger("docket.worker").addFilter(_milder_while_away)
        await self._open()
        self._working = asyncio.create_task(self._work(worker), name="jobs")

    def ready(self) -> bool:
        """Whether jobs are being worked on."""
        return self._working is not None and not self._working.done()

    def pause(self) -> None:
        """Take no more jobs; those under way go on."""
        self._pausing.set()

    async def stop(self, seconds: float, jobs: set[asyncio.Task[Any]]) -> None:
        """Take no more jobs; those under way (`jobs`) are finished in that time, or given up."""
        self.pause()
        if self._working:
            await asyncio.wait({self._working}, timeout=seconds)
            if not self._working.done():
                log.warning("jobs_not_finished", jobs=len(jobs))
            await _given_up({*jobs, *self._left, self._working})
        await self._close()

    async def add(self, task: Task, *arguments: str, key: str, when: datetime) -> None:
        """Have a task done at that moment by the machine's clock; a key that waits already is not added again."""
        if self._docket is None:
            raise ConnectionError("no queue at the moment")
        async with asyncio.timeout(ADD_SECONDS):
            await self._docket.add(task, when=when, key=key)(*arguments)

    def begun(self) -> None:
        """A job begins in this process."""
        self._busy += 1
        self._last = asyncio.get_running_loop().time()

    def ended(self) -> None:
        """A job that began is over."""
        self._busy -= 1
        self._last = asyncio.get_running_loop().time()

    async def _open(self) -> Docket:
        docket = Docket(name=NAME, url=self._url, execution_ttl=timedelta(0))
        await docket.__aenter__()
        for task in self._tasks:
            docket.register(task, names=[getattr(task, "__name__", "")])
        self._docket = docket
        return docket

    async def _close(self) -> None:
        """Let go of the connection, whatever it waits for."""
        docket, self._docket = self._docket, None
        if docket:
            await _given_up({self._aside(docket.__aexit__(None, None, None))}, CLOSE_SECONDS)

    async def _work(self, name: str) -> None:
        """Work until told to stop; a Redis that goes away is waited for."""
        while not self._pausing.is_set():
            try:
                await self._worked(self._docket or await self._open(), name)
            except Exception as error:  # noqa: BLE001 - whatever stops the worker, it is started again
                log.warning("jobs_interrupted", error=type(error).__name__)
            if not self._pausing.is_set():
                await asyncio.sleep(1)

    async def _worked(self, docket: Docket, name: str) -> None:
        """Work until told to stop or stuck. The worker is not cancelled: leaving it ends it, once its jobs are done."""
        worker = Worker(
            docket,
            name=name,
            concurrency=CONCURRENT,
            redelivery_timeout=timedelta(seconds=30),
            reconnection_delay=timedelta(seconds=1),
            minimum_check_interval=timedelta(milliseconds=200),
            scheduling_resolution=timedelta(milliseconds=200),
            fallback_task=self._unknown,
        )
        await worker.__aenter__()
        working = self._aside(worker.run_forever())
        self._last = asyncio.get_running_loop().time()
        while not working.done() and not self._pausing.is_set() and not self._stuck():
            await self._wait(working)
        leaving = self._aside(worker.__aexit__(None, None, None))
        if self._stuck() and not self._pausing.is_set():
            log.warning("jobs_stuck", seconds=self._quiet)
            await _given_up({working, leaving}, 1.0)
            await self._close()
        else:
            await asyncio.wait({leaving})
        if working.done() and not working.cancelled():
            working.result()

    async def _wait(self, working: asyncio.Task[None]) -> None:
        """Until something may have changed."""
        pausing = asyncio.create_task(self._pausing.wait())
        await asyncio.wait({working, pausing}, timeout=self._quiet / 4, return_when=asyncio.FIRST_COMPLETED)
        pausing.cancel()

    def _stuck(self) -> bool:
        return self._busy == 0 and asyncio.get_running_loop().time() - self._last > self._quiet

    def _aside(self, work: Awaitable[Any]) -> asyncio.Task[Any]:
        """Something of docket's that may hang: known as long as it runs, so that it can be given up."""

        async def quiet() -> None:
            with suppress(asyncio.CancelledError):
                await work

        task = asyncio.create_task(quiet())
        self._left.add(task)

        def over(ended: asyncio.Task[Any]) -> None:
            self._left.discard(ended)
            if not ended.cancelled():
                ended.exception()  # asked for, so that asyncio does not complain

        task.add_done_callback(over)
        return task


def _milder_while_away(record: logging.LogRecord) -> bool:
    """What docket could not tell a Redis that is away is no error of ours: it is a warning, and the job comes again."""
    kinds = type(record.exc_info[1]).__mro__ if record.exc_info else ()
    away = {"redis.exceptions.ConnectionError", "redis.exceptions.TimeoutError"}
    if record.levelno > logging.WARNING and any(f"{one.__module__}.{one.__name__}" in away for one in kinds):
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


async def _given_up(tasks: set[asyncio.Task[Any]], seconds: float = 0.0) -> None:
    """Let tasks end in that time, then cancel them; what does not let go even then is left behind."""
    late = tasks
    for _ in range(CANCELS):  # on Python 3.11 a cancel can be lost inside redis-py
        if late:
            _, late = await asyncio.wait(late, timeout=seconds)
        for task in late:
            task.cancel()
        seconds = CANCEL_SECONDS
