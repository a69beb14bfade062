"""Processes of the bot that can be killed, or held, at any of their awaits."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal

How = Literal["die before", "die after", "hold before", "hold after"]


class Killed(BaseException):
    """The process died here: nothing of it runs any more, not even its own cleaning up."""


class Process:
    """A process of the bot. At the n-th thing it waits for from now on it may die, or be held until it is let go."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.upset = False
        self._count = 0
        self._how: How | None = None
        self._gate = asyncio.Event()

    def arm(self, count: int, how: How) -> None:
        """Let it meet its fate at that many awaits from now."""
        self._count, self._how = count, how

    def disarm(self) -> None:
        """Its fate passed by."""
        self._how = None

    def let_go(self) -> None:
        """Go on where it was held."""
        self._gate.set()

    async def through(self, act: Callable[[], Awaitable[Any]]) -> Any:
        """Wait for something outside the process."""
        self._alive()
        await asyncio.sleep(0)
        how = self._fate()
        await self._meet(how, "before")
        try:
            return await act()
        finally:
            await asyncio.sleep(0)
            await self._meet(how, "after")

    def _fate(self) -> How | None:
        self._count -= 1
        return self._how if self._count == 0 else None

    async def _meet(self, how: How | None, moment: str) -> None:
        if how == f"die {moment}":
            self.dead = self.upset = True
        if how == f"hold {moment}":
            self.upset = True
            await self._gate.wait()
        self._alive()

    def _alive(self) -> None:
        if self.dead:
            raise Killed


class Through:
    """Anything asynchronous as one process reaches it."""

    def __init__(self, process: Process, inner: Any) -> None:
        self._process, self._inner = process, inner

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._inner, name)

        async def call(*args: Any, **more: Any) -> Any:
            return await self._process.through(lambda: method(*args, **more))

        return call
