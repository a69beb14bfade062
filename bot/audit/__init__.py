"""The audit trail: an append-only stream for each customer, chained by HMAC-SHA256.

Each entry's hash covers the hash before it, so that a changed, dropped or inserted entry shows. The key stands in the
settings (`AUDIT_KEY`); whoever has Redis but not the key cannot forge a chain. Entries are written in the same commit
as the change they tell of (design section 5). `chain` finds breaks, `trail` reads, `export` writes files, `verify`
checks them, `retention` trims.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.audit.chain import Row, first_break
from bot.audit.seals import Seals
from bot.errors import Conflict
from bot.state.store import Change, HeadMoved, Sealed, Store, Trim

TRIES = 25
HALF_A_YEAR = 180 * 24 * 3600.0
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
    """Commits changes together with their audit entries; `pause` is how long a writer waits who lost a race.

    No record that may end lives on for more than `longest` seconds after it was written.
    """

    def __init__(
        self, store: Store, key: str, pause: Callable[[int], float] = spread, longest: float = HALF_A_YEAR
    ) -> None:
        self.store = store
        self._longest = longest
        self.seals = Seals(key)
        self._pause = pause
        self._heads: dict[str, str] = {}  # of each customer, as this process wrote it; the commit compares it
        self._one_by_one: dict[str, asyncio.Lock] = {}  # writers of one process would only meet HeadMoved

    def seal(self, head: str, text: str) -> str:
        """The hash of an entry that follows `head`."""
        return self.seals.entry(head, text)

    async def commit(
        self,
        customer: str,
        changes: Sequence[Change],
        entries: Sequence[Entry] = (),
        trim: Trim | None = None,
        *,
        behind: str | None = None,
    ) -> None:
        """Write changes and entries together, and trim the trail where entries go with it.

        With `behind`, only if that is still the head of the trail: nobody did anything since it was read. Raises
        Conflict if that, a record or the checkpoint changed, StoreDown if Redis is away.
        """
        changes = [replace(c, keep=min(c.keep, self._longest)) if c.keep else c for c in changes]
        if not entries:
            await self.store.commit(customer, changes)
            return
        async with self._one_by_one.setdefault(customer, asyncio.Lock()):
            await self._append(customer, changes, entries, trim, behind)

    async def _append(
        self,
        customer: str,
        changes: Sequence[Change],
        entries: Sequence[Entry],
        trim: Trim | None,
        behind: str | None,
    ) -> None:
        """Commit behind the head as this process wrote it; where another wrote since, behind that of the store."""
        for tried in range(TRIES):
            known = self._heads.pop(customer, None) if behind is None else behind
            sealed = self._sealed(await self.store.head(customer) if known is None else known, entries, trim)
            try:
                await self.store.commit(customer, changes, sealed)
            except HeadMoved:
                if behind is not None:
                    raise Conflict("audit: the head has moved") from None
                if known is None:
                    await asyncio.sleep(self._pause(tried))
                continue
            self._heads[customer] = sealed.entries[-1][1]
            return
        raise Conflict("audit: too many writers")

    def _sealed(self, head: str, entries: Sequence[Entry], trim: Trim | None) -> Sealed:
        chained, current = [], head
        for entry in entries:
            text = entry.text()
            current = self.seal(current, text)
            chained.append((text, current))
        return Sealed(head=head, entries=chained, trim=trim)

    def first_broken(self, rows: Iterable[Row], head: str = "") -> str:
        """The position of the first entry whose hash does not follow, or an empty text: the chain holds."""
        broken = first_break(self.seals, list(rows), head)
        return broken.position if broken else ""
