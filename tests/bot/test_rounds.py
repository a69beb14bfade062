"""When each customer's turn is in the rounds of a poller."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bot.command import Watcher
from bot.rounds import next_round, place_of
from bot.services import Services

NOW = datetime(2026, 11, 23, 9, 0, 0, tzinfo=UTC)
CUSTOMERS = [f"00000000-0000-4000-8000-{n:012}" for n in range(1000)]


async def nothing(services: Services, customer: str) -> None:
    """Poll nothing."""


def watcher(every: float, name: str = "measure") -> Watcher:
    return Watcher(name=name, every=every, poll=nothing)


@pytest.mark.parametrize("every", [1.0, 30.0, 3600.0])
def test_one_turn_in_each_round(every):
    """Whatever the moment, the next turn lies ahead, no further than a round, and turns come a round apart."""
    for customer in CUSTOMERS[:20]:
        moments = []
        now = NOW
        for _ in range(5):
            number, moment = next_round(customer, watcher(every), now)
            assert now < moment <= now + timedelta(seconds=every)
            moments.append((number, moment))
            now = moment
        for (first, begun), (second, later) in pairwise(moments):
            assert second == first + 1
            assert later - begun == timedelta(seconds=every)


def test_the_same_turn_however_often_it_is_asked_for():
    """Two replicas that ask at different moments of a round name the same turn."""
    asked = {next_round(CUSTOMERS[0], watcher(3600), NOW + timedelta(seconds=n)) for n in range(60)}
    assert len(asked) <= 2


def test_customers_are_spread():
    """Of a thousand customers no minute of the hour has more than twice its share; each poller has its own order."""
    minutes = [int(place_of(customer, watcher(3600)).total_seconds() // 60) for customer in CUSTOMERS]
    assert max(minutes.count(n) for n in range(60)) < 2 * len(CUSTOMERS) / 60
    other = [int(place_of(customer, watcher(3600, "audit")).total_seconds() // 60) for customer in CUSTOMERS]
    assert other != minutes
