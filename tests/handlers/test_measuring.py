"""The watcher that measures each customer's day, with a clock that is moved."""

from datetime import timedelta

import httpx
import pytest

from bot.figures import SCORES
from bot.history import Day
from bot.measures import latest, recent_days
from bot.turn import Look
from cards.score import score_card
from handlers import measuring
from tests.bot.measured import (
    CONTOSO,
    DEVICES,
    EVERY_PATH,
    EXPOSURE,
    LITWARE,
    MACHINES,
    SECURE,
    START,
    Estate,
    refused,
)
from tests.bot.wire_help import error_body
from tests.cards import walk

HOUR = 3600.0


@pytest.fixture
def estate() -> Estate:
    made = Estate()
    made.month(START.date())
    return made


async def hours(estate: Estate, count: int, customer: str = CONTOSO) -> None:
    """So many rounds of the watcher, an hour apart."""
    for _ in range(count):
        await measuring.poll(estate.services, customer)
        estate.clock.move(HOUR)


async def said(estate: Estate, customer: str = CONTOSO) -> str:
    """The card of /score."""
    found = await latest(estate.services, customer, SCORES)
    return walk.text_of(score_card(Look(now=estate.clock.now()), found).card)


async def test_a_day_has_one_record(estate):
    """However often a day is measured it has one record, with every figure."""
    await hours(estate, 15)
    days = await recent_days(estate.services, CONTOSO)
    assert [day.id for day in days] == ["2026-11-23"]
    assert days[0].model_dump(exclude={"v", "id", "at"}) == {
        "secure": 400.0,
        "secure_max": 697.0,
        "devices": 340.0,
        "exposure": 33.5,
        "high_risk": 1,
        "machines": 2,
        "open_incidents": 4,
    }
    assert days[0].at == START + timedelta(hours=14)


async def test_midnight_in_utc_begins_a_new_day(estate):
    """The last figure before midnight stays with its day, the first after it begins the next."""
    estate.clock.move(14.99 * HOUR)
    await measuring.poll(estate.services, CONTOSO)
    estate.cloud.exposure = 50.0
    estate.clock.move(0.02 * HOUR)
    await measuring.poll(estate.services, CONTOSO)
    days = await recent_days(estate.services, CONTOSO)
    assert [(day.id, day.exposure) for day in days] == [("2026-11-23", 33.5), ("2026-11-24", 50.0)]


async def test_a_restart_does_not_measure_again(estate):
    """A day that was just measured is left alone, unless a figure is missing in it."""
    await measuring.poll(estate.services, CONTOSO)
    asked = len(estate.cloud.asked)
    estate.clock.move(60)
    await measuring.poll(estate.services, CONTOSO)
    assert len(estate.cloud.asked) == asked
    estate.clock.move(HOUR)
    estate.cloud.broken = dict.fromkeys(EVERY_PATH, refused())
    await measuring.poll(estate.services, CONTOSO)
    assert len(estate.cloud.asked) == asked + 5


async def test_a_missing_figure_is_tried_at_each_start(estate):
    """Where today's record lacks a figure, the next start measures again."""
    estate.cloud.broken[EXPOSURE] = refused()
    await measuring.poll(estate.services, CONTOSO)
    del estate.cloud.broken[EXPOSURE]
    estate.clock.move(60)
    await measuring.poll(estate.services, CONTOSO)
    day = await estate.day()
    assert day
    assert day.exposure == 33.5


async def test_a_round_is_cheap(estate):
    """A round is five requests, and of Secure Score it reads the newest day alone."""
    await measuring.poll(estate.services, CONTOSO)
    assert sorted(estate.cloud.asked) == sorted(EVERY_PATH)


async def test_a_source_that_fails_for_days(estate):
    """A source that fails leaves its figure out of those days, is no obstacle to the others, and comes back."""
    estate.clock.move(15.5 * HOUR)  # half past midnight
    for day in range(10):
        estate.cloud.broken = {EXPOSURE: refused("DisabledFeature")} if 3 <= day <= 8 else {}
        estate.cloud.exposure, estate.cloud.devices = 30.0 + day, 300.0 + day
        await hours(estate, 24)
    days = await recent_days(estate.services, CONTOSO)
    assert [day.devices for day in days] == [300.0 + n for n in range(10)]
    assert [day.exposure for day in days] == [30.0, 31.0, 32.0, *[None] * 6, 39.0]
    text = await said(estate)
    assert "Since 24 Nov (10 days)\nfirst 300, lowest 300, highest 309, latest 309\n" in text
    assert "first 30, lowest 30, highest 39, latest 39; 6 days have no figure" in text
    assert "Since 27 Nov (7 days)\nno figure from that day\n" in text


async def test_days_without_the_bot_are_gaps(estate):
    """Days on which the bot was off have no figure; none is made up and none is compared with another day's."""
    await hours(estate, 2)
    estate.clock.move(9 * 24 * HOUR)
    estate.cloud.devices = 355.0
    await measuring.poll(estate.services, CONTOSO)
    text = await said(estate)
    assert [day.id for day in await recent_days(estate.services, CONTOSO)] == ["2026-11-23", "2026-12-02"]
    assert text.count("no figure from that day") == 4
    assert "Since 23 Nov (9 days)\nfirst 340, lowest 340, highest 355, latest 355; 8 days have no figure" in text


async def test_thirty_days(estate):
    """After five weeks the trend shows thirty days, and what changed since yesterday and last week."""
    for day in range(35):
        estate.cloud.exposure, estate.cloud.devices = 60.0 - day, 300.0 + day * 2
        await measuring.poll(estate.services, CONTOSO)
        estate.clock.move(24 * HOUR)
    estate.cloud.exposure, estate.cloud.devices = 25.0, 370.0
    text = await said(estate)
    assert "Since 27 Dec (1 day)\n**+2**, better\nSince 21 Dec (7 days)\n**+14**, better" in text
    assert "Since 28 Nov (30 days)\nfirst 310, lowest 310, highest 370, latest 370\n" in text
    assert "Since 28 Nov (30 days)\nfirst 55, lowest 25, highest 55, latest 25\n" in text
    assert "no figure" not in text.split("Secure Score for Devices")[1]


async def test_customers_apart(estate):
    """Each customer has its own days; one whose services refuse all of them has none and keeps nobody."""
    estate.cloud.broken = dict.fromkeys(EVERY_PATH, refused("DisabledFeature"))
    await hours(estate, 2, CONTOSO)
    await hours(estate, 2, LITWARE)
    assert await recent_days(estate.services, CONTOSO) == ()
    (day,) = await recent_days(estate.services, LITWARE)
    assert (day.exposure, day.high_risk, day.machines, day.secure) == (71.0, 0, 0, None)


async def test_no_devices_at_all(estate):
    """A tenant without devices, which Defender answers with 404, has none at risk."""
    estate.cloud.broken[MACHINES] = httpx.Response(404, json=error_body("ResourceNotFound"))
    await measuring.poll(estate.services, CONTOSO)
    day: Day | None = await estate.day()
    assert day
    assert (day.machines, day.high_risk, day.devices) == (0, 0, 340.0)
    assert estate.cloud.count(SECURE) == estate.cloud.count(DEVICES) == 1
