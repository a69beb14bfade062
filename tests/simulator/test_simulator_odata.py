"""The filter parser against sense and against hostile text."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.simulator import moments
from bot.simulator.odata import Field, Fields, ODataError, compile_filter

FIELDS = Fields(
    {
        "name": Field(lambda item: item.get("name")),
        "count": Field(lambda item: item.get("count"), "number"),
        "at": Field(lambda item: item.get("at"), "time"),
        "status": Field(lambda item: item.get("status"), "enum", frozenset({"active", "inProgress"})),
        "on": Field(lambda item: item.get("on"), "flag"),
    },
    {"tags": (lambda item: item.get("tags", []), Fields({"": Field(lambda tag: tag)}, {}))},
)
ITEM = {
    "name": "o'brien-pc",
    "count": 3,
    "at": datetime(2026, 1, 2, 3, 4, 5, 123_456, tzinfo=UTC),
    "status": "inProgress",
    "on": True,
    "tags": ["VIP", "lab*"],
}
words = st.text(max_size=40)


def holds(text: str, item: dict[str, object] = ITEM) -> bool:
    return compile_filter(text, FIELDS)(item)


@pytest.mark.parametrize(
    "text",
    [
        "name eq 'o''brien-pc'",
        "name ne 'x'",
        "count gt 2 and count ge 3 and count lt 4 and count le 3",
        "count eq 9 or count eq 3",
        "not (count eq 9)",
        "not count eq 9 and name eq 'o''brien-pc'",
        "startswith(name,'o''b')",
        "contains(name, 'brien')",
        "endswith(name,'-pc')",
        "name in ('a', 'o''brien-pc')",
        "status eq 'inProgress'",
        "status eq 'InProgress'",
        "on eq true",
        "at gt 2026-01-02",
        "at gt 2026-01-02T03:04:05.1234559Z",
        "at lt 2026-01-02T05:04:05+01:00",
        "tags/any(t: t eq 'VIP')",
        "tags/any(t:t eq 'lab*')",
        "(((count eq 3)))",
    ],
)
def test_documented_forms_hold(text):
    """Each documented operator finds the item it describes."""
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "name eq 'x'",
        "count gt 3",
        "not count eq 3",
        "count eq 9 or count eq 8 and count eq 3",
        "startswith(name,'brien')",
        "tags/any(t: t eq 'vip')",
        "at gt 2026-01-02T03:04:06Z",
        "on eq false",
    ],
)
def test_what_does_not_hold_is_not_found(text):
    """A filter that does not describe the item does not let it through."""
    assert not holds(text)


def test_null_is_nothing_to_order():
    """A missing value equals null and is neither less nor more than anything."""
    assert holds("count eq null", {})
    assert holds("count ne 3", {})
    assert not holds("count gt 3", {})
    assert not holds("count le 3", {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name eq",
        "name eq x",
        "name eq 'x",
        "name = 'x'",
        "other eq 'x'",
        "count eq '3'",
        "count eq 3 and",
        "count eq 3)",
        "(count eq 3",
        "at gt '2026-01-01'",
        "at gt 2026-13-01",
        "at gt 0001-01-01T00:00:00+10:00",
        "status eq 'nonsense'",
        "startswith(count,'3')",
        "lower(name) eq 'x'",
        "name in ()",
        "other/any(t: t eq 'x')",
        "tags/any(t: name eq 'x')",
        "count eq 3 count eq 3",
        "not " * 100 + "count eq 3",
        "(" * 100 + "count eq 3" + ")" * 100,
    ],
)
def test_what_is_not_documented_is_refused(text):
    """Unknown fields and functions, wrong types and broken syntax are an error, as they are at the service."""
    with pytest.raises(ODataError):
        compile_filter(text, FIELDS)


@given(words)
def test_hostile_text_is_read_or_refused(text):
    """Whatever is sent as a filter either becomes a test that answers, or an ODataError; nothing else escapes."""
    try:
        test = compile_filter(text, FIELDS)
    except ODataError:
        return
    assert test(ITEM) in (True, False)


pieces = st.lists(
    st.sampled_from(
        ["name", "count", "eq", "and", "or", "not", "(", ")", "'x'", "3", ",", "tags/any(", "t:", "null", "in"]
    )
    | words,
    max_size=12,
)


@given(pieces)
def test_hostile_pieces_are_read_or_refused(parts):
    """The same for text put together from the grammar's own words."""
    try:
        test = compile_filter(" ".join(parts), FIELDS)
    except ODataError:
        return
    assert test(ITEM) in (True, False)


@given(words)
def test_any_quoted_text_finds_exactly_itself(text):
    """A string with its quotes doubled equals itself and can never end the literal early."""
    test = compile_filter("name eq '" + text.replace("'", "''") + "'", FIELDS)
    assert test({"name": text})
    assert not test({"name": text + "x"})


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_a_printed_time_is_exact(moment):
    """A time as printed, with its seventh digit, equals the moment and is not greater than it."""
    shown = moments.show(moment)
    assert moments.read(shown) == moments.ticks(moment)
    assert compile_filter(f"at ge {shown}", FIELDS)({"at": moment})
    assert not compile_filter(f"at gt {shown}", FIELDS)({"at": moment})
