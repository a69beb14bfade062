"""An operator who wants a response without the approval that the policy asks for, with what operators may do."""

import asyncio
import dataclasses

import pytest
import pytest_asyncio

from bot.demo import ADELE, ALEX, PATTI, TENANT
from bot.responses import requests
from bot.responses.models import State
from tests.attack.attacker import asked, attacked, kept, new_device, pressed, record, sent_to, to_decide
from tests.integration.conftest import find_button
from tests.integration.talk import ask, chat, heard, words
from tests.moved_clock import MovedClock

pytestmark = pytest.mark.asyncio(loop_scope="module")
POLICY = """
priority_accounts = ["ceo@contoso.com"]

[response.isolate]
veto_minutes = 15
decide_within_minutes = 120

[[rule]]
name = "the board"
when.priority_account = true
when.responses = ["restrict"]
then.forbidden = "Please call the board's office."

[[rule]]
name = "test machines"
when.tags = ["Lab  Machine"]
then.preapproved = true
then.i_accept_the_risk = true

[[rule]]
name = "what matters"
when.device_values = ["high"]
when.responses = ["isolate"]
then.approvals = 2
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def clock():
    return MovedClock()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, clock: MovedClock):
    async with attacked(tmp_path_factory.mktemp("data"), POLICY, clock) as running:
        yield running


@pytest.mark.parametrize("tag", ["lab machine", '"LAB MACHINE"', '"Lab\u00a0 Machine"'])
async def test_a_tag_that_a_rule_asks_for_is_not_given_alone(stage, tag):
    """Who gives a device the tag of a pre-approval needs an approver for the tag, so nothing of it runs unseen."""
    device, here = new_device(stage), chat(stage, [ADELE, ALEX], "channel")
    said = tag if tag.startswith('"') else f'"{tag}"'
    tagging = await asked(stage, ADELE, f"/tag {device.id} {said}", here)
    assert [why.key for why in tagging.terms.why] == ["policy.why.steers"]
    assert "a rule looks at what this changes" in words(await to_decide(stage, here))
    await asked(stage, ADELE, f"/isolate {device.id} it is only a test machine", here)
    assert device.tags == []
    assert sent_to(stage, device) == []


async def test_a_tag_for_many_or_by_a_press_is_not_given_alone_either(stage):
    """The same holds for several devices at once, for a forged press, and for taking such a tag away."""
    one, other, here = new_device(stage), new_device(stage), chat(stage, [ADELE, ALEX], "channel")
    await asked(stage, ADELE, f'/tag {one.id},{other.id} "lab machine"', here)
    before = len(heard(stage, here))
    await pressed(stage, ADELE, here, "propose", f"tag:{one.id}", Tag="Lab Machine")
    assert (await kept(stage, here, before)).response == "tag"
    lab = new_device(stage, tags=["Lab Machine"])
    await asked(stage, ADELE, f'/untag {lab.id} "lab machine"', here)
    assert (one.tags, other.tags, lab.tags) == ([], [], ["Lab Machine"])


async def test_a_tag_that_no_rule_asks_for_runs_as_ever(stage):
    """Other tags are as harmless as they were."""
    device, here = new_device(stage), chat(stage, [ADELE], "channel")
    await stage.say(ADELE, f"/tag {device.id} laboratory", here)
    await stage.until(lambda: device.tags == ["laboratory"])


async def test_a_value_that_a_rule_asks_for_is_not_lowered_alone(stage):
    """Who says that a device matters less needs an approver where a rule looks at the value."""
    device, here = new_device(stage, value="High"), chat(stage, [ADELE, ALEX], "channel")
    await asked(stage, ADELE, f"/value {device.id} low", here)
    assert (await asked(stage, ADELE, f"/isolate {device.id} beacon", here)).approvals_needed == 2
    assert device.value == "High"


async def test_a_priority_account_does_not_hide_behind_others(stage):
    """A rule about an account holds for a device that many others use, too."""
    model = next(d for d in stage.sim.first.devices.values() if d.users).users[0]
    everyone = [dataclasses.replace(model, account=name) for name in [*(f"worker{n}" for n in range(12)), "ceo"]]
    device, here = new_device(stage, users=everyone), chat(stage, [ADELE, ALEX], "channel")
    said = words(await ask(stage, ADELE, f"/restrict {device.id} beacon", here))
    assert "call the board's office" in said
    assert sent_to(stage, device) == []


async def test_no_veto_in_rooms_of_ones_own(stage, clock):
    """What runs unless somebody objects does not run where the requester alone chose who sees it."""
    device = new_device(stage)
    rooms = [chat(stage, [ADELE], "groupChat"), chat(stage, [ADELE], "channel")]
    request = await asked(stage, ADELE, f"/isolate {device.id} beacon", rooms[0])
    await ask(stage, ADELE, f"/request {request.id}", rooms[1])
    assert "Runs by itself" not in words(heard(stage, rooms[1])[-1])
    for _ in range(3):
        clock.move(15 * 60 + 2)
        await stage.bot.services.wake(TENANT, requests.KIND, request.id)
        await asyncio.sleep(0.3)
    assert (await requests.get(stage.bot.services, TENANT, request.id)).state is State.PROPOSED
    assert sent_to(stage, device) == []


async def test_a_veto_counts_where_people_watch(stage, clock):
    """In a conversation that subscribed to requests the same runs when nobody objected."""
    device, here = new_device(stage), chat(stage, [ADELE, ALEX, PATTI], "channel")
    await stage.say(PATTI, "/subscribe requests", here)
    await stage.until(lambda: [one for one in heard(stage, here) if "This conversation is subscribed" in words(one)])
    await stage.say(ADELE, f"/isolate {device.id} beacon", here)
    card = (await stage.until(lambda: [one for one in heard(stage, here) if device.name in words(one)]))[-1]
    assert "Runs by itself" in words(card)
    request = await record(stage, find_button(card.activity, "approve")["id"])
    clock.move(15 * 60 + 2)
    await stage.bot.services.wake(TENANT, requests.KIND, request.id)
    await stage.until(lambda: sent_to(stage, device))
