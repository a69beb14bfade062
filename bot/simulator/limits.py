"""How often a caller may ask: counters per tenant, app and operation, in the clock's time."""

from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock


@dataclass(frozen=True)
class Limit:
    """At most `calls` in `seconds`."""

    calls: int
    seconds: float


USUAL = (Limit(100, 60), Limit(1500, 3600))
"""R1 of the Defender pages: 100 calls a minute and 1500 an hour, for each endpoint."""


class Limiter:
    """Counts calls in sliding windows. `on` switches it off."""

    def __init__(self, clock: Clock) -> None:
        self.on = True
        self._clock = clock
        self._calls: dict[tuple[str, ...], deque[datetime]] = defaultdict(deque)

    def wait(self, key: tuple[str, ...], limits: tuple[Limit, ...], *, count_refused: bool = False) -> float:
        """Count a call: 0 where it may pass, else the seconds after which the next one may.

        Graph counts refused calls too (`count_refused`): who asks again too early waits longer.
        """
        if not self.on or not limits:
            return 0
        now, calls = self._clock.now(), self._calls[key]
        longest = max(limit.seconds for limit in limits)
        while calls and now - calls[0] >= timedelta(seconds=longest):
            calls.popleft()
        waits = [left for limit in limits if (left := _left(limit, calls, now)) > 0]
        if not waits:
            calls.append(now)
            return 0
        if count_refused:
            calls.append(now)
            waits = [_left(limit, calls, now) for limit in limits]
        return max(waits)

    def reset(self) -> None:
        """Forget every call."""
        self._calls.clear()


def _left(limit: Limit, calls: deque[datetime], now: datetime) -> float:
    if len(calls) < limit.calls:
        return 0
    return limit.seconds - (now - calls[-limit.calls]).total_seconds()
