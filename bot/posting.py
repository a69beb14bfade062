"""Shows records in Teams: posts what is wanted, edits what is outdated, exactly as far as Teams lets one be exact.

Posting has no idempotency key and no read-back (teams-platform 5.2), so a try is written down before it is made: a try
whose answer never came is ambiguous, is made once more and counted, and then left alone. An edit renders from the
record at the moment of sending. All posts of one record are sent by the holder of the record's lease.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from bot.command import View
from bot.conversations import current
from bot.errors import Barred, Missing, ServiceError, StoreDown, Throttled, Unavailable
from bot.metrics import AMBIGUOUS_POSTS, POSTS
from bot.posts import Post, Shownable
from bot.records import mutate, read
from bot.services import Services
from bot.turn import Conversation, Look, Shown

log = structlog.get_logger()

# Per conversation, with room for answers to people: Teams allows 7 in 1 s, 8 in 2 s, 60 in 30 s, 1800 in 3600 s (5.1).
CONVERSATION_LIMITS = ((5, 1.0), (6, 2.0), (50, 30.0), (1600, 3600.0))
AMBIGUOUS_PAUSE = timedelta(seconds=10)
MOST_TRIES = 2
LEASE = 20.0


@asynccontextmanager
async def holding(services: Services, customer: str, name: str) -> AsyncIterator[bool]:
    """Hold a lease while working, renewing it; yields False where somebody else holds it."""
    store, owner = services.store, services.worker
    if not await store.lease(customer, name, owner, LEASE):
        yield False
        return

    async def renew() -> None:
        while True:
            await asyncio.sleep(LEASE / 3)
            try:
                await store.lease(customer, name, owner, LEASE)
            except StoreDown:
                log.warning("lease_not_renewed", name=name)

    renewing = asyncio.create_task(renew())
    try:
        yield True
    finally:
        renewing.cancel()
        try:
            await store.release(customer, name, owner)
        except StoreDown:
            log.warning("lease_not_released", name=name)


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
                await self._bring_up(post)
        after = await read(self.services.store, self.customer, self.view.kind, self.key, self.view.model)
        return after[0] if after else None

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
        if post.tries:
            AMBIGUOUS_POSTS.inc()
        now = self.services.clock.now()
        await self._note(post, lambda p: p.model_copy(update={"tries": p.tries + 1, "sending": now, "retry": None}))
        content, shown = await self._render(post)
        try:
            message = await self.services.teams.post(await self._where(post), shown)
        except ServiceError as error:
            await self._failed(post, error)
            return
        POSTS.labels("post", "ok").inc()
        done = {"message": message, "shown": content, "state": "live", "sending": None, "retry": None, "tries": 0}
        await self._note(post, lambda p: p.model_copy(update=done))

    async def _edit(self, post: Post) -> None:
        content, shown = await self._render(post)
        try:
            await self.services.teams.edit(await self._where(post), post.message, shown)
        except ServiceError as error:
            await self._failed(post, error)
            return
        POSTS.labels("edit", "ok").inc()
        await self._note(post, lambda p: p.model_copy(update={"shown": max(p.shown, content), "retry": None}))

    async def _where(self, post: Post) -> Conversation:
        """The post's conversation at its newest service URL."""
        return await current(self.services.store, post.place.conversation())

    async def _render(self, post: Post) -> tuple[int, Shown]:
        found = await read(self.services.store, self.customer, self.view.kind, self.key, self.view.model)
        record = found[0] if found else None
        if record is None:
            raise ServiceError("teams", "render", message="the record is gone")
        look = Look(now=self.services.clock.now(), locale=post.locale or "en", zone=post.zone or "UTC")
        shown = self.pointer(look) if post.state == "pointer" else self.view.render(record, post, look)
        return record.content, shown

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
            changes |= {"retry": now + AMBIGUOUS_PAUSE}
        else:
            changes |= {"retry": now + timedelta(minutes=5)}
        certain = not (isinstance(error, Unavailable) and error.sent)
        await self._note(
            post,
            lambda p: p.model_copy(update={**changes, "tries": max(0, p.tries - 1) if certain else p.tries}),
        )
        if isinstance(error, Barred) and self.services.barred:
            await self.services.barred(self.customer, post.place)

    async def _note(self, post: Post, change: Callable[[Post], Post]) -> None:
        """Write what became of a post, whatever else changed in the record meanwhile."""

        def replaced(record: Shownable) -> Shownable:
            posts = tuple(
                change(p) if (p.key, p.place.address, p.message) == (post.key, post.place.address, post.message) else p
                for p in record.posts
            )
            return record.model_copy(update={"posts": posts})

        await mutate(
            self.services.ledger,
            self.customer,
            self.view.kind,
            self.key,
            self.view.model,
            self.services.clock.now(),
            replaced,
        )
