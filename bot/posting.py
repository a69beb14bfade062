"""Shows records in Teams: posts what is wanted, edits what is outdated, exactly as far as Teams lets one be exact.

Posting has no idempotency key and no read-back (teams-platform 5.2), so a try is written down before it is made: a try
whose answer never came is ambiguous, is made again and counted, soon once and then ever more slowly. An edit renders
from the record at the moment of sending. All posts of one record are sent by the holder of the record's lease.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.ambiguity import note_repeat
from bot.budgets import booked, place_bucket
from bot.command import View
from bot.conversations import current
from bot.errors import Barred, Missing, ServiceError, StoreDown, StoreError, Throttled, Unavailable
from bot.limits import CONVERSATION
from bot.metrics import AMBIGUOUS_POSTS, POSTS
from bot.posts import Post, Shownable
from bot.records import mutate, read
from bot.services import Services
from bot.state.store import AHEAD
from bot.turn import Conversation, Look, Shown

log = structlog.get_logger()

CONVERSATION_LIMITS = tuple((limit.calls, limit.seconds) for limit in CONVERSATION)
# A card whose place in its conversation's bucket comes later is woken EARLY seconds before it, and waits the rest; so
# it leaves at its moment, though jobs come late. One that comes later than LATE nevertheless leaves one by one with
# others like it, so that a process which was held up sends no crowd; one later than STALE books another place.
EARLY, LATE, STALE = 2.0, 0.25, 10.0
LATE_LIMITS = ((1, 0.6),)
Limits = Sequence[tuple[int, float]]
# A try without an answer is made again once at once, for it was most likely lost; after that Teams is in trouble, and
# a card that nobody saw outweighs a second one: ever more slowly, each one counted.
AMBIGUOUS_PAUSES = tuple(timedelta(seconds=s) for s in (10, 300, 1800, 7200, 21600))
LONG_PAUSE = timedelta(minutes=5)
MOST_TRIES = len(AMBIGUOUS_PAUSES) + 1
LEASE = 20.0
LAST_POST, LAST_POST_KEPT = "posted", 90 * 24 * 3600.0
"""The value that says when something was last posted or edited for a customer, and how many seconds it is kept."""


@asynccontextmanager
async def holding(services: Services, customer: str, name: str, lease: float = LEASE) -> AsyncIterator[bool]:
    """Hold a lease while working, renewing it; yields False where somebody else holds it, be it in this process."""
    store, owner = services.store, f"{services.worker}/{secrets.token_hex(4)}"
    if not await store.lease(customer, name, owner, lease):
        yield False
        return

    over = asyncio.Event()

    async def renew() -> None:
        while not over.is_set():  # on Python 3.11 a cancel can be lost inside redis-py (asyncio.wait_for)
            await asyncio.sleep(lease / 3)
            try:
                if not await store.lease(customer, name, owner, lease):
                    log.warning("lease_lost", name=name)
            except StoreDown:
                log.warning("lease_not_renewed", name=name)

    renewing = asyncio.create_task(renew())
    try:
        yield True
    finally:
        over.set()
        renewing.cancel()
        await asyncio.wait({renewing})  # a renewal after the release would hold it for nobody
        try:
            await store.release(customer, name, owner)
        except StoreDown:
            log.warning("lease_not_released", name=name)


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A post as it is about to be sent: which content of the record, and what the post was then."""

    content: int
    state: str
    shown: Shown


class Poster:
    """Brings the posts of one record up to date."""

    def __init__(
        self, services: Services, view: View, pointer: Callable[[Look], Shown], customer: str, key: str
    ) -> None:
        self.services = services
        self.pointer = pointer
        self.view = view
        self.customer = customer
        self.key = key

    async def sync(self) -> Shownable | None:
        """Send what is due of the record's posts; returns the record as it then stands."""
        found = await read(self.services.store, self.customer, self.view.kind, self.key, self.view.model)
        if not found:
            return None
        full: dict[str, datetime] = {}
        for post in found[0].outdated():
            if post.retry and post.retry > self.services.clock.now():
                continue
            if until := full.get(post.place.id):  # in the order of the record
                await self._later(post, until)
            elif until := await self._try(post):
                full[post.place.id] = until
        after = await read(self.services.store, self.customer, self.view.kind, self.key, self.view.model)
        return after[0] if after else None

    async def _try(self, post: Post) -> datetime | None:
        """One post, whose trouble must hold up neither the others nor the record itself.

        Returns when its conversation has a place for it, where that is not now.
        """
        try:
            return await self._bring_up(post)
        except StoreError:
            raise
        except Exception:
            POSTS.labels("edit" if post.message else "post", "crashed").inc()
            log.exception("post_crashed", kind=self.view.kind, id=self.key, post=post.key)
            await self._later(post, self.services.clock.now() + LONG_PAUSE)
        return None

    async def _later(self, post: Post, retry: datetime, slot: datetime | None = None) -> None:
        await self._note(post, lambda p: p.model_copy(update={"retry": retry, "slot": slot}))

    async def _bring_up(self, post: Post) -> datetime | None:
        slot = post.slot
        if slot is None or self._behind(slot) > STALE:
            slot = await self._book(post, CONVERSATION_LIMITS, AHEAD)
        ahead = -self._behind(slot)
        if ahead > EARLY:
            booked_ahead = ahead <= AHEAD  # what is further off asks again when it no longer is
            again = slot - timedelta(seconds=EARLY if booked_ahead else AHEAD / 2)
            await self._later(post, again, slot if booked_ahead else None)
            return again
        await self._until(slot)
        if self._behind(slot) > LATE:
            await self._until(await self._book(post, LATE_LIMITS, STALE, "late:"))
        with booked():
            await (self._edit(post) if post.message else self._first(post))
        return None

    def _behind(self, moment: datetime) -> float:
        """How many seconds ago that was."""
        return (self.services.clock.now() - moment).total_seconds()

    async def _until(self, moment: datetime) -> None:
        if (wait := -self._behind(moment)) > 0:
            await self.services.clock.sleep(wait)

    async def _book(self, post: Post, limits: Limits, patience: float, prefix: str = "") -> datetime:
        """A moment in a bucket of the post's conversation; one further off than the patience is not booked."""
        now, bucket = self.services.clock.now(), prefix + place_bucket(post.place.id)
        wait = await self.services.store.take(post.place.tenant, bucket, limits, now, patience=patience)
        return now + timedelta(seconds=wait)

    async def _first(self, post: Post) -> None:
        if post.tries >= MOST_TRIES:
            await self._note(post, lambda p: p.model_copy(update={"state": "unsure", "sending": None}))
            return
        where, rendered = await self._where(post), await self._render(post)
        now = self.services.clock.now()
        noted = rendered and await self._note(
            post, lambda p: p.model_copy(update={"tries": p.tries + 1, "sending": now, "retry": None, "slot": None})
        )
        if not rendered or not noted:
            return
        try:
            message = await self.services.teams.post(where, rendered.shown)
        except ServiceError as error:
            await self._failed(post, error)
            if post.tries and _perhaps_taken(error):
                await self._repeated()
            return
        POSTS.labels("post", "ok").inc()
        await self._confirm(post, message, rendered.content)
        if post.tries:
            await self._repeated()
        await self._said()

    async def _repeated(self) -> None:
        """Count one that may stand twice."""
        AMBIGUOUS_POSTS.inc()
        await note_repeat(self.services, self.customer)

    async def _confirm(self, post: Post, message: str, content: int) -> None:
        """Write down that the message stands. Where a click from another came first, this one is a pointer to it."""
        done = {"message": message, "shown": content, "sending": None, "retry": None, "slot": None, "tries": 0}

        def confirmed(record: Shownable) -> Shownable:
            if record.post_at(post.place.id, message):
                return record
            posts = tuple(p.model_copy(update={**done, "state": "live"}) if _same(p, post) else p for p in record.posts)
            if posts == record.posts:
                posts = (*posts, post.model_copy(update={**done, "state": "pointer", "shown": 0}))
            return record.model_copy(update={"posts": posts})

        await self._mutate(confirmed)

    async def _edit(self, post: Post) -> None:
        where, rendered = await self._where(post), await self._render(post)
        if not rendered:
            return
        try:
            await self.services.teams.edit(where, post.message, rendered.shown)
        except ServiceError as error:
            await self._failed(post, error)
            return
        POSTS.labels("edit", "ok").inc()
        # What was sent last is what stands there: an older content than another process has shown is edited again.
        done = {"shown": rendered.content, "retry": None, "slot": None}
        await self._note(post, lambda p: p.model_copy(update=done) if p.state == rendered.state else p)
        await self._said()

    async def _said(self) -> None:
        """Keep when Teams last took something for this customer."""
        at = self.services.clock.now().isoformat()
        await self.services.store.put_value(self.customer, LAST_POST, {"at": at}, LAST_POST_KEPT)

    async def _render(self, post: Post) -> "Rendered | None":
        """The post as the record has it at this moment; None where the record or the post is no more."""
        found = await read(self.services.store, self.customer, self.view.kind, self.key, self.view.model)
        stands = next((p for p in found[0].posts if _same(p, post)), None) if found else None
        if not found or not stands:
            return None
        record = found[0]
        look = Look(now=self.services.clock.now(), locale=post.locale or "en", zone=post.zone or "UTC")
        shown = self.pointer(look) if stands.state == "pointer" else self.view.render(record, stands, look)
        return Rendered(content=record.content, state=stands.state, shown=shown)

    async def _where(self, post: Post) -> Conversation:
        return await current(self.services.store, post.place.conversation())

    async def _failed(self, post: Post, error: ServiceError) -> None:
        POSTS.labels("edit" if post.message else "post", type(error).__name__).inc()
        log.warning("post_failed", kind=self.view.kind, id=self.key, post=post.key, error=str(error))
        now = self.services.clock.now()
        changes: dict[str, object] = {"sending": None, "slot": None}
        if isinstance(error, Barred | Missing):
            changes["state"] = "gone"
        elif isinstance(error, Throttled):
            changes |= {"retry": now + timedelta(seconds=error.retry_after or 5)}
        elif isinstance(error, Unavailable):
            changes |= {"retry": now + AMBIGUOUS_PAUSES[min(post.tries, len(AMBIGUOUS_PAUSES) - 1)]}
        else:
            changes |= {"retry": now + LONG_PAUSE}
        spent = 0 if _perhaps_taken(error) else 1
        await self._note(
            post,
            lambda p: p.model_copy(update={**changes, "tries": max(0, p.tries - spent)}),
        )
        if isinstance(error, Barred) and self.services.barred:
            await self.services.barred(self.customer, post.place)

    async def _note(self, post: Post, change: Callable[[Post], Post]) -> bool:
        """Write what became of a post, whatever else changed in the record meanwhile; False: the post is no more."""

        def replaced(record: Shownable) -> Shownable:
            posts = tuple(change(p) if _same(p, post) else p for p in record.posts)
            return record.model_copy(update={"posts": posts})

        after = await self._mutate(replaced)
        return after is not None and any(_same(p, post) for p in after.posts)

    async def _mutate(self, change: Callable[[Shownable], Shownable]) -> Shownable | None:
        return await mutate(
            self.services.ledger,
            self.customer,
            self.view.kind,
            self.key,
            self.view.model,
            self.services.clock.now(),
            change,
        )


def _perhaps_taken(error: ServiceError) -> bool:
    """Whether Teams may have taken the message all the same."""
    return isinstance(error, Unavailable) and error.sent


def _same(one: Post, other: Post) -> bool:
    """Whether two states of a post are of the same message, or of the same try to make one."""
    if one.state in ("gone", "unsure"):
        return False
    return (one.key, one.place.address, one.message) == (other.key, other.place.address, other.message)
