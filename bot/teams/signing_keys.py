"""The public keys of the Bot Framework, fetched without ever holding up a turn whose key is known.

Reference: teams-platform 2.4 (OpenID metadata and keys). The SDK's own cache fetches with a blocking call, has no
time-out and answers 500 after a key rotation; this one replaces it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import jwt
import structlog

from bot.clock import Clock

OPENID_URL = "https://login.botframework.com/v1/.well-known/openidconfiguration"
MAX_AGE = timedelta(hours=24)
UNKNOWN_KEY_PAUSE = timedelta(minutes=5)  # a rotation is seen at once, a flood of made-up key ids asks once
NO_KEYS_PAUSE = timedelta(seconds=5)
FETCH_TIMEOUT = 5.0  # seconds, for both documents together

log = structlog.get_logger()


class KeysUnavailable(Exception):  # noqa: N818 - reads as what happened
    """No key was ever fetched, so no token can be judged: our trouble, not the caller's."""


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """One RSA key and the channels it may speak for."""

    key: jwt.PyJWK
    endorsements: frozenset[str]


class SigningKeys:
    """Keys by id. They are replaced as a whole when a fetch succeeds and kept as they are when it fails."""

    def __init__(
        self, http: httpx.AsyncClient, openid_url: str, clock: Clock, *, timeout: float = FETCH_TIMEOUT
    ) -> None:
        self._http = http
        self._openid_url = openid_url
        self._clock = clock
        self._timeout = timeout
        self._keys: dict[str, SigningKey] = {}
        self._fetched: datetime | None = None
        self._asked: datetime | None = None
        self._flight: asyncio.Task[None] | None = None

    @property
    def loaded(self) -> bool:
        """Whether tokens can be judged; for the readiness probe."""
        return bool(self._keys)

    def start(self) -> None:
        """Begin the first fetch in the background."""
        self._refresh()

    async def close(self) -> None:
        """Give up a fetch that is still running."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.gather(self._flight, return_exceptions=True)

    async def find(self, kid: str) -> SigningKey | None:
        """The key of that id, or None. Raises KeysUnavailable where there is no key at all."""
        if kid not in self._keys and (self._in_flight or self._rested(self._pause)):
            await asyncio.shield(self._refresh())
        elif self._stale and self._rested(UNKNOWN_KEY_PAUSE):
            self._refresh()
        if not self._keys:
            raise KeysUnavailable
        return self._keys.get(kid)

    @property
    def _in_flight(self) -> bool:
        return self._flight is not None and not self._flight.done()

    @property
    def _pause(self) -> timedelta:
        return UNKNOWN_KEY_PAUSE if self._keys else NO_KEYS_PAUSE

    @property
    def _stale(self) -> bool:
        return self._fetched is not None and self._clock.now() - self._fetched >= MAX_AGE

    def _rested(self, pause: timedelta) -> bool:
        return self._asked is None or self._clock.now() - self._asked >= pause

    def _refresh(self) -> asyncio.Task[None]:
        """The one fetch that runs; a second caller joins it."""
        if self._flight is None or self._flight.done():
            self._asked = self._clock.now()
            self._flight = asyncio.create_task(self._fetch(), name="signing-keys")
        return self._flight

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                keys = await self._download()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the documents, the old keys stay
            log.warning("signing_keys_not_fetched", error=type(error).__name__, known=len(self._keys))
            return
        self._keys = keys
        self._fetched = self._clock.now()
        log.info("signing_keys_fetched", known=len(keys))

    async def _download(self) -> dict[str, SigningKey]:
        metadata = await self._get(self._openid_url)
        address = str(metadata["jwks_uri"])
        if httpx.URL(address).scheme != httpx.URL(self._openid_url).scheme:
            raise ValueError("the keys' address is not as safe as the metadata's")
        keys = _parse(await self._get(address))
        if not keys:
            raise ValueError("no usable key")
        return keys

    async def _get(self, url: str) -> Any:
        answer = await self._http.get(url, timeout=self._timeout, follow_redirects=False, auth=None)
        answer.raise_for_status()
        return answer.json()


def _key(entry: Mapping[str, Any]) -> SigningKey:
    key = jwt.PyJWK.from_dict(dict(entry), algorithm="RS256")
    return SigningKey(key=key, endorsements=frozenset(entry.get("endorsements") or ()))


def _parse(document: Mapping[str, Any]) -> dict[str, SigningKey]:
    """The RSA keys of a key set; a key that cannot be read is left out, it must not take the others along."""
    keys = {}
    for entry in document["keys"]:
        try:
            if entry["kty"] == "RSA":
                keys[str(entry["kid"])] = _key(entry)
        except (jwt.PyJWTError, LookupError, TypeError, ValueError):
            log.warning("signing_key_unreadable")
    return keys
