"""The one store: records with revisions, their due times, the audit stream, leases, answers of turns, rate buckets.

Two implementations share one contract test: `memory.py` (a twin for tests) and `redis.py`. Everything that belongs to
a customer is kept under that customer's tenant id, and one commit changes one customer only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record as it stands: `rev` grows by one with each write, `state` is what transitions compare."""

    kind: str
    id: str
    rev: int
    state: str
    data: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One write of a commit.

    `rev` is the revision the writer has seen (0: the record must not exist) and `was` the state it has seen; either not
    matching fails the whole commit. `data` None deletes. `due` is when the record wants to be woken (None: never).
    `keep` is how many seconds the record lives on (None: for good).
    """

    kind: str
    id: str
    rev: int
    was: str = ""
    state: str = ""
    data: Mapping[str, Any] | None = None
    due: datetime | None = None
    keep: float | None = None


@dataclass(frozen=True, kw_only=True)
class Trim:
    """The oldest audit entries, up to `last` (a position), to be taken away; `checkpoint` then stands for them.

    `before` is the checkpoint that the trimmer has seen; another one standing there fails the whole commit.
    """

    last: str
    before: str
    checkpoint: str


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """Audit entries ready to be appended: they hold only if the stream's head is still `head`."""

    head: str
    entries: Sequence[tuple[str, str]] = ()  # (entry as JSON text, its hash)
    trim: Trim | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How the audit stream stands: the hash of its newest entry, how many entries it holds, the checkpoint's text."""

    head: str = ""
    length: int = 0
    checkpoint: str = ""


@dataclass(frozen=True, kw_only=True)
class Due:
    """A record that wants to be woken at `at`."""

    kind: str
    id: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """What came of claiming a turn: `fresh` (do it), `busy` (somebody does it now) or `done` with its answer."""

    state: Literal["fresh", "busy", "done"]
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What a turn begins with: what came of its claim, a record, and the values asked for (None: there is none)."""

    claimed: Claimed
    record: Record | None
    values: Sequence[Mapping[str, Any] | None]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A small value to keep under a name for that many seconds."""

    name: str
    value: Mapping[str, Any]
    seconds: float


AHEAD = 120.0
"""How many seconds ahead a place in a rate bucket may be booked."""
FORGOTTEN = 180.0
"""A bucket forgets what stands further ahead than that: a clock went wrong and was set right."""


MOST_OF_TARGET = 500
"""So many records of a kind are found by their target: those that were written last."""


def target_of(data: Mapping[str, Any] | None) -> str:
    """What a record is about, by which it is found too: the id of its `target`; empty where it has none."""
    target = (data or {}).get("target")
    return str(target.get("id", "")) if isinstance(target, Mapping) else ""


class HeadMoved(Exception):  # noqa: N818 - reads as what happened
    """Somebody else appended to the audit stream first: seal the entries again."""


class Store(Protocol):
    """See the module. Every method may raise `StoreDown`; `commit` may raise `Conflict` and `HeadMoved`."""

    async def get(self, customer: str, kind: str, key: str) -> Record | None:
        """One record, or None."""

    async def get_many(self, customer: str, kind: str, keys: Sequence[str]) -> list[Record]:
        """Those of the records that exist, in the order asked for."""

    async def newest(self, customer: str, kind: str, *, limit: int = 1000) -> list[Record]:
        """Records of a kind, the latest written first."""

    async def of_target(self, customer: str, kind: str, target: str, *, limit: int = MOST_OF_TARGET) -> list[Record]:
        """Those of them that are about that target (see `target_of`), whichever version wrote them."""

    async def commit(self, customer: str, changes: Sequence[Change], sealed: Sealed | None = None) -> None:
        """Write all changes, their due times, the audit entries and a trim of the oldest, or nothing."""

    async def due(self, customer: str, before: datetime, *, limit: int = 1000) -> list[Due]:
        """Records due before that moment, earliest first."""

    async def head(self, customer: str) -> str:
        """The hash of the newest audit entry, empty where there is none."""

    async def audit(self, customer: str, *, limit: int = 1000, after: str = "") -> list[tuple[str, str, str]]:
        """Audit entries as (position, entry as JSON text, hash), oldest first, those after a position."""

    async def audit_back(self, customer: str, *, limit: int = 1000, before: str = "") -> list[tuple[str, str, str]]:
        """The same, newest first, those before a position."""

    async def standing(self, customer: str) -> Standing:
        """How the audit stream stands, all of it at one moment."""

    async def customers(self) -> list[str]:
        """Every customer that has a record."""

    async def lease(self, customer: str, name: str, owner: str, seconds: float) -> bool:
        """Take a lease, or keep it if it is already this owner's. False: somebody else has it."""

    async def release(self, customer: str, name: str, owner: str) -> None:
        """Give a lease back if it is still this owner's."""

    async def claim(self, customer: str, turn: str, seconds: float) -> Claimed:
        """Claim a turn for that many seconds, or learn what became of it."""

    async def begin(
        self, customer: str, turn: str, seconds: float, *, note: Kept, record: tuple[str, str], values: Sequence[str]
    ) -> Begun:
        """Claim a turn, keep the note, read a record (kind, id) and values: all that a turn needs first, in one go."""

    async def hold(self, customer: str, turn: str, seconds: float) -> None:
        """Keep a claim that is still worked on for that many seconds more; an answer stays as it is."""

    async def finish(self, customer: str, turn: str, answer: Mapping[str, Any], seconds: float) -> None:
        """Keep a turn's answer for redeliveries."""

    async def abandon(self, customer: str, turn: str) -> None:
        """Give a claim back, so that a redelivery is taken up at once."""

    async def take(
        self, customer: str, bucket: str, windows: Sequence[tuple[int, float]], now: datetime, *, patience: float = 0.0
    ) -> float:
        """Take one from a rate bucket of (count, seconds) windows; returns the seconds to wait.

        Up to `patience` seconds ahead (at most `AHEAD`) the place is booked: each waiter has a moment of its own, in
        the order in which they asked. What would be later than that is not taken. Without patience, 0 means taken.
        """

    async def spend(self, customer: str, bucket: str, seconds: float, now: datetime) -> None:
        """Count one that waits for nobody in a bucket whose longest window has that many seconds."""

    async def taken(self, customer: str, windows: Sequence[tuple[str, float]], now: datetime) -> list[int]:
        """How many were taken of each (bucket, seconds) within its last seconds."""

    async def put_value(self, customer: str, name: str, value: Mapping[str, Any], seconds: float) -> None:
        """Keep a small value for that many seconds."""

    async def get_value(self, customer: str, name: str) -> Mapping[str, Any] | None:
        """A small value, or None."""

    async def ping(self) -> None:
        """Raise StoreDown unless the store answers and accepts writes."""
