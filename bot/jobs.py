"""Jobs: records that are due, and what is polled for each customer (the only importer of docket).

docket is a wake-up, not a memory: every record that is not final has its due time in the store, and a sweep adds all
that is due and every poller again. A lost job, a flushed queue or a dead process costs less than a minute.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from docket import CurrentExecution, Docket, Execution, Perpetual, Worker

from bot.clock import SystemClock
from bot.command import Features, View, Watcher
from bot.errors import Conflict, NotFound, StoreDown
from bot.metrics import STEPS_FAILED
from bot.posting import Poster, holding
from bot.records import read
from bot.services import Services
from bot.state.store import Change
from bot.turn import Look, Shown

log = structlog.get_logger()

SWEEP = timedelta(seconds=20)
AHEAD = timedelta(seconds=40)
SOON = timedelta(seconds=1)
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
        """Work until told to stop; a Redis that goes away is waited for. The worker takes a cancel as a wish to end."""
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
            await self._docket.add(self.wake, when=self._by_docket(moment), key=name)(customer, kind, key)
        except Exception as error:  # noqa: BLE001 - docket lets redis errors through as they are
            log.warning("wake_not_scheduled", kind=kind, id=key, error=type(error).__name__)

    def _by_docket(self, moment: datetime) -> datetime:
        """A moment of our clock by the machine's, which docket goes by."""
        return SystemClock().now() + (moment - self.services.clock.now())

    async def wake(self, customer: str, kind: str, key: str) -> None:
        """Take one record on until it has nothing to do now."""
        view = self._views.get(kind)
        try:
            if view:
                await self._wake(view, customer, key)
            elif await self.services.store.get(customer, kind, key) is None:  # else a newer version knows what to do
                await _forget(self.services, customer, kind, key)
        except (NotFound, StoreDown) as error:
            log.warning("job_put_off", kind=kind, id=key, error=str(error))
        except Exception:
            STEPS_FAILED.labels(kind).inc()
            log.exception("job_failed", kind=kind, id=key, customer=customer)

    async def _wake(self, view: View, customer: str, key: str) -> None:
        later = await take_on(self.services, view, self._features.pointer, customer, key)
        if later:
            await self.request(customer, view.kind, key, later)

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
            await self._docket.add(self.poll, when=self._by_docket(moment), key=name)(customer, watcher.name)
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


async def take_on(
    services: Services, view: View, pointer: Callable[[Look], Shown], customer: str, key: str
) -> datetime | None:
    """Bring a record's posts up and make its steps until nothing is due; returns when it wants to be woken next.

    One caller at a time; who comes second is told to look again in a moment. A service that hangs holds up only what
    needs it: posts and step go on beside each other.
    """
    async with holding(services, customer, f"{view.kind}:{key}") as mine:
        if not mine:
            return services.clock.now() + SOON
        poster = Poster(services, view, pointer, customer, key)
        for _ in range(MOST_STEPS):
            await _both(poster.sync(), _step(services, view, customer, key))
            found = await read(services.store, customer, view.kind, key, view.model)
            if not found:
                await _forget(services, customer, view.kind, key)
                return None
            now = services.clock.now()
            due = found[0].due(now)
            if due is None or due > now:
                return due
    return services.clock.now() + SOON


async def _step(services: Services, view: View, customer: str, key: str) -> None:
    """The record's own step, if it is due."""
    found = await read(services.store, customer, view.kind, key, view.model)
    own = found[0].step_due() if found else None
    if view.step and own and own <= services.clock.now():
        await view.step(services, customer, key)


async def _both(*work: Awaitable[object]) -> None:
    """Do all to the end, then raise what the first that failed raised."""
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


async def _forget(services: Services, customer: str, kind: str, key: str) -> None:
    """A record that ran out leaves its due time behind: take it away, or it is asked for at each sweep."""
    with contextlib.suppress(Conflict):
        await services.store.commit(customer, [Change(kind=kind, id=key, rev=0, data=None)])


async def put_off(*_args: object, execution: Execution = CurrentExecution(), **_more: object) -> None:  # noqa: B008 - docket's way
    """A job that this version does not know: leave it to a newer process; the sweep of that one adds it again."""
    log.warning("unknown_job", job=execution.function_name)
