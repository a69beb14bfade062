"""The SDK's Storage on top of our key-value store, with the eTag rules that the SDK's own users rely on.

Reference: teams-platform 2.8. Values are JSON, never pickles: unpickling what stands in Redis would run it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from botbuilder.core import Storage

from bot.errors import Conflict
from bot.state.keyvalue import KeyValue

KEEP = 30 * 24 * 3600.0  # seconds since the last write


class StateStorage(Storage):  # type: ignore[misc]  # the SDK ships no types
    """Items by key. `etags` False is for BotState, which would lose otherwise: it keeps an eTag that it read for ever.

    `ttl` is in seconds and starts again with each write. Several changes in one write are separate writes.
    """

    def __init__(self, keyvalue: KeyValue, *, etags: bool = True, ttl: float | None = KEEP, prefix: str = "") -> None:
        self._keyvalue = keyvalue
        self._etags = etags
        self._ttl = ttl
        self._prefix = prefix

    async def read(self, keys: Iterable[str] | None) -> dict[str, dict[str, Any]]:
        """Those of the items that exist, each a fresh dict, with `e_tag` where eTags are kept."""
        found = {}
        for key in keys or ():
            item = await self._keyvalue.get(self._prefix + key)
            if item is not None:
                value, etag = item
                found[key] = {**value, "e_tag": etag} if self._etags else value
        return found

    async def write(self, changes: Mapping[str, Any] | None) -> None:
        """Write each item, a dict or an object with attributes.

        With eTags: none or `*` lets the last writer win, an empty one is a ValueError, any other must be the stored
        one, or Conflict is raised with the words that the SDK looks for.
        """
        for key, item in (changes or {}).items():
            value = dict(item) if isinstance(item, Mapping) else dict(vars(item))
            etag = value.pop("e_tag", None)
            try:
                await self._keyvalue.put(self._prefix + key, value, expected=self._expected(etag), ttl=self._ttl)
            except Conflict as error:
                raise Conflict(f"Etag conflict: {key} was written by another turn") from error

    async def delete(self, keys: Iterable[str]) -> None:
        """Remove items; BotState hands in a set."""
        for key in keys:
            await self._keyvalue.delete(self._prefix + key)

    def _expected(self, etag: Any) -> str | None:
        if not self._etags or etag is None or etag == "*":
            return None
        if not etag:
            raise ValueError("the eTag is missing")
        return str(etag)
