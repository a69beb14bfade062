"""Local times of day across changed clocks, outages and the edges of the calendar."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import UsageError
from bot.schedule import CLOSE, Daily
from bot.zones import find_zone, names

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
ZONES = sorted(names().values())


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def moments(at: str, zone: str, first: str, count: int) -> list[str]:
    """The moments (UTC) of so many dates from the first on."""
    daily, day = Daily.read(at, zone), date.fromisoformat(first)
    return [daily.moment(day + n * DAY).strftime("%m-%d %H:%M") for n in range(count)]


@pytest.mark.parametrize(
    ("at", "zone", "first", "expected"),
    [
        ("08:00", "Europe/Berlin", "2026-03-28", ["03-28 07:00", "03-29 06:00", "03-30 06:00"]),
        ("02:30", "Europe/Berlin", "2026-03-28", ["03-28 01:30", "03-29 01:00", "03-30 00:30"]),
        ("02:00", "Europe/Berlin", "2026-03-28", ["03-28 01:00", "03-29 01:00", "03-30 00:00"]),
        ("03:00", "Europe/Berlin", "2026-03-28", ["03-28 02:00", "03-29 01:00", "03-30 01:00"]),
        ("02:30", "Europe/Berlin", "2026-10-24", ["10-24 00:30", "10-25 00:30", "10-26 01:30"]),
        ("03:00", "Europe/Berlin", "2026-10-24", ["10-24 01:00", "10-25 02:00", "10-26 02:00"]),
        ("02:30", "America/New_York", "2026-03-07", ["03-07 07:30", "03-08 07:00", "03-09 06:30"]),
        ("01:30", "America/New_York", "2026-10-31", ["10-31 05:30", "11-01 05:30", "11-02 06:30"]),
        ("02:15", "Australia/Lord_Howe", "2026-10-03", ["10-02 15:45", "10-03 15:30", "10-04 15:15"]),
        ("01:45", "Australia/Lord_Howe", "2026-04-04", ["04-03 14:45", "04-04 14:45", "04-05 15:15"]),
        ("02:30", "Asia/Kolkata", "2026-03-28", ["03-27 21:00", "03-28 21:00", "03-29 21:00"]),
        ("23:30", "America/Nuuk", "2026-03-27", ["03-28 01:30", "03-29 01:00", "03-30 00:30"]),
        ("00:00", "Europe/Berlin", "2026-12-30", ["12-29 23:00", "12-30 23:00", "12-31 23:00"]),
        ("00:30", "America/Santiago", "2026-09-05", ["09-05 04:30", "09-06 04:00", "09-07 03:30"]),
        ("08:00", "Europe/Berlin", "2028-02-28", ["02-28 07:00", "02-29 07:00", "03-01 07:00"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_known_mornings(at, zone, first, expected):
    """A time that the clock leaves out comes at the next moment that exists, one that it shows twice the first time."""
    assert moments(at, zone, first, len(expected)) == expected


@given(
    zone=st.sampled_from(ZONES),
    at=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    after=st.integers(0, 37 * 366 * 24 * 60).map(lambda minutes: utc("2000-01-01") + timedelta(minutes=minutes)),
)
@example(zone="Europe/Berlin", at=time(2, 30), after=utc("2026-03-27 12:00"))
@example(zone="Europe/Berlin", at=time(2, 30), after=utc("2026-10-23 12:00"))
@example(zone="America/Nuuk", at=time(23, 30), after=utc("2026-03-27 12:00"))
@example(zone="America/St_Johns", at=time(0, 0), after=utc("2006-10-27 12:00"))
@example(zone="Pacific/Apia", at=time(0, 0), after=utc("2011-12-28 12:00"))
@example(zone="Antarctica/Troll", at=time(2, 0), after=utc("2026-10-23 12:00"))
def test_one_for_each_date_in_order(zone, at, after):
    """Moments grow strictly, each date has one, and two are a day apart, but for what the clock was put meanwhile."""
    daily, place = Daily(at=at, zone=zone), ZoneInfo(zone)
    listed = list(islice(daily.days(after), 6))
    assert listed[0][1] > after
    for (day, moment), (next_day, later) in pairwise(listed):
        assert later > moment
        assert next_day == day + DAY or daily.moment(day + DAY) <= moment  # Samoa had no 30th of December in 2011
        put = sum(
            (abs(_offset(place, m + HOUR) - _offset(place, m)) for m in _hours(moment - DAY, later)), timedelta(0)
        )
        assert abs(later - moment - (next_day - day)) <= put
    for day, moment in listed:
        wall = moment.astimezone(place).replace(tzinfo=None)
        wanted = datetime.combine(day, at)
        put_forward = _offset(place, moment) > _offset(place, moment - timedelta(seconds=1))
        assert wall == wanted or (wall > wanted and put_forward)


def _offset(place: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(place).utcoffset() or timedelta(0)


def _hours(first: datetime, last: datetime):
    while first < last:
        yield first
        first += HOUR


@given(
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "America/Nuuk"]),
    at=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    start=st.integers(0, 366 * 24 * 60).map(lambda minutes: utc("2026-01-01") + timedelta(minutes=minutes)),
    pauses=st.lists(st.integers(0, 4 * 24 * 60), max_size=12),
)
def test_outages_of_any_length_bring_one_for_each_date_and_none_close_together(zone, at, start, pauses):
    """However late each one is made, no date has two, and two are never nearer than the half of a day."""
    daily = Daily(at=at, zone=zone)
    day, due = daily.next(start)
    made: list[tuple[date, datetime]] = []
    for pause in pauses:
        now = due + timedelta(minutes=pause)
        reached = daily.reached(day, now)
        assert reached >= day
        made.append((reached, now))
        day, due = daily.next(now, reached)
        assert due > now
        assert day > reached
    assert len({reached for reached, _ in made}) == len(made)
    for (_, earlier), (_, later) in pairwise(made):
        same = daily.date_of(earlier) == daily.date_of(later)
        assert later - earlier >= CLOSE or not same


@pytest.mark.parametrize(
    ("now", "reached", "following"),
    [
        ("2026-11-23 07:00", "2026-11-23", "2026-11-24"),
        ("2026-11-23 18:00", "2026-11-23", "2026-11-24"),
        ("2026-11-23 22:59", "2026-11-23", "2026-11-24"),
        ("2026-11-23 23:00", "2026-11-24", "2026-11-25"),
        ("2026-11-24 06:50", "2026-11-24", "2026-11-25"),
        ("2026-11-24 07:00", "2026-11-24", "2026-11-25"),
        ("2026-11-26 09:00", "2026-11-26", "2026-11-27"),
    ],
)
def test_an_outage_is_made_up_for_once(now, reached, following):
    """What comes in the hours before the next one of that date stands for it; in the evening before it does not."""
    daily = Daily.read("08:00", "Europe/Berlin")
    day = daily.reached(date(2026, 11, 23), utc(now))
    assert day.isoformat() == reached
    assert daily.next(utc(now), day)[0].isoformat() == following


def test_a_moment_after_midnight_does_not_cost_the_next_day():
    """A digest of 23:59 that is made a few minutes late is yesterday's; the next one comes today."""
    daily = Daily.read("23:59", "Europe/Berlin")
    day = daily.reached(date(2026, 11, 23), utc("2026-11-23 23:04"))
    assert day == date(2026, 11, 23)
    assert daily.next(utc("2026-11-23 23:04"), day) == (date(2026, 11, 24), utc("2026-11-24 22:59"))


@pytest.mark.parametrize(
    ("said", "name"),
    [("europe/berlin", "Europe/Berlin"), ("AMERICA/NEW YORK", "America/New_York"), (" utc ", "UTC"), ("CET", "CET")],
)
def test_a_zone_is_found_in_any_case(said, name):
    """IANA names are taken in any case, with a blank for the underscore."""
    assert find_zone(said) == name


@pytest.mark.parametrize(
    ("said", "near"),
    [("Europe/Berln", "Europe/Berlin"), ("berlin", "Europe/Berlin"), ("new yrok", "America/New_York")],
)
def test_a_slip_gets_the_nearest_zone(said, near):
    """A name that is nearly one, or a city alone, is answered with the name."""
    with pytest.raises(UsageError) as refused:
        find_zone(said)
    assert refused.value.key == "error.unknown_zone_near"
    assert refused.value.values["near"] == near


@pytest.mark.parametrize("said", ["", "xyzzy", "UTC+2", "../../etc/passwd", "localtime", "\x00"])
def test_what_is_no_zone_is_refused(said):
    """Nothing that is not in the list reaches the file system, and an offset is not taken for UTC."""
    with pytest.raises(UsageError) as refused:
        find_zone(said)
    assert refused.value.key == "error.unknown_zone"


def test_each_name_is_a_zone():
    """Each name that can be chosen can be loaded."""
    assert len(ZONES) > 500
    for name in ZONES:
        ZoneInfo(name)
