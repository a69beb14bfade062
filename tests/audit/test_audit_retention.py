"""The day's work on a trail: checked, its head logged, trimmed behind a checkpoint; nothing is lost on the way."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from bot.audit import Ledger, retention
from bot.audit.trail import recent, verify
from bot.clock import ManualClock
from bot.errors import StoreDown
from bot.services import Services
from bot.state.memory import MemoryStore
from bot.state.store import Store
from tests.audit.trails import KEY, NOW, ONE, SEALS, entry, filled

MIDNIGHT = NOW.replace(hour=0)


def services(store: Store, days: int = 400, now: datetime = NOW) -> Services:
    """What the job works with; nothing of Microsoft's is asked."""

    async def wake(_customer: str, _kind: str, _key: str) -> None:
        """Nothing is woken."""

    return Services(
        defender=lambda _: None,
        graph=lambda _: None,
        teams=None,
        ledger=Ledger(store, KEY, pause=lambda _tried: 0.0),
        clock=ManualClock(now),
        wake=wake,
        worker="w",
        responses={},
        memory=None,
        audit_days=days,
    )


async def texts(store: Store) -> list[tuple[str, object]]:
    """What each entry tells, and its number."""
    return [(told["what"], told["more"].get("n")) for told in (json.loads(t) for _, t, _ in await store.audit(ONE))]


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_what_is_too_old_is_trimmed_and_the_rest_verifies(store: Store):
    """Entries older than AUDIT_DAYS go, whole days of them; a signed checkpoint stands for them; it counts on."""
    await filled(store, [500, 402, 400.5, 400.3, 400, 1])
    given = services(store)
    await retention.check(given, ONE)
    assert await texts(store) == [("approved", 3), ("approved", 4), ("approved", 5), ("audit trimmed", None)]
    verdict = await verify(store, SEALS, ONE)
    assert (verdict.broken, verdict.checked, verdict.count, verdict.checkpoint.count) == (None, 4, 7, 3)
    await retention.check(replace(given, clock=ManualClock(NOW + timedelta(days=1))), ONE)
    verdict = await verify(store, SEALS, ONE)
    assert (verdict.broken, verdict.checked, verdict.count, verdict.checkpoint.count) == (None, 3, 8, 5)
    told = json.loads((await store.audit(ONE))[-1][1])
    assert (told["what"], told["who"], told["more"]["entries"]) == ("audit trimmed", "watchkeeper", 2)
    assert told["more"]["hash"] == verdict.checkpoint.hash


async def test_zero_days_keep_everything():
    """With AUDIT_DAYS=0 nothing is ever trimmed; the trail is checked all the same."""
    kept = MemoryStore(ManualClock(NOW))
    await filled(kept, [5000, 1])
    verdict = await retention.check(services(kept, days=0), ONE)
    assert (verdict.broken, len(await kept.audit(ONE))) == (None, 2)


async def test_many_are_trimmed_in_batches():
    """More than one script takes at once are trimmed by several, each with its own checkpoint and entry."""
    kept = MemoryStore(ManualClock(NOW))
    ledger = Ledger(kept, KEY)
    old = NOW - timedelta(days=500)
    await ledger.commit(ONE, [], [entry(n, old) for n in range(retention.AT_ONCE * 2 + 5)])
    assert await retention.trim(services(kept), ONE, MIDNIGHT) == retention.AT_ONCE * 2 + 5
    assert [what for what, _ in await texts(kept)] == ["audit trimmed"] * 3
    assert (await verify(kept, SEALS, ONE)).broken is None


def change(store: MemoryStore, at: int) -> None:
    position, text, seal = store._audit[ONE][at]
    store._audit[ONE][at] = (position, text.replace("approved", "rejected"), seal)


@pytest.mark.parametrize("at", [0, 2, 4])
async def test_nothing_is_trimmed_from_a_broken_trail(at):
    """A break anywhere keeps all of it, which is evidence; the log, the metric and the head line say so."""
    kept = MemoryStore(ManualClock(NOW))
    await filled(kept, [500, 499, 498, 2, 1])
    change(kept, at)
    before, bad = await kept.audit(ONE), counted("watchkeeper_audit_checks_total", outcome="broken")
    with capture_logs() as logs:
        await retention.check(services(kept), ONE)
    assert await kept.audit(ONE) == before
    assert counted("watchkeeper_audit_checks_total", outcome="broken") == bad + 1
    assert [(line["event"], line["log_level"]) for line in logs] == [("audit_head", "info"), ("audit_broken", "error")]
    assert (await retention.head_line(services(kept), ONE)).broken.endswith(f"at {before[at][0]}")


@pytest.mark.parametrize("forged", ["", "nonsense"])
async def test_a_trim_by_itself_takes_nothing_that_does_not_verify(forged):
    """The trim looks again at what it takes: a change, or a checkpoint that is not ours, stops it."""
    kept = MemoryStore(ManualClock(NOW))
    await filled(kept, [500, 499, 1])
    kept._checkpoints[ONE] = forged
    if not forged:
        change(kept, 1)
    refused = counted("watchkeeper_audit_checks_total", outcome="not trimmed")
    with capture_logs() as logs:
        assert await retention.trim(services(kept), ONE, MIDNIGHT) == 0
    assert [line["event"] for line in logs] == ["audit_not_trimmed"]
    assert counted("watchkeeper_audit_checks_total", outcome="not trimmed") == refused + 1
    assert (len(await kept.audit(ONE)), kept._checkpoints[ONE]) == (3, forged)


async def test_the_head_is_logged_once_a_day():
    """The first time at once, then once each day, at an hour that is the customer's own."""
    kept = MemoryStore(ManualClock(NOW))
    ledger = await filled(kept, [1])
    job = services(kept)
    days = []
    with capture_logs() as logs:
        for _ in range(24 * 5):
            before = len(logs)
            await retention.poll(job, ONE)
            days += [job.clock.now().date()] * (len(logs) - before)
            job.clock.move(3600)
    assert len(days) == len(set(days)) >= 4
    assert {(line["event"], line["customer"], line["head"]) for line in logs} == {
        ("audit_head", ONE, await kept.head(ONE))
    }
    assert {(line["entries"], line["verified"]) for line in logs} == {(1, True)}
    del ledger


async def test_the_head_line_says_how_the_trail_stands():
    """Head, count, what was trimmed and when, and when all of it was checked: for the digest."""
    kept = MemoryStore(ManualClock(NOW))
    job = services(kept)
    assert await retention.head_line(job, ONE) == retention.AuditHead(head="", count=0)
    await filled(kept, [500, 1])
    await retention.check(job, ONE)
    assert await retention.head_line(job, ONE) == retention.AuditHead(
        head=await kept.head(ONE), count=3, trimmed=1, trimmed_at=NOW, checked=NOW
    )


class Dying(MemoryStore):
    """A store whose process dies at its n-th call that matters, before or after it was carried out."""

    def __init__(self) -> None:
        super().__init__(ManualClock(NOW))
        self.calls = 0
        self.dies: tuple[int, str] = (0, "")

    async def commit(self, customer, changes, sealed=None):
        self._step("before")
        await super().commit(customer, changes, sealed)
        self._step("after")

    async def put_value(self, customer, name, value, seconds):
        self._step("before")
        await super().put_value(customer, name, value, seconds)
        self._step("after")

    def _step(self, when: str) -> None:
        self.calls += when == "before"
        if (self.calls, when) == self.dies:
            self.dies = (0, "")
            raise StoreDown("died")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", [1, 2])
async def test_a_crash_between_any_steps_loses_nothing(step, when):
    """Wherever the process dies, every entry is in the trail or in the checkpoint's count; the next round goes on."""
    kept = Dying()
    await filled(kept, [500, 450, 1])
    kept.calls, kept.dies = 0, (step, when)
    try:
        await retention.check(services(kept), ONE)
    except StoreDown:
        verdict = await verify(kept, SEALS, ONE)
        trims = [what for what, _ in await texts(kept)].count("audit trimmed")
        assert (verdict.broken, verdict.count) == (None, 3 + trims)
    await retention.check(services(kept), ONE)
    verdict = await verify(kept, SEALS, ONE)
    assert (verdict.broken, verdict.count, verdict.checkpoint.count) == (None, 4, 2)
    assert await texts(kept) == [("approved", 2), ("audit trimmed", None)]


async def test_two_that_trim_at_once_do_not_undo_each_other(store: Store):
    """Two processes that trim, and one that writes, at the same moment: one chain, nothing lost or counted twice."""
    ledger = await filled(store, [500, 499, 498, 1])

    async def writes() -> None:
        for n in range(10, 20):
            await ledger.commit(ONE, [], [entry(n)])

    await asyncio.gather(
        retention.trim(services(store), ONE, MIDNIGHT - timedelta(days=2)),
        writes(),
        retention.trim(services(store), ONE, MIDNIGHT - timedelta(days=498, hours=12)),
    )
    verdict = await verify(store, SEALS, ONE)
    trims = [what for what, _ in await texts(store)].count("audit trimmed")
    assert (verdict.broken, verdict.count, verdict.checkpoint.count) == (None, 14 + trims, 3)


@given(ages=st.lists(st.floats(0, 800), max_size=12), days=st.integers(1, 800))
async def test_any_trail_is_trimmed_to_what_still_verifies(ages, days):
    """Whatever the ages and however the clocks stood, what stays verifies, nothing young is lost, and it is counted."""
    kept = MemoryStore(ManualClock(NOW))
    await filled(kept, ages)
    await retention.check(services(kept, days=days), ONE)
    verdict = await verify(kept, SEALS, ONE)
    trimmed = verdict.checkpoint.count if verdict.checkpoint else 0
    assert (verdict.broken, verdict.count) == (None, len(ages) + bool(trimmed))
    assert all(NOW - timedelta(days=age) < MIDNIGHT - timedelta(days=days) for age in ages[:trimmed])
    stay = ages[trimmed:]
    assert not stay or NOW - timedelta(days=stay[0]) >= MIDNIGHT - timedelta(days=days)
    window = await recent(kept, SEALS, ONE, datetime(2000, 1, 1, tzinfo=UTC), 1000)
    assert (window.broken, len(window.entries)) == (None, len(stay) + bool(trimmed))
