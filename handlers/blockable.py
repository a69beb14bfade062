"""What of an incident's evidence can be blocked: a few files, URLs and addresses, each once and by its surest name."""

from collections.abc import Iterable

from bot.defender.indicators.spared import microsofts
from bot.defender.indicators.values import Value, inside, recognise
from bot.errors import UsageError
from bot.graph.models import Evidence

MOST = 3
"""So many are offered: a card with a button for each thing would be nothing but buttons."""


def blockable(evidence: Iterable[Evidence]) -> tuple[tuple[str, str], ...]:
    """The id and the short name of the first things to block; what is spared anyway is not among them."""
    found: dict[str, str] = {}
    for item in evidence:
        value = _value(item)
        if value and not inside(value) and not microsofts(value):
            found.setdefault(value.id, _name(item, value))
    return tuple(list(found.items())[:MOST])


def _value(item: Evidence) -> Value | None:
    """A process is not offered: what it runs is often a part of Windows."""
    named = {"url": item.url, "ip": item.ip_address}.get(item.kind)
    if item.kind == "file" and item.file:
        named = item.file.sha256 or item.file.sha1
    try:
        return recognise(named) if named else None
    except UsageError:
        return None


def _name(item: Evidence, value: Value) -> str:
    return (item.file.file_name if item.kind == "file" and item.file else None) or value.shown
