"""A request for several devices: decided once, then a request of its own for each device, gathered on one card.

Each device's request goes through the same state machine as any other. Their ids follow from the first one's, so that
a crash in the middle of making them makes none twice.
"""

from collections.abc import Sequence
from datetime import datetime

from bot.audit import Entry
from bot.errors import NotFound
from bot.responses import machine, reminding, requests, ruling
from bot.responses.models import FINAL, LOST, Evidence, Member, Request, State, Step, told
from bot.services import Services

OTHERWISE = "trouble.asked_otherwise"
MOST = 50
"""How many devices one request may be for."""


def members_of(key: str, members: Sequence[Member]) -> tuple[Member, ...]:
    """The members with the ids of their requests."""
    return tuple(one.model_copy(update={"request": f"{key}-{n:02}"}) for n, one in enumerate(members, 1))


async def step(services: Services, request: Request) -> None:
    """Do what is due on a request for several devices."""
    now = services.clock.now()
    late = request.state is State.APPROVED and request.send_by is not None and now >= request.send_by
    if request.state is State.PROPOSED or late:
        expired = (machine.expire(request, now), "not sent in time")
        after, what = expired if late else ruling.undecided(services, request, now)
        await requests.put(services, request, after, what)
    elif request.state is State.APPROVED:
        await _spread(services, request)
    elif request.state is State.SENT:
        standing = await requests.those(services, request.customer, [one.request for one in request.members])
        members = tuple(_as_it_stands(request, one, standing.get(one.request)) for one in request.members)
        after = machine.collect(request, now, members)
        response, times = services.responses[request.response], services.policy.file.reminders
        after = reminding.noticed(after, response, now, times)
        await requests.put(services, request, after, after.state.value if after.final else "")


async def _spread(services: Services, request: Request) -> None:
    """Make the devices' own requests; one that is open for the same device already is followed instead."""
    members = []
    for member in request.members:
        standing = await _made(services, request, member)
        members.append(_shown(request, member, standing))
        await services.wake(request.customer, requests.KIND, standing.id)
    spread = machine.spread(request.model_copy(update={"members": tuple(members)}), services.clock.now())
    await requests.put(services, request, spread, "spread")


async def _made(services: Services, request: Request, member: Member) -> Request:
    try:
        return await requests.get(services, request.customer, member.request)
    except NotFound:
        now = services.clock.now()
        response = services.responses.get(request.response)
        parameters = request.parameters if response and response.each else None
        one = _one(request, member, now, requests.ask_key(member.target.id, request.response, parameters))
        entry = Entry(
            at=now, what="asked for in a batch", who="watchkeeper", subject=f"request:{one.id}", more=told(one)
        )
        return await requests.create(services, one, entry)


def _one(request: Request, member: Member, now: datetime, ask: str) -> Request:
    """The request of one of the devices, approved as they all were."""
    return Request(
        id=member.request,
        customer=request.customer,
        response=request.response,
        family=request.family,
        target=member.target,
        ask=ask,
        batch=request.id,
        parameters=request.parameters,
        reason=request.reason,
        requester=request.requester,
        origin=request.origin,
        created=now,
        expires=request.expires,
        send_by=request.send_by,
        state=State.APPROVED,
        approvals_needed=request.approvals_needed,
        four_eyes=request.four_eyes,
        terms=request.terms,
        evidence=Evidence(
            read_at=request.created,
            users=member.users,
            tags=member.tags,
            risk=member.risk,
            device_value=member.value,
            last_seen=member.last_seen,
        ),
        decisions=request.decisions,
        next_check=now,
        inverse=request.inverse,
        back=request.back,
        story=(Step(at=now, key="story.of_batch", values={"id": request.id}),),
    )


def _as_it_stands(request: Request, member: Member, one: Request | None) -> Member:
    """One device's line on the card; what is over stays as it ended, also where its record has run out."""
    if member.state in FINAL:
        return member
    if one is None:
        return member.model_copy(update={"state": State.UNKNOWN, "trouble": LOST, "trouble_values": {}})
    return _shown(request, member, one)


def _shown(request: Request, member: Member, one: Request) -> Member:
    """The line of a device whose own request stands so.

    One that was open already and asks for it in another way has the way; in this way nothing is done to the device.
    """
    stands = member.model_copy(
        update={
            "request": one.id,
            "state": one.state,
            "status": one.status,
            "trouble": one.trouble,
            "trouble_values": dict(one.trouble_values),
            "ended": one.ended,
        }
    )
    if dict(one.parameters) == dict(request.parameters):
        return stands
    otherwise = {"state": State.FAILED, "status": "", "trouble": OTHERWISE, "trouble_values": {"id": one.id}}
    return stands.model_copy(update=otherwise)
