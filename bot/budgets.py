"""How often a customer's APIs and conversations are used, shared by all replicas: one bucket for each in the store.

Pollers leave room for people, and people for what was approved: each rank may fill a larger share of the same bucket.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog

from bot.clock import Clock
from bot.defender.http import OPERATIONS as DEFENDER_OPERATIONS
from bot.errors import StoreDown, Throttled
from bot.graph.http import OPERATIONS as GRAPH_OPERATIONS
from bot.http import Operation
from bot.limits import CONVERSATION, Limit, Used
from bot.services import Services
from bot.state.store import Store
from bot.turn import Conversation

log = structlog.get_logger()

POLLING, ASKING, ACTING = 0.7, 0.9, 1.0
"""The share of an API's limit that jobs, people's questions and approved responses may fill."""

_share: ContextVar[float] = ContextVar("share of a budget", default=ASKING)
_booked: ContextVar[bool] = ContextVar("place in a conversation's bucket", default=False)


@contextmanager
def ranked(share: float) -> Iterator[None]:
    """Calls made inside may fill that share of their budgets."""
    token = _share.set(share)
    try:
        yield
    finally:
        _share.reset(token)


@contextmanager
def booked() -> Iterator[None]:
    """Messages sent inside have their place in the conversation's bucket already."""
    token = _booked.set(True)
    try:
        yield
    finally:
        _booked.reset(token)


class Budgets:
    """Asked before each call of an API (`bot.http.Budget`): one round trip to the store where there is room."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def __call__(self, customer: str, operation: Operation, left: float) -> None:
        """Wait until the call may be made; raises Throttled where that takes more than the `left` seconds.

        A store that does not answer stops nobody: the service itself still says 429.
        """
        windows = [(max(1, int(one.calls * _share.get())), one.seconds) for one in operation.limits]
        while windows:
            try:
                wait = await self._store.take(customer, _bucket(operation.api), windows, self._clock.now())
            except StoreDown as error:
                log.warning("budget_not_read", api=operation.api, error=str(error))
                return
            if wait <= 0:
                return
            if wait >= left:
                raise Throttled(operation.service, operation.name, retry_after=wait, code="Budget")
            left -= wait
            await self._clock.sleep(wait)


class Spoken:
    """Counts what answers people in the conversation's bucket, so that cards wait; nobody ever waits for this."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._counting: set[asyncio.Task[None]] = set()

    def __call__(self, conversation: Conversation) -> None:
        """Count one message that is being sent, unless its place was booked."""
        if not _booked.get():
            task = asyncio.create_task(self._count(conversation))
            self._counting.add(task)
            task.add_done_callback(self._counting.discard)

    async def _count(self, conversation: Conversation) -> None:
        try:
            kept = max(limit.seconds for limit in CONVERSATION)
            await self._store.spend(conversation.tenant, place_bucket(conversation.id), kept, self._clock.now())
        except StoreDown as error:
            log.warning("answer_not_counted", error=str(error))


async def used(services: Services, customer: str) -> list[Used]:
    """How much of each API's limits the customer's calls have used, all replicas together; the fullest first.

    An API that was not called within its longest window is left out.
    """
    limits = {operation.api: operation.limits for operation in (*DEFENDER_OPERATIONS, *GRAPH_OPERATIONS)}
    pairs = [(api, limit) for api, found in limits.items() for limit in found]
    windows = [(_bucket(api), limit.seconds) for api, limit in pairs]
    counts = await services.store.taken(customer, windows, services.clock.now())
    found = [_used(api, limit, count) for (api, limit), count in zip(pairs, counts, strict=True)]
    busy = {one.api for one in found if one.used}
    return sorted((one for one in found if one.api in busy), key=lambda one: (-one.used / one.most, one.api))


def _used(api: str, limit: Limit, count: int) -> Used:
    return Used(api=api, window=limit.seconds, used=count, most=limit.calls)


def place_bucket(conversation: str) -> str:
    """The name of a conversation's bucket; it stands under the tenant that owns the conversation."""
    return f"conversation:{conversation}"


def _bucket(api: str) -> str:
    return f"api:{api}"
