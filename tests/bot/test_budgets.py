"""API budgets: shared by all replicas, with room kept for people, and more for what was approved."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.auth import DEFENDER_SCOPE, BearerAuth, Secret, TokenSource
from bot.budgets import ACTING, ASKING, POLLING, Budgets, ranked, used
from bot.clock import ManualClock
from bot.defender.http import ACTIONS, EXPOSURE, ISOLATE, MACHINES
from bot.errors import StoreDown, Throttled
from bot.graph.http import ALERTS, INCIDENTS, SCORES
from bot.http import Api, Operation, new_client
from bot.simulator.core import CLIENT_ID, CLIENT_SECRET
from bot.simulator.server import Simulator
from bot.state.memory import MemoryStore

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
CUSTOMER = "contoso"


class Counting(MemoryStore):
    """Counts round trips; `down` answers none."""

    takes = 0
    down = False

    async def take(self, *args: Any, **more: Any) -> float:
        self.takes += 1
        if self.down:
            raise StoreDown("gone")
        return await super().take(*args, **more)


@dataclass
class Bench:
    """Two replicas' budgets on one store."""

    clock: ManualClock
    store: Counting
    one: Budgets
    two: Budgets

    async def pass_(self, operation: Operation = MACHINES, rank: float = ASKING, customer: str = CUSTOMER) -> int:
        """How many calls get through at once, by way of both replicas."""
        for passed in range(10_000):
            with ranked(rank):
                try:
                    await (self.one, self.two)[passed % 2](customer, operation, 0.0)
                except Throttled:
                    return passed
        raise AssertionError("no limit")


@pytest.fixture
def bench() -> Bench:
    clock = ManualClock(START)
    store = Counting(clock)
    return Bench(clock, store, Budgets(store, clock), Budgets(store, clock))


async def test_both_replicas_share_one_budget(bench):
    """Together they get through what one would; each API and each customer has a budget of its own."""
    assert await bench.pass_(rank=ACTING) == 100
    assert await bench.pass_(ACTIONS, ACTING) == 100
    assert await bench.pass_(rank=ACTING, customer="litware") == 100


async def test_each_rank_leaves_room_for_the_next(bench):
    """Pollers stop at 70 of 100, people at 90, what was approved has the rest."""
    assert await bench.pass_(rank=POLLING) == 70
    assert await bench.pass_(rank=ASKING) == 20
    assert await bench.pass_(rank=ACTING) == 10


async def test_reads_take_nothing_from_an_action(bench):
    """However much is read, an isolation has a budget of its own."""
    await bench.pass_(rank=ACTING)
    assert await bench.pass_(ISOLATE, POLLING) > 0


async def test_the_hour_counts_as_well(bench):
    """After 1,500 in an hour nothing passes, though the minute has room."""
    passed = 0
    for _ in range(16):
        passed += await bench.pass_(rank=ACTING)
        bench.clock.move(61)
    assert passed == 1500
    with pytest.raises(Throttled) as caught, ranked(ACTING):
        await bench.one(CUSTOMER, MACHINES, 45.0)
    assert caught.value.retry_after == pytest.approx(3600 - 16 * 61)


async def test_alerts_and_scores_share_graphs_limit(bench):
    """Graph counts alerts and secure scores together; its incidents have no documented limit."""
    assert await bench.pass_(ALERTS, ACTING) == 150
    assert await bench.pass_(SCORES, ACTING) == 0
    before = bench.store.takes
    for _ in range(500):
        await bench.one(CUSTOMER, INCIDENTS, 0.0)
    assert bench.store.takes == before


async def test_it_waits_as_long_as_there_is_time(bench):
    """A call that has the time waits for its turn; one that has not is told after how long there will be room."""
    await bench.pass_(rank=ACTING)
    bench.clock.move(30)
    with pytest.raises(Throttled) as caught:
        await bench.one(CUSTOMER, MACHINES, 25.0)
    assert caught.value.retry_after == 30
    await bench.one(CUSTOMER, MACHINES, 45.0)
    assert bench.clock.now() == START.replace(minute=1)


async def test_one_round_trip_for_each_call(bench):
    """Where there is room, a call costs one question to the store."""
    for _ in range(50):
        await bench.one(CUSTOMER, MACHINES, 45.0)
    assert bench.store.takes == 50


async def test_a_store_that_is_down_stops_no_call(bench):
    """Defender still says 429 itself; that Redis is away must not keep an approved isolation from it."""
    bench.store.down = True
    await bench.one(CUSTOMER, ISOLATE, 25.0)
    assert (bench.store.takes, bench.clock.now()) == (1, START)  # asked once, and not waited for


async def test_what_is_used_is_told(bench):
    """The figures of both windows for each API that was called, the fullest first; nothing of another customer."""

    @dataclass
    class Services:
        store: Counting
        clock: ManualClock

    await bench.pass_(rank=POLLING)
    await bench.pass_(ALERTS, ACTING)
    await bench.one("litware", ACTIONS, 0.0)
    told = [(u.api, u.window, u.used, u.most) for u in await used(Services(bench.store, bench.clock), CUSTOMER)]
    assert told == [
        ("graph alerts and scores", 60, 150, 150),
        ("defender machines", 60, 70, 100),
        ("defender machines", 3600, 70, 1500),
    ]


async def test_with_a_budget_the_service_never_refuses(bench):
    """250 reads by two replicas of a Defender that counts as its pages say: each is answered, none with 429."""
    sim = Simulator(bench.clock, throttling=True)
    async with sim.running(), new_client(proxies=False) as http:
        proof = Secret(CLIENT_SECRET)
        tokens = TokenSource(client_id=CLIENT_ID, credential=proof, login_url=sim.url, clock=bench.clock)
        customer = sim.first.id
        auth = BearerAuth(tokens, customer, DEFENDER_SCOPE)
        apis = [Api(http, base_url=sim.url, auth=auth, customer=customer, budget=b) for b in (bench.one, bench.two)]
        with ranked(ACTING):
            for number in range(250):
                await apis[number % 2].call(EXPOSURE)
                bench.clock.move(0.3)
        await tokens.close()
    assert [status for name, _, status in sim.calls if name == "defender.exposurescore"] == [200] * 250
    assert bench.clock.now() >= START.replace(minute=2)  # without a budget it would have been done sooner
