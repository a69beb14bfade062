"""Ending within ten seconds, whatever hangs: one deadline for all that must be finished and closed."""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()

SECONDS = 8.5
"""How long finishing and closing may take together; then what hangs is left behind."""
LAST_RESORT = 9.5
"""When the process ends by itself, because something does not let go: a thread, a cancel that was lost."""
LINGER = 2.0
"""How long turns are still taken after SIGTERM: a proxy must notice first that the process is not ready any more."""
LEAST = 0.2
"""What closing each part gets in any case."""


class Ending:
    """Until when the process must have ended. `begin` starts the time; so does the first who asks what is left."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._ends: float | None = None

    @property
    def begun(self) -> bool:
        """Whether the process is to end: then nothing new should be sent to it."""
        return self._ends is not None

    def begin(self) -> None:
        """The process is to end."""
        if self._ends is None:
            self._ends = asyncio.get_running_loop().time() + self._seconds

    def left(self, reserve: float = 0.0) -> float:
        """The seconds that are left, some kept for those who close after."""
        self.begin()
        ends = self._ends or 0.0
        return max(LEAST, ends - asyncio.get_running_loop().time() - reserve)

    async def finish(self, name: str, work: Callable[[], Awaitable[object]], reserve: float = 0.0) -> None:
        """Do one part's closing; what hangs is left behind, what fails is logged: the others must still be closed."""
        closing = asyncio.ensure_future(work())
        done, _ = await asyncio.wait({closing}, timeout=self.left(reserve))
        if not done:
            closing.cancel()
            log.warning("not_closed_in_time", part=name)
        elif not closing.cancelled() and (error := closing.exception()):
            log.warning("not_closed", part=name, error=type(error).__name__)


class Told:
    """Waits for the signals that ask the process to end, from now on."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._told: asyncio.Future[signal.Signals] = loop.create_future()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._tell, name)

    def _tell(self, name: signal.Signals) -> None:
        if not self._told.done():
            self._told.set_result(name)
            end_for_sure()

    async def wait(self) -> float:
        """Wait for SIGTERM or SIGINT; returns for how many seconds turns should still be taken."""
        return LINGER if await self._told is signal.SIGTERM else 0.0


def end_for_sure(seconds: float = LAST_RESORT) -> None:
    """Have the process end in time even where the event loop, a thread or the interpreter's own end hangs."""

    def leave() -> None:
        log.warning("ended_by_force")
        os._exit(0)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()
