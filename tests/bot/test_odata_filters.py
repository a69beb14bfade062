from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from bot import odata


def read_literal(text: str) -> tuple[str, str]:
    """An OData string literal read by the rules of the standard: its value, and what stands behind it."""
    assert text[0] == "'"
    value, at = "", 1
    while True:
        if text[at] != "'":
            value, at = value + text[at], at + 1
        elif text[at : at + 2] == "''":
            value, at = value + "'", at + 2
        else:
            return value, text[at + 1 :]


@given(st.text())
def test_no_text_breaks_out_of_its_literal(text: str):
    """Read back by the standard's rules, a literal is the very text, and nothing stands behind it."""
    assert read_literal(odata.literal(text)) == (text, "")


@given(st.text(), st.text())
def test_no_text_changes_the_shape_of_a_filter(name: str, other: str):
    """Whatever people type, the filter has the operators we wrote and no others."""
    condition = odata.all_of(odata.starts_with("computerDnsName", name), odata.equals("status", other))
    first, rest = read_literal(condition.removeprefix("startswith(computerDnsName,"))
    assert first == name
    assert read_literal(rest.removeprefix(") and status eq ")) == (other, "")


@given(st.datetimes(timezones=st.just(UTC)))
def test_moments_keep_their_microseconds(moment: datetime):
    """What a filter says is the moment itself."""
    assert datetime.fromisoformat(odata.instant(moment)) == moment


def test_moments_are_written_in_utc():
    """A moment of another zone is turned into UTC."""
    moment = datetime(2024, 1, 1, 2, 0, tzinfo=timezone(timedelta(hours=2)))
    assert odata.at_least("lastUpdateDateTime", moment) == "lastUpdateDateTime ge 2024-01-01T00:00:00.000000Z"


def test_alternatives_stand_in_brackets():
    """Several values make an `or` that a following `and` cannot tear apart; one or none needs no brackets."""
    assert odata.one_of("status", ["new", "o'k"]) == "(status eq 'new' or status eq 'o''k')"
    assert odata.one_of("status", ["new"]) == "status eq 'new'"
    assert odata.all_of(odata.one_of("status", []), "a eq 1") == "a eq 1"
