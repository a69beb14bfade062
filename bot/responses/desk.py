"""Where requests are made and decided: the people's side of the machine. Each act is one commit, audit included."""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.audit import Entry
from bot.errors import NotAllowed, PersonError
from bot.policy.models import Ruling
from bot.posts import Post
from bot.records import mutate
from bot.responses import machine, requests, ruling, veto
from bot.responses.batch import members_of
from bot.responses.declared import Response
from bot.responses.models import Evidence, Member, Person, Request, Step, Target, told
from bot.roles import Role
from bot.services import Services

log = structlog.get_logger()

MOST_POINTERS = 20
NOBODY = "trouble.nobody_can_decide"
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def new_id() -> str:
    """A request's id: short enough to be read out, long enough never to meet another."""
    return "WK-" + "".join(secrets.choice(ALPHABET) for _ in range(10))


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What somebody asks for, parsed and checked. `origin` is the conversation it was asked in.

    `members` are the devices where it is for several. `role` is the requester's (None: the lowest that may ask).
    `unheard`: nobody but the requester will see it; where they may not decide, the card says so. `watchers` are the
    conversations that subscribed to requests (None: not known).
    """

    response: Response
    target: Target
    parameters: Mapping[str, str]
    reason: str
    requester: Person
    evidence: Evidence
    posts: Sequence[Post]
    origin: str
    unheard: bool = False
    members: Sequence[Member] = ()
    role: Role | None = None
    values: Sequence[str] = ()
    watchers: Sequence[str] | None = None

    @property
    def ask(self) -> str:
        """The name of what may be asked for only once at a time."""
        parameters = self.parameters if self.response.each else None
        return requests.ask_key(self.target.id, self.response.name, parameters)


class Desk:
    """The requests of one customer, as people act on them."""

    def __init__(self, services: Services, customer: str) -> None:
        self.services = services
        self.customer = customer

    async def propose(self, proposal: Proposal) -> tuple[Request, bool]:
        """Write the request down and have its card posted.

        Returns the request and whether it is new: the same response on the same device is asked for once at a time.
        One that needs no approval is approved at once. Raises NotAllowed for what the policy refuses.
        """
        request = self._made(proposal, self._ruled(proposal))
        more = {
            **told(request),
            "parameters": dict(request.parameters),
            "four_eyes": request.four_eyes,
            "approvals_needed": request.approvals_needed,
            **ruling.audited(request),
        }
        standing = await requests.create(
            self.services, request, self._entry(request.id, request.requester, "proposed", more)
        )
        log.info("request_made", request=standing.id, new=standing.id == request.id, customer=self.customer)
        await self.services.wake(self.customer, requests.KIND, standing.id)
        return standing, standing.id == request.id

    def _ruled(self, proposal: Proposal) -> Ruling:
        """What the policy says; raises NotAllowed where it forbids it, or lets only a higher role ask."""
        response, role = proposal.response, proposal.role or proposal.response.asks
        found = ruling.ruled(
            self.services,
            response,
            role=role,
            now=self.services.clock.now(),
            target=proposal.target,
            evidence=proposal.evidence,
            members=proposal.members,
            typed=proposal.parameters,
        )
        if found.forbidden:
            raise NotAllowed("error.policy_forbids", why=found.forbidden, policy=found.place)
        if role < found.asks:
            raise NotAllowed("error.policy_asks", command=response.name, role=found.asks.word, policy=found.place)
        return found

    def _made(self, proposal: Proposal, found: Ruling) -> Request:
        now, response, key = self.services.clock.now(), proposal.response, new_id()
        role = proposal.role or response.asks
        heard = not proposal.unheard or (found.requester_may and role >= Role.APPROVER)
        back = dict(response.back(proposal.parameters, proposal.evidence)) if response.back else {}
        request = Request(
            id=key,
            customer=self.customer,
            response=response.name,
            family=response.family,
            target=proposal.target,
            ask=proposal.ask,
            members=members_of(key, proposal.members),
            values=tuple(proposal.values),
            parameters=dict(proposal.parameters),
            reason=proposal.reason,
            requester=proposal.requester,
            origin=proposal.origin,
            created=now,
            expires=now + found.time_to_live,
            evidence=proposal.evidence,
            inverse=response.inverse if back or not response.back else "",
            back=back,
            posts=tuple(proposal.posts),
            trouble="" if heard or found.at_once else NOBODY,
            story=(Step(at=now, key="story.proposed", values={"who": proposal.requester.name}),),
        )
        watchers = None if proposal.watchers is None else tuple(proposal.watchers)
        mark = self.services.policy.mark
        terms = ruling.kept(found, now, mark=mark, heard=heard, role=role, watchers=watchers)
        request = request.model_copy(update=terms)
        return veto.preapproved(request, now) if found.preapproved else request

    async def approve(self, key: str, who: Person, comment: str = "") -> Request:
        """An approver says yes."""
        return await self._act(
            key, who, "approved", lambda r, now: machine.approve(r, who, now, self._within(r), comment)
        )

    async def reject(self, key: str, who: Person, reason: str, instead: Mapping[str, str] | None = None) -> Request:
        """An approver says no, why, and with which parameters they would have agreed."""
        return await self._act(key, who, "rejected", lambda r, now: machine.reject(r, who, now, reason, instead))

    async def withdraw(self, key: str, who: Person) -> Request:
        """The requester takes it back."""
        return await self._act(key, who, "withdrawn", lambda r, now: machine.withdraw(r, who, now))

    async def resend(self, key: str, who: Person) -> Request:
        """An approver has one whose fate is unknown sent again.

        Raises PersonError where one that was approved later waits to undo it: that would have the last word, although
        "send again" was the last that a person said.
        """

        async def nothing_waits(request: Request) -> None:
            if waits := await requests.undone_by(self.services, request):
                raise PersonError("error.undone_by_waiting", id=waits.id, response=waits.response)

        return await self._act(
            key, who, "sent again", lambda r, now: machine.resend(r, who, now, self._within(r)), look=nothing_waits
        )

    async def give_up(self, key: str, who: Person) -> Request:
        """An approver leaves one whose fate is unknown; the way is free for the next."""
        return await self._act(key, who, "given up", lambda r, now: machine.give_up(r, who, now))

    async def adopt(self, key: str, post: Post) -> Request | None:
        """A click came from a message we had lost track of: it is the card now, the other becomes a pointer to it."""

        def adopted(request: Request) -> Request:
            known = request.post_at(post.place.id, post.message) if post.message else _on_its_way(request, post)
            if known:
                return request
            kept = [p for p in request.posts if not (_same_card(p, post) and not p.message)]
            others = [_superseded(p) if _same_card(p, post) else p for p in kept]
            shown = request.model_copy(update={"posts": (*_bounded(others), post)})
            return machine.troubled(shown, "") if _heard_of(request, post) else shown

        now = self.services.clock.now()
        return await mutate(self.services.ledger, self.customer, requests.KIND, key, Request, now, adopted)

    async def show_here(self, key: str, post: Post) -> Request | None:
        """Show an open request where somebody asked for it again; an older card of it there becomes a pointer."""
        return await self.adopt(key, post)

    def _within(self, request: Request) -> timedelta:
        """The time that an approved one has to be sent."""
        return ruling.within(self.services, request)

    def _entry(self, key: str, who: Person, what: str, more: Mapping[str, object] | None = None) -> Entry:
        return Entry(
            at=self.services.clock.now(),
            what=what,
            who=f"{who.tenant}/{who.id}",
            subject=f"request:{key}",
            more=more or {},
        )

    async def _act(
        self,
        key: str,
        who: Person,
        what: str,
        step: Callable[[Request, datetime], Request],
        *,
        look: Callable[[Request], Awaitable[None]] | None = None,
    ) -> Request:
        clock = self.services.clock
        request = await requests.transition(
            self.services,
            self.customer,
            key,
            lambda current: step(current, clock.now()),
            lambda after: [self._entry(key, who, what, {"state": after.state.value, **told(after)})],
            now=clock.now(),
            look=look,
        )
        await self.services.wake(self.customer, requests.KIND, key)
        return request


def _same_card(one: Post, other: Post) -> bool:
    return one.key == other.key and one.place.id == other.place.id and one.state in ("wanted", "live", "unsure")


def _heard_of(request: Request, post: Post) -> bool:
    """Whether a request that nobody could decide is now shown where others are."""
    return request.trouble == NOBODY and post.place.kind != "personal"


def _on_its_way(request: Request, post: Post) -> Post | None:
    """The card that is about to be posted in that conversation anyhow."""
    return next((p for p in request.posts if _same_card(p, post) and p.state == "wanted" and not p.message), None)


def _superseded(post: Post) -> Post:
    return post.model_copy(update={"state": "pointer", "shown": 0, "retry": None})


def _bounded(posts: Sequence[Post]) -> Sequence[Post]:
    """The posts without the oldest of those done with, so that asking again and again does not pile them up."""
    done = [p for p in posts if p.state == "gone" or (p.state == "pointer" and p.shown)]
    return [p for p in posts if p not in done[:-MOST_POINTERS]]
