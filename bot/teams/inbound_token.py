"""Who calls the messaging endpoint: the Bot Framework's token, verified before the body is read.

Reference: teams-platform 2.4. The SDK's own check answers 500 for most bad tokens and accepts bodies that the claims
do not cover.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from bot.teams.refused import Refused
from bot.teams.signing_keys import KeysUnavailable, SigningKey, SigningKeys

ISSUER = "https://api.botframework.com"
LEEWAY = 300  # seconds of clock difference
_BEARER = re.compile(r"Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)")
# A header nested a thousand deep is a RecursionError of the json module, which older PyJWT lets through.
_UNREADABLE = (jwt.PyJWTError, ValueError, RecursionError)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A verified caller. The body still has to agree: its serviceUrl with `service_url`, its channel with the key."""

    claims: Mapping[str, Any]
    service_url: str
    endorsements: frozenset[str]


class TokenVerifier:
    """Judges Authorization headers for one app."""

    def __init__(self, keys: SigningKeys, app_id: str) -> None:
        self._keys = keys
        self._app_id = app_id

    async def verify(self, headers: Sequence[str]) -> Caller:
        """The caller behind the one Authorization header.

        Raises Refused: 401 for whatever is wrong with the token, 503 while no key could be fetched at all (the caller
        did nothing wrong and Teams may try again).
        """
        token = _token(headers)
        key = await self._key(token)
        claims = self._claims(token, key)
        service_url = claims.get("serviceurl")
        if not isinstance(service_url, str) or not service_url:
            raise Refused(401, "token without serviceurl claim")
        return Caller(claims=claims, service_url=service_url, endorsements=key.endorsements)

    async def _key(self, token: str) -> SigningKey:
        header = _header(token)
        if header.get("alg") != "RS256":
            raise Refused(401, "token not signed with RS256")
        try:
            key = await self._keys.find(str(header.get("kid", "")))
        except KeysUnavailable:
            raise Refused(503, "signing keys could not be fetched") from None
        if key is None:
            raise Refused(401, "token signed with an unknown key")
        return key

    def _claims(self, token: str, key: SigningKey) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=["RS256"],
                audience=self._app_id,
                issuer=ISSUER,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud"], "strict_aud": True},
            )
        except _UNREADABLE as error:
            raise Refused(401, "token refused", error=type(error).__name__) from None


def _token(headers: Sequence[str]) -> str:
    match = _BEARER.fullmatch(headers[0]) if len(headers) == 1 else None
    if match is None:
        raise Refused(401, "no bearer token" if headers else "no Authorization header")
    return match[1]


def _header(token: str) -> Mapping[str, Any]:
    try:
        return _read_header(token.partition(".")[0])
    except _UNREADABLE as error:
        raise Refused(401, "token unreadable", error=type(error).__name__) from None


@functools.lru_cache(maxsize=64)  # tokens of one key have one header; what it says is believed only with the signature
def _read_header(header: str) -> Mapping[str, Any]:
    """The header that stands there, behind it an empty payload and no signature. Raises what PyJWT raises."""
    return jwt.get_unverified_header(f"{header}.e30.")
