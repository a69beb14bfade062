"""A clock that runs faster than the machine's, shared by processes through a small file."""

import asyncio
import mmap
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

SLOT = struct.Struct("=ddd")
LONGEST_NAP = 0.25


class FastClock:
    """`bot.clock.Clock` at `speed` seconds a second; every process that opens the file sees the same moment.

    The file holds two slots and the number of the one that counts, so that a reader never sees half a change of speed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    @classmethod
    def create(cls, path: Path, speed: float) -> "FastClock":
        """A new clock that shows the present time and goes on at that speed."""
        path.write_bytes(bytes(1 + 2 * SLOT.size))
        clock = cls(path)
        clock._begin(time.time(), speed)
        return clock

    def _begin(self, at: float, speed: float) -> None:
        slot = 1 - self._map[0]
        SLOT.pack_into(self._map, 1 + slot * SLOT.size, time.monotonic(), at, speed)
        self._map[0] = slot

    def _slot(self) -> tuple[float, float, float]:
        """The machine's time and this clock's when the present speed began, and the speed."""
        real, at, speed = SLOT.unpack_from(self._map, 1 + self._map[0] * SLOT.size)
        return float(real), float(at), float(speed)

    @property
    def speed(self) -> float:
        """How many of its seconds pass in one of the machine's."""
        return self._slot()[2]

    @speed.setter
    def speed(self, speed: float) -> None:
        self._begin(self._seconds(), speed)

    def _seconds(self) -> float:
        real, at, speed = self._slot()
        return at + (time.monotonic() - real) * speed

    def now(self) -> datetime:
        """The present moment by this clock."""
        return datetime.fromtimestamp(self._seconds(), UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait until so many of its seconds have passed, whatever becomes of the speed."""
        until = self.now() + timedelta(seconds=seconds)
        while (left := (until - self.now()).total_seconds() / self.speed) > 0:  # noqa: ASYNC110 - time passes
            await asyncio.sleep(min(left, LONGEST_NAP))
