"""The words of /audit: any of them in any order, names with spaces, and what is no filter refused with the form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.audit.trail import seen
from bot.errors import UsageError
from handlers.auditing import KEYS, USAGE, Asked, Chosen, parse
from tests.audit.trails import rows


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("", Asked()),
        ("30 days", Asked(days=30)),
        ("1 day", Asked(days=1)),
        ("90days page 3", Asked(days=90, page=3)),
        ("device WS-01", Asked(by={"device": "WS-01"})),
        ("Device WS-01 30 days", Asked(by={"device": "WS-01"}, days=30)),
        ("30 days device WS-01", Asked(by={"device": "WS-01"}, days=30)),
        ("user Megan Bowen 30 days", Asked(by={"user": "Megan Bowen"}, days=30)),
        ('user "Device Days" device "30 days"', Asked(by={"user": "Device Days", "device": "30 days"})),
        ("user 'O Neil' request WK-1", Asked(by={"user": "O Neil", "request": "WK-1"})),
        ("user device", Asked(by={"user": "device"})),
        ("it", Asked(by={"device": "it"})),
        ("device it page 2", Asked(by={"device": "it"}, page=2)),
        ("request WK-7Q2M4KX9PA", Asked(by={"request": "WK-7Q2M4KX9PA"})),
        ("export", Asked(export="csv")),
        ("export JSONL device WS-01 2 days", Asked(export="jsonl", by={"device": "WS-01"}, days=2)),
        ("export device WS-01", Asked(export="csv", by={"device": "WS-01"})),
    ],
)
def test_words_are_understood(words, asked):
    """Each filter once, in any order, with a number of days and a page, and export before them."""
    assert parse(words) == asked


@pytest.mark.parametrize(
    "words",
    ["device", "user", "request 30 days x", "WS-01", "device a device b", "0 days", "9999 days", "days", "export xml"],
)
def test_other_words_are_refused(words):
    """What is no filter, a filter without a name or twice, and an odd number of days are refused."""
    with pytest.raises(UsageError) as refused:
        parse(words)
    assert refused.value.key in ("error.usage", "error.audit_days")
    assert refused.value.values.get("usage", USAGE) == USAGE


TOKENS = st.sampled_from([*KEYS, "it", "export", "csv", "7 days", "day", "page 2", "'", '"', "x y", "page"]) | st.text(
    max_size=8
)


@given(st.lists(TOKENS, max_size=8))
def test_any_words_end_in_filters_or_a_refusal(words):
    """Whatever is typed, it is understood or refused, and never runs for ever."""
    try:
        asked = parse(" ".join(words))
    except UsageError:
        return
    assert asked.days >= 1
    assert all(asked.by.values())


IDS = {"device": "d" * 40, "user": "a0000000-0000-4000-8000-000000000001", "request": "WK-7Q2M4KX9PA"}


@given(st.sets(st.sampled_from(KEYS)), st.integers(1, 3650))
def test_a_buttons_line_means_the_same_again(keys, days):
    """The line on a button is understood as the filters that it was made of."""
    chosen = Chosen(ids={key: IDS[key] for key in sorted(keys)}, labels={}, days=days, devices={})
    assert parse(chosen.line.removeprefix("audit ")) == Asked(by=dict(chosen.ids), days=days)


def taken(devices=None, **ids: str) -> list[int]:
    """The numbers of the entries that a filter takes, of three requests; the last entry names its device itself."""
    entries = [seen(row, "") for row in rows(3)]
    chosen = Chosen(ids=ids, labels={}, days=7, devices=devices or {})
    return [n for n, entry in enumerate(entries) if chosen.takes(entry)]


def test_entries_are_chosen_by_what_they_hold():
    """By person in any case, by request, by the device of the request; filters that differ must all fit."""
    assert taken() == [0, 1, 2]
    assert taken(user="P1") == [1]
    assert taken(user="p") == []
    assert taken(request="2") == [2]
    assert taken(device="dd", devices={"1": "dd"}) == [1]
    assert taken(device="dd", user="p2", devices={"1": "dd"}) == []
