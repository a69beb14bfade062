"""Calls to Microsoft's services: one shared client, time limits, retries, budgets, paging."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookiejar import CookieJar
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote
from urllib.request import getproxies

import httpx
import stamina
import structlog
from pydantic import ValidationError

from bot.addresses import is_loopback
from bot.download import Source, download
from bot.errors import Missing, ServiceError, Throttled, Unavailable
from bot.http_errors import Progress, failure, no_answer, read_object, retry_after, unreadable
from bot.limits import Limit
from bot.logs import spanned
from bot.transport import Transport
from bot.wire import WireModel

log = structlog.get_logger()

READ_SECONDS = 45.0
"""How long a reading call may take with all its retries."""
CHANGE_SECONDS = 25.0
"""How long a state-changing call may take with its token and all its retries."""
_ATTEMPTS = 4
_MOST_PAGES = 1000
_TIMES = httpx.Timeout(connect=5.0, write=10.0, read=20.0, pool=5.0)
PROXIED = {"http", "https", "all"}
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30.0)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One documented call, as data. `path` has places in braces; `page` is the documentation followed.

    `permissions` are the application permissions it needs, all of them; `reads`: a repetition does no harm.
    `limits` are how often it may be called for one customer; operations of one `shares` name are counted together.
    `empty` are the statuses by which the service says that all went well without a body (204; 202 with a Location,
    which the answer then holds under `Location`). `version` stands in the place of the base address' last part (beta).
    """

    service: str
    name: str
    method: str
    path: str
    permissions: tuple[str, ...]
    page: str
    reads: bool = True
    limits: tuple[Limit, ...] = ()
    shares: str = ""
    empty: frozenset[int] = frozenset()
    version: str = ""

    @property
    def api(self) -> str:
        """What is counted: the operation, or all that share its limits."""
        return f"{self.service} {self.shares or self.name}"


Budget = Callable[[str, Operation, float], Awaitable[None]]
"""Awaited before each request with customer, operation and the seconds left for it; it waits, or raises `Throttled`."""


async def unlimited(_customer: str, _operation: Operation, _left: float) -> None:
    """Let each request pass."""


def new_client(transport: httpx.AsyncBaseTransport | None = None, *, proxies: bool = True) -> httpx.AsyncClient:
    """The HTTP client that all parts share; a test gives it a transport. The caller closes it.

    `proxies`: whether those that the environment names are used. httpx would send even loopback addresses there.
    """
    traces = transport is None
    if transport is None and not (proxies and PROXIED & getproxies().keys()):
        transport = Transport(_LIMITS)  # where a proxy is set, httpx goes its own way to it

    async def leaving(request: httpx.Request) -> None:
        if isinstance(progress := request.extensions.get("progress"), Progress):
            progress.step = "connecting" if traces else "handed over"

    async def answered(response: httpx.Response) -> None:
        refused = response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}
        if refused and isinstance(progress := response.request.extensions.get("progress"), Progress):
            progress.step = "refused"

    logging.getLogger("hpack").setLevel(logging.INFO)  # at DEBUG it would write tokens into the log
    return httpx.AsyncClient(
        http2=True,
        transport=transport,
        trust_env=proxies,
        timeout=_TIMES,
        limits=_LIMITS,
        cookies=_NoCookies(),
        headers={"Accept": "application/json"},
        event_hooks={"request": [leaving], "response": [answered]},
    )


@dataclass
class _Effort:
    """One call with its retries: what must be known when time runs out in the middle of it."""

    operation: Operation
    ends: float
    progress: Progress = field(default_factory=Progress)
    pause: float | None = None
    failed: ServiceError | None = None

    @property
    def left(self) -> float:
        """The seconds that are left for it."""
        return self.ends - asyncio.get_running_loop().time()

    def again(self, error: Exception) -> bool | float:
        """Whether to try once more (stamina's hook): True, or the seconds that the service asked for."""
        self.failed = error if isinstance(error, ServiceError) else None
        match error:
            case Throttled(retry_after=pause):
                pass
            case Unavailable(sent=sent) if self.operation.reads or not sent:
                pause = self.pause
            case _:
                return False
        if pause is None:
            return True
        return pause if pause < self.left else False


class _NoCookies(CookieJar):
    """Takes none: customers share the client, and what a service sets for one must not go along for another."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Leave them."""


class Api:
    """One service as one customer sees it. Made per customer; all share the HTTP client."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        base_url: str,
        auth: httpx.Auth,
        customer: str,
        budget: Budget = unlimited,
        headers: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._client = client
        self._base = base_url.rstrip("/")
        self._auth = auth
        self._customer = customer
        self._budget = budget
        self._headers = headers

    async def call(
        self,
        operation: Operation,
        *,
        ids: Mapping[str, str] | None = None,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        parts: Mapping[str, Any] | None = None,
        link: str = "",
        seconds: float = 0.0,
    ) -> dict[str, Any]:
        """Carry the operation out and return the JSON object it answers; raises the `ServiceError`s of bot.errors.

        `ids` fill the path. `parts` make a form in place of a JSON `body` (httpx's `files`). `link` is a next page's
        address, taken instead of path and `params`. Token, budget, all attempts and all waiting together take at most
        `seconds` (by default what suits the operation).
        A GET is tried again after 429, 5xx and broken connections; a change only where it certainly was not accepted.
        """
        url = self._next(operation, link) if link else self._url(operation, ids or {})
        seconds = seconds or (READ_SECONDS if operation.reads else CHANGE_SECONDS)
        effort = _Effort(operation=operation, ends=asyncio.get_running_loop().time() + seconds)
        try:
            async with asyncio.timeout(seconds) as limit:
                content = {"files": parts} if parts else {"json": body}
                return await self._persist(effort, url, None if link else params or None, content)
        except TimeoutError:
            if not limit.expired():
                raise
        raise effort.failed or Unavailable(
            operation.service, operation.name, sent=effort.progress.sent, code="deadline"
        )

    async def _persist(
        self, effort: _Effort, url: str, params: Mapping[str, str | int] | None, content: Mapping[str, Any]
    ) -> dict[str, Any]:
        tries = stamina.retry_context(on=effort.again, attempts=_ATTEMPTS, timeout=None, wait_initial=0.5, wait_max=8)
        async for attempt in tries:
            with attempt:
                effort.progress, effort.pause, effort.failed = Progress(), None, None
                await self._budget(self._customer, effort.operation, effort.left)
                with spanned(effort.operation.name, service=effort.operation.service, customer=self._customer):
                    return await self._once(effort, url, params, content)
        raise AssertionError  # pragma: no cover - stamina either returns or raises

    async def _once(
        self, effort: _Effort, url: str, params: Mapping[str, str | int] | None, content: Mapping[str, Any]
    ) -> dict[str, Any]:
        operation, progress = effort.operation, effort.progress
        names = {"service": operation.service, "operation": operation.name}
        broken: Exception | None = None
        try:
            response = await self._client.request(
                operation.method,
                url,
                params=params,
                headers=dict(self._headers()),
                auth=self._auth,
                extensions={"progress": progress, "trace": progress.note},
                **content,
            )
        except (httpx.HTTPError, OSError, RuntimeError) as error:  # the last two leak from the transport at times
            broken = error
        if broken:  # raised out here, so that no request, hence no token, hangs on the error as its context
            raise no_answer(broken, progress, **names)
        effort.pause = retry_after(response)
        if not response.is_success:
            raise failure(response, permission=", ".join(operation.permissions), **names)
        answer = read_object(response, empty=operation.empty, **names)
        if not operation.reads:
            log.info("service_accepted", **names, action=str(answer.get("id", "")))
        return answer

    async def fetch(self, operation: Operation, link: str, *, most: int) -> bytes:
        """What lies behind a link that the operation gave, at most `most` bytes; our token does not go along."""
        source = Source(service=operation.service, operation=operation.name, near=is_loopback(self._base))
        return await download(self._client, link, source, most=most)

    async def items(
        self,
        operation: Operation,
        *,
        ids: Mapping[str, str] | None = None,
        params: Mapping[str, str | int] | None = None,
        top: int = 10_000,
        skip: int = 0,
        page_size: int = 0,
        missing_is_end: bool = False,
    ) -> list[dict[str, Any]]:
        """The objects of a list, at most `top`, each id once: by the next page's link, else by stepping `$skip`.

        `page_size` is the largest `$top` that the page allows; 0 where it documents no `$top` (one page then, and the
        links). `missing_is_end` takes a documented 404 for the end of the list.
        """
        found: dict[str, dict[str, Any]] = {}
        link, position = "", skip
        for _ in range(_MOST_PAGES):
            size = min(page_size, top - len(found))
            try:
                asked = {**(params or {}), **_window(size, position)}
                answer = await self.call(operation, ids=ids, params=asked, link=link)
            except Missing as missing:
                if missing_is_end and missing.code.lower() in {"notfound", "resourcenotfound"}:
                    break
                raise
            values = values_of(operation, answer)
            found.update((str(value.get("id") or f"#{position + n}"), value) for n, value in enumerate(values))
            position += len(values)
            link = str(answer.get("@odata.nextLink") or "")
            if len(found) >= top or not (link or (page_size and len(values) >= size)):
                break
        else:
            _give_up(operation, "pages without end")
        return list(found.values())[:top]

    def _url(self, operation: Operation, ids: Mapping[str, str]) -> str:
        """The address, each id made harmless; an id that would change the path names nothing that exists."""
        if any(value.strip() in {"", ".", ".."} for value in ids.values()):
            raise Missing(operation.service, operation.name, status=HTTPStatus.NOT_FOUND, code="bad-id")
        base = f"{self._base.rpartition('/')[0]}/{operation.version}" if operation.version else self._base
        return base + operation.path.format_map({name: quote(value, safe="") for name, value in ids.items()})

    def _next(self, operation: Operation, link: str) -> str:
        """The link's path and query at our own address: a token never follows a link to another host."""
        try:
            target = httpx.URL(self._base).join(link)
        except httpx.InvalidURL:
            target = None
        if target is None:
            _give_up(operation, "bad next link")
        return str(httpx.URL(self._base).copy_with(raw_path=target.raw_path))


def _window(size: int, position: int) -> dict[str, str | int]:
    top: dict[str, str | int] = {"$top": size} if size else {}
    return top | ({"$skip": position} if position else {})


def _give_up(operation: Operation, message: str) -> NoReturn:
    raise unreadable(operation.service, operation.name, message)


def values_of(operation: Operation, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The `value` of a list answer; raises `Unavailable` where it is no list of objects."""
    values = answer.get("value")
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        _give_up(operation, "no list in value")
    return values


Model = TypeVar("Model", bound=WireModel)


def read_one(operation: Operation, model: type[Model], value: Mapping[str, Any]) -> Model:
    """The object as a model; raises `Unavailable` where not even its id can be read."""
    with contextlib.suppress(ValidationError):
        return model.model_validate(value)
    _give_up(operation, f"not a {model.__name__}")


def about(operation: Operation, asked: str, told: str | None) -> None:
    """Raise `Unavailable` where the answer names another thing than the one that was asked for, or acted on."""
    if told and told.casefold() != asked.casefold():
        _give_up(operation, "about another")


def read_all(operation: Operation, model: type[Model], values: Iterable[Mapping[str, Any]]) -> list[Model]:
    """The objects of a list as models."""
    return [read_one(operation, model, value) for value in values]
