"""Reading all incidents that changed since a moment (graph-api.md section 2.8), whatever the page edges cut through."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from bot.graph.client import IncidentChanges
from bot.graph.models import Incident

LARGEST_PAGE = 50
_MOST_RESTARTS = 3
Fetch = Callable[[datetime, int, int], Awaitable[tuple[Sequence[Incident], bool]]]
"""(since, skip, top) -> incidents changed at or after then, oldest change first, and whether the service named a next
page."""


class _Reading:
    """What was read so far and where the next page begins.

    The cursor moves on to the time of a page's last row, and that row is asked for again: others may carry the same
    time. Only where a whole page carries the time of the cursor, `$skip` steps through them, one row back each time;
    if that row is not the known one, an incident left the row (it changed again) and the rows are read anew.
    """

    def __init__(self, since: datetime) -> None:
        self.cursor = since
        self.skip = 0
        self.last = since
        self.restarts = 0
        self.newest: dict[str, Incident] = {}
        self._seen: set[tuple[str, datetime]] = set()

    def take(self, rows: Sequence[Incident]) -> bool:
        """Keep the rows; false where the page does not join on to the one before."""
        joins = not self.skip or bool(rows and _key(rows[0]) in self._seen)
        for row in rows:
            if _key(row) not in self._seen:
                self._seen.add(_key(row))
                self.newest.pop(row.id, None)  # so that the order is that of the newest change
                self.newest[row.id] = row
        return joins

    def restart(self) -> bool:
        """Begin again with the rows of the cursor's time; false where that was done too often."""
        self.skip = 0
        self.restarts += 1
        return self.restarts <= _MOST_RESTARTS

    def step(self, rows: Sequence[Incident]) -> bool:
        """Go on behind the rows; true where that is a later time."""
        self.last = rows[-1].last_update_date_time
        if self.last > self.cursor:
            self.cursor, self.skip, self.restarts = self.last, 0, 0
            return True
        self.skip += max(1, len(rows) - 1)
        return False

    def answer(self, until: datetime, *, more: bool) -> IncidentChanges:
        return IncidentChanges(incidents=tuple(self.newest.values()), until=until, more=more)


async def read_changes(fetch: Fetch, since: datetime, *, page: int, max_items: int) -> IncidentChanges:
    """All incidents that changed at or after the moment; see `Graph.incidents_changed_since`."""
    size = min(max(page, 2), LARGEST_PAGE)
    reading = _Reading(since)
    while True:
        rows, named_next = await fetch(reading.cursor, reading.skip, size)
        if not reading.take(rows):
            if not reading.restart():
                return reading.answer(reading.cursor, more=True)
            continue
        if not rows:
            return reading.answer(reading.last, more=False)
        later = reading.step(rows)
        if len(rows) < size and not named_next:
            return reading.answer(reading.last, more=False)
        if later and len(reading.newest) >= max_items:
            return reading.answer(reading.cursor, more=True)


def _key(incident: Incident) -> tuple[str, datetime]:
    return incident.id, incident.last_update_date_time
