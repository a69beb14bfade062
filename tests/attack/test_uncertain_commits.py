"""Redis that carries a commit out and breaks off before it answers: nothing is sent twice, nothing is lost.

For each commit of a request's life in turn: it is made and not answered, or not made at all.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from bot.audit import Ledger
from bot.errors import Stale, StoreDown
from bot.responses import requests
from bot.responses.models import State
from bot.state.memory import MemoryStore
from bot.state.store import Change, Sealed
from tests.responses.people import ADELE, MEGAN, TENANT
from tests.responses.stage import Stage

COMMITS = 13  # in a life without trouble


class BreakingStore(MemoryStore):
    """The n-th commit from now is not answered; `made` says whether it was carried out all the same."""

    broken = 0
    count = 0
    fails = 0
    made = True

    async def commit(self, customer: str, changes: Sequence[Change], sealed: Sealed | None = None) -> None:
        fails = self.count + 1 == self.fails
        if not fails or self.made:
            await super().commit(customer, changes, sealed)
        self.count += 1  # one that lost a race is not counted
        if fails:
            self.broken += 1
            raise StoreDown("Redis: TimeoutError")


async def persisting(act: Any) -> Any:
    """A person who reads "please try again" and does."""
    for _ in range(3):
        try:
            return await act()
        except StoreDown:
            continue
        except Stale:
            return None
    raise AssertionError("it never worked")


async def to_the_end(stage: Stage) -> None:
    """All that is due, by jobs that put off what Redis did not take."""
    end = stage.clock.now() + timedelta(hours=3)
    for _ in range(800):
        due = await stage.store.due(TENANT, end)
        if not due:
            return
        stage.clock.move(max(0.0, (due[0].at - stage.clock.now()).total_seconds()))
        try:
            if await stage.work(due[0].id) is not None:
                stage.clock.move(0.5)
        except StoreDown:
            stage.clock.move(20)
    raise AssertionError("it never becomes quiet")


@pytest.mark.parametrize("made", [True, False], ids=["made", "not made"])
@pytest.mark.parametrize("number", range(1, COMMITS + 1))
async def test_each_commit_may_be_uncertain(number, made):
    """One request, one action, one card that tells the end; the audit holds and tells each act once."""
    stage = Stage()
    stage.store = store = BreakingStore(stage.clock)
    stage.ledger = Ledger(store, "audit key")
    store.fails, store.made = number, made
    await persisting(lambda: stage.desk().propose(stage.proposal(ADELE)))
    await persisting(lambda: _work_all(stage))
    (request,) = await stage.requests()
    await persisting(lambda: stage.desk().approve(request.id, MEGAN))
    await to_the_end(stage)
    (request,) = await stage.requests()
    if request.state is State.UNKNOWN:  # written down as being sent, and then nobody knew
        assert stage.own() == []
        await stage.desk().resend(request.id, MEGAN)
        await to_the_end(stage)
        (request,) = await stage.requests()
    assert request.state is State.SUCCEEDED
    assert store.broken == 1
    assert len(stage.own()) == 1
    shown = [m.shown.card for m in stage.teams.messages.values()]
    assert {"id": request.id, "content": request.content, "state": "succeeded"} in shown
    assert len(shown) <= 2  # a card whose id was not written down is posted once more
    rows = await store.audit(TENANT)
    assert stage.ledger.first_broken(rows) == ""
    told = [row[1] for row in rows]
    assert sum('"what":"approved"' in text for text in told) == 1
    assert sum('"what":"proposed"' in text for text in told) == 1
    held, _ = await requests.holder(stage.services(), TENANT, requests.FLIGHT, requests.flight_key(request))
    assert held == ""


async def _work_all(stage: Stage) -> None:
    for request in await stage.requests():
        await stage.work(request.id)


async def test_the_life_of_a_request_has_as_many_commits_as_are_broken_here():
    """The numbers above reach from the first commit to the last."""
    stage = Stage()
    stage.store = store = BreakingStore(stage.clock)
    stage.ledger = Ledger(store, "audit key")
    request, _ = await stage.desk().propose(stage.proposal(ADELE))
    await _work_all(stage)
    await stage.desk().approve(request.id, MEGAN)
    await to_the_end(stage)
    assert store.count == COMMITS
