"""Jobs: records that are due, and what is polled for each customer (docket itself is kept in `bot.job_queue`).

docket is a wake-up, not a memory: every record that is not final has its due time in the store, and a sweep adds all
that is due and every poller again. A lost job, a flushed queue or a dead process costs less than a minute.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from docket import CurrentExecution, Execution, Perpetual

from bot.budgets import POLLING, ranked
from bot.clock import SystemClock
from bot.command import Features, View, Watcher
from bot.errors import Conflict, NotFound, StoreDown
from bot.heart import note_polled, note_swept
from bot.job_queue import JobQueue
from bot.logs import followed, new_correlation
from bot.metrics import STEPS_FAILED
from bot.posting import Poster, holding
from bot.records import read
from bot.rounds import next_round
from bot.services import Services
from bot.state.store import Change
from bot.turn import Look, Shown

log = structlog.get_logger()

SWEEP = timedelta(seconds=20)
AHEAD = timedelta(seconds=40)
SOON = timedelta(seconds=1)
ASKED = timedelta(seconds=30)
"""A round is not asked for again within this time: it costs four commands, and one that got lost costs one round."""
LONG_ROUND = 60.0
"""A poller with rounds of that many seconds or more is also asked for soon after the start."""
APART = timedelta(milliseconds=200)
"""Between the first rounds of two customers."""
MOST_STEPS = 12
STOP_SECONDS = 8.0


class Jobs:
    """Runs the jobs of this process on a docket shared by all. `customers()` names whom to poll."""

    def __init__(self, url: str, features: Features, customers: Callable[[], Sequence[str]]) -> None:
        self._queue = JobQueue(url, (self.wake, self.poll, self.sweep), put_off)
        self._features = features
        self._views = {view.kind: view for view in features.views}
        self._watchers = {watcher.name: watcher for watcher in features.watchers}
        self._customers = customers
        self._services: Services | None = None
        self._begun: set[tuple[str, str]] = set()
        self._asked: dict[tuple[str, str], tuple[int, datetime]] = {}
        self._running: set[asyncio.Task[Any]] = set()
        self._since: dict[object, float] = {}

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
        await self._queue.start(services.worker)

    def pause(self) -> None:
        """Take no more jobs; those under way go on."""
        self._queue.pause()

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Take no more jobs; those under way are finished in that time, or given up for another process to take up."""
        await self._queue.stop(seconds, self._running)

    def ready(self) -> bool:
        """Whether jobs are being worked on."""
        return self._queue.ready()

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[None]:
        """Know of the job that runs here; what it asks of services has the rank of a job."""
        task, name = asyncio.current_task(), object()
        self._running |= {task} if task else set()
        self._since[name] = asyncio.get_running_loop().time()
        self._queue.begun()
        try:
            with ranked(POLLING):
                yield
        finally:
            self._queue.ended()
            self._running.discard(task)
            del self._since[name]

    def longest(self) -> float:
        """For how many seconds the job that has run longest is running; 0 where none runs."""
        return asyncio.get_running_loop().time() - min(self._since.values()) if self._since else 0.0

    async def request(self, customer: str, kind: str, key: str, at: datetime | None = None, *, slot: str = "") -> None:
        """Have a record's job run at that moment, or now. A failure is logged: the sweep makes up for it.

        Those of one `slot` are one, be it waiting or under way: those for about the same moment, unless it is named.
        """
        now = self.services.clock.now()
        moment = max(at or now, now)
        name = f"wake:{customer}:{kind}:{key}:{slot or int(moment.timestamp() * 5)}"
        try:
            await self._queue.add(self.wake, customer, kind, key, key=name, when=self._by_docket(moment))
        except Exception as error:  # noqa: BLE001 - docket lets redis errors through as they are
            log.warning("wake_not_scheduled", kind=kind, id=key, error=type(error).__name__)

    async def soon(self, customer: str, kind: str, key: str) -> None:
        """Have a record's job run now; who presses a button does not wait until the queue has taken it.

        Each has a key of its own: a job that is about to end has read the record before what it is asked for now, and
        one whose process died is only taken up again after a while; neither may swallow this one.
        """
        asking = asyncio.create_task(self.request(customer, kind, key, slot=secrets.token_hex(6)))
        self._running.add(asking)
        asking.add_done_callback(self._running.discard)

    def _by_docket(self, moment: datetime) -> datetime:
        """A moment of our clock by the machine's, which docket goes by; a clock that runs faster says so (`speed`)."""
        clock = self.services.clock
        return SystemClock().now() + (moment - clock.now()) / getattr(clock, "speed", 1.0)

    async def wake(self, customer: str, kind: str, key: str) -> None:
        """Take one record on until it has nothing to do now."""
        with followed("job", key, kind=kind, customer=customer), self._at_work():
            await self._waking(customer, kind, key)

    async def _waking(self, customer: str, kind: str, key: str) -> None:
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
        with followed("poll", new_correlation("poll"), watcher=name, customer=customer), self._at_work():
            await self._polling(customer, watcher)
        await self._next_poll(customer, watcher)

    async def _polling(self, customer: str, watcher: Watcher) -> None:
        name = watcher.name
        try:
            async with holding(self.services, customer, f"poll:{name}") as mine:
                if mine:
                    await self._ran(customer, watcher)
        except StoreDown as error:
            log.warning("poll_put_off", watcher=name, customer=customer, error=str(error))
        except Exception:
            STEPS_FAILED.labels(f"poll:{name}").inc()
            log.exception("poll_failed", watcher=name, customer=customer)

    async def _ran(self, customer: str, watcher: Watcher) -> None:
        """One round; that it ran is noted whatever came of it, unless the store is away."""
        try:
            await watcher.poll(self.services, customer)
        except StoreDown:
            raise
        except Exception:
            await note_polled(self.services, customer, watcher.name)
            raise
        await note_polled(self.services, customer, watcher.name)

    async def _next_poll(self, customer: str, watcher: Watcher) -> None:
        """The next round of a poller, if it is soon; one that is far away is left to a later sweep.

        Its key is the round, so that it is added once however often it is asked for.
        """
        number, moment = next_round(customer, watcher, self.services.clock.now())
        begins, now = self._by_docket(moment), SystemClock().now()
        earliest = now + timedelta(seconds=min(1.0, watcher.every / 2))  # should our clock stand still
        asked, at = self._asked.get((customer, watcher.name), (None, now))
        if begins >= earliest + AHEAD or (number == asked and now - at < ASKED):
            return
        if await self._ask_poll(customer, watcher, number, max(begins, earliest)):
            self._asked[customer, watcher.name] = (number, now)

    async def _first_poll(self, customer: str, watcher: Watcher, order: int) -> None:
        """A poller with long rounds is asked for soon after the start, too; `order` spreads the customers."""
        if watcher.every < LONG_ROUND or (customer, watcher.name) in self._begun:
            return
        self._begun.add((customer, watcher.name))
        number, _ = next_round(customer, watcher, self.services.clock.now())
        await self._ask_poll(customer, watcher, number - 1, SystemClock().now() + order * APART)

    async def _ask_poll(self, customer: str, watcher: Watcher, number: int, when: datetime) -> bool:
        """Ask for a round; whether the queue took it."""
        name = f"poll:{watcher.name}:{customer}:{number}"
        try:
            await self._queue.add(self.poll, customer, watcher.name, key=name, when=when)
        except Exception as error:  # noqa: BLE001 - docket lets redis errors through as they are
            log.warning("poll_not_scheduled", watcher=watcher.name, error=type(error).__name__)
            return False
        return True

    async def sweep(self, again: Perpetual = Perpetual(every=SWEEP, automatic=True)) -> None:  # noqa: B008 - docket's way
        """Add again whatever is due soon, and every poller."""
        del again
        with self._at_work():
            await self._sweeping()

    async def _sweeping(self) -> None:
        try:
            everybody = sorted({*self._customers(), *await self.services.store.customers()})
            for order, customer in enumerate(everybody):
                for due in await self.services.store.due(customer, self.services.clock.now() + AHEAD):
                    await self.request(customer, due.kind, due.id, due.at)
                for watcher in self._features.watchers:
                    await self._next_poll(customer, watcher)
                    await self._first_poll(customer, watcher, order)
            await note_swept(self.services)
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
