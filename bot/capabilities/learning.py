"""Learns what a tenant has and keeps it: one record per customer, bounded, shared by all processes.

Plans come from subscribedSkus (graph-api.md sections 1.9 and 6.3), permissions from the `roles` of our own tokens, and
refusals from what the services answered to a response.
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from pydantic import ValidationError

from bot.capabilities.models import MOST_REFUSALS, TRIED_AGAIN, Known, LacksPermission, LacksPlan, Refusal, Standing
from bot.capabilities.standing import denied_since, standing_of
from bot.coverage import trouble_of
from bot.errors import Conflict, MissingPermission, NotInPlan, RoleTooLow, ServiceError, StoreError
from bot.responses.declared import Response
from bot.services import Services
from bot.state.store import Change

log = structlog.get_logger()

KIND = "capability"
KEY = "learnt"
ENOUGH = timedelta(hours=12)
"""What was learnt within this time the daily round leaves alone; each process asks for one at its start."""
ANEW = timedelta(minutes=1)
"""What was learnt within this time is not even asked for again because a response lacks something."""
PATIENCE = 2.0
"""For how many seconds a person waits until plans and permissions were asked for."""
TRIES = 5
LONGEST_MESSAGE = 200


async def known(services: Services, customer: str) -> Known:
    """What was learnt so far. Raises StoreDown."""
    record = await services.store.get(customer, KIND, KEY)
    return _read(record.data) if record else Known()


def _read(data: object) -> Known:
    """The record; nothing is known where another version wrote what this one cannot read."""
    try:
        return Known.model_validate(data)
    except ValidationError:
        return Known()


async def standing(services: Services, customer: str, response: Response) -> Standing:
    """How a response stands in the tenant, by what was learnt so far. Raises StoreDown."""
    return standing_of(await known(services, customer), response, services.clock.now())


async def checked(services: Services, customer: str, response: Response) -> tuple[Known, Standing]:
    """How a response stands; what seems to lack a plan or a permission is asked for again first: it may have come.

    So is what a service refused for want of a permission since our token was last looked at: learning fetches a fresh
    token, which holds what was granted meanwhile.
    """
    learnt = await known(services, customer)
    found = standing_of(learnt, response, services.clock.now())
    lacking = isinstance(found, LacksPlan | LacksPermission) and not _since(services, learnt, ANEW)
    if lacking or denied_since(learnt, response):
        learnt = await learn_in_time(services, customer) or learnt
        found = standing_of(learnt, response, services.clock.now())
    return learnt, found


async def learn_in_time(services: Services, customer: str, *, forgive: bool = False) -> Known | None:
    """What `learn` comes to in a moment; None where a service, or another writer, takes longer. Raises StoreDown."""
    with contextlib.suppress(TimeoutError, Conflict):
        async with asyncio.timeout(PATIENCE):
            return await learn(services, customer, forgive=forgive)
    return None


async def learn(services: Services, customer: str, *, forgive: bool = False) -> Known:
    """Ask for the plans and the permissions, and keep what is answered; what fails leaves what was known before.

    `forgive`: what was refused is forgotten, so that it is tried again. Raises StoreDown.
    """
    plans, trouble = await _plans(services, customer)
    roles = await services.granted(customer) if services.granted else {}
    now = services.clock.now()

    def change(before: Known) -> Known:
        news: dict[str, object] = {"plans_trouble": trouble}
        news |= {"plans": plans, "plans_at": now} if plans is not None else {}
        news |= {"roles": {**before.roles, **roles}, "roles_at": now} if roles else {}
        kept = () if forgive else _lately(before.refusals, now)
        if plans is not None and before.plans is not None and plans != before.plans:
            kept = ()  # what another plan lacked says nothing about this one
        return before.model_copy(update={**news, "refusals": kept})

    return await _write(services, customer, change)


async def _plans(services: Services, customer: str) -> tuple[frozenset[str] | None, str]:
    """The service plans that work, or why they could not be read."""
    try:
        skus = await services.graph(customer).subscribed_skus()
    except ServiceError as error:
        log.info("plans_not_read", customer=customer, error=str(error))
        return None, trouble_of(error)[0]
    return frozenset(plan.service_plan_name or "" for sku in skus for plan in sku.service_plans if plan.works), ""


async def note_refused(services: Services, customer: str, error: Exception) -> None:
    """Write down that a service refused for want of a plan or a permission; anything else is no news. Never raises."""
    if not isinstance(error, NotInPlan | MissingPermission) or isinstance(error, RoleTooLow):
        return  # whose role is too low for one user may still do it to others
    refusal = Refusal(
        service=error.service,
        operation=error.operation,
        kind="plan" if isinstance(error, NotInPlan) else "permission",
        permission=getattr(error, "permission", ""),
        message=error.message[:LONGEST_MESSAGE],
        at=services.clock.now(),
    )

    def change(before: Known) -> Known:
        others = [one for one in _lately(before.refusals, refusal.at) if _of(one) != _of(refusal)]
        return before.model_copy(update={"refusals": (*others, refusal)[-MOST_REFUSALS:]})

    with contextlib.suppress(StoreError):
        await _write(services, customer, change)


async def learnt_lately(services: Services, customer: str) -> bool:
    """Whether the daily round has nothing to do. Raises StoreDown."""
    return _since(services, await known(services, customer), ENOUGH)


def _since(services: Services, learnt: Known, time: timedelta) -> bool:
    """Whether both plans and permissions were read within that time."""
    moments = [at for at in (learnt.plans_at, learnt.roles_at) if at]
    now = services.clock.now()
    return bool(moments) and all(timedelta(0) <= now - at < time for at in moments)


def _of(refusal: Refusal) -> tuple[str, str]:
    return refusal.service, refusal.operation


def _lately(refusals: tuple[Refusal, ...], now: datetime) -> tuple[Refusal, ...]:
    return tuple(one for one in refusals if now - one.at < TRIED_AGAIN)


async def _write(services: Services, customer: str, change: Callable[[Known], Known]) -> Known:
    """Change the record, again if somebody else wrote in between. Raises Conflict, StoreDown."""
    for _ in range(TRIES):
        record = await services.store.get(customer, KIND, KEY)
        after = change(_read(record.data) if record else Known())
        wanted = Change(kind=KIND, id=KEY, rev=record.rev if record else 0, data=after.model_dump(mode="json"))
        try:
            await services.ledger.commit(customer, [wanted])
        except Conflict:
            continue
        return after
    raise Conflict(f"{KIND} {KEY}: too many writers")
