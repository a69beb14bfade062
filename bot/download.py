"""Fetches what a service lays behind a link for a short time. Whoever has the link has the file, so it is a secret.

Links are named by services and followed without a token: https only, to nothing on this machine (but in a simulation),
no redirects, a bound for the size. Neither a link nor an error that holds one is logged, kept or raised.
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from bot.addresses import is_own_host
from bot.errors import Missing, Rejected, ServiceError, Throttled, Unavailable
from bot.http_errors import retry_after

SECONDS = 40.0
TOO_LARGE = "too-large"
_GONE = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


@dataclass(frozen=True, kw_only=True)
class Source:
    """Which call gave the link; `near`: that service is on this very machine, so its links may be, too."""

    service: str
    operation: str
    near: bool = False


async def download(client: httpx.AsyncClient, link: str, source: Source, *, most: int) -> bytes:
    """The file behind a link, as it is stored. Raises `Rejected` with TOO_LARGE for more than `most` bytes.

    `Missing`: the link is good no longer; `Unavailable` for all else, a link that is not followed among it.
    """
    address = _checked(link, source)
    found: bytes | ServiceError
    try:
        async with asyncio.timeout(SECONDS):
            found = await _read(client, address, source, most)
    except (httpx.HTTPError, httpx.StreamError, OSError, RuntimeError, TimeoutError) as error:
        found = Unavailable(source.service, source.operation, sent=False, code=type(error).__name__)
    if isinstance(found, ServiceError):  # raised out here, so that no request, hence no link, hangs on it as context
        raise found
    return found


def _checked(link: str, source: Source) -> httpx.URL:
    """The link, if it is one that may be followed."""
    try:
        address = httpx.URL(link)
    except (httpx.InvalidURL, ValueError, TypeError):
        address = httpx.URL("")
    own = bool(address.host) and is_own_host(address.host)
    fine = (address.scheme in {"http", "https"} if source.near else False) if own else address.scheme == "https"
    if not (address.host and fine) or address.userinfo:
        raise Unavailable(source.service, source.operation, sent=False, code="bad-link")
    return address


async def _read(client: httpx.AsyncClient, address: httpx.URL, source: Source, most: int) -> bytes | ServiceError:
    """The content, or what went wrong; it is read as it comes, so that no packing hides its size."""
    headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
    async with client.stream("GET", address, headers=headers, auth=None, follow_redirects=False) as response:
        if response.status_code != HTTPStatus.OK:
            return _refused(response, source)
        content = bytearray()
        async for part in response.aiter_raw():
            content += part
            if len(content) > most:
                return Rejected(source.service, source.operation, status=HTTPStatus.OK, code=TOO_LARGE)
        return bytes(content)


def _refused(response: httpx.Response, source: Source) -> ServiceError:
    names = (source.service, source.operation)
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(*names, retry_after=retry_after(response), status=response.status_code)
    if response.status_code in _GONE:
        return Missing(*names, status=response.status_code, code="link-gone")
    return Unavailable(*names, sent=False, status=response.status_code, code="link-refused")
