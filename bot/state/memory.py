"""The store's twin in memory: the same contract, for tests of everything above it."""

import bisect
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock, SystemClock
from bot.errors import Conflict
from bot.state.store import (
    FORGOTTEN,
    MOST_OF_TARGET,
    Begun,
    Change,
    Claimed,
    Due,
    HeadMoved,
    Kept,
    Record,
    Sealed,
    Standing,
    target_of,
)


class MemoryStore:
    """Keeps everything in dictionaries; records as revision, state and JSON text, so that readers share nothing."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self._records: dict[tuple[str, str, str], tuple[int, str, str]] = {}
        self._until: dict[tuple[str, str, str], datetime] = {}
        self._order: dict[tuple[str, str, str], int] = {}
        self._targets: dict[tuple[str, str, str], str] = {}
        self._due: dict[tuple[str, str, str], datetime] = {}
        self._audit: dict[str, list[tuple[str, str, str]]] = {}
        self._checkpoints: dict[str, str] = {}
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
            for table in (self._records, self._until, self._order, self._due, self._targets):
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
        return self._latest([key for key in self._records if key[:2] == (customer, kind)])[:limit]

    async def of_target(self, customer: str, kind: str, target: str, *, limit: int = MOST_OF_TARGET) -> list[Record]:
        """Records of a kind about that target, the latest written first."""
        about = [key for key in self._records if key[:2] == (customer, kind) and self._targets[key] == target]
        return self._latest(about)[: min(limit, MOST_OF_TARGET)]

    def _latest(self, keys: list[tuple[str, str, str]]) -> list[Record]:
        """The records of these keys that still live, the latest written first."""
        keys.sort(key=lambda key: self._order[key], reverse=True)
        return [record for key in keys if (record := self._live(key))]

    async def commit(self, customer: str, changes: Sequence[Change], sealed: Sealed | None = None) -> None:
        """Write all changes, their due times, the audit entries and a trim of the oldest, or nothing."""
        for change in changes:
            self._check(customer, change)
        if sealed and sealed.head != await self.head(customer):
            raise HeadMoved
        if sealed and sealed.trim and sealed.trim.before != self._checkpoints.get(customer, ""):
            raise Conflict("checkpoint")
        for change in changes:
            self._write(customer, change)
        if sealed:
            self._append(customer, sealed)

    def _append(self, customer: str, sealed: Sealed) -> None:
        stream = self._audit.setdefault(customer, [])
        for text, seal in sealed.entries:
            self._count += 1
            stream.append((str(self._count), text, seal))
        if sealed.trim:
            stream[:] = [row for row in stream if int(row[0]) > int(sealed.trim.last)]
            self._checkpoints[customer] = sealed.trim.checkpoint

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
            for kept in (self._records, self._order, self._targets):
                kept.pop(key, None)
            return
        self._records[key] = (change.rev + 1, change.state, json.dumps(change.data))
        self._count += 1
        self._order[key] = self._count
        self._targets[key] = target_of(change.data)
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
        return [row for row in self._audit.get(customer, []) if int(row[0]) > int(after or 0)][:limit]

    async def audit_back(self, customer: str, *, limit: int = 1000, before: str = "") -> list[tuple[str, str, str]]:
        """The same, newest first, those before a position."""
        stream = self._audit.get(customer, [])
        return [row for row in reversed(stream) if not before or int(row[0]) < int(before)][:limit]

    async def standing(self, customer: str) -> Standing:
        """How the audit stream stands, all of it at one moment."""
        length = len(self._audit.get(customer, []))
        checkpoint = self._checkpoints.get(customer, "")
        return Standing(head=await self.head(customer), length=length, checkpoint=checkpoint)

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

    async def begin(
        self, customer: str, turn: str, seconds: float, *, note: Kept, record: tuple[str, str], values: Sequence[str]
    ) -> Begun:
        """Claim a turn, keep the note, read a record and values."""
        await self.put_value(customer, note.name, note.value, note.seconds)
        return Begun(
            claimed=await self.claim(customer, turn, seconds),
            record=await self.get(customer, *record),
            values=[await self.get_value(customer, name) for name in values],
        )

    async def hold(self, customer: str, turn: str, seconds: float) -> None:
        """Keep a claim that is still worked on for that many seconds more."""
        if await self.get_value(customer, f"turn:{turn}") == {}:
            await self.put_value(customer, f"turn:{turn}", {}, seconds)

    async def finish(self, customer: str, turn: str, answer: Mapping[str, Any], seconds: float) -> None:
        """Keep a turn's answer for redeliveries."""
        await self.put_value(customer, f"turn:{turn}", {"answer": answer}, seconds)

    async def abandon(self, customer: str, turn: str) -> None:
        """Give a claim back, so that a redelivery is taken up at once."""
        self._values.pop((customer, f"turn:{turn}"), None)

    async def take(
        self, customer: str, bucket: str, windows: Sequence[tuple[int, float]], now: datetime, *, patience: float = 0.0
    ) -> float:
        """Take one from a rate bucket of (count, seconds) windows; returns the seconds to wait (see `Store`)."""
        taken = self._bucket(customer, bucket, max(seconds for _, seconds in windows), now)
        at = max(now, taken[-1]) if patience and taken else now
        for count, seconds in windows:
            if len(taken) >= count:
                at = max(at, taken[-count] + timedelta(seconds=seconds))
        wait = (at - now).total_seconds()
        if wait <= patience:
            bisect.insort(taken, at)
        return wait

    async def spend(self, customer: str, bucket: str, seconds: float, now: datetime) -> None:
        """Count one that waits for nobody."""
        bisect.insort(self._bucket(customer, bucket, seconds, now), now)

    async def taken(self, customer: str, windows: Sequence[tuple[str, float]], now: datetime) -> list[int]:
        """How many were taken of each (bucket, seconds) within its last seconds."""
        since = [(self._buckets.get((customer, bucket), []), now - timedelta(seconds=s)) for bucket, s in windows]
        return [sum(1 for at in bucket if start < at <= now) for bucket, start in since]

    def _bucket(self, customer: str, bucket: str, longest: float, now: datetime) -> list[datetime]:
        """When it was taken, without what is over and what a wrong clock wrote."""
        stored = self._buckets.get((customer, bucket), [])
        self._buckets[customer, bucket] = [at for at in stored if -FORGOTTEN <= (now - at).total_seconds() < longest]
        return self._buckets[customer, bucket]

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
