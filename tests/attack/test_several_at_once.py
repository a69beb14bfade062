"""Several devices at once: what an asker may slip in, what two batches do to one device, what is claimed of each."""

import pytest
import pytest_asyncio

from bot.demo import ADELE, ALEX, MEGAN
from bot.responses.models import Member, State, Target
from handlers.responses import isolate, release, tag
from tests.attack.attacker import asked, attacked, kept, new_device, pressed, record, sent_to
from tests.integration.talk import chat, heard, verbs, words
from tests.responses.over_http import staged_over_http
from tests.responses.people import ADELE as ADA
from tests.responses.people import ALEX as AL
from tests.responses.people import MEGAN as MEG
from tests.responses.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory):
    async with attacked(tmp_path_factory.mktemp("data")) as running:
        yield running


def proposal(stage: Stage, name: str, **more):
    """All devices of a stage at once."""
    members = tuple(Member(target=Target(id=device.id, name=device.name)) for device in stage.devices)
    return stage.proposal(ADA, target=Target(id=name, name=name, kind="devices"), members=members, **more)


async def approved(stage: Stage, made) -> str:
    request, _ = await stage.desk().propose(made)
    if request.approvals_needed:
        await stage.desk().approve(request.id, MEG)
    return request.id


@pytest.mark.parametrize("order", ["open", "approved", "over"])
async def test_a_request_that_asks_otherwise_is_not_called_done(order):
    """Where a device has an open request of another kind, the batch follows it and never claims its own kind."""
    stage = Stage()
    alone, _ = await stage.desk().propose(stage.proposal(AL, device=1, parameters={"IsolationType": "Selective"}))
    if order != "open":
        await stage.desk().approve(alone.id, MEG)
    key = await approved(stage, proposal(stage, "devices-1", parameters={"IsolationType": "Full"}))
    await stage.work(key)
    if order == "open":
        await stage.desk().approve(alone.id, MEG)
    await stage.until_quiet()
    batch = await stage.request(key)
    assert [member.state for member in batch.members] == [State.SUCCEEDED, State.FAILED]
    assert (batch.members[1].trouble, batch.members[1].request) == ("trouble.asked_otherwise", alone.id)
    assert batch.state is State.PARTLY
    assert [action.scope for action in stage.own()].count("Full") == 1


async def test_two_tags_for_the_same_devices_are_two_things():
    """Two batches that give other tags to the same devices at the same time do both, and claim no more than that."""
    async with staged_over_http([tag.RESPONSE, isolate.RESPONSE, release.RESPONSE]) as stage:
        keys = [
            await approved(stage, proposal(stage, f"devices-{word}", response="tag", parameters={"Tag": word}))
            for word in ("first", "second")
        ]
        for key in keys:
            await stage.work(key)
        await stage.until_quiet()
        assert {(await stage.request(key)).state for key in keys} == {State.SUCCEEDED}
        assert all({"first", "second"} <= set(device.tags) for device in stage.devices)


async def test_a_device_in_two_batches_is_isolated_once():
    """Two batches with the same devices, decided at once, make one action for each device."""
    stage = Stage()
    keys = [await approved(stage, proposal(stage, f"devices-{n}")) for n in range(2)]
    for key in keys:
        await stage.work(key)
    await stage.until_quiet()
    assert [(await stage.request(key)).state for key in keys] == [State.SUCCEEDED] * 2
    assert len(stage.own()) == len(stage.devices)


async def test_a_batch_that_is_withdrawn_is_not_spread(stage):
    """What was withdrawn, or rejected, before it was spread makes nothing on any device."""
    one, other, here = new_device(stage), new_device(stage), chat(stage, (ADELE, ALEX), "channel")
    batch = await asked(stage, ADELE, f"/isolate {one.id},{other.id} beacon", here)
    await pressed(stage, ADELE, here, "withdraw", batch.id)
    await pressed(stage, ALEX, here, "approve", batch.id)
    assert (await record(stage, batch.id)).state is State.WITHDRAWN
    assert sent_to(stage, one, other) == []


async def test_one_device_named_in_many_ways_is_one(stage):
    """The same device by name, id, id in capitals and twice over is one member, and gets one action."""
    one, other, here = new_device(stage), new_device(stage), chat(stage, (ADELE, ALEX), "channel")
    said = f"{one.name},{one.id},{one.id.upper()},{one.name.lower()},{other.id},"
    batch = await asked(stage, ADELE, f"/isolate {said} beacon", here)
    assert sorted(member.target.id for member in batch.members) == sorted([one.id, other.id])
    await pressed(stage, ALEX, here, "approve", batch.id)
    await stage.until(lambda: len(sent_to(stage, one, other)) == 2)


async def test_what_a_list_becomes_after_asking_changes_nothing(stage):
    """An approver decides on the devices that they were shown, whatever is put into the list afterwards."""
    one, other, later = new_device(stage), new_device(stage), new_device(stage)
    here = chat(stage, (ADELE, ALEX), "channel")
    await stage.say(ADELE, f"/list kiosks add {one.id},{other.id}", here)
    await stage.until(lambda: heard(stage, here))
    batch = await asked(stage, ADELE, "/isolate list:kiosks beacon", here)
    await stage.say(ADELE, f"/list kiosks add {later.id}", here)
    await stage.until(lambda: [card for card in heard(stage, here) if later.name in words(card)])
    await pressed(stage, ALEX, here, "approve", batch.id, members=[later.id], target=later.id)
    await stage.until(lambda: len(sent_to(stage, one, other)) == 2)
    assert sent_to(stage, later) == []


async def test_a_device_that_defender_forgot_is_said_to_be_left_out(stage):
    """Who decides on a saved list is told that not all of it is there any more."""
    one, other, gone = new_device(stage), new_device(stage), new_device(stage)
    here = chat(stage, (ADELE, ALEX), "channel")
    await stage.say(ADELE, f"/list desks add {one.id},{other.id},{gone.id}", here)
    await stage.until(lambda: heard(stage, here))
    del stage.sim.first.devices[gone.id]
    await asked(stage, ADELE, "/isolate list:desks beacon", here)
    assert "Left out, for Defender does not list them: 1" in words(heard(stage, here)[-1])


@pytest.mark.parametrize(("count", "fits"), [(50, True), (51, False), (500, False)])
async def test_so_many_and_no_more(stage, count, fits):
    """Fifty devices are one request; one more is refused whole, and nothing of it is asked for."""
    here = chat(stage, (ADELE, MEGAN), "channel")
    for device in stage.sim.first.devices.values():
        device.risk = "Low"
    many = [new_device(stage, risk="High") for _ in range(count)]
    await stage.say(ADELE, "/isolate all:high-risk beacon", here)
    if fits:
        assert len((await kept(stage, here)).members) == count
    else:
        await stage.until(lambda: [one for one in heard(stage, here) if f"{count} devices" in words(one)])
        assert not [one for one in heard(stage, here) if "approve" in verbs(one)]
    assert sent_to(stage, *many) == []
