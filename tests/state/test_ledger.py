"""The audit trail: an unbroken chain however many write at once, and no change of it that does not show."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.audit import Entry, Ledger
from bot.clock import ManualClock
from bot.errors import Conflict
from bot.state.memory import MemoryStore
from bot.state.store import Change, HeadMoved, Sealed, Store

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
ONE = "tenant-1"
KEY = "an audit key"


def entry(n: int) -> Entry:
    return Entry(at=NOW, what="approved", who=f"tenant/{n}", subject=f"request:{n}", more={"n": n, "ü": [1, None]})


def record(n: int, rev: int = 0) -> Change:
    return Change(kind="request", id=str(n), rev=rev, data={"n": n})


async def test_many_writers_make_one_unbroken_chain(store: Store):
    """Two processes with twenty-five writers each: every entry is there once, and each follows the one before."""
    ledgers = [Ledger(store, KEY), Ledger(store, KEY)]
    await asyncio.gather(*(ledgers[n % 2].commit(ONE, [record(n)], [entry(n), entry(n + 100)]) for n in range(50)))
    rows = await store.audit(ONE)
    assert sorted(text for _, text, _ in rows) == sorted(entry(m).text() for n in range(50) for m in (n, n + 100))
    assert ledgers[0].first_broken(rows) == ""
    assert rows[-1][2] == await store.head(ONE)


async def test_a_refused_change_leaves_no_entry(store: Store):
    """Where the record moved on, neither it nor the trail changes."""
    ledger = Ledger(store, KEY)
    await ledger.commit(ONE, [record(1)], [entry(1)])
    with pytest.raises(Conflict):
        await ledger.commit(ONE, [record(1)], [entry(2)])
    assert [text for _, text, _ in await store.audit(ONE)] == [entry(1).text()]


async def test_another_key_cannot_make_the_chain(store: Store):
    """Whoever writes to Redis without the key is found out at the first entry."""
    await Ledger(store, "guessed").commit(ONE, [], [entry(1), entry(2)])
    rows = await store.audit(ONE)
    assert Ledger(store, KEY).first_broken(rows) == rows[0][0]


class Busy(MemoryStore):
    """A store whose audit head always moves between reading it and committing."""

    async def commit(self, customer, changes, sealed=None):
        """Somebody else was quicker."""
        if sealed:
            raise HeadMoved
        await super().commit(customer, changes, sealed)


async def test_a_head_that_never_stands_still_is_a_conflict():
    """Whoever never gets a turn is told so as a lost race, not as something unknown."""
    with pytest.raises(Conflict):
        await Ledger(Busy(ManualClock(NOW)), KEY).commit(ONE, [record(1)], [entry(1)])


def chain(length: int) -> list[tuple[str, str, str]]:
    ledger, head, rows = Ledger(MemoryStore(ManualClock(NOW)), KEY), "", []
    for n in range(length):
        head = ledger.seal(head, entry(n).text())
        rows.append((str(n), entry(n).text(), head))
    return rows


@given(length=st.integers(1, 8), data=st.data())
def test_any_change_of_the_trail_shows(length, data):
    """A changed, inserted, dropped or moved entry breaks the chain at or right after its place; an intact one holds."""
    ledger, rows = Ledger(MemoryStore(ManualClock(NOW)), KEY), chain(length)
    assert ledger.first_broken(rows) == ""
    at = data.draw(st.integers(0, length - 1))
    position, text, seal = rows[at]
    how = data.draw(st.sampled_from(["text", "hash", "insert", "repeat"] + ["drop", "move"] * (at < length - 1)))
    changed = {
        "text": [(position, text.replace("approved", "rejected"), seal)],
        "hash": [(position, text, "0" * 64)],
        "insert": [("x", entry(99).text(), seal), rows[at]],
        "repeat": [rows[at], rows[at]],
        "drop": [],
        "move": [*rows[at + 1 : at + 2], rows[at]],
    }[how]
    rest = rows[at + 2 :] if how == "move" else rows[at + 1 :]
    changed = [*rows[:at], *changed, *rest]
    assert ledger.first_broken(changed) != ""


@given(length=st.integers(2, 8), kept=st.integers(1, 7))
def test_a_trail_cut_at_its_end_shows_by_its_head(length, kept):
    """Entries dropped at the end leave a chain that holds: the head, logged elsewhere, tells."""
    rows = chain(length)[:kept]
    assert Ledger(MemoryStore(ManualClock(NOW)), KEY).first_broken(rows) == ""
    assert (rows[-1][2] == chain(length)[-1][2]) == (kept >= length)


async def test_a_trail_that_was_trimmed_holds_from_its_checkpoint():
    """With the hash before the first kept entry as its beginning, the rest of a chain verifies."""
    rows, ledger = chain(6), Ledger(MemoryStore(ManualClock(NOW)), KEY)
    assert ledger.first_broken(rows[3:], head=rows[2][2]) == ""
    assert ledger.first_broken(rows[3:], head=rows[1][2]) == rows[3][0]


async def test_commit_without_entries_leaves_the_head(store: Store):
    """What needs no audit does not touch the trail."""
    await Ledger(store, KEY).commit(ONE, [record(1)])
    assert await store.head(ONE) == ""
    await store.commit(ONE, [record(1, rev=1)], Sealed(head=""))
    assert (await store.get(ONE, "request", "1")).rev == 2
