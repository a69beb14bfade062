"""The audit trail: an append-only stream for each customer, chained by HMAC-SHA256.

Each entry's hash covers the hash before it, so that a changed, dropped or inserted entry shows. The key stands in the
settings (`AUDIT_KEY`); whoever has Redis but not the key cannot forge a chain. Entries are written in the same commit
as the change they tell of (design section 5).
"""

import asyncio
import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from bot.errors import Conflict
from bot.state.store import Change, HeadMoved, Sealed, Store

TRIES = 25
SHORTEST_PAUSE = 0.004
LONGEST_PAUSE = 0.1


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One privileged act: `what` was done by `who` (tenant and object id) to `subject` (kind and id), with `more`.

    Ids only: names of people stand in the record, not here.
    """

    at: datetime
    what: str
    who: str
    subject: str
    more: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """The entry as the canonical JSON text that is hashed and stored."""
        body = {
            "v": 1,
            "at": self.at.isoformat(),
            "what": self.what,
            "who": self.who,
            "subject": self.subject,
            "more": dict(self.more),
        }
        return json.dumps(body, sort_keys=True, separators=(",", ":"))


def spread(tried: int) -> float:
    """Seconds until the next try: longer each time and never the same for two, so that a crowd of writers spreads."""
    return min(LONGEST_PAUSE, SHORTEST_PAUSE * 2.0**tried) * secrets.randbelow(1000) / 1000


class Ledger:
    """Commits changes together with their audit entries; `pause` is how long a writer waits who lost a race."""

    def __init__(self, store: Store, key: str, pause: Callable[[int], float] = spread) -> None:
        self.store = store
        self._key = key.encode()
        self._pause = pause

    def seal(self, head: str, text: str) -> str:
        """The hash of an entry that follows `head`."""
        return hmac.new(self._key, f"{head}\n{text}".encode(), sha256).hexdigest()

    async def commit(self, customer: str, changes: Sequence[Change], entries: Sequence[Entry] = ()) -> None:
        """Write changes and entries together. Raises Conflict if a record changed, StoreDown if Redis is away."""
        if not entries:
            await self.store.commit(customer, changes)
            return
        for tried in range(TRIES):
            head = await self.store.head(customer)
            try:
                await self.store.commit(customer, changes, self._sealed(head, entries))
            except HeadMoved:
                await asyncio.sleep(self._pause(tried))
                continue
            return
        raise Conflict("audit: too many writers")

    def _sealed(self, head: str, entries: Sequence[Entry]) -> Sealed:
        chained, current = [], head
        for entry in entries:
            text = entry.text()
            current = self.seal(current, text)
            chained.append((text, current))
        return Sealed(head=head, entries=chained)

    def first_broken(self, rows: Iterable[tuple[str, str, str]], head: str = "") -> str:
        """The position of the first entry whose hash does not follow, or an empty text: the chain holds."""
        for position, text, seal in rows:
            if not hmac.compare_digest(seal, self.seal(head, text)):
                return position
            head = seal
        return ""
