"""When the auditor's last run allows to say that every incident and request has its card."""

from datetime import UTC, datetime

import pytest

from bot.auditreport import Run

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "left",
    [
        {"unread": {"incidents": "outage"}},
        {"later": ("incidents",)},
        {"alarms": 1},
        {"unsure": 1},
        {"waiting": 1},
        {"gaps": {"card": 2}, "repaired": {"card": 1}},
    ],
)
def test_whatever_is_left_open_forbids_it(left):
    """A post in doubt, a part not read, a rest that follows, an alarm or a gap that stayed: each alone is enough."""
    assert not Run(at=NOW, compared={"incidents": 3}, **left).settled


def test_what_was_put_right_allows_it():
    """Nothing missing, or all of it mended in the same run."""
    assert Run(at=NOW, compared={"incidents": 3}).settled
    assert Run(at=NOW, gaps={"card": 2}, repaired={"card": 2}).settled
