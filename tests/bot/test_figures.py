"""How figures compare with those of an earlier day."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.figures import (
    DevicesReading,
    Figures,
    IncidentsReading,
    ScoreReading,
    SecureReading,
    changes,
    delta,
    secure_delta,
)
from bot.history import Day

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
FULL = Figures(
    secure=SecureReading(at=NOW, current=350.0, maximum=700.0),
    devices=ScoreReading(at=NOW, score=340.0),
    exposure=ScoreReading(at=NOW - timedelta(seconds=20), score=30.0),
    estate=DevicesReading(at=NOW, machines=10, high_risk=2),
    incidents=IncidentsReading(at=NOW, open=5),
)


@pytest.mark.parametrize(
    ("name", "before", "now", "change", "verdict"),
    [
        ("devices", 340.0, 343.2, 3.2, "better"),
        ("devices", 343.2, 340.0, -3.2, "worse"),
        ("exposure", 30.0, 33.0, 3.0, "worse"),
        ("exposure", 33.0, 30.0, -3.0, "better"),
        ("exposure", 33.41, 33.44, 0.0, "same"),
        ("exposure", 33.44, 33.46, 0.1, "worse"),
        ("high_risk", 2, 1, -1, "better"),
        ("open_incidents", 0, 3, 3, "worse"),
        ("exposure", None, 30.0, None, "unknown"),
        ("exposure", 30.0, None, None, "unknown"),
        ("exposure", 0.0, 0.0, 0.0, "same"),
    ],
)
def test_a_figure_then_and_now(name, before, now, change, verdict):
    """A change is that of the figures as they are shown, and it is known which way is better."""
    found = delta(name, before, now)
    assert (found.change, found.verdict) == (change, verdict)


@pytest.mark.parametrize(
    ("before", "now", "unit", "change", "verdict"),
    [
        ((350.0, 700.0), (357.0, 700.0), "percent", 1.0, "better"),
        ((350.0, 700.0), (355.0, 800.0), "percent", -5.6, "worse"),
        ((350.0, None), (355.0, 800.0), "points", 5.0, "better"),
        ((350.0, 700.0), (340.0, None), "points", -10.0, "worse"),
        ((None, None), (355.0, 800.0), "percent", None, "unknown"),
        ((None, None), (355.0, None), "points", None, "unknown"),
        ((0.0, 700.0), (0.0, 700.0), "percent", 0.0, "same"),
    ],
)
def test_secure_score_is_a_share_where_both_maxima_are_known(before, now, unit, change, verdict):
    """More points of a larger maximum can be worse; without a maximum the points are compared."""
    found = secure_delta(before, now)
    assert (found.unit, found.change, found.verdict) == (unit, change, verdict)


def test_every_figure_is_compared():
    """Each figure of a day is compared, in the order of showing; one the day lacks has no change."""
    day = Day(id="2026-11-22", at=NOW, secure=343.0, secure_max=700.0, exposure=31.0, high_risk=0, open_incidents=5)
    found = {one.name: (one.change, one.verdict) for one in changes(day, FULL)}
    assert list(found) == ["secure", "devices", "exposure", "high_risk", "open_incidents"]
    assert found["secure"] == (1.0, "better")
    assert found["devices"] == (None, "unknown")
    assert found["exposure"] == (-1.0, "better")
    assert found["high_risk"] == (2, "worse")
    assert found["open_incidents"] == (0, "same")


def test_values_are_named_as_in_a_day():
    """What was read goes into a day's record by the names of its fields, and zero is a figure."""
    none = Figures(exposure=ScoreReading(at=NOW, score=0.0), secure=SecureReading(at=NOW))
    assert set(FULL.values()) == set(Day.model_fields) - {"v", "id", "at"}
    assert none.values() == {"exposure": 0.0}


def test_the_oldest_read_counts():
    """Figures are as old as the oldest of those that are asked for."""
    assert FULL.at == NOW - timedelta(seconds=20)
    assert FULL.only(["devices", "incidents"]).at == NOW
    assert Figures().at is None
