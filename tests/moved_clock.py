"""A clock that runs as the machine's does, some time ahead of it or behind."""

from datetime import datetime, timedelta

from bot.clock import SystemClock


class MovedClock(SystemClock):
    """The machine's clock, moved by hand."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return super().now() + self.ahead

    def move(self, seconds: float) -> None:
        """Go forward (or back) that many seconds."""
        self.ahead += timedelta(seconds=seconds)
