"""When a customer's turn is in the rounds of a poller. Pure: the same in all replicas."""

from datetime import UTC, datetime, timedelta
from zlib import crc32

from bot.command import Watcher

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(milliseconds=1)


def place_of(customer: str, watcher: Watcher) -> timedelta:
    """Where in each round a customer's turn is, from its beginning.

    Customers are spread over the round, each always at its own place, so that a thousand of them are not polled in the
    same second.
    """
    return crc32(f"{watcher.name}:{customer}".encode()) % _ticks(watcher) * TICK


def next_round(customer: str, watcher: Watcher, now: datetime) -> tuple[int, datetime]:
    """The number of the round that comes next for a customer, and its moment, which lies after `now`."""
    begun = EPOCH + place_of(customer, watcher)
    length = _ticks(watcher) * TICK
    number = (now - begun) // length + 1
    return number, begun + number * length


def _ticks(watcher: Watcher) -> int:
    return max(1, int(watcher.every * 1000))
