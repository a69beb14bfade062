"""What the shared HTTP client sends through: httpx's own transport, and a lean one for what answers people.

The lean one is aiohttp's client behind httpx's interface. A POST with a card took 2.1 ms of CPU through httpcore while
16 were under way and 0.35 ms through this (2026-11-23, loopback): httpcore looks at every connection for each request.
"""

import contextlib
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import aiohttp
import httpx
from yarl import URL  # aiohttp's own type of addresses

from bot.http_errors import Progress

if find_spec("sniffio") is None:
    # httpcore tries to import it for every lock of every request, which searches the whole path; None says no at once.
    sys.modules["sniffio"] = None  # type: ignore[assignment]  # the import system's way to say so

LEAN = {"lean": True}
"""Extensions of a request that is to go the lean way: HTTP/1.1, its answer read whole."""


class Transport(httpx.AsyncBaseTransport):
    """Takes each request the way that its extensions ask for. It knows of no proxy."""

    def __init__(self, limits: httpx.Limits) -> None:
        self._usual = httpx.AsyncHTTPTransport(http2=True, limits=limits)
        self._lean = LeanTransport(limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it one way or the other."""
        way = self._lean if request.extensions.get("lean") else self._usual
        return await way.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections of both."""
        await self._usual.aclose()
        await self._lean.aclose()


class LeanTransport(httpx.AsyncBaseTransport):
    """Sends through one aiohttp session, made at the first request. Redirects, cookies and retries are the caller's.

    A `Progress` in the request's extensions is told the moment before the first byte is written.
    """

    def __init__(self, limits: httpx.Limits) -> None:
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send and read the whole answer; raises httpx's errors."""
        with _httpx_errors(request):
            async with self._opened().request(
                request.method,
                URL(str(request.url), encoded=True),  # what is percent-encoded must not be decoded on the way
                data=request.content or None,
                headers=request.headers.multi_items(),
                timeout=_timeout(request),
                allow_redirects=False,
                trace_request_ctx=request.extensions.get("progress"),
            ) as answer:
                content = await answer.read()
                return httpx.Response(answer.status, headers=answer.raw_headers, content=content)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            traces = aiohttp.TraceConfig()
            traces.on_request_headers_sent.append(_written)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._limits.max_connections or 0,
                    keepalive_timeout=self._limits.keepalive_expiry,
                    ssl=httpx.create_ssl_context(),
                ),
                trace_configs=[traces],
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Content-Type", "Accept", "Accept-Encoding"),
                auto_decompress=False,  # httpx does it
            )
        return self._session


def _timeout(request: httpx.Request) -> aiohttp.ClientTimeout:
    """The times as aiohttp takes them: waiting for a connection and making it are one, and writing has none."""
    within = request.extensions.get("timeout", {})
    connect, pool = within.get("connect"), within.get("pool")
    return aiohttp.ClientTimeout(
        total=None,
        connect=None if connect is None or pool is None else connect + pool,
        sock_connect=connect,
        sock_read=within.get("read"),
    )


async def _written(_session: aiohttp.ClientSession, context: Any, _about: Any) -> None:
    """Take it down; called right before the head is written."""
    if isinstance(progress := context.trace_request_ctx, Progress):
        progress.step = "written"


@contextlib.contextmanager
def _httpx_errors(request: httpx.Request) -> Iterator[None]:
    """Say in httpx's classes what aiohttp met; those before the request was written are told apart from the rest."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError:
        raise httpx.ConnectTimeout("connecting took too long", request=request) from None
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(type(error).__name__, request=request) from None
    except aiohttp.InvalidURL:
        raise httpx.UnsupportedProtocol("not an address to send to", request=request) from None
    except TimeoutError:
        raise httpx.ReadTimeout("the answer took too long", request=request) from None
    except aiohttp.ServerDisconnectedError:
        raise httpx.RemoteProtocolError("disconnected without an answer", request=request) from None
    except (aiohttp.ClientError, OSError) as error:
        raise httpx.ReadError(type(error).__name__, request=request) from None
