"""Requests in the store: reading them, and the one way a transition is written.

Beside each open request stand two small records, written and freed in the same commit as the request's state:
`ask` (machine:response) lets a response be asked for once at a time, `flight` (machine:family) lets one action of a
family be under way per device.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from bot.audit import Entry
from bot.errors import Conflict, NotFound
from bot.metrics import TRANSITIONS
from bot.records import read, readable, write
from bot.responses.models import Request
from bot.services import Services
from bot.state.store import Change, Record

KIND = "request"
FLIGHT = "flight"
ASK = "ask"
TRIES = 30


def flight_key(request: Request) -> str:
    """The name of what only one request may have under way."""
    return f"{request.target.id}:{request.family}"


def ask_key(machine_id: str, response: str) -> str:
    """The name of what may be asked for only once at a time."""
    return f"{machine_id}:{response}"


async def get(services: Services, customer: str, key: str) -> Request:
    """A request of that customer; raises NotFound."""
    found = await read(services.store, customer, KIND, key, Request)
    if not found:
        raise NotFound("error.no_such_request", id=key)
    return found[0]


async def latest(services: Services, customer: str, machine_id: str = "", *, limit: int = 500) -> list[Request]:
    """The customer's requests, of one device or all, the latest changed first."""
    records = await services.store.newest(customer, KIND, limit=limit)
    return readable([record for record in records if machine_id in ("", _machine(record))], Request)


def _machine(record: Record) -> object:
    """The device of a request's record, seen without reading the rest of it."""
    target = record.data.get("target")
    return target.get("id") if isinstance(target, Mapping) else None


async def still_open(services: Services, customer: str, machine_id: str = "") -> list[Request]:
    """Requests that are not over, of one device or all."""
    return [request for request in await latest(services, customer, machine_id) if not request.final]


async def holder(services: Services, customer: str, kind: str, key: str) -> tuple[str, Record | None]:
    """Which request holds a flight or an ask, and the record that says so."""
    record = await services.store.get(customer, kind, key)
    return (str(record.data["request"]) if record else "", record)


async def create(services: Services, request: Request, entry: Entry) -> Request:
    """Write a new request; if the same response is already asked for on the device, return that one instead."""
    ask = Change(kind=ASK, id=ask_key(request.target.id, request.response), rev=0, data={"v": 1, "request": request.id})
    for _ in range(TRIES):
        changes = [write(KIND, request, request.created), ask]
        try:
            await services.ledger.commit(request.customer, changes, [entry])
        except Conflict:
            holds, _ = await holder(services, request.customer, ASK, ask.id)
            standing = await get(services, request.customer, holds) if holds else None
            if standing and not standing.final:
                return standing
            continue
        TRANSITIONS.labels(request.response, request.state.value).inc()
        return request
    raise Conflict(f"request {request.id}: too many writers")


async def transition(
    services: Services,
    customer: str,
    key: str,
    step: Callable[[Request], Request],
    entries: Callable[[Request], Sequence[Entry]] = lambda _: (),
    *,
    now: datetime,
    take_flight: bool = False,
) -> Request:
    """Make one transition in one commit: the request, its due time, its holds and the audit entries together.

    `step` may raise to refuse. With `take_flight` the commit fails (Conflict) where another request is under way.
    """
    for _ in range(TRIES):
        found = await read(services.store, customer, KIND, key, Request)
        if not found:
            raise NotFound("error.no_such_request", id=key)
        current, record = found
        wanted = step(current)
        if wanted == current:
            return current
        changes = [write(KIND, wanted, now, record)]
        changes += await _holds(services, customer, wanted, take_flight=take_flight)
        try:
            await services.ledger.commit(customer, changes, list(entries(wanted)))
        except Conflict:
            if take_flight and await _taken(services, customer, wanted):
                raise
            continue
        if wanted.state != current.state:
            TRANSITIONS.labels(wanted.response, wanted.state.value).inc()
        return wanted
    raise Conflict(f"request {key}: too many writers")


async def _taken(services: Services, customer: str, request: Request) -> bool:
    """Whether another request is under way in the family."""
    held_by, _ = await holder(services, customer, FLIGHT, flight_key(request))
    return held_by not in ("", request.id)


async def _holds(services: Services, customer: str, request: Request, *, take_flight: bool) -> list[Change]:
    """The flight to take, or what a final state gives free."""
    if take_flight:
        held_by, _ = await holder(services, customer, FLIGHT, flight_key(request))
        if held_by == request.id:
            return []
        return [Change(kind=FLIGHT, id=flight_key(request), rev=0, data={"v": 1, "request": request.id})]
    if not request.final:
        return []
    freed = []
    for kind, name in ((FLIGHT, flight_key(request)), (ASK, ask_key(request.target.id, request.response))):
        held_by, record = await holder(services, customer, kind, name)
        if record and held_by == request.id:
            freed.append(Change(kind=kind, id=name, rev=record.rev, data=None))
    return freed
