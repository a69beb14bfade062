"""Pieces of OData filters. Text from outside enters a filter only through `literal`. A leaf."""

from collections.abc import Iterable
from datetime import UTC, datetime


def literal(text: str) -> str:
    """The text as an OData string: in single quotes, with those inside doubled."""
    return "'" + text.replace("'", "''") + "'"


def instant(moment: datetime) -> str:
    """The moment as OData writes it: ISO 8601 in UTC with six digits of fraction, without quotes."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def equals(field: str, text: str) -> str:
    """`field eq 'text'`."""
    return f"{field} eq {literal(text)}"


def starts_with(field: str, text: str) -> str:
    """`startswith(field,'text')`."""
    return f"startswith({field},{literal(text)})"


def at_least(field: str, moment: datetime) -> str:
    """`field ge 2021-01-01T00:00:00.000000Z`."""
    return f"{field} ge {instant(moment)}"


def one_of(field: str, texts: Iterable[str]) -> str:
    """`(field eq 'a' or field eq 'b')`; empty where there are no texts."""
    parts = [equals(field, text) for text in texts]
    return f"({' or '.join(parts)})" if len(parts) > 1 else "".join(parts)


def all_of(*conditions: str) -> str:
    """The conditions that are not empty, joined with `and`."""
    return " and ".join(condition for condition in conditions if condition)
