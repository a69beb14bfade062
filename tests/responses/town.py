"""All simulated services behind the bot's real clients, without sockets; time stands still until it is moved."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader
from aiohttp.test_utils import make_mocked_request

from bot.clock import ManualClock
from bot.defender.http import HttpDefender
from bot.graph.http import HttpGraph, headers
from bot.http import Api, new_client
from bot.responses.declared import How, Remote, Response
from bot.responses.models import Request, Work
from bot.services import Services
from bot.simulator import Fault, Simulator
from bot.simulator.core import CLIENT_ID
from bot.simulator.faults import Faults
from bot.simulator.tokens import DEFENDER, GRAPH, Caller
from tests.responses.processes import Process, Through
from tests.responses.stage import Stage

HERE = "http://127.0.0.1:1"
SENDING: ContextVar[tuple[str, int] | None] = ContextVar("SENDING", default=None)
"""The request and the number of its attempt whose call is being made."""
METHOD: ContextVar[str] = ContextVar("METHOD", default="")


@dataclass(frozen=True)
class Accepted:
    """A call that changed something at a service: by which operation, when, and for which attempt (None: for none)."""

    operation: str
    at: datetime
    key: str
    number: int


class Weather(Faults):
    """Faults met by what changes something and by what only reads, whatever the operation is called."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.clock = clock
        self.changing: deque[Fault] = deque()
        self.reading: deque[Fault] = deque()

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        super().clear()
        self.changing.clear()
        self.reading.clear()

    def take(self, operation: str, tenant: str = "") -> Fault | None:
        """The fault of the call that is being made; the time that it costs passes at once."""
        waiting = self.reading if METHOD.get() == "GET" else self.changing
        fault = waiting.popleft() if waiting and (METHOD.get() == "GET" or SENDING.get()) else None
        if fault and fault.kind in {"timeout", "slow"}:
            self.clock.move(fault.seconds)
        return fault


class Book(deque[tuple[str, str, int]]):
    """The simulator's list of calls, which also keeps for good what was accepted, and for which attempt."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(maxlen=100)
        self.clock = clock
        self.accepted: list[Accepted] = []

    def append(self, call: tuple[str, str, int]) -> None:
        """The handler of an operation has answered; its fault, if there is one, comes afterwards."""
        operation, _, status = call
        if METHOD.get() != "GET" and status < 400 and operation not in READING:
            key, number = SENDING.get() or ("", 0)
            self.accepted.append(Accepted(operation, self.clock.now(), key, number))
        super().append(call)


READING = frozenset({"defender.advancedqueries.run", "graph.checkmembergroups"})
"""POSTs that change nothing."""


class Line:
    """The connection of one call: whether the service cut it."""

    def __init__(self) -> None:
        self.cut = False

    def abort(self) -> None:
        """Cut it."""
        self.cut = True

    def get_extra_info(self, _name: str, default: Any = None) -> Any:
        """Nothing is known of the other side."""
        return default

    def is_closing(self) -> bool:
        return self.cut


class Wires(httpx.AsyncBaseTransport):
    """Hands each request to the simulator's own handlers."""

    def __init__(self, app: web.Application) -> None:
        self.app = app
        app.freeze()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the simulator does. Raises what httpx raises where the connection was cut."""
        METHOD.set(request.method)
        line = Line()
        asked = await self._asked(request, line)
        found = await self.app.router.resolve(asked)
        found.add_app(self.app)
        asked._match_info = found
        answer: Any = await found.handler(asked)
        if line.cut:
            raise httpx.ReadError("cut", request=request)
        return httpx.Response(
            answer.status, headers=list(answer.headers.items()), stream=httpx.ByteStream(answer.body or b"")
        )

    async def _asked(self, request: httpx.Request, line: Line) -> web.Request:
        body = StreamReader(BaseProtocol(_loop()), limit=2**16, loop=_loop())
        body.feed_data(await request.aread())
        body.feed_eof()
        path = request.url.raw_path.decode()
        sent = {name.title(): value for name, value in request.headers.items()}
        asked: web.Request = make_mocked_request(request.method, path, sent, payload=body, app=self.app, transport=line)
        return asked


def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


class Signed(httpx.Auth):
    """A fresh token for each call, with all that the customer has granted."""

    def __init__(self, sim: Simulator, audience: str) -> None:
        self.sim, self.audience = sim, audience

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:
        """Sign."""
        customer = self.sim.first
        roles = frozenset(customer.roles[self.audience])
        caller = Caller(app=CLIENT_ID, tenant=customer.id, audience=self.audience, roles=roles)
        request.headers["Authorization"] = f"Bearer {self.sim.tokens.issue(caller)}"
        yield request


def noted(how: How, after: Callable[[], None] = lambda: None) -> How:
    """The same; while its call is made it is known for which attempt. `after` happens when it was made."""

    async def send(remote: Remote, request: Request, comment: str) -> Work:
        assert request.attempt
        token = SENDING.set((request.id, request.attempt.number))
        try:
            work = await how.send(remote, request, comment)
        finally:
            SENDING.reset(token)
        after()
        return work

    return replace(how, send=send)


class Town(Stage):
    """A stage with every service. The company has the plan that has everything."""

    def __init__(self, responses: Mapping[str, Response], *, four_eyes: bool = True) -> None:
        self.after_call: Callable[[], None] = lambda: None
        declared = {name: replace(one, how=noted(one.how, self._called)) for name, one in responses.items()}
        super().__init__(four_eyes=four_eyes, responses=declared)
        self.sim.first.plan = "plan2"
        self.sim.url = HERE
        self.sim.closing.set()  # a call that hangs costs the time of the clock, not of the machine
        self.weather = self.sim.faults = Weather(self.clock)
        self.book = self.sim.calls = Book(self.clock)
        self.http = new_client(Wires(self.sim.application()))
        self.clients = Remote(
            defender=HttpDefender(self._api("", DEFENDER)), graph=HttpGraph(self._api("/v1.0", GRAPH, headers))
        )

    def _called(self) -> None:
        """A call of a response was made, by whichever process."""
        self.after_call()

    def _api(self, path: str, audience: str, more: Any = dict) -> Api:
        return Api(
            self.http,
            base_url=HERE + path,
            auth=Signed(self.sim, audience),
            customer=self.sim.first.id,
            headers=more,
        )

    def services(self, process: Process | None = None) -> Services:
        """What a process works with: the real clients, each of whose calls it may die before or after."""
        process = process or self.process()
        defender, graph = Through(process, self.clients.defender), Through(process, self.clients.graph)
        return replace(super().services(process), defender=lambda _: defender, graph=lambda _: graph)

    def accepted(self, key: str = "") -> list[Accepted]:
        """What services accepted from attempts, or from those of one request, in order."""
        return [one for one in self.book.accepted if one.key and key in {"", one.key}]
