"""Takes a request on by itself: expires it, sends it once, finds it again after a crash, follows it to its end.

`step` is called by the request's job whenever it is due, by one holder of the request's lease. It is written so that a
crash between any two lines, or a second caller, costs time and never a second action: the attempt is committed before
the call, and what was called is not called again unless a person says so.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from bot.audit import Entry
from bot.budgets import ACTING, ranked
from bot.capabilities.learning import note_refused
from bot.errors import (
    Conflict,
    Missing,
    MissingPermission,
    NotInPlan,
    Rejected,
    RoleTooLow,
    ServiceError,
    Stale,
    Throttled,
    Unauthorised,
    Unavailable,
)
from bot.http_errors import NEEDS_APPROVAL
from bot.permissions import operations_of
from bot.responses import batch, machine, reminding, requests, ruling
from bot.responses.declared import Remote, Response
from bot.responses.models import Request, State, Work, told
from bot.services import Services
from bot.uploads import kept_by

log = structlog.get_logger()

# Listing, then sending, end well inside the lease of a sending request (machine.SENDING_LEASE); where more than LATE
# seconds are gone before the call, it is not made.
LIST_DEADLINE = 15.0
LATE = 20.0
SEND_DEADLINE = 30.0
RETRY = timedelta(seconds=15)
COMMENT_BOUND = 500
NAME_BOUND = 64
FORBIDDEN = "trouble.policy_forbids"
BUSY_CODES = frozenset({"ActiveRequestAlreadyExists"})
BUSY_WORDS = "already in progress"


async def step(services: Services, customer: str, key: str) -> None:
    """Do what is due on a request now. Never raises for what the service did; StoreDown passes."""
    request = await requests.get(services, customer, key)
    now = services.clock.now()
    due = request.step_due()
    if (request.final and not due) or (due and due > now):
        return
    try:
        with ranked(ACTING):
            if request.final:
                await reminding.lasting(services, request)
            elif request.members:
                await batch.step(services, request)
            else:
                await STEPS[request.state](Follower(services, request))
    except (Stale, Conflict):
        log.info("step_overtaken", request=key, state=request.state.value)


class Follower:
    """One request, one step."""

    def __init__(self, services: Services, request: Request) -> None:
        self.services = services
        self.request = request
        self.customer = request.customer
        self.remote = Remote(
            defender=services.defender(request.customer),
            graph=services.graph(request.customer),
            kept=kept_by(services.store, request.customer),
        )
        self.response: Response = services.responses[request.response]
        self.how = self.response.how

    def _now(self) -> datetime:
        return self.services.clock.now()

    async def _write(self, after: Request, what: str = "", *, take_flight: bool = False) -> None:
        """Commit `after` if the request is still as this step read it."""
        self.request = await requests.put(self.services, self.request, after, what, take_flight=take_flight)

    async def expire(self) -> None:
        """Nobody decided in time; or nobody objected to what then runs by itself."""
        await self._write(*ruling.undecided(self.services, self.request, self._now()))

    async def send(self) -> None:
        """An approved request: wait for its turn, then list, then send once."""
        if self.request.send_by and self._now() >= self.request.send_by:
            await self._write(machine.expire(self.request, self._now()), "not sent in time")
            return
        if sentence := ruling.forbidden(self.services, self.request):
            refused = machine.refuse(self.request, self._now(), FORBIDDEN, story="forbidden", why=sentence)
            await self._write(refused, "forbidden")
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
        if self._can_be_taken_back(ahead):
            await self._cancel(ahead)
        waits = machine.look_later(
            self.request, self._now(), RETRY, "trouble.waits_for", id=ahead.id, response=ahead.response
        )
        await self._write(waits)
        return True

    def _can_be_taken_back(self, ahead: Request) -> bool:
        """Whether the one ahead is the opposite of this one and waits for the device."""
        opposite = ahead.response == self.response.inverse
        if self.response.each:  # what is undone must be the very same thing
            opposite = opposite and dict(ahead.parameters) == dict(self.request.parameters)
        waits = ahead.state is State.SENT and ahead.status.casefold() == "pending"
        return opposite and waits and self.how.cancel is not None

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
            if self.how.cancel:
                await self.how.cancel(self.remote, action, f"[{self.request.id}] superseded by {self.response.name}")
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
        """List what the service has for the target; whether that settles it: done, in the way, not to be read."""
        try:
            async with asyncio.timeout(LIST_DEADLINE):
                changed, values = await self.how.still(self.remote, self.request) if self.how.still else ("", {})
                found = await self.how.find(self.remote, self.request)
        except (ServiceError, TimeoutError) as error:
            await self._put_back(error)
            return True
        if await self._settle_from(found):
            return True
        if changed:
            await self._write(machine.refuse(self.request, self._now(), changed, story="changed", **values), "changed")
            return True
        if self._late():
            await self._put_back(TimeoutError())
            return True
        return False

    async def _call(self) -> None:
        try:
            async with asyncio.timeout(SEND_DEADLINE):
                work = await self.how.send(self.remote, self.request, self._comment())
        except TimeoutError:
            await self._write(machine.lose(self.request, self._now()), "unknown")
        except ServiceError as error:
            await self._sending_failed(error)
        else:
            await self._answered(work)

    async def _answered(self, work: Work) -> None:
        """The service took the call; or it answered with another's action that was active already (defender-api 8)."""
        if not work.ours and await self._settle_from([work]):
            return
        await self._write(machine.accept(self.request, self._now(), work, adopted=not work.ours), "sent")

    def _late(self) -> bool:
        """Whether this process was held up so long that another may have taken the request for lost."""
        attempt = self.request.attempt
        return attempt is None or (self._now() - attempt.began).total_seconds() > LATE

    async def _settle_from(self, found: Sequence[Work]) -> bool:
        """Whether what the service has already settles the matter: ours is there, or another is under way."""
        ours = _ours(found)
        if ours:
            await self._write(machine.accept(self.request, self._now(), ours, adopted=False), "sent")
            return True
        active = [work for work in found if work.state == "active"]
        same = [work for work in found if work.same]
        if same and all(work.same for work in active):
            await self._write(machine.accept(self.request, self._now(), same[0], adopted=True), "adopted")
        elif active:
            await self._give_way(active[0])
        return bool(same or active)

    async def _give_way(self, other: Work) -> None:
        """Another's action of the family is under way: try again when it may be over."""
        values = {"type": other.kind, "who": other.who or "?", "id": other.id}
        back = machine.put_back(self.request, self._now(), RETRY, "trouble.other_action", **values)
        await self._write(back, "put back")

    def _comment(self) -> str:
        """The action's comment: our mark first, by which it is found again, then why and, never cut off, who."""
        approvers = ", ".join(_seen(d.who.name, NAME_BOUND) for d in self.request.approvals) or _unasked(self.request)
        who = f"(asked: {_seen(self.request.requester.name, NAME_BOUND)}; approved: {approvers})"
        room = COMMENT_BOUND - len(self.request.mark) - len(who) - 2
        return " ".join(filter(None, (self.request.mark, _seen(self.request.reason, room), who)))[:COMMENT_BOUND]

    async def _put_back(self, error: Exception) -> None:
        wait = RETRY
        if isinstance(error, Throttled) and error.retry_after:
            wait = timedelta(seconds=error.retry_after)
        key, values = trouble_of(error, self._service())
        await self._write(machine.put_back(self.request, self._now(), wait, key, **values), "put back")

    def _service(self) -> str:
        """The service that the response is carried out at."""
        return next((one.service for one in operations_of(self.response.calls)), "defender")

    async def _sending_failed(self, error: ServiceError) -> None:
        """What a failed call means: perhaps carried out, certainly not yet, or refused for good."""
        if isinstance(error, Unavailable) and error.sent:
            await self._write(machine.lose(self.request, self._now()), "unknown")
        elif is_busy(error):
            await self._met_another(error)
        elif isinstance(error, Throttled | Unavailable | Unauthorised):
            await self._put_back(error)
        elif isinstance(error, Rejected | Missing | MissingPermission | NotInPlan):
            key, values = trouble_of(error)
            await self._write(machine.refuse(self.request, self._now(), key, **values), "refused")
            await note_refused(self.services, self.customer, error)
        else:
            await self._write(machine.lose(self.request, self._now()), "unknown")

    async def _met_another(self, error: ServiceError) -> None:
        """The call was refused because of one that began a moment before: follow that, or wait until it is over."""
        try:
            async with asyncio.timeout(LIST_DEADLINE):
                found = await self.how.find(self.remote, self.request)
        except (ServiceError, TimeoutError):
            found = ()
        if not await self._settle_from(found):
            await self._put_back(error)

    async def recover(self) -> None:
        """The process that was sending is gone: nobody knows whether the call went out."""
        await self._write(machine.lose(self.request, self._now()), "unknown")

    async def search(self) -> None:
        """Look for what became of an attempt whose answer never came; find it, or stay unknown."""
        try:
            found = await self.how.find(self.remote, self.request)
        except ServiceError as error:
            await self._look_later(error)
            return
        if work := _ours(found) or _likely(found):
            await self._write(machine.accept(self.request, self._now(), work, adopted=not work.ours), "found")
        else:
            await self._write(machine.not_found(self.request, self._now()))

    async def check(self) -> None:
        """Ask the service how it stands."""
        try:
            work = await self.how.look(self.remote, self.request) if self.how.look else _as_said(self.request)
        except ServiceError as error:
            await self._look_later(error)
            return
        now = self._now()
        after = machine.observe(self.request, now, machine.unsettled_for(self.request, now, self.how.settles, work))
        after = reminding.noticed(after, self.response, now, self.services.policy.file.reminders)
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


def _ours(found: Sequence[Work]) -> Work | None:
    """What one of our attempts became; a late one of an earlier attempt counts, so that it is not done twice."""
    return next((work for work in found if work.ours), None)


def _likely(found: Sequence[Work]) -> Work | None:
    """What an attempt without an answer may well have become: it began then, or what was asked for is in force."""
    return next((work for work in found if work.likely or (work.same and work.state != "active")), None)


def _as_said(request: Request) -> Work:
    """What the service said when it took the call, where it can never be asked again."""
    attempt = request.attempt
    said = attempt.said if attempt and attempt.said != "active" else "handed over"
    return Work(id=attempt.action if attempt else "", status=request.status, state=said, at=request.status_at)


def _seen(text: str, most: int) -> str:
    """Text of people's on one line, without what cannot be seen."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())[: max(most, 0)].rstrip()


def _unasked(request: Request) -> str:
    """In place of the approvers, where nobody was asked."""
    return f"by the policy, {request.terms.policy}" if request.terms.policy else "no approval needed"


def _order(request: Request) -> tuple[datetime, str]:
    """When a request got its way to be sent: the last approval, or its making."""
    approved = [d.at for d in request.decisions if d.what in ("approved", ruling.BY_POLICY)]
    return (approved[-1] if approved else request.created, request.id)


def is_busy(error: ServiceError) -> bool:
    """Whether the service refused because such an action is under way (defender-api 3)."""
    return isinstance(error, Rejected) and (error.code in BUSY_CODES or BUSY_WORDS in error.message.casefold())


CAUSES = {"IndicatorsFull": "trouble.indicators_full", NEEDS_APPROVAL: "trouble.needs_approval"}
"""Codes of refusals whose cause the bot found itself."""
TROUBLES: tuple[tuple[type[ServiceError], str], ...] = (
    (Throttled, "trouble.throttled"),
    (RoleTooLow, "trouble.role_too_low"),
    (MissingPermission, "trouble.permission"),
    (NotInPlan, "trouble.plan"),
    (Missing, "trouble.missing"),
    (Rejected, "trouble.rejected"),
    (Unauthorised, "trouble.unauthorised"),
)


def trouble_of(error: Exception, service: str = "") -> tuple[str, dict[str, str]]:
    """A service's failure as a catalogue key and values for the card; `service` is that of an answer too late."""
    if not isinstance(error, ServiceError):
        return "trouble.unavailable", {"service": service}
    values = {"service": error.service, "code": error.code, "message": error.message[:200]}
    if isinstance(error, MissingPermission):
        values["permission"] = error.permission
    if isinstance(error, RoleTooLow):
        values["directory_role"] = error.role
    if is_busy(error):
        return "trouble.busy", values
    if error.code in CAUSES:
        return CAUSES[error.code], values
    key = next((key for kind, key in TROUBLES if isinstance(error, kind)), "trouble.unavailable")
    return key, values
