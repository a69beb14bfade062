"""A worker that dies, stands still or loses its store on the way: one action, one end, nothing overwritten."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import Stale, StoreDown
from bot.responses import follow, machine
from bot.responses.models import State
from bot.simulator import Fault
from tests.responses.people import TENANT
from tests.responses.processes import Killed, Through
from tests.responses.stage import Stage

ISOLATE = "defender.machines.isolate"


CRASHES = [(count, how) for count in range(1, 26) for how in ("die before", "die after")]


@pytest.mark.parametrize(("count", "how"), CRASHES)
async def test_wherever_the_worker_dies_there_is_one_action_and_an_end(count, how):
    """Another worker takes over: never a second action, and an end, or a question where nothing was sent."""
    stage = Stage()
    stage.sim.faults.add(ISOLATE, Fault(kind="accept", unlisted=170))
    key = await stage.approved()
    process = stage.process()
    process.arm(count, how)
    try:
        await stage.work(key, process)
    except Killed:
        assert process.dead
    await stage.until_quiet()
    request = await stage.request(key)
    assert (request.state, len(stage.own())) in ((State.SUCCEEDED, 1), (State.UNKNOWN, 0))
    assert stage.devices[0].isolated == (request.state is State.SUCCEEDED)


@pytest.mark.parametrize("count", range(1, 26))
async def test_a_store_that_goes_away_costs_no_second_action(count):
    """Redis fails at any of the worker's calls, also between the POST and its commit: found again, never doubled."""
    stage = Stage()
    stage.sim.faults.add(ISOLATE, Fault(kind="accept", unlisted=170))
    key = await stage.approved()
    process = stage.process()
    calls = 0

    class Failing(type(stage.store)):
        """The same records, behind a connection that breaks once."""

        async def commit(self, customer, changes, sealed=None):
            """Fail at the one, work at the others."""
            nonlocal calls
            calls += 1
            if calls == count:
                raise StoreDown("gone for a moment")
            await super().commit(customer, changes, sealed)

    failing = Failing(stage.clock)
    vars(failing).update(vars(stage.store))
    services = stage.services(process)
    services = replace(services, ledger=type(services.ledger)(Through(process, failing), "audit key"))
    for _ in range(3):
        try:
            await follow.step(services, TENANT, key)
        except StoreDown:
            stage.clock.move(1)
    await stage.until_quiet()
    request = await stage.request(key)
    assert (request.state, len(stage.own())) in ((State.SUCCEEDED, 1), (State.UNKNOWN, 0))


async def test_a_card_that_is_posted_meanwhile_does_not_stop_the_sending():
    """The record's posts change while the request takes its way: that is no race lost, and it is sent at once."""
    stage = Stage()
    key = await stage.approved()

    class Interfering(type(stage.store)):
        """Somebody writes down a post right before the request begins to be sent."""

        async def commit(self, customer, changes, sealed=None):
            """Let the other write come first."""
            if changes[0].state == "sending" and not interfered:
                interfered.append(changes)
                (post,) = (await stage.request(key)).posts
                await stage.desk().adopt(key, post.model_copy(update={"message": "m7"}))
            await super().commit(customer, changes, sealed)

    interfered: list = []
    interfering = Interfering(stage.clock)
    vars(interfering).update(vars(stage.store))
    services = stage.services()
    services = replace(services, ledger=type(services.ledger)(interfering, "audit key"))
    await follow.step(services, TENANT, key)
    assert interfered
    assert (await stage.request(key)).state is State.SENT


async def test_a_stopped_worker_cannot_write_over_what_came_after():
    """A worker frozen with an old status in its hands goes on after the end was seen: the end stands, and is shown."""
    stage = Stage()
    key = await stage.approved()
    await stage.work(key)
    stage.clock.move(6)
    frozen = follow.Follower(stage.services(), await stage.request(key))
    await stage.until_quiet()
    before = await stage.request(key)
    assert before.state is State.SUCCEEDED
    stale = machine.look_later(frozen.request, stage.clock.now(), timedelta(0), "trouble.throttled")
    with pytest.raises(Stale):
        await frozen._write(stale)
    assert await stage.request(key) == before


async def test_two_observers_leave_the_card_with_the_newest():
    """Two workers that saw different statuses at once: one write counts, so no number stands for two contents."""
    stage = Stage()
    key = await stage.approved()
    await stage.work(key)
    seen = await stage.request(key)
    one, two = follow.Follower(stage.services(), seen), follow.Follower(stage.services(), seen)
    stage.clock.move(5)
    await one.check()
    assert (await stage.request(key)).status == "InProgress"
    stage.clock.move(30)
    with pytest.raises(Stale):
        await two.check()
    await stage.until_quiet()
    request = await stage.request(key)
    (message,) = stage.teams.messages.values()
    assert (request.state, message.shown.card["state"]) == (State.SUCCEEDED, "succeeded")
