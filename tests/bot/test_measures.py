"""Figures that are kept for a minute, and records that are kept of each day."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import stamina

from bot.coverage import state_of
from bot.errors import MissingPermission, NotInPlan, StoreDown, Unavailable
from bot.figures import EVERYTHING, SCORES
from bot.history import KEPT_DAYS, KIND
from bot.measures import KEY, day_before, latest, recent_days, write_day
from bot.readings import MEASURED, read_now
from bot.state.memory import MemoryStore
from bot.state.store import Change
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
    outage,
    refused,
)


@pytest.fixture
def estate() -> Estate:
    made = Estate()
    made.month(START.date())
    return made


@pytest.fixture(autouse=True)
def no_waiting():
    """Retries happen, their pauses do not."""
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


class DownStore(MemoryStore):
    """Cannot be reached."""

    async def get_value(self, customer: str, name: str) -> Mapping[str, Any] | None:
        raise StoreDown(f"{customer} {name}")


async def measure(estate: Estate, customer: str = CONTOSO) -> None:
    await write_day(estate.services, customer, await read_now(estate.services, customer, MEASURED, 5))


class TestLatest:
    """What is kept for a minute."""

    async def test_all_figures(self, estate):
        """Every figure is read, with the moment it was read at."""
        found = await latest(estate.services, CONTOSO)
        assert found.values() == {
            "secure": 400.0,
            "secure_max": 697.0,
            "devices": 340.0,
            "exposure": 33.5,
            "high_risk": 1,
            "machines": 2,
            "open_incidents": 4,
        }
        assert found.at == START
        assert found.failures == {}

    async def test_within_a_minute_nothing_is_asked_again(self, estate):
        """What was read is shown again with the time at which it was read, by every replica; after a minute anew."""
        first = await latest(estate.services, CONTOSO, SCORES)
        asked = len(estate.cloud.asked)
        estate.cloud.exposure = 50.0
        estate.clock.move(59)
        second = await latest(estate.services, CONTOSO, SCORES)
        assert (second.values(), second.at, second.days) == (first.values(), START, first.days)
        assert len(estate.cloud.asked) == asked
        estate.clock.move(1)
        third = await latest(estate.services, CONTOSO, SCORES)
        assert third.exposure
        assert third.exposure.score == 50.0
        assert third.at == START + timedelta(seconds=60)

    async def test_anew_is_anew(self, estate):
        """Asked to read anew it does, and what it found is kept for those who come after."""
        await latest(estate.services, CONTOSO, SCORES)
        estate.cloud.exposure = 50.0
        estate.clock.move(5)
        for anew in (True, False):
            found = await latest(estate.services, CONTOSO, SCORES, anew=anew)
            assert found.values()["exposure"] == 50.0
        assert estate.cloud.count(EXPOSURE) == 2

    async def test_a_failed_read_is_not_kept(self, estate):
        """Of a source that failed the next asker asks again, and of the others nobody does."""
        estate.cloud.broken[EXPOSURE] = refused()
        first = await latest(estate.services, CONTOSO, SCORES)
        assert first.exposure is None
        assert isinstance(first.failures["exposure-score"], MissingPermission)
        del estate.cloud.broken[EXPOSURE]
        estate.clock.move(10)
        second = await latest(estate.services, CONTOSO, SCORES)
        assert second.exposure
        assert second.exposure.at == START + timedelta(seconds=10)
        assert second.failures == {}
        assert second.at == START
        assert (estate.cloud.count(DEVICES), estate.cloud.count(EXPOSURE)) == (1, 2)

    async def test_each_figure_ages_by_itself(self, estate):
        """A figure that was read later does not make an older one young again."""
        estate.cloud.broken[EXPOSURE] = refused()
        await latest(estate.services, CONTOSO, SCORES)
        del estate.cloud.broken[EXPOSURE]
        estate.clock.move(40)
        await latest(estate.services, CONTOSO, SCORES)
        estate.clock.move(30)
        found = await latest(estate.services, CONTOSO, SCORES)
        assert found.devices
        assert found.devices.at == START + timedelta(seconds=70)
        assert found.exposure
        assert found.exposure.at == START + timedelta(seconds=40)

    async def test_only_what_is_asked_for(self, estate):
        """The scores alone cost no list of devices, and what another reading kept beside them is not shown."""
        await latest(estate.services, CONTOSO, SCORES)
        assert estate.cloud.count(MACHINES) == 0
        await latest(estate.services, CONTOSO, EVERYTHING)
        assert estate.cloud.count(DEVICES) == 1
        found = await latest(estate.services, CONTOSO, SCORES)
        assert set(found.parts()) == set(SCORES)

    async def test_many_at_once_ask_once(self, estate):
        """Of twenty people who ask in the same moment one reads, and all get what was read."""
        found = await asyncio.gather(*(latest(estate.services, CONTOSO, SCORES) for _ in range(20)))
        assert {one.values()["exposure"] for one in found} == {33.5}
        assert estate.cloud.count(EXPOSURE) == 1

    async def test_who_waited_in_vain_asks_oneself(self, estate):
        """Where the reader that one waited for failed, one asks oneself and is told why."""
        estate.cloud.broken[EXPOSURE] = refused("DisabledFeature")
        found = await asyncio.gather(*(latest(estate.services, CONTOSO, SCORES) for _ in range(3)))
        assert all(isinstance(one.failures["exposure-score"], NotInPlan) for one in found)
        assert estate.cloud.count(DEVICES) == 1

    async def test_a_source_that_hangs_does_not_keep_the_others(self, estate):
        """Past its time a source counts as not read; the others are there."""
        estate.cloud.hanging = {EXPOSURE}
        found = await latest(estate.services, CONTOSO, SCORES, seconds=0.2)
        assert set(found.parts()) == {"secure-score", "device-score"}
        assert isinstance(found.failures["exposure-score"], Unavailable)
        assert (await state_of(estate.services, CONTOSO, "exposure-score")).trouble == "outage"

    @pytest.mark.parametrize("odd", ["NaN", "inf", None, "many"])
    async def test_what_is_no_number(self, estate, odd):
        """A score that is no number counts as not read."""
        estate.cloud.exposure = odd
        found = await latest(estate.services, CONTOSO, SCORES)
        assert set(found.failures) == {"exposure-score"}
        assert found.exposure is None

    async def test_what_another_version_kept(self, estate):
        """A kept value that cannot be read counts as none."""
        await estate.store.put_value(CONTOSO, KEY, {"text": '{"devices": {"at": "soon"}}'}, 60)
        assert (await latest(estate.services, CONTOSO, SCORES)).values()["devices"] == 340.0

    async def test_a_clock_that_went_back(self, estate):
        """What was read in the future is not believed."""
        await latest(estate.services, CONTOSO, SCORES)
        estate.clock.move(-30)
        found = await latest(estate.services, CONTOSO, SCORES)
        assert found.at == START - timedelta(seconds=30)

    async def test_each_outcome_is_written_down(self, estate):
        """A good read and a failed one stand in the coverage, with the permission that lacks."""
        estate.cloud.broken[EXPOSURE] = refused()
        estate.cloud.broken[SECURE] = outage()
        await latest(estate.services, CONTOSO)
        states = {name: await state_of(estate.services, CONTOSO, name) for name in EVERYTHING}
        assert {name: (state.trouble, state.good) for name, state in states.items()} == {
            "secure-score": ("outage", None),
            "device-score": ("", START),
            "exposure-score": ("permission", None),
            "devices": ("", START),
            "incidents": ("", START),
        }
        assert states["exposure-score"].detail == "Score.Read.All"

    async def test_customers_apart(self, estate):
        """One customer's figures are never another's."""
        first, second = [await latest(estate.services, one, SCORES) for one in (CONTOSO, LITWARE)]
        assert (first.values()["exposure"], second.values()["exposure"]) == (33.5, 71.0)
        assert (await latest(estate.services, LITWARE, SCORES)).values()["devices"] == 120.0


class TestDays:
    """The record of each day."""

    async def test_one_record_a_day(self, estate):
        """The last good read of the day stands, and midnight in UTC begins a new record."""
        await measure(estate)
        estate.cloud.exposure = 35.0
        estate.clock.move(14 * 3600)  # 23:00
        await measure(estate)
        estate.cloud.exposure = 36.0
        estate.clock.move(3601)
        await measure(estate)
        days = await recent_days(estate.services, CONTOSO)
        assert [(day.id, day.exposure) for day in days] == [("2026-11-23", 35.0), ("2026-11-24", 36.0)]
        assert [day.at for day in days] == [START + timedelta(hours=14), START + timedelta(hours=15, seconds=1)]

    async def test_a_failed_read_erases_nothing(self, estate):
        """A figure that was read in the morning stands at night though nobody could read it then."""
        await measure(estate)
        estate.cloud.broken = {EXPOSURE: refused(), SECURE: outage()}
        estate.cloud.devices = 350.0
        estate.clock.move(3600)
        await measure(estate)
        day = await estate.day()
        assert day
        assert (day.exposure, day.secure, day.secure_max, day.devices) == (33.5, 400.0, 697.0, 350.0)
        assert day.at == START + timedelta(hours=1)

    async def test_nothing_read_is_no_record(self, estate):
        """A day on which nothing could be read has no record."""
        estate.cloud.broken = dict.fromkeys(EVERY_PATH, refused())
        await measure(estate)
        assert await estate.day() is None

    async def test_a_newer_versions_figures_stay(self, estate):
        """A field of a newer version is not lost when this one writes the day's record."""
        await measure(estate)
        record = await estate.store.get(CONTOSO, KIND, "2026-11-23")
        assert record
        newer = Change(kind=KIND, id=record.id, rev=record.rev, data={**record.data, "new": 7})
        await estate.store.commit(CONTOSO, [newer])
        await measure(estate)
        again = await estate.store.get(CONTOSO, KIND, "2026-11-23")
        assert again
        assert (again.data["new"], again.data["exposure"]) == (7, 33.5)

    async def test_a_maximum_belongs_to_its_score(self, estate):
        """A score that names no maximum does not get that of an earlier one."""
        await measure(estate)
        estate.cloud.score(START.date(), 10.0, None)
        await measure(estate)
        day = await estate.day()
        assert day
        assert (day.secure, day.secure_max) == (10.0, None)

    async def test_the_newest_day_at_or_before(self, estate):
        """Asked for a moment, the newest record is given whose figures were all read by then, over any gap."""
        for hours in (0, 24, 24 * 60):
            estate.clock.move(hours * 3600)
            await measure(estate)
        asked = [timedelta(seconds=-1), timedelta(0), timedelta(hours=23), timedelta(hours=24), timedelta(days=400)]
        found = [await day_before(estate.services, CONTOSO, START + past) for past in asked]
        assert [day and day.id for day in found] == [None, "2026-11-23", "2026-11-23", "2026-11-24", "2027-01-23"]
        assert await day_before(estate.services, LITWARE, START + timedelta(days=1)) is None

    async def test_days_run_out(self, estate):
        """A record lives for its days and no longer, and the index of its kind is kept clean."""
        await measure(estate)
        estate.clock.move(KEPT_DAYS * 86400 + 1)
        await measure(estate)
        assert await estate.store.get(CONTOSO, KIND, "2026-11-23") is None
        assert len(await estate.store.newest(CONTOSO, KIND)) == 1

    async def test_two_writers(self, estate):
        """Two processes that measure at once leave one record with all figures."""
        await asyncio.gather(measure(estate), measure(estate))
        day = await estate.day()
        assert day
        assert day.exposure == 33.5

    async def test_a_store_that_is_down_is_said(self):
        """That Redis cannot be reached is raised, not taken for a figure that is missing."""
        with pytest.raises(StoreDown):
            await latest(Estate(DownStore).services, CONTOSO)
