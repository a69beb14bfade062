"""When something daily comes, by a local clock that is put forward and back. A leaf: pure arithmetic.

A daily thing belongs to a local date, and each date has at most one. A time that the clock leaves out comes at the next
moment that exists; a time that it shows twice comes the first time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
CLOSE = timedelta(hours=12)
"""A late one that comes less than this before the next of the same date stands for that one, too."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Daily:
    """Every day at a time of day on the clocks of a zone (IANA name). KeyError or ValueError: there is no such zone."""

    at: time
    zone: str

    @classmethod
    def read(cls, at: str, zone: str) -> "Daily":
        """The same of `HH:MM`."""
        return cls(at=time.fromisoformat(at), zone=zone)

    def moment(self, day: date) -> datetime:
        """When it comes on that date (UTC). Where the clock leaves the time out, the first moment after the gap."""
        place = ZoneInfo(self.zone)
        wall = datetime.combine(day, self.at, place)
        moment = wall.astimezone(UTC)
        if moment.astimezone(place).replace(tzinfo=None) == wall.replace(tzinfo=None):
            return moment
        return _end_of_gap(wall.replace(fold=1).astimezone(UTC), moment, place)

    def date_of(self, moment: datetime) -> date:
        """The date on the zone's calendar."""
        return moment.astimezone(ZoneInfo(self.zone)).date()

    def days(self, after: datetime, last: date | None = None) -> Iterator[tuple[date, datetime]]:
        """The dates after `last` with their moments, those after that moment, in order and without end."""
        day = self.date_of(after) - DAY  # the date that a gap moved past midnight may still be to come
        before = after
        while True:
            moment = self.moment(day)
            if moment > before and (last is None or day > last):
                before = moment
                yield day, moment
            day += DAY

    def next(self, after: datetime, last: date | None = None) -> tuple[date, datetime]:
        """The first of `days`."""
        return next(self.days(after, last))

    def reached(self, due: date, now: datetime) -> date:
        """Which date is made up for where the one due on `due` comes only now: the newest one whose moment is over.

        Where the next is close and on the date that it is now, it is that one, so that no date sees two close together.
        """
        today = self.date_of(now)
        over = [day for day in (today - DAY, today, today + DAY) if self.moment(day) <= now]
        newest = max([due, *over])
        coming, moment = self.next(now, newest)
        return coming if moment - now < CLOSE and coming == today else newest


def _end_of_gap(low: datetime, high: datetime, place: ZoneInfo) -> datetime:
    """The moment at which the clock is put forward, which lies after `low` and not after `high`."""
    offset = low.astimezone(place).utcoffset()
    while high - low > _SECOND:
        middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
        if middle.astimezone(place).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high
