"""What the card of the scores says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.figures import ControlChange, ControlChanges, Figures, SecureReading
from cards.score import exposure_level, score_card
from cards.trend import signed
from tests.cards import gallery, scores, walk
from tests.cards.samples import LOOK, NOW

CARDS = gallery.every()


def text(name: str) -> str:
    return walk.text_of(CARDS[name].card)


def said(figures: Figures, **look: object) -> str:
    return walk.text_of(score_card(replace(LOOK, **look), figures).card)  # type: ignore[arg-type]


def charts(card: object) -> list[walk.Node]:
    return [node for node in walk.nodes(card) if node.get("type") == "Chart.Line"]


@pytest.mark.parametrize(
    ("score", "level"),
    [(0, "low"), (29.9, "low"), (30, "medium"), (69.9, "medium"), (70, "high"), (100, "high"), (101, ""), (-1, "")],
)
def test_level_follows_the_product_page(score, level):
    """0 to 29 is low, 30 to 69 medium, 70 to 100 high; anything else has no level."""
    assert exposure_level(score) == level


@pytest.mark.parametrize(
    ("change", "shown"), [(3.2, "+3.2"), (-1.0, "\u22121"), (1234.5, "+1,234.5"), (0.1, "+0.1"), (-0.5, "\u22120.5")]
)
def test_a_change_has_its_sign(change, shown):
    """A gain has a plus, a loss a true minus."""
    assert signed(change) == shown


class TestWhatIsMissing:
    """What could not be read, or is not there."""

    def test_unread_is_not_zero(self):
        """A score that could not be read is said so, in the card and in the summary, and to be tried again."""
        assert text("score-unread").count("could not be read") == 2
        assert "Could not be read: Microsoft Secure Score" in text("score-unread")
        assert "Please try again" in text("score-unread")
        assert CARDS["score-unread"].summary == "Secure Score could not be read, exposure score 33.4"

    def test_a_permission_is_named(self):
        """A missing permission is named where the figure would be; to try again is not advised."""
        shown = text("score-permission")
        assert shown.count("the permission Score.Read.All is not granted") == 2
        assert "Could not be read: Secure Score for Devices (Defender), exposure score (Defender)." in shown
        assert "lacks the permission **Score.Read.All**" in shown
        assert "Please try again" not in shown

    def test_a_plan_is_named(self):
        """What the plan lacks is said so; to try again is not advised."""
        assert text("score-plan").count("the plan or the settings of this tenant do not have it") == 2
        assert "Please try again" not in text("score-plan")

    def test_no_score_yet(self):
        """A tenant without a Secure Score has none; that is neither zero nor unreadable."""
        assert "Graph has no score of this tenant yet." in text("score-none")
        assert CARDS["score-none"].summary == "Secure Score not there yet, exposure score 33.4"

    def test_no_maximum_is_made_up(self):
        """Without a maximum no percentage is shown, and for devices the card says that none is named."""
        shown = text("score-no-maximum")
        assert "%" not in shown
        assert "**412.5**, higher is better; the maximum is unknown" in shown
        assert "the service names no maximum" in shown

    def test_zero_is_a_score(self):
        """A score of zero is shown as zero."""
        reading = SecureReading(at=NOW, scored=NOW, current=0.0, maximum=780.0)
        shown = said(Figures(secure=reading, exposure=scores.reading(0.0)))
        assert "**0 of 780** (0 %)" in shown
        assert "**0 of 100**, low exposure" in shown


class TestTrend:
    """How it came to where it is."""

    def test_thirty_days(self):
        """With a month of figures the trend is said to be of thirty days, in words, and drawn once for each score."""
        assert text("score").count("Since 24 Oct (30 days)") == 3
        assert "first 48.1 %, lowest 48.1 %, highest 52.9 %, latest 52.9 %" in text("score")
        drawn = charts(CARDS["score"].card)
        assert [len(one["data"][0]["values"]) for one in drawn] == [31, 31, 31]
        assert (drawn[0]["yMin"], drawn[0]["yMax"]) == (47, 54)
        assert drawn[1]["data"][0]["values"][-1] == {"x": "2026-11-23", "y": 340.0}

    def test_the_first_day_pretends_nothing(self):
        """On the first day there is no trend, no change and no chart."""
        for name in ("score-first-day", "score-first-hour"):
            assert "Since" not in text(name)
            assert text(name).count("today's is the first") == 2
            assert charts(CARDS[name].card) == []

    def test_a_shorter_record_names_its_beginning(self):
        """Less than a month is said to be since its first day; days without a figure are counted."""
        shown = text("score-gaps")
        assert "30 days" not in shown
        assert "Since 19 Nov (4 days)\nfirst 52.2 %" in shown
        assert "Since 14 Nov (9 days)\nfirst 331, lowest 331, highest 340, latest 340; 3 days have no figure" in shown
        assert "Since 22 Nov (1 day)\nno figure from that day" in shown

    def test_older_records_are_left_out(self):
        """A record older than thirty days is no part of the trend."""
        old = scores.record(31, devices=1.0, exposure=99.0)
        assert said(scores.known(str, days=(old, *scores.month()))) == text("score")

    def test_the_figure_itself_is_the_latest(self):
        """The trend ends with the figure that is shown, not with what was noted an hour before."""
        shown = said(scores.known(str, devices=scores.reading(350.0)))
        assert "first 310, lowest 310, highest 350, latest 350" in shown
        assert "Since 22 Nov (1 day)\n**+11**, better" in shown


class TestChanges:
    """What changed since the day and the week before."""

    def test_words_say_which_way_is_better(self):
        """More exposure is worse, more Secure Score is better, the same is unchanged."""
        shown = text("score-jump")
        assert "**+53.6**, worse" in shown
        assert "**+1,173.2**, better" in shown
        same = scores.known(str, devices=scores.reading(339.0))
        assert "Since 22 Nov (1 day)\nunchanged" in said(same)

    def test_secure_score_counts_from_its_own_day(self):
        """Graph's newest score may be of yesterday: the day before is then the day before that."""
        late = scores.secure(str, scored=NOW - timedelta(days=1))
        days = late.days[:-1]
        shown = said(scores.known(str, secure=late.model_copy(update={"days": days, "current": days[-1].current})))
        assert "Since 21 Nov (1 day)\n" in shown

    def test_a_larger_maximum(self):
        """More points of a larger maximum are worse, because the share counts."""
        reading = scores.secure(str, 1)
        before = reading.days[0].model_copy(update={"maximum": 700.0})
        shown = said(scores.known(str, secure=reading.model_copy(update={"days": (before, reading.days[1])})))
        assert "percentage points**, worse" in shown

    def test_controls(self):
        """Controls that changed are named with their points, the new and the gone as such, the rest is counted."""
        shown = text("score")
        assert "Controls whose points changed since 22 Nov:\n+1 (8 to 9)\nTurn on real-time protection" in shown
        assert "+4 (new)\nmdo\\_safelinks" in shown
        assert "\u22121 (no longer counted)\nRetired control" in shown
        assert "and 2 more" in shown

    def test_the_same_controls_are_named_once(self):
        """Where all of the week's changes are of the last day they stand there once."""
        one = (ControlChange(name="Mfa", text="Require MFA", before=1.0, now=2.0),)
        compared = tuple(ControlChanges(since=scores.days_back(n), most=one) for n in (1, 7))
        shown = said(scores.known(str, secure=scores.secure(str, controls=compared)))
        assert shown.count("Require MFA") == 1


class TestReadAt:
    """The moment of which the card speaks."""

    def test_it_is_that_of_the_reading(self):
        """The card names when the figures were read, to the second, however much later it is asked for."""
        figures = scores.known(str)
        first, later = said(figures), said(figures, now=NOW + timedelta(seconds=40))
        assert first == later
        assert "Read at 14:04:38 CET" in first

    def test_it_is_that_of_the_oldest_figure(self):
        """Of figures that were read at different times the oldest counts."""
        figures = scores.known(str, exposure=scores.reading(1.0).model_copy(update={"at": NOW - timedelta(minutes=1)}))
        assert "Read at 14:04:00 CET" in said(figures)

    def test_each_reader_gets_their_own_zone(self):
        """What is remembered for one reader is not shown to another in the wrong zone."""
        figures = scores.known(str)
        assert "Read at 14:04:38 CET" in said(figures)
        assert "Read at 05:04:38 PST" in said(figures, zone="America/Los_Angeles")

    def test_refresh_reads_anew(self):
        """The button asks for a new reading."""
        (refresh,) = [one for one in walk.actions(CARDS["score"].card) if one["type"] == "Action.Execute"]
        assert (refresh["verb"], refresh["data"]["id"]) == ("run", "score now")

    def test_days_are_utc(self):
        """Shortly after midnight in UTC the day before is the day that ended then, wherever the reader is."""
        at = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)
        reading = scores.reading(340.0).model_copy(update={"at": at})
        shown = said(scores.known(str, devices=reading), now=at, zone="America/Los_Angeles")
        assert "Since 23 Nov (1 day)\nunchanged" in shown
