"""The heart beat: one ping a minute by one of the replicas, as long as the bot is well; else silence and a reason."""

import asyncio
import logging
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import structlog
from pydantic import SecretStr

import handlers
from bot import heart
from bot.audit import Ledger
from bot.clock import ManualClock
from bot.command import Watcher
from bot.errors import StoreDown
from bot.heartbeat import Heart
from bot.http import new_client
from bot.jobs import Jobs
from bot.pulse import Beat
from bot.services import Services
from bot.state.memory import MemoryStore
from bot.version import VERSION

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CUSTOMERS = ("customer-1", "customer-2")
URL = "https://watch.example/ping/s3cret-t0ken?rid=9"
TOKEN = "s3cret-t0ken"


class Bench:
    """Replicas on one store in memory, and what listens outside."""

    def __init__(self, url: str = URL) -> None:
        self.clock = ManualClock(START)
        self.store = MemoryStore(self.clock)
        self.asked: list[httpx.Request] = []
        self.answer: httpx.Response | Exception = httpx.Response(200)
        self.url = url
        self.jobs: dict[str, tuple[bool, float]] = {}
        self.one = self.replica("one")

    def replica(self, name: str) -> Heart:
        services = Services(
            defender=lambda _: None,
            graph=lambda _: None,
            teams=None,
            ledger=Ledger(self.store, "key"),
            clock=self.clock,
            wake=None,
            worker=name,
            responses={},
            memory=None,
        )
        return Heart(
            services,
            new_client(httpx.MockTransport(self._listens)),
            SecretStr(self.url),
            customers=lambda: CUSTOMERS,
            paces={"incidents": 30.0},
            working=lambda: self.jobs.get(name, (True, 0.0)),
        )

    def _listens(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def lives(self, *skipped: str) -> None:
        """What a bot does that is well, some of it left out."""
        if "sweep" not in skipped:
            await heart.note_swept(self.one.services)
        for customer in CUSTOMERS:
            if customer not in skipped:
                await heart.note_polled(self.one.services, customer, "incidents")

    async def beat(self, *replicas: Heart) -> Beat:
        """A turn for each replica."""
        for replica in replicas or (self.one,):
            await replica.pulse()
            await replica.turn()
        return await heart.last_beat(self.store)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_bot_that_is_well_beats(bench):
    """The URL is asked with GET and nothing else, and the beat is kept for /status."""
    await bench.lives()
    beat = await bench.beat()
    (request,) = bench.asked
    assert (request.method, str(request.url), request.content) == ("GET", URL, b"")
    assert "authorization" not in request.headers
    assert beat == Beat(configured=True, at=START, tried=START)


async def test_replicas_beat_once_a_minute_together(bench):
    """Three replicas that look every ten seconds beat about once a minute, not three times."""
    replicas = (bench.one, bench.replica("two"), bench.replica("three"))
    for _ in range(60):
        await bench.lives()
        await bench.beat(*replicas)
        bench.clock.move(10)
    assert len(bench.asked) == 10
    assert len(await heart.replicas(bench.store, bench.clock.now())) == 3


@pytest.mark.parametrize(("skipped", "why"), [("sweep", "sweep"), (CUSTOMERS[1], "poll")])
async def test_what_did_not_run_for_minutes_stops_the_heart(bench, skipped, why):
    """Without a sweep, or with one customer whose poll did not run, there is no beat, and the log says why."""
    await bench.lives()
    await bench.beat()
    bench.clock.move(121)
    await bench.lives(skipped)
    with structlog.testing.capture_logs() as logs:
        beat = await bench.beat()
    assert len(bench.asked) == 1
    assert (beat.at, beat.trouble) == (START, (why,))
    assert [line["why"] for line in logs if line["event"] == "heartbeat_withheld"] == [[why]]
    bench.clock.move(60)
    await bench.lives()
    assert (await bench.beat()).trouble == ()
    assert len(bench.asked) == 2


@pytest.mark.parametrize("jobs", [(False, 0.0), (True, 601.0)])
async def test_a_stuck_worker_of_any_replica_stops_the_heart(bench, jobs):
    """A replica that takes no jobs, or is at one for ten minutes, keeps all from beating; gone, it does not."""
    two = bench.replica("two")
    bench.jobs["two"] = jobs
    await bench.lives()
    await two.pulse()
    assert (await bench.beat()).trouble == ("jobs",)
    await two.close()
    bench.clock.move(60)
    await bench.lives()
    assert (await bench.beat()).trouble == ()
    assert len(bench.asked) == 1


async def test_a_killed_replica_is_forgotten(bench):
    """A replica that says nothing any more is neither shown nor minded."""
    two = bench.replica("two")
    bench.jobs["two"] = (False, 0.0)
    await two.pulse()
    bench.clock.move(46)
    await bench.lives()
    await bench.beat()
    assert [one.worker for one in await heart.replicas(bench.store, bench.clock.now())] == ["one"]
    assert len(bench.asked) == 1


@pytest.mark.parametrize("method", ["ping", "take", "put_value"])
async def test_without_the_store_there_is_no_beat(bench, method):
    """A store that is away, or takes no writes, stops the heart."""
    await bench.lives()

    async def down(*_args, **_more):
        raise StoreDown("away")

    setattr(bench.store, method, down)
    with pytest.raises(StoreDown):
        await bench.beat()
    assert bench.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(503),
        httpx.Response(302, headers={"Location": "https://elsewhere.example/"}),
        httpx.ConnectError("s3cret-t0ken is in the message"),
        httpx.ReadTimeout("s3cret-t0ken"),
    ],
)
async def test_what_is_not_taken_is_said_without_the_url(bench, answer, caplog):
    """A ping that is refused, redirected or not answered is said; nothing is followed, no word of the URL told."""
    caplog.set_level(logging.DEBUG)
    bench.answer = answer
    await bench.lives()
    with structlog.testing.capture_logs() as logs:
        beat = await bench.beat()
    assert (beat.at, beat.trouble) == (None, ("refused",))
    assert [str(request.url) for request in bench.asked] == [URL]
    assert [line["event"] for line in logs] == ["heartbeat_not_taken"]
    assert TOKEN not in caplog.text
    assert TOKEN not in str(logs) + str(await bench.store.get_value(heart.EVERYBODY, heart.BEAT))


async def test_without_a_url_nothing_is_asked():
    """With no HEARTBEAT_URL nothing is pinged and nothing is logged; the replicas are still known."""
    bench = Bench("")
    with structlog.testing.capture_logs() as logs:
        beat = await bench.beat()
    assert (beat.configured, bench.asked, logs) == (False, [], [])
    (pulse,) = await heart.replicas(bench.store, bench.clock.now())
    assert (pulse.worker, pulse.version, pulse.started) == ("one", VERSION, START)


async def test_the_reason_is_logged_once_a_minute():
    """A heart that looks every ten seconds does not repeat its reason each time."""
    bench = Bench()
    with structlog.testing.capture_logs() as logs:
        for _ in range(12):
            await bench.beat()
            bench.clock.move(10)
    assert len(logs) == 2
    assert bench.asked == []


async def test_replicas_write_down_each_other():
    """Pulses of many replicas at once are all kept."""
    bench = Bench()
    hearts = [bench.replica(f"r{n}") for n in range(4)]
    for one in hearts:
        await one.pulse()
    bench.clock.move(timedelta(seconds=5).total_seconds())
    assert [one.worker for one in await heart.replicas(bench.store, bench.clock.now())] == [f"r{n}" for n in range(4)]


def test_the_version_is_the_project_s():
    """The version that /status shows is that of pyproject.toml."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION


async def test_a_poll_that_crashed_ran_all_the_same(bench):
    """A watcher that crashes has run: its trouble is counted elsewhere; one that the store failed has not."""
    jobs = Jobs("redis://127.0.0.1:1/0", handlers.features(30.0), lambda: CUSTOMERS)
    jobs._services = bench.one.services

    async def crashes(_services, _customer):
        raise ZeroDivisionError

    async def fails(_services, _customer):
        raise StoreDown("away")

    for customer, poll, error in (("c1", crashes, ZeroDivisionError), ("c2", fails, StoreDown)):
        with pytest.raises(error):
            await jobs._ran(customer, Watcher(name="incidents", every=30.0, poll=poll))
    assert await heart.polled(bench.store, "c1", "incidents") == START
    assert await heart.polled(bench.store, "c2", "incidents") is None


async def test_the_longest_job_is_known(bench):
    """For how long the job that has run longest is running is told, and nothing where none runs."""
    jobs = Jobs("redis://127.0.0.1:1/0", handlers.features(30.0), lambda: CUSTOMERS)
    assert jobs.longest() == 0
    with jobs._at_work():
        await asyncio.sleep(0.01)
        with jobs._at_work():
            assert jobs.longest() >= 0.009
    assert jobs.longest() == 0
