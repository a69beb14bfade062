"""What the services took, in their own memory: every call that changed something, whatever was answered to it."""

from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from bot.clock import Clock
from bot.simulator.server import Simulator

READING = frozenset({"defender.advancedqueries.run", "graph.checkmembergroups"})
"""POSTs that change nothing."""
_CALL: ContextVar[tuple[str, str]] = ContextVar("_CALL", default=("", ""))


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A call that was accepted: `said` is its path and its body, in lower case, in which its target is named."""

    operation: str
    tenant: str
    at: datetime
    said: str


class Book(deque[tuple[str, str, int]]):
    """The simulator's list of calls, which also keeps those that changed something for good."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(maxlen=100)
        self.clock = clock
        self.taken: list[Taken] = []

    def append(self, call: tuple[str, str, int]) -> None:
        """An operation was carried out; whatever fault its answer meets comes afterwards."""
        operation, tenant, status = call
        method, said = _CALL.get()
        changes = method not in {"", "GET"} and operation not in READING and not operation.startswith("connector.")
        if changes and status < 400:
            self.taken.append(Taken(operation=operation, tenant=tenant, at=self.clock.now(), said=said))
        super().append(call)


class Witnessed(Simulator):
    """A simulator whose `book` forgets nothing."""

    def application(self) -> web.Application:
        """The same, and each call is noted before it is answered."""
        app = super().application()
        app.middlewares.append(_noting)
        return app

    def keep_book(self) -> Book:
        """Begin to keep it."""
        self.calls = book = Book(self.clock)
        return book


@web.middleware
async def _noting(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    body = await request.read() if request.can_read_body else b""
    _CALL.set((request.method, f"{request.path}\n{body[:4000].decode(errors='replace')}".casefold()))
    return await handler(request)
