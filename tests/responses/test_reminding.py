"""What waits or lasts for long is said again once, in the thread of its card."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.policy.load import parsed
from bot.policy.models import Policy
from bot.posts import Post
from bot.responses import reminding
from bot.responses.models import Member, State, Target
from bot.simulator import Fault
from cards.reminder import reminder_card
from handlers.responses import isolate
from tests.cards.samples import LOOK
from tests.responses.people import ADELE, MEGAN, START, place
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


async def test_a_policy_says_when_it_is_named_again():
    """Both times are the policy's: half an hour for what waits, three days for what stands."""
    text = "[reminders]\nwaiting_minutes = 30\nstanding_minutes = 4320\n"
    stage = Stage(responses=RESPONSES)
    stage.policy = Policy(file=parsed(text, RESPONSES), source="policy.toml")
    done = await stage.approved()
    stage.sim.first.set_online(stage.devices[1], START, online=False)
    waits = await stage.approved(device=1)
    await stage.until_quiet(timedelta(minutes=25))
    assert said(await stage.request(waits), reminding.WAITS) == 0
    await stage.until_quiet(timedelta(minutes=10))
    assert said(await stage.request(waits), reminding.WAITS) == 1
    await stage.until_quiet(timedelta(hours=70))
    assert said(await stage.request(done), reminding.LASTS) == 0
    await stage.until_quiet(timedelta(hours=3))
    assert said(await stage.request(done), reminding.LASTS) == 1


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


async def for_two(stage: Stage) -> str:
    """The id of an approved isolation of two devices."""
    members = tuple(Member(target=Target(id=device.id, name=device.name)) for device in stage.devices)
    target = Target(id="devices-1", name="all:high-risk", kind="devices")
    request, _ = await stage.desk().propose(stage.proposal(ADELE, target=target, members=members))
    await stage.desk().approve(request.id, MEGAN)
    return request.id


async def test_one_of_several_devices_that_does_not_answer_is_named_again_once():
    """Below the card that the devices share, with the name of the one that is waited for, once."""
    stage = Stage(responses=RESPONSES)
    stage.sim.first.set_online(stage.devices[1], START, online=False)
    key = await for_two(stage)
    await stage.until_quiet(timedelta(hours=1, minutes=50))
    assert said(await stage.request(key), reminding.WAITS) == 0
    await stage.until_quiet(timedelta(hours=6))
    request = await stage.request(key)
    assert (request.state, said(request, reminding.WAITS)) == (State.SENT, 1)
    card = reminder_card(LOOK, request, reminding.WAITS)
    assert stage.devices[1].name in str(card.card)
    assert stage.devices[0].name not in str(card.card)


@pytest.mark.parametrize(("released", "told"), [(0, 1), (1, 1), (2, 0)])
async def test_an_isolation_of_several_is_named_again_while_one_stands(released, told):
    """A day after the last device was done; not where all of them were released since."""
    stage = Stage(responses=RESPONSES)
    key = await for_two(stage)
    await stage.until_quiet(timedelta(hours=2))
    for device in range(released):
        await stage.approved("release", who=ADELE, device=device)
    await stage.until_quiet(timedelta(hours=20))
    assert said(await stage.request(key), reminding.LASTS) == 0
    await stage.until_quiet(DAYS)
    request = await stage.request(key)
    assert (said(request, reminding.LASTS), request.remind_at) == (told, None)


async def test_what_was_done_on_some_devices_is_named_again():
    """One device failed, the other stands isolated a day later; where none was done nothing is said."""
    stage = Stage(responses=RESPONSES)
    stage.sim.dispatcher.fates[stage.devices[1].id, "Isolate"] = "Failed"
    key = await for_two(stage)
    await stage.until_quiet(DAYS)
    request = await stage.request(key)
    assert (request.state, said(request, reminding.LASTS)) == (State.PARTLY, 1)


async def test_a_device_of_several_is_not_named_again_by_itself():
    """Somebody had the card of one device's own request shown: what lasts is said below the shared card alone."""
    stage = Stage(responses=RESPONSES)
    key = await for_two(stage)
    await stage.work(key)
    one = f"{key}-01"
    await stage.desk().show_here(one, Post(key="card", place=place()))
    await stage.until_quiet(DAYS)
    assert any(post.state == "live" for post in (await stage.request(one)).posts)
    assert (said(await stage.request(one), reminding.LASTS), said(await stage.request(key), reminding.LASTS)) == (0, 1)
