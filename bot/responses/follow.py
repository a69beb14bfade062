"""Takes a request on by itself: expires it, sends it once, finds it again after a crash, follows it to its end.

`step` is called by the request's job whenever it is due, by one holder of the request's lease. It is written so that a
crash between any two lines, or a second caller, costs time and never a second action: the attempt is committed before
the call, and what was called is not called again unless a person says so.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog

from bot.audit import Entry
from bot.budgets import ACTING, ranked
from bot.defender.client import Defender
from bot.defender.models import MachineAction
from bot.errors import (
    Conflict,
    Missing,
    MissingPermission,
    NotInPlan,
    Rejected,
    ServiceError,
    Stale,
    Throttled,
    Unauthorised,
    Unavailable,
)
from bot.responses import machine, requests
from bot.responses.models import Request, Response, State, told
from bot.services import Services
from bot.wire import folded

log = structlog.get_logger()

# Listing, then sending, end well inside the lease of a sending request (machine.SENDING_LEASE); where more than LATE
# seconds are gone before the call, it is not made.
LIST_DEADLINE = 15.0
LATE = 20.0
SEND_DEADLINE = 30.0
RETRY = timedelta(seconds=15)
COMMENT_BOUND = 500
BUSY_CODES = frozenset({"ActiveRequestAlreadyExists"})
BUSY_WORDS = "already in progress"
NEEDS = (Defender.machine_actions, Defender.machine_action, Defender.cancel_machine_action)
"""What following an action calls, beside what the response itself sends."""


async def step(services: Services, customer: str, key: str) -> None:
    """Do what is due on a request now. Never raises for what the service did; StoreDown passes."""
    request = await requests.get(services, customer, key)
    now = services.clock.now()
    due = request.step_due()
    if request.final or (due and due > now):
        return
    try:
        with ranked(ACTING):
            await STEPS[request.state](Follower(services, request))
    except (Stale, Conflict):
        log.info("step_overtaken", request=key, state=request.state.value)


class Follower:
    """One request, one step."""

    def __init__(self, services: Services, request: Request) -> None:
        self.services = services
        self.request = request
        self.customer = request.customer
        self.defender = services.defender(request.customer)
        self.response: Response = services.responses[request.response]

    def _now(self) -> datetime:
        return self.services.clock.now()

    async def _write(self, after: Request, what: str = "", *, take_flight: bool = False) -> Request:
        """Commit `after` if the request is still as this step read it; only its posts may have changed."""

        def unless_overtaken(current: Request) -> Request:
            if current != self.request.model_copy(update={"posts": current.posts}):
                raise Stale("error.request_moved_on", state=current.state.value)
            return after.model_copy(update={"posts": current.posts})

        entries: Sequence[Entry] = ()
        if what:
            entries = [
                Entry(at=self._now(), what=what, who="watchkeeper", subject=f"request:{after.id}", more=_facts(after))
            ]
        written = await requests.transition(
            self.services,
            self.customer,
            after.id,
            unless_overtaken,
            lambda _: entries,
            now=self._now(),
            take_flight=take_flight,
        )
        log.info("request", id=after.id, state=after.state.value, what=what, customer=self.customer)
        self.request = written
        return written

    async def expire(self) -> None:
        """Nobody decided in time."""
        await self._write(machine.expire(self.request, self._now()), "expired")

    async def send(self) -> None:
        """An approved request: wait for its turn, then list, then send once."""
        if self.request.send_by and self._now() >= self.request.send_by:
            await self._write(machine.expire(self.request, self._now()), "not sent in time")
            return
        if await self._must_wait():
            return
        await self._write(machine.begin(self.request, self._now()), "sending", take_flight=True)
        if not await self._settled_by_listing():
            await self._call()

    async def _must_wait(self) -> bool:
        """One in flight per device and family, in the order of approval. Says what it waits for."""
        ahead = await self._ahead()
        if not ahead:
            return False
        if (
            ahead.response == self.response.inverse
            and ahead.state is State.SENT
            and ahead.status.casefold() == "pending"
        ):
            await self._cancel(ahead)
        waits = machine.look_later(
            self.request, self._now(), RETRY, "trouble.waits_for", id=ahead.id, response=ahead.response
        )
        await self._write(waits)
        return True

    async def _ahead(self) -> Request | None:
        """The request that has the way before this one, if any."""
        held_by, _ = await requests.holder(
            self.services, self.customer, requests.FLIGHT, requests.flight_key(self.request)
        )
        if held_by == self.request.id:
            return None
        if held_by:
            return await requests.get(self.services, self.customer, held_by)
        of_device = await requests.latest(self.services, self.customer, self.request.target.id)
        rivals = [r for r in of_device if self._is_rival(r)]
        lingering = [r for r in rivals if machine.may_still_come(r, self._now())]
        approved = [r for r in rivals if r.state is State.APPROVED and _order(r) < _order(self.request)]
        return min(lingering or approved, key=_order, default=None)

    def _is_rival(self, other: Request) -> bool:
        mine = self.request
        return other.id != mine.id and requests.flight_key(other) == requests.flight_key(mine)

    async def _cancel(self, ahead: Request) -> None:
        """The opposite was approved while the other still waits for the device: take that one back at the service."""
        action = ahead.attempt.action if ahead.attempt else ""
        more = {**told(ahead), "action": action, "for": self.request.id}
        entries = [
            Entry(at=self._now(), what="cancel asked", who="watchkeeper", subject=f"request:{ahead.id}", more=more)
        ]
        try:
            await self.defender.cancel_machine_action(
                action, comment=f"[{self.request.id}] superseded by {self.response.name}"
            )
        except ServiceError as error:
            log.info("cancel_failed", request=ahead.id, action=action, error=str(error))
            entries = []
        await requests.transition(
            self.services,
            self.customer,
            ahead.id,
            lambda r: machine.look_now(r, self._now()),
            lambda _: entries,
            now=self._now(),
        )
        await self.services.wake(self.customer, requests.KIND, ahead.id)

    async def _settled_by_listing(self) -> bool:
        """List the device's actions; whether that settles the matter: done already, in the way, or not to be read."""
        try:
            async with asyncio.timeout(LIST_DEADLINE):
                listed = await self.defender.machine_actions(machine_id=self.request.target.id, top=100)
        except (ServiceError, TimeoutError) as error:
            await self._put_back(error)
            return True
        if await self._settle_from(listed):
            return True
        if self._late():
            await self._put_back(TimeoutError())
            return True
        return False

    async def _call(self) -> None:
        try:
            async with asyncio.timeout(SEND_DEADLINE):
                action = await self.response.send(self.defender, self.request, self._comment())
        except TimeoutError:
            await self._write(machine.lose(self.request, self._now()), "unknown")
        except ServiceError as error:
            await self._sending_failed(error)
        else:
            await self._answered(action)

    async def _answered(self, action: MachineAction) -> None:
        """The service took the call; or it answered with another's action that was active already (defender-api 8)."""
        foreign = not self.request.marked(action.requestor_comment or self.request.mark)
        if foreign and await self._settle_from([action]):
            return
        await self._write(machine.accept(self.request, self._now(), action, adopted=foreign), "sent")

    def _late(self) -> bool:
        """Whether this process was held up so long that another may have taken the request for lost."""
        attempt = self.request.attempt
        return attempt is None or (self._now() - attempt.began).total_seconds() > LATE

    async def _settle_from(self, listed: Sequence[MachineAction]) -> bool:
        """Whether the device's list of actions already settles the matter: ours is there, or another is under way."""
        ours = self._ours(listed)
        if ours:
            await self._write(machine.accept(self.request, self._now(), ours, adopted=False), "sent")
            return True
        active = [a for a in listed if a.is_active and a.kind in _kinds(self.response.family_types)]
        if not active:
            return False
        same = [a for a in active if self._does_the_same(a)]
        if same and len(same) == len(active):
            await self._write(machine.accept(self.request, self._now(), same[0], adopted=True), "adopted")
        else:
            who = active[0].requestor or "?"
            back = machine.put_back(
                self.request,
                self._now(),
                RETRY,
                "trouble.other_action",
                type=active[0].type or "",
                who=who,
                id=active[0].id,
            )
            await self._write(back, "put back")
        return True

    def _ours(self, listed: Sequence[MachineAction]) -> MachineAction | None:
        """An action of one of our attempts; a late one of an earlier attempt counts, so that it is not done twice."""
        return next((a for a in listed if self.request.marked(a.requestor_comment or "")), None)

    def _does_the_same(self, action: MachineAction) -> bool:
        """Same type and same choice. Where a choice was made and the action does not say its own, nobody knows."""
        wanted = {folded(value) for value in self.request.parameters.values()}
        return action.kind in _kinds(self.response.types) and (not wanted or folded(action.scope) in wanted)

    def _comment(self) -> str:
        """The action's comment: our mark first, by which it is found again, then who and why."""
        approvers = ", ".join(d.who.name for d in self.request.approvals) or "no approval needed"
        text = (
            f"{self.request.mark} {self.request.reason} (asked: {self.request.requester.name}; approved: {approvers})"
        )
        return " ".join(text.split())[:COMMENT_BOUND]

    async def _put_back(self, error: Exception) -> None:
        wait = RETRY
        if isinstance(error, Throttled) and error.retry_after:
            wait = timedelta(seconds=error.retry_after)
        key, values = trouble_of(error)
        await self._write(machine.put_back(self.request, self._now(), wait, key, **values), "put back")

    async def _sending_failed(self, error: ServiceError) -> None:
        """What a failed call means: perhaps carried out, certainly not yet, or refused for good."""
        if isinstance(error, Unavailable) and error.sent:
            await self._write(machine.lose(self.request, self._now()), "unknown")
        elif isinstance(error, Throttled | Unavailable | Unauthorised) or is_busy(error):
            await self._put_back(error)
        elif isinstance(error, Rejected | Missing | MissingPermission | NotInPlan):
            key, values = trouble_of(error)
            await self._write(machine.refuse(self.request, self._now(), key, **values), "refused")
        else:
            await self._write(machine.lose(self.request, self._now()), "unknown")

    async def recover(self) -> None:
        """The process that was sending is gone: nobody knows whether the call went out."""
        await self._write(machine.lose(self.request, self._now()), "unknown")

    async def search(self) -> None:
        """Look for the action of an attempt whose answer never came; find it, or stay unknown."""
        try:
            listed = await self.defender.machine_actions(machine_id=self.request.target.id, top=100)
        except ServiceError as error:
            await self._look_later(error)
            return
        ours = self._ours(listed)
        if ours:
            await self._write(machine.accept(self.request, self._now(), ours, adopted=False), "found")
        else:
            await self._write(machine.not_found(self.request, self._now()))

    async def check(self) -> None:
        """Ask the service how the action stands."""
        action_id = self.request.attempt.action if self.request.attempt else ""
        try:
            action = await self.defender.machine_action(action_id)
        except ServiceError as error:
            await self._look_later(error)
            return
        after = machine.observe(self.request, self._now(), action)
        await self._write(after, after.state.value if after.final else "")

    async def _look_later(self, error: ServiceError) -> None:
        age = self._now() - (self.request.sent_at or self.request.unknown_since or self._now())
        wait = max(RETRY, machine.sent_pause(age))
        if isinstance(error, Throttled) and error.retry_after:
            wait = max(wait, timedelta(seconds=error.retry_after))
        key, values = trouble_of(error)
        denied = isinstance(error, Missing) and self.request.state is State.SENT
        after = (machine.miss if denied else machine.look_later)(self.request, self._now(), wait, key, **values)
        await self._write(after, "vanished" if after.state is not self.request.state else "")


STEPS = {
    State.PROPOSED: Follower.expire,
    State.APPROVED: Follower.send,
    State.SENDING: Follower.recover,
    State.UNKNOWN: Follower.search,
    State.SENT: Follower.check,
}


def _kinds(types: Iterable[str]) -> set[str]:
    return {folded(kind) for kind in types}


def _order(request: Request) -> tuple[datetime, str]:
    """When a request got its way to be sent: the last approval, or its making."""
    approved = [d.at for d in request.approvals]
    return (approved[-1] if approved else request.created, request.id)


def _facts(request: Request) -> dict[str, object]:
    attempt = request.attempt
    return {
        **told(request),
        "state": request.state.value,
        "attempt": attempt.number if attempt else 0,
        "action": attempt.action if attempt else "",
        "status": request.status,
    }


def is_busy(error: ServiceError) -> bool:
    """Whether the service refused because such an action is under way (defender-api 3)."""
    return isinstance(error, Rejected) and (error.code in BUSY_CODES or BUSY_WORDS in error.message.casefold())


TROUBLES: tuple[tuple[type[ServiceError], str], ...] = (
    (Throttled, "trouble.throttled"),
    (MissingPermission, "trouble.permission"),
    (NotInPlan, "trouble.plan"),
    (Missing, "trouble.missing"),
    (Rejected, "trouble.rejected"),
    (Unauthorised, "trouble.unauthorised"),
)


def trouble_of(error: Exception) -> tuple[str, dict[str, str]]:
    """A service's failure as a catalogue key and values for the card."""
    if not isinstance(error, ServiceError):
        return "trouble.unavailable", {"service": "defender"}
    values = {"service": error.service, "code": error.code, "message": error.message[:200]}
    if isinstance(error, MissingPermission):
        values["permission"] = error.permission
    if is_busy(error):
        return "trouble.busy", values
    key = next((key for kind, key in TROUBLES if isinstance(error, kind)), "trouble.unavailable")
    return key, values
