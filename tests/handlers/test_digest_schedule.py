"""When digests come: changed clocks, outages, crashes, replicas, and subscriptions that change."""

import asyncio
import contextlib

import pytest

from bot.digest_schedule import step
from bot.digests import KIND, SCHEDULE
from bot.errors import Barred, Throttled
from tests.handlers.mornings import TENANT, Mornings, utc
from tests.responses.fake_teams import Mishap
from tests.responses.processes import Killed, Process


async def berlin(start: str, at: str = "08:00") -> Mornings:
    """A channel with a digest on Berlin's clocks."""
    stage = Mornings(start)
    await stage.subscribe(f"digest at {at} Europe/Berlin")
    return stage


@pytest.mark.parametrize(
    ("zone", "at", "start", "days", "expected"),
    [
        ("Europe/Berlin", "02:30", "2026-03-27 12:00", 3, ["03-28 02:30", "03-29 03:00", "03-30 02:30"]),
        ("Europe/Berlin", "02:30", "2026-10-23 12:00", 3, ["10-24 02:30", "10-25 02:30", "10-26 02:30"]),
        ("America/New_York", "02:30", "2026-03-06 12:00", 3, ["03-07 02:30", "03-08 03:00", "03-09 02:30"]),
        ("America/New_York", "01:30", "2026-10-30 12:00", 3, ["10-31 01:30", "11-01 01:30", "11-02 01:30"]),
        ("Australia/Lord_Howe", "02:15", "2026-10-02 12:00", 3, ["10-03 02:15", "10-04 02:30", "10-05 02:15"]),
        ("Australia/Lord_Howe", "01:45", "2026-04-03 12:00", 3, ["04-04 01:45", "04-05 01:45", "04-06 01:45"]),
        ("Asia/Kolkata", "02:30", "2026-03-27 12:00", 3, ["03-28 02:30", "03-29 02:30", "03-30 02:30"]),
        ("Europe/Berlin", "00:00", "2026-12-30 12:00", 3, ["12-31 00:00", "01-01 00:00", "01-02 00:00"]),
        ("Europe/Berlin", "23:59", "2026-12-30 12:00", 3, ["12-30 23:59", "12-31 23:59", "01-01 23:59"]),
    ],
)
async def test_once_a_day_on_local_clocks(zone, at, start, days, expected):
    """A digest comes once a day at its local time, whatever the clocks do that night."""
    stage = Mornings(start)
    await stage.subscribe(f"digest at {at} {zone}")
    await stage.days(days)
    assert await stage.mornings(zone) == expected
    assert len(stage.cards()) == len(expected)
    assert not any("Late" in card for card in stage.cards())


@pytest.mark.parametrize(
    ("back", "late", "next_one"),
    [
        ("2026-11-24 07:05", False, "11-25 08:00"),
        ("2026-11-24 13:00", True, "11-25 08:00"),
        ("2026-11-24 20:00", True, "11-25 08:00"),
        ("2026-11-25 06:50", True, "11-26 08:00"),
        ("2026-11-25 07:00", True, "11-26 08:00"),
        ("2026-11-27 09:00", True, "11-28 08:00"),
    ],
)
async def test_an_outage_brings_one_late_digest(back, late, next_one):
    """After an outage one digest comes at once and says since when it was due; the next comes in its time."""
    stage = await berlin("2026-11-22 12:00")
    await stage.until("2026-11-23 12:00")
    stage.leap(back)
    await stage.until(back)
    await stage.until(utc(back))
    cards = stage.cards()
    assert len(cards) == 2
    assert ("it was due 24 Nov 08:00 CET" in cards[1]) == late
    assert "23 Nov 08:00 CET to" in cards[1]
    schedule = await stage.schedule()
    assert schedule.next
    await stage.until(schedule.next)
    assert len(stage.cards()) == 3
    assert (await stage.mornings("Europe/Berlin"))[-1] == next_one
    assert "Late" not in stage.cards()[2]


async def test_nothing_that_happened_in_an_outage_is_lost():
    """The late digest covers everything since the last one, not the last day alone."""
    stage = await berlin("2026-11-22 12:00")
    await stage.until("2026-11-23 12:00")
    stage.company.incident_now(7, severity="high")
    stage.leap("2026-11-27 09:00")
    await stage.until("2026-11-27 09:00")
    assert "new: **1**" in stage.cards()[-1]


async def test_two_replicas_step_at_once():
    """Both make what is due at the same moment: one digest, one card, one next time."""
    for _ in range(20):
        stage = await berlin("2026-11-22 12:00")
        stage.leap("2026-11-23 07:00")
        both = [stage.work(TENANT, SCHEDULE, "19:soc") for _ in range(2)]
        direct = [step(stage.services(), TENANT, "19:soc") for _ in range(3)]  # a lease may be lost
        await asyncio.gather(*both, *direct)
        await stage.until("2026-11-23 07:05")
        assert len(await stage.digests()) == 1
        assert len(stage.cards()) == 1
        assert (await stage.schedule()).next == utc("2026-11-24 07:00")


async def test_killed_anywhere_there_is_one_digest():
    """A process that dies at any of its awaits leaves one digest, posted once unless Teams gave no answer."""
    deaths = 0
    for count in range(1, 200):
        for how in ("die before", "die after"):
            stage = await berlin("2026-11-22 12:00")
            stage.leap("2026-11-23 07:00")
            process = Process("mortal")
            process.arm(count, how)
            with contextlib.suppress(Killed, BaseExceptionGroup):
                for kind, key in ((SCHEDULE, "19:soc"), (KIND, "19:soc:2026-11-23")):
                    await stage.work(TENANT, kind, key, process)
            deaths += process.dead
            stage.clock.move(60)  # its leases run out
            await stage.until("2026-11-23 12:00")
            assert len(await stage.digests()) == 1
            posts = [call for call in stage.teams.calls if call[0] == "post"]
            assert len(posts) == len(stage.cards()) <= 2
            assert len(posts) == 1 or process.dead
            assert (await stage.schedule()).next == utc("2026-11-24 07:00")
        if not process.dead:
            break
    assert deaths > 40


async def test_what_was_read_before_a_crash_is_what_is_shown():
    """A digest that was filled and not posted is shown as it was read, however long that is ago."""
    stage = await berlin("2026-11-22 12:00")
    stage.company.incident_now(1)
    stage.leap("2026-11-23 07:00")
    await stage.work(TENANT, SCHEDULE, "19:soc")
    stage.teams.mishaps["post"].append(Mishap(Throttled("teams", "post", retry_after=3600.0)))
    await stage.work(TENANT, KIND, "19:soc:2026-11-23")
    assert stage.cards() == []
    stage.company.incident_now(2)
    await stage.until("2026-11-23 09:00")
    (card,) = stage.cards()
    assert "to 23 Nov 08:00 CET" in card
    assert "new: **1**" in card


async def test_what_nobody_saw_is_covered_by_the_next():
    """While Teams is away nothing piles up: the next digest takes the place of the unseen one and covers its time."""
    stage = await berlin("2026-11-22 12:00")
    await stage.until("2026-11-23 12:00")
    stage.company.incident_now(5)
    away = [Mishap(Throttled("teams", "post", retry_after=3600.0)) for _ in range(60)]
    stage.teams.mishaps["post"].extend(away)
    await stage.until("2026-11-25 07:20")
    stage.teams.mishaps["post"].clear()
    await stage.until("2026-11-25 12:00")
    cards = stage.cards()
    assert len(cards) == 2
    assert "23 Nov 08:00 CET to 25 Nov 08:00 CET" in cards[1]
    assert "new: **1**" in cards[1]


async def test_unsubscribed_gets_none():
    """A conversation that unsubscribed gets no digest, not even one that was due or made already."""
    stage = await berlin("2026-11-22 12:00")
    stage.leap("2026-11-23 07:00")
    await stage.work(TENANT, SCHEDULE, "19:soc")
    await stage.unsubscribe()
    await stage.days(5)
    assert stage.cards() == []
    assert (await stage.schedule()).next is None


async def test_unsubscribed_before_it_could_be_posted():
    """A digest that Teams did not take yet is not posted after the end of its subscription."""
    stage = await berlin("2026-11-22 12:00")
    stage.teams.mishaps["post"].append(Mishap(Throttled("teams", "post", retry_after=3600.0)))
    await stage.until("2026-11-23 07:10")
    await stage.unsubscribe()
    await stage.days(1)
    assert stage.cards() == []


async def test_a_conversation_that_is_over_gets_no_more():
    """When Teams refuses the digest the subscription ends, and the schedule with it."""
    stage = await berlin("2026-11-22 12:00")
    stage.teams.mishaps["post"].append(Mishap(Barred("teams", "post", status=403)))
    await stage.days(3)
    assert stage.cards() == []
    assert (await stage.schedule()).next is None
    assert len(await stage.digests()) == 1


async def test_ended_while_it_was_read():
    """A subscription that ends between the digest's making and its reading leaves nothing to be shown."""
    stage = await berlin("2026-11-22 12:00")
    stage.leap("2026-11-23 07:00")
    await stage.work(TENANT, SCHEDULE, "19:soc")
    stage.store._records.pop((TENANT, "subscription", "19:soc"))
    await stage.days(1)
    assert stage.cards() == []


@pytest.mark.parametrize(
    ("changed", "words", "expected"),
    [
        ("2026-11-23 06:00", "digest at 18:00", ["11-23 18:00", "11-24 18:00"]),
        ("2026-11-23 12:00", "digest at 18:00", ["11-23 08:00", "11-24 18:00"]),
        ("2026-11-23 06:00", "digest at 06:30", ["11-24 06:30", "11-25 06:30"]),
        ("2026-11-23 12:00", "digest at 08:00", ["11-23 08:00", "11-24 08:00"]),
        ("2026-11-23 12:00", "", ["11-23 08:00", "11-24 08:00"]),
        ("2026-11-23 12:00", "incidents from high", ["11-23 08:00", "11-24 08:00"]),
    ],
)
async def test_another_time_comes_not_twice_on_one_date(changed, words, expected):
    """A changed time holds from the next date that has had none; other words leave the digest as it is."""
    stage = await berlin("2026-11-22 12:00")
    await stage.until(changed)
    await stage.subscribe(words)
    await stage.until("2026-11-26 04:00")
    assert (await stage.mornings("Europe/Berlin"))[:2] == expected


async def test_words_after_an_outage_do_not_lose_what_is_due():
    """Who subscribes to something else when the bot is back, before the digest was made, still gets it, late."""
    stage = await berlin("2026-11-22 12:00")
    stage.leap("2026-11-23 13:00")
    await stage.subscribe("requests")
    await stage.until("2026-11-23 14:00")
    (card,) = stage.cards()
    assert "it was due 23 Nov 08:00 CET" in card


async def test_another_zone_comes_not_twice_on_one_date():
    """From Auckland to New York, where it is still the day before: the date that had its digest has no second one."""
    stage = Mornings("2026-11-23 12:00")
    await stage.subscribe("digest at 08:00 Pacific/Auckland")
    await stage.until("2026-11-23 20:00")
    assert await stage.mornings("Pacific/Auckland") == ["11-24 08:00"]
    await stage.subscribe("digest at 18:00 America/New_York")
    await stage.until("2026-11-26 00:00")
    assert await stage.mornings("America/New_York") == ["11-23 14:00", "11-25 18:00"]
    days = [digest.day for digest in await stage.digests()]
    assert len(set(days)) == len(days)


async def test_subscribed_again_the_same_day():
    """Unsubscribing and subscribing again brings no second digest on a date that had one."""
    stage = await berlin("2026-11-22 12:00")
    await stage.until("2026-11-23 12:00")
    await stage.unsubscribe()
    await stage.subscribe("digest at 20:00")
    await stage.until("2026-11-24 12:00")
    assert await stage.mornings("Europe/Berlin") == ["11-23 08:00"]


async def test_schedules_leave_nothing_behind():
    """A schedule is one record for each conversation; the digests run out."""
    stage = await berlin("2026-01-01 12:00")
    for _ in range(8):
        stage.clock.move(30 * 24 * 3600)
        await stage.days(3)
    assert len(await stage.store.newest(TENANT, SCHEDULE)) == 1
    assert len(stage.cards()) > 20
    assert 0 < len(await stage.digests()) < 6
