"""Secure Score with its history, read through the real client and parser."""

from datetime import date, timedelta

import pytest

from bot.errors import MissingPermission
from bot.graph.models import SecureScore
from bot.secure_history import newest_score, score_with_history, with_history
from tests.bot.measured import CONTOSO, LITWARE, SECURE, START, Estate, refused, sample

TODAY = START.date()


@pytest.fixture
def estate() -> Estate:
    return Estate()


async def test_the_documented_sample():
    """The documented sample alone is a history of one day, and there is nothing to compare it with."""
    scores = [SecureScore.model_validate(one) for one in sample("graph/securescores-list")["value"]]
    found = with_history(scores, START)
    assert (found.current, found.maximum) == (387.0, 697.0)
    assert [one.day for one in found.days] == [date(2019, 3, 19)]
    assert round(found.days[0].percent or 0, 1) == 55.5
    assert found.controls == ()


async def test_thirty_days_before_the_newest(estate):
    """The history begins thirty days before the newest score, oldest first, and older days are left out."""
    estate.month(TODAY, back=40)
    found = await score_with_history(estate.services, CONTOSO)
    assert [one.day for one in found.days] == [TODAY - timedelta(days=n) for n in range(30, -1, -1)]
    assert (found.days[0].current, found.days[-1].current, found.current) == (370.0, 400.0, 400.0)


async def test_days_that_graph_lacks_stay_out(estate):
    """A day without a score is not made up, and the controls are not compared with another day instead."""
    for back in (0, 2, 7, 35):
        estate.cloud.score(TODAY - timedelta(days=back), 400 - back, Mfa=10 - back)
    found = await score_with_history(estate.services, CONTOSO)
    assert [(TODAY - one.day).days for one in found.days] == [7, 2, 0]
    assert [(TODAY - one.since).days for one in found.controls] == [7]


async def test_controls_that_changed(estate):
    """At most five controls are named, those that changed most first; new ones and gone ones are among them."""
    before = {f"c{n}": 5.0 for n in range(8)} | {"gone": 2.0, "same": 1.0}
    now = {f"c{n}": 5.0 + n / 2 for n in range(8)} | {"fresh": 9.0, "same": 1.0}
    estate.cloud.score(TODAY - timedelta(days=1), 100, **before)
    estate.cloud.score(TODAY, 120, **now)
    (since,) = (await score_with_history(estate.services, CONTOSO)).controls
    assert [(one.name, one.before, one.now) for one in since.most] == [
        ("fresh", None, 9.0),
        ("c7", 5.0, 8.5),
        ("c6", 5.0, 8.0),
        ("c5", 5.0, 7.5),
        ("c4", 5.0, 7.0),
    ]
    assert since.most[0].text == "About fresh"
    assert since.more == 4  # c1, c2, c3 and the one that is gone


async def test_the_month_is_read_once_for_each_score(estate):
    """While the newest score stays the same it alone is asked for; a new one, or another figure, has all read anew."""
    estate.month(TODAY)
    reads = []
    for change in (None, None, 401.0, None):
        if change:
            estate.cloud.score(TODAY, change)
        before = estate.cloud.count(SECURE)
        found = await score_with_history(estate.services, CONTOSO)
        reads.append(estate.cloud.count(SECURE) - before)
        assert len(found.days) == 31
        assert found.at == estate.clock.now()
        estate.clock.move(600)
    assert found.current == 401.0
    assert reads == [2, 1, 2, 1]


async def test_no_score_yet(estate):
    """A tenant without a score has none; it is not zero."""
    found = await score_with_history(estate.services, CONTOSO)
    assert (found.current, found.maximum, found.days) == (None, None, ())


async def test_a_score_without_maximum_or_time(estate):
    """A score that names no maximum has none, and one that names no time has no history."""
    estate.cloud.score(TODAY, 400.0, 0)
    assert (await score_with_history(estate.services, CONTOSO)).maximum is None
    estate.cloud.days[TODAY]["createdDateTime"] = None
    found = await score_with_history(estate.services, CONTOSO)
    assert (found.current, found.scored, found.days) == (400.0, None, ())


async def test_a_figure_that_is_no_number(estate):
    """Not-a-number is no score."""
    estate.cloud.score(TODAY, 400.0)
    estate.cloud.days[TODAY]["currentScore"] = "NaN"
    assert (await newest_score(estate.services, CONTOSO)).current is None


async def test_customers_have_their_own_history(estate):
    """One customer's history is never another's."""
    estate.month(TODAY)
    estate.clouds[LITWARE].score(TODAY, 12.0)
    assert len((await score_with_history(estate.services, CONTOSO)).days) == 31
    assert len((await score_with_history(estate.services, LITWARE)).days) == 1


async def test_a_failure_is_the_services(estate):
    """What Graph refuses is raised."""
    estate.cloud.broken[SECURE] = refused()
    with pytest.raises(MissingPermission):
        await score_with_history(estate.services, CONTOSO)
