"""Shows records in Teams: posts what is wanted, edits what is outdated, exactly as far as Teams lets one be exact.

Posting has no idempotency key and no read-back (teams-platform 5.2), so a try is written down before it is made: a try
whose answer never came is ambiguous, is made again and counted, soon once and then ever more slowly. An edit renders
from the record at the moment of sending. All posts of one record are sent by the holder of the record's lease.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.command import View
from bot.conversations import current
from bot.errors import Barred, Missing, ServiceError, StoreDown, StoreError, Throttled, Unavailable
from bot.metrics import AMBIGUOUS_POSTS, POSTS
from bot.posts import Post, Shownable
from bot.records import mutate, read
from bot.services import Services
from bot.turn import Conversation, Look, Shown

log = structlog.get_logger()

# Per conversation, with room for answers to people: Teams allows 7 in 1 s, 8 in 2 s, 60 in 30 s, 1800 in 3600 s (5.1).
CONVERSATION_LIMITS = ((5, 1.0), (6, 2.0), (50, 30.0), (1600, 3600.0))
# A try without an answer is made again once at once, for it was most likely lost; after that Teams is in trouble, and
# a card that nobody saw outweighs a second one: ever more slowly, each one counted.
AMBIGUOUS_PAUSES = tuple(timedelta(seconds=s) for s in (10, 300, 1800, 7200, 21600))
LONG_PAUSE = timedelta(minutes=5)
MOST_TRIES = len(AMBIGUOUS_PAUSES) + 1
LEASE = 20.0


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
        for post in found[0].outdated():
            if not post.retry or post.retry <= self.services.clock.now():
                await self._try(post)
        after = await read(self.services.store, self.customer, self.view.kind, self.key, self.view.model)
        return after[0] if after else None

    async def _try(self, post: Post) -> None:
        """One post, whose trouble must hold up neither the others nor the record itself."""
        try:
            await self._bring_up(post)
        except StoreError:
            raise
        except Exception:
            POSTS.labels("edit" if post.message else "post", "crashed").inc()
            log.exception("post_crashed", kind=self.view.kind, id=self.key, post=post.key)
            later = self.services.clock.now() + LONG_PAUSE
            await self._note(post, lambda p: p.model_copy(update={"retry": later}))

    async def _bring_up(self, post: Post) -> None:
        now = self.services.clock.now()
        wait = await self.services.store.take(self.customer, f"conversation:{post.place.id}", CONVERSATION_LIMITS, now)
        if wait > 0:
            await self._note(post, lambda p: p.model_copy(update={"retry": now + timedelta(seconds=wait)}))
        elif post.message:
            await self._edit(post)
        else:
            await self._first(post)

    async def _first(self, post: Post) -> None:
        if post.tries >= MOST_TRIES:
            await self._note(post, lambda p: p.model_copy(update={"state": "unsure", "sending": None}))
            return
        where, rendered = await self._where(post), await self._render(post)
        now = self.services.clock.now()
        noted = rendered and await self._note(
            post, lambda p: p.model_copy(update={"tries": p.tries + 1, "sending": now, "retry": None})
        )
        if not rendered or not noted:
            return
        if post.tries:
            AMBIGUOUS_POSTS.inc()
        try:
            message = await self.services.teams.post(where, rendered.shown)
        except ServiceError as error:
            await self._failed(post, error)
            return
        POSTS.labels("post", "ok").inc()
        await self._confirm(post, message, rendered.content)

    async def _confirm(self, post: Post, message: str, content: int) -> None:
        """Write down that the message stands. Where a click from another came first, this one is a pointer to it."""
        done = {"message": message, "shown": content, "sending": None, "retry": None, "tries": 0}

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
        done = {"shown": rendered.content, "retry": None}
        await self._note(post, lambda p: p.model_copy(update=done) if p.state == rendered.state else p)

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
        changes: dict[str, object] = {"sending": None}
        if isinstance(error, Barred | Missing):
            changes["state"] = "gone"
        elif isinstance(error, Throttled):
            changes |= {"retry": now + timedelta(seconds=error.retry_after or 5)}
        elif isinstance(error, Unavailable):
            changes |= {"retry": now + AMBIGUOUS_PAUSES[min(post.tries, len(AMBIGUOUS_PAUSES) - 1)]}
        else:
            changes |= {"retry": now + LONG_PAUSE}
        certain = not (isinstance(error, Unavailable) and error.sent)
        await self._note(
            post,
            lambda p: p.model_copy(update={**changes, "tries": max(0, p.tries - 1) if certain else p.tries}),
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


def _same(one: Post, other: Post) -> bool:
    """Whether two states of a post are of the same message, or of the same try to make one."""
    if one.state in ("gone", "unsure"):
        return False
    return (one.key, one.place.address, one.message) == (other.key, other.place.address, other.message)
