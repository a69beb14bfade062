"""Small JSON values under a key with an eTag: what conversation state needs, and its twin in memory."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.clock import Clock
from bot.errors import Conflict


class KeyValue(Protocol):
    """Values are JSON objects. An eTag is new with every write and never chosen by the writer."""

    async def get(self, key: str) -> tuple[dict[str, Any], str] | None:
        """The value and its eTag, or None."""

    async def put(
        self, key: str, value: Mapping[str, Any], *, expected: str | None = None, ttl: float | None = None
    ) -> str:
        """Write a value that lives `ttl` seconds (None: for good) and return its new eTag.

        `expected` None: the last writer wins. Else the stored eTag must be that one, or Conflict is raised; where
        nothing is stored yet, any `expected` will do. Compare and write are one step. A value that is no JSON is a
        TypeError.
        """

    async def delete(self, key: str) -> None:
        """Remove a value; that there is none is no error."""


class MemoryKeyValue:
    """The twin in memory: it keeps JSON text, so that nothing changes without a write."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._items: dict[str, tuple[str, str, datetime | None]] = {}

    async def get(self, key: str) -> tuple[dict[str, Any], str] | None:
        """The value and its eTag, or None."""
        text, etag, until = self._items.get(key, ("", "", None))
        if not etag or (until is not None and until <= self._clock.now()):
            return None
        return json.loads(text), etag

    async def put(
        self, key: str, value: Mapping[str, Any], *, expected: str | None = None, ttl: float | None = None
    ) -> str:
        """Write a value and return its new eTag; see the Protocol."""
        stored = await self.get(key)
        if expected is not None and stored is not None and stored[1] != expected:
            raise Conflict(key)
        until = None if ttl is None else self._clock.now() + timedelta(seconds=ttl)
        etag = uuid.uuid4().hex
        self._items[key] = (json.dumps(dict(value)), etag, until)
        return etag

    async def delete(self, key: str) -> None:
        """Remove a value; that there is none is no error."""
        self._items.pop(key, None)
