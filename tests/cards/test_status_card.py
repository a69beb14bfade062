"""The card of /status: green only where everything is known to be well; whatever is bad stands first, in words."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.auditreport import Alarm
from bot.limits import Used
from bot.pulse import Beat
from bot.sources import SourceState
from cards.status import status_card
from cards.status_troubles import troubles
from cards.status_view import Queue, StatusView
from tests.cards.samples import LOOK, ago
from tests.cards.statuses import everything_bad, just_started, pulse, well


def last(**more: Any) -> StatusView:
    """A bot whose last comparison differs from one that is well."""
    report = well().report
    assert report
    return replace(well(), report=report.model_copy(update={"last": report.last.model_copy(update=more)}))


def alarmed() -> StatusView:
    view = last(alarms=1)
    assert view.report
    return replace(view, report=view.report.model_copy(update={"alarms": (Alarm(kind="doubled", action="a"),)}))


BAD = {
    "idle": (replace(well(), replicas=(pulse("w1", working=False),)), "w1 takes no jobs"),
    "stuck": (replace(well(), replicas=(pulse("w1", longest=601.0),)), "at one job for 10 min"),
    "sweep": (replace(well(), swept=ago(minutes=3)), "Due work was last looked after"),
    "never swept": (replace(well(), swept=None), "Due work was last looked after unknown"),
    "redis": (replace(well(), redis_ms=101.0), "took 101 ms"),
    "unwatched": (replace(well(), watched=False), "type **subscribe**"),
    "unpolled": (replace(well(), polled=ago(minutes=4)), "Incidents were last looked for"),
    "never polled": (replace(well(), polled=None), "Incidents were last looked for"),
    "behind": (replace(well(), behind=700.0), "11 min behind"),
    "permission": (
        replace(well(), sources=[SourceState(name="devices", trouble="permission", detail="Machine.Read.All")]),
        "the permission Machine.Read.All is missing",
    ),
    "busy": (replace(well(), sources=[SourceState(name="devices", trouble="busy")]), "asked me to slow down"),
    "outage": (replace(well(), sources=[SourceState(name="devices", trouble="outage")]), "no usable answer"),
    "of tomorrow": (replace(well(), sources=[SourceState(name="devices", trouble="new")]), "no usable answer"),
    "overdue": (replace(well(), queue=Queue(due=3, overdue=1, oldest=ago(minutes=5))), "1 record is overdue"),
    "waiting": (last(waiting=2), "has not taken 2 cards"),
    "unsure": (last(unsure=1), "Whether 1 card can be seen"),
    "never compared": (replace(well(), report=None), "Nothing has been compared yet"),
    "compared long ago": (last(at=ago(minutes=17)), "The last comparison was"),
    "not compared": (last(unread={"incidents": "outage"}), "Not compared: incidents (no usable answer)"),
    "not mended": (last(gaps={"card": 3}, repaired={"card": 1}), "Not put right yet: incidents without a card: 2"),
    "alarm": (alarmed(), "one machine action more"),
    "beat refused": (replace(well(), beat=Beat(configured=True, trouble=("refused",))), "HEARTBEAT_URL"),
    "beat withheld": (replace(well(), beat=Beat(configured=True, trouble=("sweep",))), "I send no heart beat"),
    "beat late": (replace(well(), beat=Beat(configured=True, at=ago(minutes=6))), "The last heart beat was"),
    "budget": (replace(well(), budgets=[Used(api="graph x", window=60, used=90, most=100)]), "90 of 100"),
}


def tone(view: StatusView) -> str:
    """The colour of the first part."""
    return str(status_card(LOOK, view).card["body"][0].get("style", "default"))


@pytest.mark.parametrize("name", BAD)
def test_each_bad_thing_alone_is_said_first(name):
    """One bad thing alone is the first thing said, and the card is not green."""
    view, said = BAD[name]
    lines = troubles(LOOK, view)
    assert any(said in line for line in lines)
    first = json.dumps(status_card(LOOK, view).card["body"][0], ensure_ascii=False)
    assert said in first
    assert "All is well" not in first
    assert (tone(view), status_card(LOOK, view).summary) == ("attention", said_in_summary(len(lines)))


def said_in_summary(n: int) -> str:
    return "Status: 1 thing needs attention" if n == 1 else f"Status: {n} things need attention"


def test_well_is_green_and_says_so():
    """Where nothing is bad and everything was read and compared the card is green."""
    assert (troubles(LOOK, well()), tone(well())) == ([], "good")
    assert status_card(LOOK, well()).summary == "Status: all is well"


def test_a_plan_that_lacks_something_is_no_trouble():
    """What the tenant's plan does not have is named among the figures and needs nobody's attention."""
    sources = [*well().sources, SourceState(name="device-score", trouble="plan", detail="x")]
    view = replace(well(), sources=sources)
    assert tone(view) == "good"
    assert "not in this tenant's plan" in json.dumps(status_card(LOOK, view).card)


def test_what_was_mended_is_no_trouble():
    """Gaps that the comparison put right are counted among the figures."""
    view = last(gaps={"card": 2}, repaired={"card": 2})
    assert tone(view) == "good"
    assert "incidents without a card: 2" in json.dumps(status_card(LOOK, view).card)


def test_a_process_that_has_just_started_is_neither():
    """What has not happened yet is neither called well nor bad in the first minutes, and bad after them."""
    assert (troubles(LOOK, just_started()), tone(just_started())) == ([], "default")
    assert "all is well" not in status_card(LOOK, just_started()).summary
    later = replace(just_started(), started=ago(minutes=11))
    assert len(troubles(LOOK, later)) == 3


def test_an_admin_sees_the_processes():
    """Which processes run, and which of them answered, is shown to admins."""
    view = replace(well(), admin=True)
    shown = json.dumps(status_card(LOOK, view).card)
    assert "bot-1-7-a1b2c3 (answered you)" in shown
    assert "bot-2-7-d4e5f6" in shown
    assert "bot-2-7-d4e5f6" not in json.dumps(status_card(LOOK, well()).card)


def test_everything_bad_at_once_fits_a_message():
    """A bot on its worst day still has a card that Teams takes."""
    card = status_card(LOOK, everything_bad(lambda text: text * 20))
    assert len(json.dumps(card.card)) < 25_000
