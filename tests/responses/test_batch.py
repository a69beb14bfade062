"""One request for several devices: one decision, one action and one result per device, whatever happens between."""

import json

import pytest

from bot.responses import requests
from bot.responses.batch import MOST
from bot.responses.models import Member, State, Target
from bot.simulator import Fault
from bot.state.store import Change
from bot.turn import Look
from cards.request import request_card
from tests.responses.people import ADELE, ALEX, MEGAN, TENANT
from tests.responses.processes import Killed
from tests.responses.stage import Stage

ISOLATE = "defender.machines.isolate"


def several(stage: Stage, **more):
    """A proposal for all devices of the stage."""
    members = tuple(Member(target=Target(id=device.id, name=device.name)) for device in stage.devices)
    target = Target(id="devices-1", name="all:high-risk", kind="devices")
    return stage.proposal(ADELE, target=target, members=members, **more)


async def approved(stage: Stage) -> str:
    request, _ = await stage.desk().propose(several(stage))
    await stage.desk().approve(request.id, MEGAN)
    return request.id


async def test_one_approval_isolates_each_device_once():
    """Each device gets one action with a mark of its own request, and the card ends when the last one has ended."""
    stage = Stage()
    key = await approved(stage)
    await stage.until_quiet()
    request = await stage.request(key)
    assert request.state is State.SUCCEEDED
    assert [member.state for member in request.members] == [State.SUCCEEDED] * 2
    assert [action.comment.partition("/")[0] for action in stage.own()] == [f"[{key}-01", f"[{key}-02"]
    assert all(device.isolated for device in stage.devices)
    assert {one.state for one in await stage.requests()} == {State.SUCCEEDED}


async def test_after_the_decision_no_device_is_said_to_wait_for_one():
    """The card that follows the approval says of each device how its own request stands at that moment."""
    stage = Stage()
    alone, _ = await stage.desk().propose(stage.proposal(ALEX, device=1))
    key = await approved(stage)
    await stage.work(key)
    states = {member.request: member.state for member in (await stage.request(key)).members}
    assert states == {f"{key}-01": State.APPROVED, alone.id: State.PROPOSED}


async def test_nothing_is_sent_before_the_decision():
    """A request for several devices that nobody approves expires, and no device has heard of it."""
    stage = Stage()
    request, _ = await stage.desk().propose(several(stage))
    await stage.until_quiet()
    assert (await stage.request(request.id)).state is State.EXPIRED
    assert stage.own() == []
    assert len(await stage.requests()) == 1


async def test_the_requester_may_not_decide_for_all():
    """Four eyes hold for several devices as for one."""
    stage = Stage()
    request, _ = await stage.desk().propose(several(stage))
    with pytest.raises(Exception, match="own_request"):
        await stage.desk().approve(request.id, ADELE)


async def test_what_fails_on_one_device_is_shown_for_that_device():
    """One device fails, the other succeeds: done on some, each with its own end."""
    stage = Stage()
    stage.sim.dispatcher.fates[stage.devices[1].id, "Isolate"] = "Failed"
    key = await approved(stage)
    await stage.until_quiet()
    request = await stage.request(key)
    assert request.state is State.PARTLY
    assert [member.state for member in request.members] == [State.SUCCEEDED, State.FAILED]


async def test_a_device_that_the_service_refuses_does_not_hold_up_the_rest():
    """The refusal is shown with its trouble where it happened."""
    stage = Stage()
    stage.sim.faults.add(ISOLATE, Fault(kind="forbidden"))
    key = await approved(stage)
    await stage.until_quiet()
    request = await stage.request(key)
    assert request.state is State.PARTLY
    assert sorted(member.state for member in request.members) == [State.FAILED, State.SUCCEEDED]
    assert [member.trouble for member in request.members if member.state is State.FAILED] == ["trouble.permission"]


async def test_no_device_done_is_not_called_partly():
    """Where every device failed, the whole has failed."""
    stage = Stage()
    for device in stage.devices:
        stage.sim.dispatcher.fates[device.id, "Isolate"] = "Failed"
    key = await approved(stage)
    await stage.until_quiet()
    assert (await stage.request(key)).state is State.FAILED


async def test_a_device_whose_answer_never_came_keeps_the_whole_open():
    """One that is unknown waits for a person; the whole is not over, and its card says which one it is."""
    stage = Stage()
    stage.sim.faults.add(ISOLATE, Fault(kind="timeout", seconds=26))
    key = await approved(stage)
    await stage.until_quiet()
    request = await stage.request(key)
    assert request.state is State.SENT
    assert sorted(member.state for member in request.members) == [State.SUCCEEDED, State.UNKNOWN]
    (unknown,) = (member.request for member in request.members if member.state is State.UNKNOWN)
    await stage.desk().give_up(unknown, MEGAN)
    await stage.until_quiet()
    assert (await stage.request(key)).state is State.PARTLY


async def test_a_device_that_is_asked_for_by_itself_already_is_not_asked_twice():
    """The open request for that device is followed instead, and no second action is made."""
    stage = Stage()
    alone, _ = await stage.desk().propose(stage.proposal(ALEX, device=1))
    key = await approved(stage)
    await stage.work(key)
    assert alone.id in [member.request for member in (await stage.request(key)).members]
    await stage.desk().approve(alone.id, MEGAN)
    await stage.until_quiet()
    assert (await stage.request(key)).state is State.SUCCEEDED
    assert len(stage.own()) == len(stage.devices)


@pytest.mark.parametrize("count", range(1, 21))
@pytest.mark.parametrize("how", ["die before", "die after"])
async def test_wherever_the_worker_dies_each_device_gets_one_action(count, how):
    """A worker dies while it makes the devices' requests: another goes on, none is made twice, none is forgotten."""
    stage = Stage()
    key = await approved(stage)
    process = stage.process()
    process.arm(count, how)
    try:
        await stage.work(key, process)
    except Killed:
        assert process.dead
    await stage.until_quiet()
    request = await stage.request(key)
    assert request.state is State.SUCCEEDED
    assert [action.machine_id for action in stage.own()] == [device.id for device in stage.devices]
    assert len(await stage.requests()) == 1 + len(stage.devices)


async def test_a_device_that_is_over_before_the_rest_was_made_is_not_done_again():
    """The worker dies after the first device's request, which comes to its end before another worker makes the rest."""
    stage = Stage()
    key = await approved(stage)
    count = 0
    while len(await stage.requests()) < 2:
        count += 1
        process = stage.process()
        process.arm(count, "die after")
        try:
            await stage.work(key, process)
        except Killed:
            stage.clock.move(60)
    first = f"{key}-01"
    while not (await stage.request(first)).final:
        stage.clock.move(5)
        await stage.work(first)
    await stage.until_quiet()
    assert (await stage.request(key)).state is State.SUCCEEDED
    assert [action.machine_id for action in stage.own()] == [device.id for device in stage.devices]


def test_a_request_has_room_for_fifty_devices():
    """The bound is the one that the command promises."""
    assert MOST == 50


async def forget(stage: Stage, key: str) -> None:
    """The store loses one request."""
    record = await stage.store.get(TENANT, requests.KIND, key)
    assert record
    await stage.store.commit(TENANT, [Change(kind=requests.KIND, id=key, rev=record.rev, data=None)])


async def test_a_device_whose_record_is_lost_is_unknown_and_nobody_gave_it_up():
    """Its request is no longer in the store: unknown, said so, and the whole ends, for nobody can decide on it."""
    stage = Stage()
    stage.sim.first.set_online(stage.devices[1], stage.clock.now(), online=False)
    key = await approved(stage)
    await stage.work(key)
    await stage.work(f"{key}-02")
    await forget(stage, f"{key}-02")
    await stage.until_quiet()
    request = await stage.request(key)
    assert [member.state for member in request.members] == [State.SUCCEEDED, State.UNKNOWN]
    assert (request.members[1].trouble, request.state) == ("trouble.record_lost", State.PARTLY)
    said = json.dumps(request_card(Look(now=stage.clock.now()), request).card)
    assert "My record of it is lost, so what became of it is unknown" in said
    assert "iven up" not in said
    assert f"device {stage.devices[1].id}" in said, "the way to the device"
    assert f"request {key}-02" not in said, "there is no card of its own to show"


async def test_a_device_that_ended_stays_so_when_its_record_runs_out():
    """Records are kept for half a year, a request for several for as long as one of its devices is open."""
    stage = Stage()
    stage.sim.first.set_online(stage.devices[1], stage.clock.now(), online=False)
    key = await approved(stage)
    await stage.work(key)
    for _ in range(20):
        for name in (f"{key}-01", key):
            await stage.work(name)
        stage.clock.move(10)
    await forget(stage, f"{key}-01")
    stage.clock.move(2000)
    await stage.work(key)
    member = (await stage.request(key)).members[0]
    assert (member.state, member.trouble) == (State.SUCCEEDED, "")


async def test_a_device_whose_record_is_lost_is_said_to_be():
    """A failover may lose a device's own request: its line says so, and the whole ends without claiming it."""
    stage = Stage()
    key = await approved(stage)
    await stage.work(key)
    lost = await stage.store.get(TENANT, requests.KIND, f"{key}-02")
    await stage.store.commit(TENANT, [Change(kind=requests.KIND, id=lost.id, rev=lost.rev, data=None)])
    await stage.until_quiet()
    request = await stage.request(key)
    assert request.state is State.PARTLY
    assert [member.trouble for member in request.members] == ["", "trouble.record_lost"]
