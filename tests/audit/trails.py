"""Audit trails made for tests: in memory, as rows, as exported files."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.audit import Entry, Ledger
from bot.audit.chain import Row
from bot.audit.export import About, Ending, JsonLines, whole_file
from bot.audit.seals import Seals
from bot.audit.trail import recent
from bot.clock import ManualClock
from bot.state.memory import MemoryStore
from bot.state.store import Standing, Store

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
ONE = "tenant-1"
KEY = "an audit key of thirty-two characters"
SEALS = Seals(KEY)


def entry(n: int, at: datetime = NOW, **more: object) -> Entry:
    """An entry that no other is like."""
    return Entry(at=at, what="approved", who=f"{ONE}/p{n}", subject=f"request:{n}", more={"n": n, "ü": "é", **more})


async def filled(store: Store, days: Sequence[float]) -> Ledger:
    """A ledger with one entry for each number of days that it is old, in that order."""
    ledger = Ledger(store, KEY)
    for n, age in enumerate(days):
        await ledger.commit(ONE, [], [entry(n, NOW - timedelta(days=age))])
    return ledger


def rows(length: int, first: int = 0, before: str = "") -> list[Row]:
    """A chain as it is stored; positions are as Redis makes them."""
    made = []
    for n in range(first, first + length):
        text = entry(n).text()
        before = SEALS.entry(before, text)
        made.append((f"{1000 + n}-0", text, before))
    return made


class Changed(MemoryStore):
    """A store whose trail somebody changed behind the bot's back."""

    def __init__(self, trail: Sequence[Row], standing: Standing) -> None:
        super().__init__(ManualClock(NOW))
        self.trail = list(trail)
        self.stands = standing

    async def audit(self, customer: str, *, limit: int = 1000, after: str = "") -> list[Row]:
        """The rows behind a position, by where they stand."""
        places = [position for position, _, _ in self.trail]
        start = places.index(after) + 1 if after else 0
        return self.trail[start : start + limit]

    async def audit_back(self, customer: str, *, limit: int = 1000, before: str = "") -> list[Row]:
        """The same, backwards."""
        places = [position for position, _, _ in self.trail]
        end = places.index(before) if before else len(places)
        return self.trail[:end][::-1][:limit]

    async def standing(self, customer: str) -> Standing:
        """As the changer left it."""
        return self.stands


async def exported(days: Sequence[float] = (3, 2, 1), since: float = 0, filters: str = "") -> bytes:
    """A JSON-lines export of such a trail, of all of it or since so many days."""
    ledger = await filled(MemoryStore(ManualClock(NOW)), days)
    start = NOW - timedelta(days=since or 4000)
    window = await recent(ledger.store, ledger.seals, ONE, start, 1000)
    about = About(customer=ONE, made=NOW, filters=filters, since=start if since else None, checkpoint=window.checkpoint)
    ending = Ending(head=window.head, count=window.count, broken=window.broken)
    return whole_file(JsonLines(SEALS, "e" * 16), about, window.entries, ending)
