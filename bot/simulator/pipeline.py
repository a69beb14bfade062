"""What happens to every call before and after its handler: fault, token, permission, limit, plan, handler, fault."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import web

from bot.simulator.core import Core
from bot.simulator.faults import Fault
from bot.simulator.limits import Limit
from bot.simulator.tokens import Caller
from bot.simulator.world import Customer

HTML = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
LOST = frozenset({"timeout", "reset"})


class RefusedError(Exception):
    """The service refuses a call: HTTP status, its code and text. `headers` go out too."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


@dataclass(frozen=True)
class Exchange:
    """A request and the id that its answer is logged under."""

    request: web.Request
    id: str


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call that may pass: who makes it, for which customer, and the faults its handler must heed."""

    core: Core
    request: web.Request
    caller: Caller
    fault: Fault | None

    @property
    def customer(self) -> Customer:
        """Whose data is asked for: the tenant of the token."""
        return self.core.world.customers[self.caller.tenant]

    @property
    def app_name(self) -> str:
        """The display name of the calling app."""
        return self.core.apps[self.caller.app].name

    def path(self, name: str) -> str:
        """A part of the path, decoded."""
        return self.request.match_info[name]

    async def json(self) -> Any:
        """The body. Raises ValueError where it is not JSON."""
        return json.loads(await self.request.read())


Handler = Callable[[Call], Awaitable[web.Response]]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One documented call: its name for faults, the permissions of which one (`roles`) or all (`every`) are needed.

    Calls are counted per name, or per `bucket` where several share a limit. `mute`: those of all apps are counted
    together, and who asks too often is not told how long to wait (Identity Protection).
    """

    name: str
    method: str
    path: str
    handler: Handler
    roles: frozenset[str] = frozenset()
    every: frozenset[str] = frozenset()
    limits: tuple[Limit, ...] = ()
    bucket: str = ""
    mute: bool = False
    plans: frozenset[str] = frozenset({"business", "premium", "plan2"})


@dataclass(frozen=True, kw_only=True)
class Service:
    """How a service speaks: the audience of its tokens, its error body and what it says in the common cases.

    `says` maps a kind of refusal (expired, forbidden, plan, throttled, error, missing) to (status, code, message).
    `finish` adds what every answer carries.
    """

    name: str
    audience: str
    error: Callable[[Exchange, int, str, str], Any]
    says: Mapping[str, tuple[int, str, str]]
    finish: Callable[[Exchange, web.Response], None] = field(default=lambda _exchange, _response: None)
    count_refused: bool = False


def mount(app: web.Application, core: Core, service: Service, operations: Sequence[Operation], *prefixes: str) -> None:
    """Serve the operations below each prefix; anything else there is 404 in the service's words."""
    for prefix in prefixes:
        for operation in operations:
            app.router.add_route(operation.method, prefix + operation.path, _serve(core, service, operation))

    async def missing(request: web.Request) -> web.StreamResponse:
        return _refusal(service, Exchange(request, str(uuid4())), "missing")

    for prefix in sorted(prefixes, key=len, reverse=True):
        app.router.add_route("*", prefix + "/{tail:.*}", missing)


def _serve(
    core: Core, service: Service, operation: Operation
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(request: web.Request) -> web.StreamResponse:
        exchange = Exchange(request, str(uuid4()))
        caller = core.tokens.read(request.headers.get("Authorization", ""), service.audience)
        fault = core.faults.take(operation.name, caller.tenant if caller else "")
        if fault and not fault.acted and fault.kind not in {"slow", "accept"}:
            return await fail(core, service, exchange, fault)
        response = await _answer(core, service, operation, Gate(exchange, caller, fault))
        core.calls.append((operation.name, caller.tenant if caller else "", response.status))
        if fault and (fault.acted or fault.kind == "slow"):
            return await fail(core, service, exchange, fault, response)
        return response

    return serve


@dataclass(frozen=True)
class Gate:
    """What stands before the handler."""

    exchange: Exchange
    caller: Caller | None
    fault: Fault | None


async def _answer(core: Core, service: Service, operation: Operation, gate: Gate) -> web.Response:
    exchange, caller = gate.exchange, gate.caller
    if caller is None:
        return _refusal(service, exchange, "expired")
    if not (operation.every <= caller.roles and (not operation.roles or operation.roles & caller.roles)):
        return _refusal(service, exchange, "forbidden")
    key = (caller.tenant, "" if operation.mute else caller.app, operation.bucket or operation.name)
    if wait := core.limiter.wait(key, operation.limits, count_refused=service.count_refused):
        return _refusal(service, exchange, "throttled", None if operation.mute else wait)
    customer = core.world.customers.get(caller.tenant)
    if customer and customer.plan not in operation.plans:
        return _refusal(service, exchange, "plan")
    if customer:
        core.tick(customer)
    try:
        response = await operation.handler(Call(core=core, request=exchange.request, caller=caller, fault=gate.fault))
    except RefusedError as refused:
        response = web.json_response(
            service.error(exchange, refused.status, refused.code, refused.message),
            status=refused.status,
            headers=refused.headers,
        )
    service.finish(exchange, response)
    return response


def _refusal(service: Service, exchange: Exchange, kind: str, wait: float | None = None) -> web.Response:
    status, code, message = service.says[kind]
    response = web.json_response(service.error(exchange, status, code, message), status=status)
    if wait is not None:
        response.headers["Retry-After"] = str(max(1, -int(-wait // 1)))
    service.finish(exchange, response)
    return response


async def fail(
    core: Core, service: Service, exchange: Exchange, fault: Fault, response: web.Response | None = None
) -> web.StreamResponse:
    """Let a call meet its fault; `response` is the true answer of a call that was carried out."""
    if fault.kind in {"timeout", "slow"}:
        await _wait(core, fault.seconds)
    if fault.kind == "slow" and response is not None:
        return response
    if fault.kind in LOST and (transport := exchange.request.transport) is not None:
        transport.abort()
        return web.Response(status=500)
    if fault.kind == "html":
        return web.Response(status=fault.answers, text=HTML, content_type="text/html")
    if fault.kind in {"empty", "garbage"}:
        text = "" if fault.kind == "empty" else '{"value": [{"id": "'
        return web.Response(status=fault.answers, text=text, content_type="application/json")
    if fault.kind == "partial":
        headers = {"Warning": '199 - "Microsoft/MDATP/504/10000"'}
        return web.json_response({"value": []}, status=206, headers=headers)
    return _spoken(service, exchange, fault)


def _spoken(service: Service, exchange: Exchange, fault: Fault) -> web.Response:
    status, code, message = service.says.get(fault.kind, service.says["error"])
    status = fault.status or status
    body = service.error(exchange, status, fault.code or code, fault.message or message)
    response = web.json_response(body, status=status)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = f"{fault.retry_after:g}"
    service.finish(exchange, response)
    return response


async def _wait(core: Core, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await core.closing.wait()
    except TimeoutError:
        return
