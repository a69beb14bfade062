"""Requests in the store: reading them, and the one way a transition is written.

Beside each open request stand two small records, written and freed in the same commit as the request's state:
`ask` (target:response) lets a response be asked for once at a time, `flight` (target:family) lets one action of a
family be under way per target.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import structlog

from bot.audit import Entry
from bot.errors import Conflict, NotFound, Stale
from bot.metrics import TRANSITIONS
from bot.records import read, readable, write
from bot.responses.models import Request, State, told
from bot.services import Services
from bot.state.store import Change, Record

log = structlog.get_logger()

KIND = "request"
FLIGHT = "flight"
ASK = "ask"
TRIES = 30
AHEAD = timedelta(minutes=5)
"""The clocks of two replicas differ by less."""


def flight_key(request: Request) -> str:
    """The name of what only one request may have under way."""
    return f"{request.target.id}:{request.family}"


def ask_key(target_id: str, response: str, parameters: Mapping[str, str] | None = None) -> str:
    """The name of what may be asked for only once at a time; with parameters, of each choice of them by itself."""
    if not parameters:
        return f"{target_id}:{response}"
    said = "\n".join(f"{name}={parameters[name]}" for name in sorted(parameters))
    return f"{target_id}:{response}:{sha256(said.encode()).hexdigest()[:16]}"


def ask_of(request: Request) -> str:
    """The same of a request; those made before the name was kept are named by device and response."""
    return request.ask or ask_key(request.target.id, request.response)


async def get(services: Services, customer: str, key: str) -> Request:
    """A request of that customer; raises NotFound."""
    found = await read(services.store, customer, KIND, key, Request)
    if not found:
        raise NotFound("error.no_such_request", id=key)
    return found[0]


async def those(services: Services, customer: str, keys: Sequence[str]) -> dict[str, Request]:
    """Requests of that customer by their ids, those that there are, read at one moment."""
    return {one.id: Request.model_validate(one.data) for one in await services.store.get_many(customer, KIND, keys)}


async def latest(services: Services, customer: str, target_id: str = "", *, limit: int = 500) -> list[Request]:
    """The customer's requests, of one target or all, the latest changed first."""
    if target_id:
        return readable(await services.store.of_target(customer, KIND, target_id, limit=limit), Request)
    return readable(await services.store.newest(customer, KIND, limit=limit), Request)


async def still_open(services: Services, customer: str, machine_id: str = "") -> list[Request]:
    """Requests that are not over, of one device or all."""
    return [request for request in await latest(services, customer, machine_id) if not request.final]


async def undone_by(services: Services, request: Request) -> Request | None:
    """An approved request that waits and, once it goes, undoes what this one does; also one for several devices.

    One for several is not found by their ids; but as long as it is approved and not spread, it is due.
    """
    about = await latest(services, request.customer, request.target.id)
    due = await services.store.due(request.customer, services.clock.now() + AHEAD)
    named = [one.id for one in due if one.kind == KIND]
    woken = readable(await services.store.get_many(request.customer, KIND, named), Request)
    several = [one for one in woken if one.members]
    waiting = [one for one in (*about, *several) if one.state is State.APPROVED]
    return next((one for one in waiting if _undoes(services, one, request)), None)


def _undoes(services: Services, later: Request, earlier: Request) -> bool:
    """Whether one turns back or replaces what the other does to the same target."""
    members = [member.target.id for member in later.members] or [later.target.id]
    if later.family != earlier.family or earlier.target.id not in members:
        return False
    one, other = services.responses.get(later.response), services.responses.get(earlier.response)
    if one is None or other is None or one.name == other.name:
        return False
    turned = one.name == other.inverse or other.name == one.inverse or (one.inverse and one.inverse == other.inverse)
    return bool(turned) and (not one.each or dict(later.parameters) == dict(earlier.parameters))


async def holder(services: Services, customer: str, kind: str, key: str) -> tuple[str, Record | None]:
    """Which request holds a flight or an ask, and the record that says so."""
    record = await services.store.get(customer, kind, key)
    return (str(record.data["request"]) if record else "", record)


async def create(services: Services, request: Request, entry: Entry) -> Request:
    """Write a new request; if the same response is already asked for on the device, return that one instead."""
    ask = Change(kind=ASK, id=ask_of(request), rev=0, data={"v": 1, "request": request.id})
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
    look: Callable[[Request], Awaitable[None]] | None = None,
) -> Request:
    """Make one transition in one commit: the request, its due time, its holds and the audit entries together.

    `step` may raise to refuse. With `take_flight` the commit fails (Conflict) where another request is under way.
    `look`, which may raise too, looks at others: if anything was done meanwhile (all that is, is audited), it looks
    again.
    """
    for _ in range(TRIES):
        found = await read(services.store, customer, KIND, key, Request)
        if not found:
            raise NotFound("error.no_such_request", id=key)
        current, record = found
        wanted = step(current)
        if wanted == current:
            return current
        behind = None
        if look:
            behind = await services.store.head(customer)
            await look(current)
        changes = [write(KIND, wanted, now, record)]
        changes += await _holds(services, customer, wanted, take_flight=take_flight)
        try:
            await services.ledger.commit(customer, changes, list(entries(wanted)), behind=behind)
        except Conflict:
            if take_flight and await _taken(services, customer, wanted):
                raise
            continue
        if wanted.state != current.state:
            TRANSITIONS.labels(wanted.response, wanted.state.value).inc()
        return wanted
    raise Conflict(f"request {key}: too many writers")


async def put(
    services: Services, before: Request, after: Request, what: str = "", *, take_flight: bool = False
) -> Request:
    """Write what a step made of a request, if it is still as the step read it; only its posts may have changed.

    Posts that the step added are added to those that there are now. `what` is the audit entry, if there is one. Raises
    Stale where it was overtaken.
    """

    def unless_overtaken(current: Request) -> Request:
        if current != before.model_copy(update={"posts": current.posts}):
            raise Stale("error.request_moved_on", state=current.state.value)
        return after.model_copy(update={"posts": (*current.posts, *added)})

    added = [post for post in after.posts if post not in before.posts]
    now = services.clock.now()
    entry = Entry(at=now, what=what, who="watchkeeper", subject=f"request:{after.id}", more=_facts(after))
    entries = [entry] if what else []
    written = await transition(
        services, after.customer, after.id, unless_overtaken, lambda _: entries, now=now, take_flight=take_flight
    )
    log.info("request", id=after.id, state=after.state.value, what=what, customer=after.customer)
    return written


def _facts(request: Request) -> dict[str, object]:
    attempt = request.attempt
    return {
        **told(request),
        "state": request.state.value,
        "attempt": attempt.number if attempt else 0,
        "action": attempt.action if attempt else "",
        "status": request.status,
    }


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
    for kind, name in ((FLIGHT, flight_key(request)), (ASK, ask_of(request))):
        held_by, record = await holder(services, customer, kind, name)
        if record and held_by == request.id:
            freed.append(Change(kind=kind, id=name, rev=record.rev, data=None))
    return freed
