"""`POST /api/messages`: who may talk to the bot, decided in a fixed order before the SDK sees anything.

Method, content type, announced size, token, body, shape, then what the token vouches for. Each refusal is an empty
answer and one line in the log. Reference: teams-platform 2.4.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web
from pydantic import ValidationError
from pydantic_core import from_json

from bot.teams.inbound import Inbound
from bot.teams.inbound_token import Caller, TokenVerifier
from bot.teams.refused import Refused
from bot.teams.service_urls import ServiceUrls

MAX_BODY = 256 * 1024  # bytes
READ_TIMEOUT = 10.0  # seconds

Run = Callable[[Inbound, Mapping[str, Any]], Awaitable[tuple[int, bytes]]]

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Messages:
    """The endpoint. `verifier` None is development: nobody shows a token, and `urls` lets only this machine in."""

    verifier: TokenVerifier | None
    urls: ServiceUrls
    tenants: frozenset[str]
    run: Run

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a request: 2xx and 501 come from the turn, everything else from here."""
        try:
            caller = await self._let_in(request)
            inbound = _parsed(await _read(request))
            self._check(inbound, caller)
            status, answer = await self.run(inbound, caller.claims if caller else {})
        except Refused as refused:
            log.warning("message_refused", status=refused.status, reason=refused.reason, **refused.details)
            return web.Response(status=refused.status, headers=_HEADERS.get(refused.status))
        if not answer:
            return web.Response(status=status)
        return web.Response(status=status, body=answer, content_type="application/json")

    async def _let_in(self, request: web.Request) -> Caller | None:
        """Judge what stands in the headers."""
        if request.method != "POST":
            raise Refused(405, "not a POST")
        if request.content_type != "application/json":
            raise Refused(415, "not application/json")
        if (request.content_length or 0) > MAX_BODY:
            raise Refused(413, "body too large")
        if self.verifier is None:
            return None
        return await self.verifier.verify(request.headers.getall("Authorization", []))

    def _check(self, inbound: Inbound, caller: Caller | None) -> None:
        """Judge the body: 401 where the token does not vouch for it, 403 where it does and still may not."""
        if caller and caller.service_url != inbound.service_url:
            raise Refused(401, "serviceUrl differs from the token's")
        if inbound.channel_id != "msteams":
            raise Refused(403, "channel is not msteams")
        if caller and "msteams" not in caller.endorsements:
            raise Refused(401, "signing key is not endorsed for msteams")
        if not self.urls.allows(inbound.service_url):
            raise Refused(403, "serviceUrl is not on the list", service_url=inbound.service_url[:200])
        if not inbound.tenants or not self.tenants.issuperset(inbound.tenants):
            raise Refused(403, "tenant is not on the list", tenants=[name[:64] for name in inbound.tenants])
        if len(set(inbound.tenants)) > 1:
            raise Refused(403, "tenants differ", tenants=[name[:64] for name in inbound.tenants])


_HEADERS = {405: {"Allow": "POST"}, 503: {"Retry-After": "5"}}


async def _read(request: web.Request) -> bytes:
    """The body, never more of it than allowed, whatever its announced or compressed length."""
    body = bytearray()
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            async for chunk in request.content.iter_chunked(64 * 1024):
                body += chunk
                if len(body) > MAX_BODY:
                    raise Refused(413, "body too large")
    except TimeoutError:
        raise Refused(408, "body did not arrive") from None
    except (web.RequestPayloadError, ConnectionError):
        raise Refused(400, "body broken off or wrongly encoded") from None
    return bytes(body)


def _parsed(content: bytes) -> Inbound:
    """Our reading of the body."""
    try:
        body = from_json(content)
    except ValueError:
        raise Refused(400, "body is not JSON") from None
    try:
        return Inbound.model_validate(body)
    except ValidationError as error:
        where = [".".join(map(str, item["loc"])) for item in error.errors(include_input=False)]
        raise Refused(400, "body is not an activity", fields=where[:10]) from None
