"""What waits or lasts for long is said again once, in the thread of its card."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.responses import reminding
from bot.responses.models import State
from bot.simulator import Fault
from handlers.responses import isolate
from tests.responses.people import ADELE, START
from tests.responses.stage import RESPONSES, Stage

RESPONSES = {**RESPONSES, "isolate": replace(isolate.RESPONSE, lasting=True)}
DAYS = timedelta(hours=60)


def said(request, key: str) -> int:
    """How many replies of that kind there are."""
    return sum(post.key == key for post in request.posts)


async def test_a_device_that_does_not_answer_is_named_again_once():
    """After two hours a reply below the card says that it still waits; only one, however long it goes on."""
    stage = Stage(responses=RESPONSES)
    stage.sim.first.set_online(stage.devices[0], START, online=False)
    key = await stage.approved()
    await stage.until_quiet(timedelta(hours=1, minutes=50))
    assert said(await stage.request(key), reminding.WAITS) == 0
    await stage.until_quiet(timedelta(hours=1))
    assert said(await stage.request(key), reminding.WAITS) == 1
    await stage.until_quiet(timedelta(hours=5))
    request = await stage.request(key)
    assert (request.state, said(request, reminding.WAITS)) == (State.SENT, 1)
    assert len(stage.teams.messages) == 2


async def test_an_isolation_that_lasts_is_named_again_once():
    """A day after the device was isolated a reply asks whether that is still needed; then it is quiet."""
    stage = Stage(responses=RESPONSES)
    key = await stage.approved()
    await stage.until_quiet(timedelta(hours=23))
    assert said(await stage.request(key), reminding.LASTS) == 0
    await stage.until_quiet(DAYS)
    request = await stage.request(key)
    assert (request.state, said(request, reminding.LASTS), request.step_due()) == (State.SUCCEEDED, 1, None)


async def test_what_was_undone_is_not_named_again():
    """A device that was released within the day is not said to stand isolated."""
    stage = Stage(responses=RESPONSES)
    key = await stage.approved()
    await stage.until_quiet(timedelta(hours=2))
    await stage.approved("release", who=ADELE)
    await stage.until_quiet(DAYS)
    request = await stage.request(key)
    assert (said(request, reminding.LASTS), request.remind_at) == (0, None)


async def test_a_service_that_cannot_tell_is_asked_again():
    """Where the device's actions cannot be read, nothing is claimed, and it is looked at again later."""
    stage = Stage(responses=RESPONSES)
    key = await stage.approved()
    await stage.until_quiet(timedelta(hours=23))
    stage.sim.faults.add("defender.machineactions.list", Fault(kind="error", status=503, times=3))
    stage.clock.move(2 * 3600)
    await stage.work(key)
    request = await stage.request(key)
    assert (said(request, reminding.LASTS), request.remind_at is not None) == (0, True)
    await stage.until_quiet(DAYS)
    assert said(await stage.request(key), reminding.LASTS) == 1


@pytest.mark.parametrize("name", ["scan"])
async def test_what_leaves_nothing_behind_is_never_named_again(name):
    """A scan that succeeded is over."""
    stage = Stage(responses=RESPONSES)
    key = await stage.approved(name)
    await stage.until_quiet(DAYS)
    request = await stage.request(key)
    assert (request.state, len(stage.teams.messages)) == (State.SUCCEEDED, 1)


async def test_what_may_have_been_undone_is_not_said_to_stand():
    """After a release that timed out nobody knows how the device stands, so it is not said to be isolated."""
    stage = Stage(responses=RESPONSES)
    key = await stage.approved()
    await stage.until_quiet(timedelta(hours=2))
    stage.sim.dispatcher.fates[stage.devices[0].id, "Unisolate"] = "TimeOut"
    await stage.approved("release", who=ADELE)
    await stage.until_quiet(DAYS)
    assert said(await stage.request(key), reminding.LASTS) == 0
