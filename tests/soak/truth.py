"""What the services took, in their own memory: every call that changed something, whatever was answered to it."""

from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from aiohttp import web

from bot.simulator.server import Simulator
from bot.simulator.world import World

READING = frozenset({"defender.advancedqueries.run", "graph.checkmembergroups"})
"""POSTs that change nothing."""
LOOKING = "graph.alerts.list"
"""By which one sees what waits in the Action center."""
UPLOADING = "defender.library.upload"
"""What is sent in parts, which can be read only once."""
_CALL: ContextVar[tuple[str, str]] = ContextVar("_CALL", default=("", ""))


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A call that was accepted: `said` is its path and its body, in lower case and without blanks.

    Its target stands there; of a file that was sent, its name and description.
    """

    operation: str
    tenant: str
    at: datetime
    said: str


class Book(deque[tuple[str, str, int]]):
    """The simulator's list of calls, which keeps those that changed something for good, and when alerts were read."""

    def __init__(self, world: World) -> None:
        super().__init__(maxlen=100)
        self.world, self.clock = world, world.clock
        self.taken: list[Taken] = []
        self.looks: list[tuple[str, datetime]] = []

    def append(self, call: tuple[str, str, int]) -> None:
        """An operation was carried out; whatever fault its answer meets comes afterwards."""
        operation, tenant, status = call
        method, said = _CALL.get()
        if operation == LOOKING and status < HTTPStatus.BAD_REQUEST:
            self.looks.append((tenant, self.clock.now()))
        changes = method not in {"", "GET"} and operation not in READING and not operation.startswith("connector.")
        if operation == UPLOADING and status < HTTPStatus.BAD_REQUEST:
            file = max(self.world.customers[tenant].library.values(), key=lambda one: one.updated)
            said = _squeezed(f"{said}{file.name}\n{file.description}")
        if changes and status < HTTPStatus.BAD_REQUEST:
            self.taken.append(Taken(operation=operation, tenant=tenant, at=self.clock.now(), said=said))
        super().append(call)


class Witnessed(Simulator):
    """A simulator whose `book` forgets nothing."""

    book: Book

    def application(self) -> web.Application:
        """The same, and each call is noted before it is answered."""
        app = super().application()
        app.middlewares.append(_noting)
        return app

    def keep_book(self) -> Book:
        """Begin to keep it."""
        self.calls = self.book = Book(self.world)
        return self.book


@web.middleware
async def _noting(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    parts = request.content_type.startswith("multipart/")
    body = await request.read() if request.can_read_body and not parts else b""
    _CALL.set((request.method, _squeezed(f"{request.path}\n{body[:4000].decode(errors='replace')}")))
    return await handler(request)


def _squeezed(text: str) -> str:
    return text.replace(" ", "").casefold()
