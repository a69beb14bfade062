"""Where a trail is broken, and what happened there: found at the right place, by the full check and by the window."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.audit import Ledger
from bot.audit.chain import Break, Checkpoint, first_break
from bot.audit.seals import Seals
from bot.audit.trail import Verdict, Window, recent, verify
from bot.clock import ManualClock
from bot.state.memory import MemoryStore
from bot.state.store import Standing
from tests.audit.trails import KEY, NOW, ONE, SEALS, Changed, entry, filled, rows

LONG_AGO = NOW - timedelta(days=4000)
CHECKPOINT = Checkpoint(customer=ONE, position="999-0", hash="a" * 64, count=40, at=NOW)


async def judged(trail, standing: Standing) -> tuple[Verdict, Window]:
    """The verdict on the whole trail, and the window of all of it."""
    store = Changed(trail, standing)
    return await verify(store, SEALS, ONE), await recent(store, SEALS, ONE, LONG_AGO, 10_000)


def stands(trail, checkpoint: str = "") -> Standing:
    return Standing(head=trail[-1][2], length=len(trail), checkpoint=checkpoint)


@given(length=st.integers(1, 12), data=st.data())
async def test_whatever_is_done_to_an_entry_is_found_there(length, data):
    """A changed text or hash is found at the entry, a dropped one at the next, an inserted or moved one where it is."""
    whole = rows(length)
    at = data.draw(st.integers(0, length - 1))
    position, text, seal = whole[at]
    how = data.draw(
        st.sampled_from(["text", "hash", "both", "made up", "again"] + ["drop", "move"] * (at < length - 1))
    )
    moved_to = data.draw(st.integers(at + 1, length - 1)) if how == "move" else 0
    without = [*whole[:at], *whole[at + 1 :]]
    changed, found_at, kinds = {
        "text": (
            [*whole[:at], (position, text.replace("approved", "rejected"), seal), *whole[at + 1 :]],
            at,
            "changed",
        ),
        "hash": ([*whole[:at], (position, text, seal[:-1] + "x"), *whole[at + 1 :]], at, "changed"),
        "both": ([*whole[:at], (position, "{}", "0" * 64), *whole[at + 1 :]], at, "changed"),
        "made up": ([*whole[:at], ("5-0", entry(99).text(), "f" * 64), *whole[at:]], at, "inserted"),
        "again": ([*whole[: at + 1], ("5-0", text, seal), *whole[at + 1 :]], at + 1, "inserted"),
        "drop": (without, at, "dropped"),
        "move": ([*without[:moved_to], whole[at], *without[moved_to:]], at, "reordered"),
    }[how]
    verdict, window = await judged(changed, stands(whole))
    for broken in (verdict.broken, window.broken, first_break(SEALS, changed)):
        assert broken.position == changed[found_at][0]
        assert kinds in broken.kind
    assert verdict.checked == found_at


@given(length=st.integers(0, 12))
async def test_a_trail_that_nobody_touched_holds(length):
    """An intact trail holds, with and without a checkpoint before it, and is counted from the beginning."""
    whole = rows(length)
    verdict, window = await judged(whole, Standing(head=whole[-1][2] if whole else "", length=length))
    assert (verdict.broken, verdict.count, verdict.strange, window.broken, window.count) == (
        None,
        length,
        False,
        None,
        length,
    )
    behind = rows(length, before=CHECKPOINT.hash)
    head = behind[-1][2] if behind else CHECKPOINT.hash
    trimmed = Standing(head=head, length=length, checkpoint=CHECKPOINT.text(SEALS))
    verdict, window = await judged(behind, trimmed)
    assert (verdict.broken, verdict.count, verdict.checkpoint) == (None, length + 40, CHECKPOINT)
    assert (window.broken, window.count) == (None, length + 40)


@given(kept=st.integers(0, 5))
async def test_a_cut_end_shows_by_the_head(kept):
    """Entries dropped at the end leave a head that is no entry's; a head key that was taken away shows, too."""
    whole = rows(6)
    for head in (whole[-1][2], ""):
        verdict, window = await judged(whole[:kept], Standing(head=head, length=kept))
        expected = None if not kept and not head else Break(position="", kind="head")
        assert (verdict.broken, window.broken) == (expected, expected)


async def test_only_a_noted_head_shows_that_both_were_cut():
    """Whoever drops the end and sets the head back is found out by a head that was noted elsewhere."""
    whole = rows(6)
    cut = Changed(whole[:4], stands(whole[:4]))
    for noted, there in (
        (whole[5][2], False),
        (whole[5][2][:12], False),
        (whole[3][2][:12], True),
        (whole[0][2], True),
    ):
        verdict = await verify(cut, SEALS, ONE, noted)
        assert (verdict.broken, verdict.noted) == (None, there)


@pytest.mark.parametrize(
    "checkpoint",
    [
        CHECKPOINT.text(Seals("another key")),
        CHECKPOINT.text(SEALS).replace('"count":40', '"count":41'),
        CHECKPOINT.text(SEALS).replace(ONE, "tenant-2"),
        Checkpoint(**{**vars(CHECKPOINT), "customer": "tenant-2"}).text(SEALS),
        "nonsense",
        "\n",
        "é\n{}",
    ],
)
async def test_a_forged_checkpoint_is_found(checkpoint):
    """A checkpoint that this key did not seal for this customer is worth nothing, and is named."""
    behind = rows(3, before=CHECKPOINT.hash)
    verdict, window = await judged(behind, stands(behind, checkpoint))
    assert verdict.broken == window.broken == Break(position="", kind="checkpoint")


async def test_a_missing_or_older_checkpoint_is_found():
    """Without its checkpoint, or with one from earlier, a trimmed trail is broken at its first entry."""
    behind = rows(3, before=CHECKPOINT.hash)
    older = Checkpoint(customer=ONE, position="990-0", hash="b" * 64, count=30, at=NOW).text(SEALS)
    for checkpoint in ("", older):
        verdict, window = await judged(behind, stands(behind, checkpoint))
        assert verdict.broken.position == window.broken.position == behind[0][0]


async def test_another_key_is_told_from_a_change():
    """Where nothing fits, it is another key (or all of it forged); where something does, it is a change."""
    store = Changed(rows(4), stands(rows(4)))
    assert (await verify(store, Seals("another key"), ONE)).strange
    first = ("1-0", "{}", "0" * 64)
    assert not (await verify(Changed([first, *rows(4)[1:]], stands(rows(4))), SEALS, ONE)).strange
    assert not (await verify(Changed(rows(1), stands(rows(1))), Seals("another key"), ONE)).strange


async def test_an_unreadable_entry_is_shown_as_such():
    """An entry whose text is no entry any more has no time and no words, and stands in its window."""
    whole = rows(4)
    for text in ("", "{", "[]", '{"at":7}', '{"at":"2026","what":"x","who":"x","subject":"x","more":3}', "\udcff"):
        changed = [*whole[:2], (whole[2][0], text, whole[2][2]), whole[3]]
        _, window = await judged(changed, stands(whole))
        assert [seen.at is None for seen in window.entries] == [False, False, True, False]
        assert window.broken.position == whole[2][0]


async def test_a_window_holds_what_was_made_since_then():
    """Only entries since then are shown; the chain of what was read is judged from the entry before it."""
    store = MemoryStore(ManualClock(NOW))
    ledger = await filled(store, [9, 8, 6, 5, 1])
    window = await recent(store, ledger.seals, ONE, NOW - timedelta(days=7), 100)
    assert [seen.more["n"] for seen in window.entries] == [2, 3, 4]
    assert (window.broken, window.cut, window.count, window.head) == (None, False, 5, await store.head(ONE))
    few = await recent(store, ledger.seals, ONE, NOW - timedelta(days=7), 2)
    assert ([seen.more["n"] for seen in few.entries], few.cut, few.broken) == ([3, 4], True, None)


async def test_two_clocks_that_differ_do_not_hide_entries():
    """Entries stand in the order of writing; one that a slow clock dated earlier does not end the window."""
    store = MemoryStore(ManualClock(NOW))
    ledger = await filled(store, [9, 6.9, 7.01, 6.8])
    window = await recent(store, ledger.seals, ONE, NOW - timedelta(days=7), 100)
    assert [seen.more["n"] for seen in window.entries] == [1, 2, 3]


class Trimming(MemoryStore):
    """A store that is trimmed by another process while it is read."""

    def __init__(self) -> None:
        super().__init__(ManualClock(NOW))
        self.rounds = 1

    async def standing(self, customer: str) -> Standing:
        """How it stood; then a trim comes in between."""
        stood = await super().standing(customer)
        if self.rounds:
            self.rounds -= 1
            gone = self._audit[customer][1]
            checkpoint = Checkpoint(customer=customer, position=gone[0], hash=gone[2], count=2, at=NOW)
            del self._audit[customer][:2]
            self._checkpoints[customer] = checkpoint.text(SEALS)
        return stood


@pytest.mark.parametrize("reading", [lambda s: verify(s, SEALS, ONE), lambda s: recent(s, SEALS, ONE, LONG_AGO, 99)])
async def test_a_trim_meanwhile_is_no_break(reading):
    """A trail that is trimmed while it is read is read again, not reported."""
    store = Trimming()
    ledger = Ledger(store, KEY)
    for n in range(5):
        await ledger.commit(ONE, [], [entry(n)])
    judgement = await reading(store)
    assert (judgement.broken, judgement.count, judgement.checkpoint.count) == (None, 5, 2)
