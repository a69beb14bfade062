"""Measures how long the event loop was held up: a heart that beats every few milliseconds and notes when it is late."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

BEAT = 0.002


@dataclass
class Heart:
    """The delays of all beats, in seconds."""

    late: list[float] = field(default_factory=list)

    @property
    def worst(self) -> float:
        """The longest delay, in milliseconds."""
        return max(self.late, default=0.0) * 1000

    def share_over(self, milliseconds: float) -> float:
        """Which part of the beats was later than that."""
        return sum(one * 1000 > milliseconds for one in self.late) / max(1, len(self.late))


@asynccontextmanager
async def beating() -> AsyncIterator[Heart]:
    """A heart that beats in this loop meanwhile."""
    heart, loop = Heart(), asyncio.get_running_loop()

    async def beat() -> None:
        while True:
            due = loop.time() + BEAT
            await asyncio.sleep(BEAT)
            heart.late.append(loop.time() - due)

    task = asyncio.create_task(beat())
    try:
        yield heart
    finally:
        task.cancel()
