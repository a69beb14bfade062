"""What the checks work with, and the time that each of them gets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from bot.auth import DEFENDER_SCOPE, GRAPH_SCOPE, BearerAuth, TokenSource
from bot.clock import Clock
from bot.command import Features
from bot.doctor.findings import Finding, unknown
from bot.doctor.login import NOT_CONFIGURED
from bot.errors import ServiceError, Unavailable
from bot.graph.http import headers as graph_headers
from bot.http import Api, Operation, new_client
from bot.permissions import Grant, grants
from bot.settings import Settings
from bot.state.redis import RedisStore

LIMIT = 9.0
"""Seconds that one check gets. A customer's take two, one after the other; all others stand beside them."""
SCOPES: Mapping[str, str] = {"defender": DEFENDER_SCOPE, "graph": GRAPH_SCOPE}


@dataclass(frozen=True, kw_only=True)
class Patient:
    """Everything opened that is examined. `limit` is in seconds; `behind` collects how far our clock is behind others.

    `behind` maps the name of a service to seconds, negative where ours is ahead.
    """

    settings: Settings
    features: Features
    clock: Clock
    http: httpx.AsyncClient
    tokens: TokenSource | None
    store: RedisStore | None
    limit: float = LIMIT
    behind: dict[str, float] = field(default_factory=dict)

    @property
    def grants(self) -> list[Grant]:
        """The permissions that the bot needs."""
        return grants(self.features)

    async def token(self, tenant: str, scope: str) -> str:
        """A token, in time. Raises `ServiceError`."""
        if self.tokens is None:
            raise Unavailable("login", "token", sent=False, code=NOT_CONFIGURED)
        async with self._in_time("login", "token"):
            return await self.tokens.token(tenant, scope)

    async def read(self, customer: str, operation: Operation, **asked: Any) -> dict[str, Any]:
        """Carry out an operation for a customer, in time. Raises `ServiceError`."""
        assert self.tokens is not None  # noqa: S101 - without a token nothing is read
        base = self.settings.graph_url if operation.service == "graph" else self.settings.defender_url
        auth = BearerAuth(self.tokens, customer, SCOPES[operation.service])
        headers = graph_headers if operation.service == "graph" else dict
        api = Api(self.http, base_url=base, auth=auth, customer=customer, headers=headers)
        async with self._in_time(operation.service, operation.name):
            return await api.call(operation, seconds=self.limit, **asked)

    @asynccontextmanager
    async def _in_time(self, service: str, operation: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.limit):
                yield
        except TimeoutError:
            raise Unavailable(service, operation, code="deadline") from None


@asynccontextmanager
async def admitted(
    settings: Settings, features: Features, clock: Clock, *, limit: float = LIMIT
) -> AsyncIterator[Patient]:
    """Everything opened as far as the settings go, and closed again without waiting for what hangs."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(new_client(proxies=not settings.development))
        yield Patient(
            settings=settings,
            features=features,
            clock=clock,
            http=http,
            tokens=_tokens(stack, settings, clock, limit),
            store=_store(stack, settings, limit),
            limit=limit,
        )


def _tokens(stack: AsyncExitStack, settings: Settings, clock: Clock, limit: float) -> TokenSource | None:
    proof = (settings.app_certificate, settings.managed_identity_client_id, settings.app_secret)
    if not settings.app_id or not any(str(one) for one in proof):
        return None
    tokens = TokenSource(
        client_id=settings.app_id, credential=settings.credential(), login_url=settings.login_url, clock=clock
    )
    stack.push_async_callback(_closed_in_time, tokens.close, limit)
    return tokens


def _store(stack: AsyncExitStack, settings: Settings, limit: float) -> RedisStore | None:
    if settings.redis_url is None:
        return None
    store = RedisStore.open(settings.redis_url.get_secret_value())
    stack.push_async_callback(_closed_in_time, store.close, limit)
    return store


async def _closed_in_time(close: Callable[[], Awaitable[None]], limit: float) -> None:
    with suppress(TimeoutError, ServiceError):
        async with asyncio.timeout(limit / 3):
            await close()


async def all_of(section: str, checks: Iterable[Awaitable[list[Finding]]], customer: str = "") -> list[Finding]:
    """The findings of checks that run beside each other, in the order in which they were named.

    A check that breaks is our mistake: it is said, by the error's class alone, and takes no other check along.
    """
    found: list[Finding] = []
    for one in await asyncio.gather(*checks, return_exceptions=True):
        if isinstance(one, Exception):
            do = "Please tell the maintainers."
            says = f"A check of doctor itself broke ({type(one).__name__}): what it looks at is not known."
            found.append(unknown(f"{section}.broken", says, do=do, customer=customer))
        elif isinstance(one, BaseException):
            raise one
        else:
            found += one
    return found
