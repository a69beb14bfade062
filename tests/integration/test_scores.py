"""/score and the daily record, with the whole bot on a real Redis."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import redis

from bot.clock import ManualClock
from bot.demo import ADELE, TENANT
from bot.figures import Figures, ScoreReading
from bot.history import KEPT_DAYS, KIND
from bot.measures import day_before, recent_days, write_day
from bot.simulator.faults import Fault
from tests.integration.conftest import Stage, staged
from tests.integration.talk import ask, chat, heard, words

SCORES = "defender.exposurescore"


def asked(stage: Stage, operation: str) -> int:
    """How often the first customer's service was asked for it."""
    return [(name, tenant) for name, tenant, _ in stage.sim.calls].count((operation, TENANT))


def read_at(message: object) -> str:
    text = words(message)
    return text[text.index("Read at ") :][:16]


@pytest.fixture
async def measuring(redis_server, tmp_path) -> AsyncIterator[Stage]:
    """A stage on which each customer's day is measured."""
    async with staged(redis_server.url, tmp_path, without=()) as stage:
        yield stage


async def test_a_minute_of_questions_costs_one_reading(stage):
    """The second to ask sees what the first one saw, with the same time; the button reads anew."""
    here = chat(stage, [ADELE])
    first = await ask(stage, ADELE, "/score", here)
    stage.sim.first.exposure.score = 88.8
    second = await ask(stage, ADELE, "/score", here)
    assert read_at(second) == read_at(first)
    assert "88.8" not in words(second)
    assert asked(stage, SCORES) == 1
    await stage.click(ADELE, second, "run")
    await stage.until(lambda: "88.8" in words(heard(stage, here)[-1]))
    third = await ask(stage, ADELE, "/score", here)
    assert "88.8" in words(third)
    assert asked(stage, SCORES) == 2


async def test_what_failed_is_asked_again(stage):
    """A score that could not be read is read by the next who asks."""
    here = chat(stage, [ADELE])
    stage.sim.faults.add(SCORES, Fault(kind="forbidden"))
    assert "the permission Score.Read.All is not granted" in words(await ask(stage, ADELE, "/score", here))
    assert "not granted" not in words(await ask(stage, ADELE, "/score", here))


async def test_other_words_are_not_understood(stage):
    """What /score does not know is said, with the form that would work."""
    assert "/score [now]" in words(await ask(stage, ADELE, "/score exposure", chat(stage, [ADELE])))


async def test_secure_score_has_its_history_from_the_beginning(stage):
    """Graph's own days are compared on the first day; the two others say that their record begins."""
    text = words(await ask(stage, ADELE, "/score", chat(stage, [ADELE])))
    assert "percentage points" in text or "unchanged" in text
    assert text.count("today's is the first") == 2


async def test_the_index_forgets_days_that_ran_out(stage, redis_server):
    """The names of records that ran out are taken from the index of their kind when a new day begins."""
    clock = ManualClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    services = replace(stage.bot.services, clock=clock)
    figures = Figures(exposure=ScoreReading(at=clock.now(), score=30.0))
    with contextlib.closing(redis.Redis(unix_socket_path=str(redis_server.socket), decode_responses=True)) as client:
        for day in ("2026-11-23", "2026-11-24", "2026-11-25"):
            await write_day(services, TENANT, figures)
            clock.move(86400)
            (record,) = client.scan_iter(f"wk:*:{KIND}:{day}")
            assert 0 < client.pttl(record) <= KEPT_DAYS * 86_400_000
            if day != "2026-11-25":
                client.delete(record)  # as if it had run out
        (index,) = client.scan_iter(f"wk:*:all:{KIND}")
        assert client.zrange(index, 0, -1) == ["2026-11-25"]


async def test_each_customer_is_measured_soon_after_the_start(measuring):
    """Within seconds of the start each customer has today's record, with what its services say, and only once."""
    services, sim = measuring.bot.services, measuring.sim

    async def measured(customer: str) -> object:
        return await measuring.bot.store.get(customer, KIND, services.clock.now().date().isoformat())

    for customer in (sim.first, sim.second):
        for _ in range(200):
            if await measured(customer.id):
                break
            await asyncio.sleep(0.05)
        (day,) = await recent_days(services, customer.id, 0)
        assert (day.exposure, day.devices) == (customer.exposure.score, customer.configuration.score)
        assert day.secure == max(customer.secure_scores, key=lambda one: one.time).current
        assert day.machines == len(customer.devices)
        assert day.high_risk == sum(1 for one in customer.devices.values() if one.risk == "High")
        assert await day_before(services, customer.id, services.clock.now()) == day
