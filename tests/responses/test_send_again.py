"""Sending again beside what was approved since: what a person pressed last is what is done last."""

import asyncio

import pytest

from bot.errors import NotAllowed, PersonError, Stale
from bot.responses import requests
from bot.responses.models import Member, Request, State, Target
from bot.simulator import Fault
from handlers.responses import RESPONSES
from tests.responses.people import ADELE, ALEX, MEGAN, PATTI
from tests.responses.stage import Stage

ISOLATE = "defender.machines.isolate"
REFUSED = "undone_by_waiting"


async def unknown(stage: Stage) -> str:
    """The id of an isolation whose call was lost and was looked for in vain."""
    stage.sim.faults.add(ISOLATE, Fault(kind="reset"))
    key = await stage.approved()
    await pass_minutes(stage, 6, key)
    assert (await stage.request(key)).state is State.UNKNOWN
    return key


async def pass_minutes(stage: Stage, minutes: int, *keys: str) -> None:
    for _ in range(minutes * 4):
        for key in keys:
            await stage.work(key)
        stage.clock.move(15)


def for_all(stage: Stage, response: str):
    """A proposal of the response for all devices of the stage."""
    members = tuple(Member(target=Target(id=device.id, name=device.name)) for device in stage.devices)
    target = Target(id="devices-1", name="all:high-risk", kind="devices")
    return stage.proposal(PATTI, response, target=target, members=members)


async def refused(stage: Stage, key: str, by: str) -> None:
    """It is refused, with the id of what waits, and nothing has changed."""
    before: Request = await stage.request(key)
    with pytest.raises(PersonError, match=REFUSED) as said:
        await stage.desk().resend(key, MEGAN)
    assert not isinstance(said.value, Stale | NotAllowed)
    assert (said.value.values["id"], said.value.values["response"]) == (by, "release")
    assert await stage.request(key) == before


async def test_what_would_be_undone_at_once_is_not_sent_again():
    """A release was approved later and waits: the isolation is not sent again; given up, it lets the release go."""
    stage = Stage()
    first = await unknown(stage)
    second = await stage.approved("release", PATTI)
    await stage.work(second)
    await refused(stage, first, second)
    await stage.desk().give_up(first, MEGAN)
    await stage.until_quiet()
    assert [action.type for action in stage.own()] == ["Unisolate"]
    assert (await stage.request(second)).state is State.SUCCEEDED


@pytest.mark.parametrize("spread", [False, True])
async def test_a_release_of_several_devices_counts_too(spread):
    """Whether the device's own release was made of the approved one for several already or not."""
    stage = Stage()
    first = await unknown(stage)
    many, _ = await stage.desk().propose(for_all(stage, "release"))
    await stage.desk().approve(many.id, MEGAN)
    if spread:
        await stage.work(many.id)
    await refused(stage, first, f"{many.id}-01" if spread else many.id)


async def test_a_member_of_several_is_not_sent_again_either():
    """The isolation of one of several devices is unknown, and its release waits."""
    stage = Stage()
    stage.sim.faults.add(ISOLATE, Fault(kind="reset"))
    many, _ = await stage.desk().propose(for_all(stage, "isolate"))
    await stage.desk().approve(many.id, MEGAN)
    await stage.work(many.id)
    member = f"{many.id}-01"
    await pass_minutes(stage, 6, member)
    waits = await stage.approved("release", ALEX)
    await refused(stage, member, waits)


@pytest.mark.parametrize("waiting", ["nothing", "a release nobody approved", "a scan", "another device", "expired"])
async def test_what_does_not_undo_it_does_not_hold_it_up(waiting):
    """Sending again is a person's right as long as no approved request would turn it back."""
    stage = Stage()
    first = await unknown(stage)
    if waiting == "a release nobody approved":
        await stage.desk().propose(stage.proposal(PATTI, "release"))
    elif waiting == "a scan":
        await stage.approved("scan", PATTI)
    elif waiting == "another device":
        await stage.approved("release", PATTI, device=1)
    elif waiting == "expired":
        second = await stage.approved("release", PATTI)
        await pass_minutes(stage, 61, second)
        assert (await stage.request(second)).state is State.EXPIRED
    await stage.desk().resend(first, MEGAN)
    await stage.work(first)
    assert (await stage.request(first)).state is State.SENT


@pytest.mark.parametrize("several", [False, True])
async def test_an_approval_of_the_same_instant_is_seen(several):
    """Wherever "send again" is held up while the release is approved: it is refused, or was written before that."""
    outcomes = []
    for at in range(1, 30):
        stage = Stage()
        first = await unknown(stage)
        proposal = for_all(stage, "release") if several else stage.proposal(PATTI, "release")
        asked, _ = await stage.desk().propose(proposal)
        process = stage.process()
        process.arm(at, "hold before")
        pressed = asyncio.create_task(stage.desk(process).resend(first, MEGAN))
        for _ in range(60):
            await asyncio.sleep(0)
        if not process.upset:
            await pressed
            break
        written = (await stage.request(first)).state is State.APPROVED
        await stage.desk().approve(asked.id, ALEX)
        process.let_go()
        (error,) = await asyncio.gather(pressed, return_exceptions=True)
        assert getattr(error, "key", "") == ("" if written else f"error.{REFUSED}"), f"held at {at}"
        outcomes.append(written)
    assert len(outcomes) > 4
    assert not all(outcomes)


async def test_what_waits_is_found_behind_many_others():
    """However many requests for other devices came since, also of one for several that is not spread yet."""
    stage = Stage()
    first = await unknown(stage)
    many, _ = await stage.desk().propose(for_all(stage, "release"))
    await stage.desk().approve(many.id, MEGAN)
    for number in range(510):
        target = Target(id=f"{number:040x}", name="another")
        await stage.desk().propose(stage.proposal(PATTI, "isolate", target=target))
    await refused(stage, first, many.id)


async def test_what_was_approved_after_send_again_comes_after_it():
    """First "send again", then the approval of the release: in that order they are done."""
    stage = Stage()
    first = await unknown(stage)
    asked, _ = await stage.desk().propose(stage.proposal(PATTI, "release"))
    await stage.desk().resend(first, MEGAN)
    await stage.desk().approve(asked.id, MEGAN)
    await stage.until_quiet()
    assert [action.type for action in stage.own()] == ["Isolate", "Unisolate"]


async def test_the_requester_hears_first_that_it_is_the_own_request():
    """Who may not decide is told so, and not what waits."""
    stage = Stage()
    first = await unknown(stage)
    await stage.approved("release", PATTI)
    with pytest.raises(NotAllowed, match="own_request"):
        await stage.desk().resend(first, ADELE)


PAIRS = [
    ("allow", "block", True, True),  # one and the same removal undoes either
    ("unblock", "block", True, True),
    ("isolate", "release", True, True),
    ("start-service", "stop-service", True, True),
    ("start-service", "stop-service", False, False),  # of another service
    ("retire", "wipe", True, False),  # neither brings back what the other removes
    ("kill-process", "stop-service", True, False),
]


@pytest.mark.parametrize(("later", "earlier", "alike", "undone"), PAIRS)
async def test_what_undoes_what(later, earlier, alike, undone):
    """By what is declared: the inverse, or another setting of the same; of the very same thing where that counts."""
    stage = Stage(responses={response.name: response for response in RESPONSES})
    given = {"Name": "one"}
    waits, _ = await stage.desk().propose(stage.proposal(ADELE, later, parameters=given))
    for who in (MEGAN, ALEX):
        if (await stage.request(waits.id)).state is State.PROPOSED:
            await stage.desk().approve(waits.id, who)
    asked = stage.proposal(PATTI, earlier, parameters=given if alike else {"Name": "two"})
    other, _ = await stage.desk().propose(asked)
    found = await requests.undone_by(stage.services(), other)
    assert (found is not None and found.id == waits.id) == undone
