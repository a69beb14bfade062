"""Jobs: records that are due, and what is polled for each customer (the only importer of docket).

docket is a wake-up, not a memory: every record that is not final has its due time in the store, and a sweep adds all
that is due and every poller again. A lost job, a flushed queue or a dead process costs less than a minute.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from docket import CurrentExecution, Docket, Execution, Perpetual, Worker

from bot.command import Features, View, Watcher
from bot.errors import NotFound, StoreDown
from bot.metrics import STEPS_FAILED
from bot.posting import Poster, holding
from bot.services import Services

log = structlog.get_logger()

SWEEP = timedelta(seconds=20)
AHEAD = timedelta(seconds=40)
MOST_STEPS = 12
STOP_SECONDS = 8.0
CONCURRENT = 100


class Jobs:
    """Runs the jobs of this process on a docket shared by all. `customers()` names whom to poll."""

    def __init__(self, url: str, features: Features, customers: Callable[[], Sequence[str]]) -> None:
        self._docket = Docket(name="wk-jobs", url=url, execution_ttl=timedelta(0))
        self._features = features
        self._views = {view.kind: view for view in features.views}
        self._watchers = {watcher.name: watcher for watcher in features.watchers}
        self._customers = customers
        self._services: Services | None = None
        self._stopping = False
        self._working: asyncio.Task[None] | None = None
        self._stack = contextlib.AsyncExitStack()

    @property
    def services(self) -> Services:
        """The services, once started."""
        if self._services is None:
            raise RuntimeError("jobs have not been started")
        return self._services

    async def start(self, services: Services) -> None:
        """Connect and begin to work. Raises StoreDown where Redis cannot be reached."""
        self._services = services
        await services.store.ping()
        await self._stack.enter_async_context(self._docket)
        for task in (self.wake, self.poll, self.sweep):
            self._docket.register(task, names=[task.__name__])
        self._working = asyncio.create_task(self._work(), name="jobs")

    async def stop(self) -> None:
        """Stop taking jobs; those under way are finished or taken up by another process."""
        self._stopping = True
        if self._working:
            self._working.cancel()
            await asyncio.wait({self._working}, timeout=STOP_SECONDS)
        await self._stack.aclose()

    def ready(self) -> bool:
        """Whether jobs are being worked on."""
        return self._working is not None and not self._working.done()

    async def _work(self) -> None:
        """Work until told to stop; a Redis that goes away is waited for. The worker takes a cancel as a request to end."""
        while not self._stopping:
            try:
                async with Worker(
                    self._docket,
                    name=self.services.worker,
                    concurrency=CONCURRENT,
                    redelivery_timeout=timedelta(seconds=30),
                    reconnection_delay=timedelta(seconds=1),
                    minimum_check_interval=timedelta(milliseconds=200),
                    scheduling_resolution=timedelta(milliseconds=200),
                    fallback_task=put_off,
                ) as worker:
                    await worker.run_forever()
            except Exception as error:  # noqa: BLE001 - whatever stops the worker, it is started again
                log.warning("jobs_interrupted", error=type(error).__name__)
            if not self._stopping:
                await asyncio.sleep(1)

    async def request(self, customer: str, kind: str, key: str, at: datetime | None = None) -> None:
        """Have a record's job run at that moment, or now. A failure is logged: the sweep makes up for it."""
        now = self.services.clock.now()
        moment = max(at or now, now)
        name = f"wake:{customer}:{kind}:{key}:{int(moment.timestamp() * 5)}"
        try:
            await self._docket.add(self.wake, when=moment, key=name)(customer, kind, key)
        except Exception as error:  # noqa: BLE001 - docket lets redis errors through as they are
            log.warning("wake_not_scheduled", kind=kind, id=key, error=type(error).__name__)

    async def wake(self, customer: str, kind: str, key: str) -> None:
        """Take one record on until it has nothing to do now."""
        view = self._views.get(kind)
        if view is None:
            return
        try:
            await self._wake(view, customer, key)
        except (NotFound, StoreDown) as error:
            log.warning("job_put_off", kind=kind, id=key, error=str(error))
        except Exception:
            STEPS_FAILED.labels(kind).inc()
            log.exception("job_failed", kind=kind, id=key, customer=customer)

    async def _wake(self, view: View, customer: str, key: str) -> None:
        async with holding(self.services, customer, f"{view.kind}:{key}") as mine:
            later = await self._take_on(view, customer, key) if mine else self._soon()
        if later:
            await self.request(customer, view.kind, key, later)

    def _soon(self) -> datetime:
        return self.services.clock.now() + timedelta(seconds=1)

    async def _take_on(self, view: View, customer: str, key: str) -> datetime | None:
        """Bring posts up and make steps by turns; returns when the record wants to be woken next."""
        poster = Poster(self.services, view, self._features.pointer, customer, key)
        for _ in range(MOST_STEPS):
            record = await poster.sync()
            if record is None:
                return None
            now = self.services.clock.now()
            own = record.step_due()
            if view.step and own and own <= now:
                await view.step(self.services, customer, key)
                continue
            due = record.due(now)
            if due is None or due > now:
                return due
        return self._soon()

    async def poll(self, customer: str, name: str) -> None:
        """Poll one source of one customer, and ask for the next time."""
        watcher = self._watchers.get(name)
        if watcher is None:
            return
        try:
            async with holding(self.services, customer, f"poll:{name}") as mine:
                if mine:
                    await watcher.poll(self.services, customer)
        except StoreDown as error:
            log.warning("poll_put_off", watcher=name, customer=customer, error=str(error))
        except Exception:
            STEPS_FAILED.labels(f"poll:{name}").inc()
            log.exception("poll_failed", watcher=name, customer=customer)
        await self._next_poll(customer, watcher)

    async def _next_poll(self, customer: str, watcher: Watcher) -> None:
        """The next round of a poller; its key is the round, so that it is added once however often it is asked for."""
        turn = int(self.services.clock.now().timestamp() // watcher.every) + 1
        moment = datetime.fromtimestamp(turn * watcher.every, UTC)
        name = f"poll:{watcher.name}:{customer}:{turn}"
        try:
            await self._docket.add(self.poll, when=moment, key=name)(customer, watcher.name)
        except Exception as error:  # noqa: BLE001 - docket lets redis errors through as they are
            log.warning("poll_not_scheduled", watcher=watcher.name, error=type(error).__name__)

    async def sweep(self, again: Perpetual = Perpetual(every=SWEEP, automatic=True)) -> None:  # noqa: B008 - docket's way
        """Add again whatever is due soon, and every poller."""
        del again
        try:
            for customer in sorted({*self._customers(), *await self.services.store.customers()}):
                for due in await self.services.store.due(customer, self.services.clock.now() + AHEAD):
                    await self.request(customer, due.kind, due.id, due.at)
                for watcher in self._features.watchers:
                    await self._next_poll(customer, watcher)
        except StoreDown as error:
            log.warning("sweep_put_off", error=str(error))
        except Exception:
            STEPS_FAILED.labels("sweep").inc()
            log.exception("sweep_failed")


async def put_off(*_args: object, execution: Execution = CurrentExecution(), **_more: object) -> None:  # noqa: B008
    """A job that this version does not know: leave it to a newer process; the sweep of that one adds it again."""
    log.warning("unknown_job", job=execution.function_name)
