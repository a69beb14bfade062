"""The store's twin in memory: the same contract, for tests of everything above it."""

import bisect
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock, SystemClock
from bot.errors import Conflict
from bot.state.store import Change, Claimed, Due, HeadMoved, Record, Sealed

AHEAD = 60.0  # seconds: a bucket forgets what a clock further ahead than that wrote


class MemoryStore:
    """Keeps everything in dictionaries; records as revision, state and JSON text, so that readers share nothing."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self._records: dict[tuple[str, str, str], tuple[int, str, str]] = {}
        self._until: dict[tuple[str, str, str], datetime] = {}
        self._order: dict[tuple[str, str, str], int] = {}
        self._due: dict[tuple[str, str, str], datetime] = {}
        self._audit: dict[str, list[tuple[str, str, str]]] = {}
        self._leases: dict[tuple[str, str], tuple[str, datetime]] = {}
        self._values: dict[tuple[str, str], tuple[str, datetime]] = {}
        self._buckets: dict[tuple[str, str], list[datetime]] = {}
        self._count = 0

    def _live(self, key: tuple[str, str, str]) -> Record | None:
        """The record as it was written, its data a copy of their own for each reader."""
        self._expire(key)
        if key not in self._records:
            return None
        rev, state, text = self._records[key]
        return Record(kind=key[1], id=key[2], rev=rev, state=state, data=json.loads(text))

    def _expire(self, key: tuple[str, str, str]) -> None:
        until = self._until.get(key)
        if until is not None and until <= self.clock.now():
            for table in (self._records, self._until, self._order, self._due):
                table.pop(key, None)

    async def get(self, customer: str, kind: str, key: str) -> Record | None:
        """One record, or None."""
        return self._live((customer, kind, key))

    async def get_many(self, customer: str, kind: str, keys: Sequence[str]) -> list[Record]:
        """Those of the records that exist, in the order asked for."""
        found = [self._live((customer, kind, key)) for key in keys]
        return [record for record in found if record]

    async def newest(self, customer: str, kind: str, *, limit: int = 1000) -> list[Record]:
        """Records of a kind, the latest written first."""
        keys = [key for key in self._records if key[:2] == (customer, kind)]
        keys.sort(key=lambda key: self._order[key], reverse=True)
        found = [self._live(key) for key in keys]
        return [record for record in found if record][:limit]

    async def commit(self, customer: str, changes: Sequence[Change], sealed: Sealed | None = None) -> None:
        """Write all changes, their due times and the audit entries, or nothing."""
        for change in changes:
            self._check(customer, change)
        if sealed and sealed.head != await self.head(customer):
            raise HeadMoved
        for change in changes:
            self._write(customer, change)
        if sealed:
            stream = self._audit.setdefault(customer, [])
            for text, seal in sealed.entries:
                stream.append((str(len(stream) + 1), text, seal))

    def _check(self, customer: str, change: Change) -> None:
        key = (customer, change.kind, change.id)
        self._expire(key)
        rev, state, _ = self._records.get(key, (0, change.was, ""))
        if rev != change.rev:
            raise Conflict(f"{change.kind} {change.id}: revision")
        if change.was and state != change.was:
            raise Conflict(f"{change.kind} {change.id}: state")

    def _write(self, customer: str, change: Change) -> None:
        key = (customer, change.kind, change.id)
        for table in (self._until, self._due):
            table.pop(key, None)
        if change.data is None:
            self._records.pop(key, None)
            self._order.pop(key, None)
            return
        self._records[key] = (change.rev + 1, change.state, json.dumps(change.data))
        self._count += 1
        self._order[key] = self._count
        if change.due:
            self._due[key] = change.due
        if change.keep is not None:
            self._until[key] = self.clock.now() + timedelta(seconds=change.keep)

    async def due(self, customer: str, before: datetime, *, limit: int = 1000) -> list[Due]:
        """Records due before that moment, earliest first."""
        found = [
            Due(kind=key[1], id=key[2], at=at) for key, at in self._due.items() if key[0] == customer and at < before
        ]
        return sorted(found, key=lambda due: due.at)[:limit]

    async def head(self, customer: str) -> str:
        """The hash of the newest audit entry, empty where there is none."""
        stream = self._audit.get(customer)
        return stream[-1][2] if stream else ""

    async def audit(self, customer: str, *, limit: int = 1000, after: str = "") -> list[tuple[str, str, str]]:
        """Audit entries as (position, entry as JSON text, hash), oldest first, those after a position."""
        return self._audit.get(customer, [])[int(after or 0) :][:limit]

    async def customers(self) -> list[str]:
        """Every customer that has a record."""
        return sorted({key[0] for key in self._records})

    async def lease(self, customer: str, name: str, owner: str, seconds: float) -> bool:
        """Take a lease, or keep it if it is already this owner's. False: somebody else has it."""
        now = self.clock.now()
        holder = self._leases.get((customer, name))
        if holder and holder[1] > now and holder[0] != owner:
            return False
        self._leases[customer, name] = (owner, now + timedelta(seconds=seconds))
        return True

    async def release(self, customer: str, name: str, owner: str) -> None:
        """Give a lease back if it is still this owner's."""
        if self._leases.get((customer, name), ("",))[0] == owner:
            del self._leases[customer, name]

    async def claim(self, customer: str, turn: str, seconds: float) -> Claimed:
        """Claim a turn for that many seconds, or learn what became of it."""
        value = await self.get_value(customer, f"turn:{turn}")
        if value is None:
            await self.put_value(customer, f"turn:{turn}", {}, seconds)
            return Claimed(state="fresh")
        return Claimed(state="done", answer=value["answer"]) if "answer" in value else Claimed(state="busy")

    async def finish(self, customer: str, turn: str, answer: Mapping[str, Any], seconds: float) -> None:
        """Keep a turn's answer for redeliveries."""
        await self.put_value(customer, f"turn:{turn}", {"answer": answer}, seconds)

    async def abandon(self, customer: str, turn: str) -> None:
        """Give a claim back, so that a redelivery is taken up at once."""
        self._values.pop((customer, f"turn:{turn}"), None)

    async def take(self, customer: str, bucket: str, windows: Sequence[tuple[int, float]], now: datetime) -> float:
        """Take one from a rate bucket of (count, seconds) windows. 0: taken; else the seconds to wait."""
        longest = max(seconds for _, seconds in windows)
        stored = self._buckets.get((customer, bucket), [])
        taken = [at for at in stored if -AHEAD <= (now - at).total_seconds() < longest]
        self._buckets[customer, bucket] = taken
        wait = 0.0
        for count, seconds in windows:
            inside = [at for at in taken if (now - at).total_seconds() < seconds]
            if len(inside) >= count:
                wait = max(wait, seconds - (now - inside[-count]).total_seconds())
        if wait == 0:
            bisect.insort(taken, now)
        return wait

    async def put_value(self, customer: str, name: str, value: Mapping[str, Any], seconds: float) -> None:
        """Keep a small value for that many seconds."""
        self._values[customer, name] = (json.dumps(value), self.clock.now() + timedelta(seconds=seconds))

    async def get_value(self, customer: str, name: str) -> Mapping[str, Any] | None:
        """A small value, or None."""
        text, until = self._values.get((customer, name), ("", None))
        if until is None or until <= self.clock.now():
            return None
        value: Mapping[str, Any] = json.loads(text)
        return value

    async def ping(self) -> None:
        """Memory always answers."""
