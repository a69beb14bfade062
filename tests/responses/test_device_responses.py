"""What is done to a device, from the approval to its end, over HTTP against the simulator."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.responses.models import Request, State, Target
from bot.simulator import Fault
from bot.simulator.actions import Order
from handlers.responses import (
    cancel,
    collect,
    contain,
    investigate,
    isolate,
    offboard,
    quarantine,
    restrict,
    scan,
    tag,
    unrestrict,
    untag,
    value,
)
from tests.responses.over_http import HttpStage, staged_over_http
from tests.responses.people import MEGAN

MODULES = (
    cancel, collect, contain, investigate, isolate, offboard, quarantine, restrict, scan, tag, unrestrict, untag, value
)  # fmt: skip
SHA1 = "1f8b5c0e9d7a6b4c3d2e1f0a9b8c7d6e5f4a3b2c"
ACTIONS = {
    "restrict": ("RestrictCodeExecution", {}),
    "unrestrict": ("UnrestrictCodeExecution", {}),
    "collect": ("CollectInvestigationPackage", {}),
    "quarantine": ("StopAndQuarantineFile", {"Sha1": SHA1}),
    "offboard": ("Offboard", {}),
}
SEGMENTS = {
    "restrict": "restrictCodeExecution",
    "unrestrict": "unrestrictCodeExecution",
    "collect": "collectInvestigationPackage",
    "quarantine": "StopAndQuarantineFile",
    "offboard": "offboard",
}


@pytest.fixture
async def stage() -> AsyncIterator[HttpStage]:
    async with staged_over_http(module.RESPONSE for module in MODULES) as made:
        yield made


def created(stage: HttpStage, type_: str, device: int = 0) -> list[str]:
    """The comments of the calls that the service accepted."""
    return [entry.comment for entry in stage.sim.world.ledger.created(stage.devices[device].id, type_)]


def keys(request: Request) -> list[str]:
    return [step.key for step in request.story]


@pytest.mark.parametrize("response", ACTIONS)
async def test_an_action_is_sent_once_and_followed_to_its_end(stage: HttpStage, response: str):
    """One call is made, with the request's mark first, and the card ends as the device does."""
    kind, parameters = ACTIONS[response]
    request = await stage.followed(response, **parameters)
    (comment,) = created(stage, kind)
    assert comment.startswith(f"[{request.id}/1] a reason")
    assert (request.state, request.status) == (State.SUCCEEDED, "Succeeded")


@pytest.mark.parametrize("response", ACTIONS)
async def test_a_lost_answer_is_found_by_the_mark(stage: HttpStage, response: str):
    """The call was accepted and its answer lost: the action is found by its comment and not made again."""
    kind, parameters = ACTIONS[response]
    fault = Fault(kind="reset", acted=True, unlisted=40)
    stage.sim.faults.add(f"defender.machines.{SEGMENTS[response]}", fault)
    request = await stage.followed(response, **parameters)
    assert request.state is State.SUCCEEDED
    assert "story.unknown" in keys(request)
    assert len(created(stage, kind)) == 1


@pytest.mark.parametrize("repeat", ["refuse", "existing"])
async def test_another_ones_action_is_not_doubled(stage: HttpStage, repeat: str):
    """Somebody else has the same under way: it is followed, and says who started it, in both documented forms."""
    stage.sim.dispatcher.repeat = repeat
    order = Order(type="RestrictCodeExecution", scope=None, comment="portal", requestor="patti")
    stage.sim.dispatcher.submit(stage.sim.first, stage.devices[0], order)
    request = await stage.followed("restrict")
    assert created(stage, "RestrictCodeExecution") == ["portal"]
    assert (request.state, request.attempts[-1].adopted) == (State.SUCCEEDED, True)


@pytest.mark.parametrize("repeat", ["refuse", "existing"])
@pytest.mark.parametrize(("response", "method"), [("restrict", "restrict"), ("collect", "collect_package")])
async def test_another_ones_action_comes_between_listing_and_call(
    stage: HttpStage, response: str, method: str, repeat: str
):
    """The call meets one that began a moment before, in both documented forms: it is followed, and not doubled."""
    stage.sim.dispatcher.repeat = repeat
    kind, real = ACTIONS[response][0], getattr(stage.clients["defender"], method)

    async def late(machine_id: str, *, comment: str) -> object:
        order = Order(type=kind, scope=None, comment="portal", requestor="patti")
        stage.sim.dispatcher.submit(stage.sim.first, stage.devices[0], order)
        setattr(stage.clients["defender"], method, real)
        return await real(machine_id, comment=comment)

    setattr(stage.clients["defender"], method, late)
    request = await stage.followed(response)
    assert created(stage, kind) == ["portal"]
    assert (request.state, request.attempts[-1].adopted) == (State.SUCCEEDED, True)
    assert request.attempts[-1].action in stage.sim.first.actions


async def test_the_opposite_waits_its_turn(stage: HttpStage):
    """While a restriction runs its lifting waits, and the device ends as last approved."""
    await stage.asked("restrict")
    lifting = await stage.asked("unrestrict")
    await stage.until_quiet()
    assert (await stage.request(lifting)).state is State.SUCCEEDED
    assert not stage.devices[0].restricted


async def test_another_file_waits(stage: HttpStage):
    """The quarantine of another file is not taken for this one: it is waited for."""
    order = Order(
        type="StopAndQuarantineFile", scope=None, comment="portal", requestor="patti", file_sha1=SHA1.replace("1", "2")
    )
    stage.sim.dispatcher.submit(stage.sim.first, stage.devices[0], order)
    request = await stage.followed("quarantine", Sha1=SHA1)
    assert request.state is State.SUCCEEDED
    assert stage.devices[0].quarantined == [SHA1.replace("1", "2"), SHA1]


async def test_what_the_plan_lacks_ends_and_says_so(stage: HttpStage):
    """Defender for Business has no app restriction: the request ends, nothing was made."""
    stage.sim.first.plan = "business"
    request = await stage.followed("restrict")
    assert (request.state, request.trouble) == (State.FAILED, "trouble.plan")
    assert created(stage, "RestrictCodeExecution") == []


async def test_containment_is_of_its_own_kind(stage: HttpStage):
    """A device that is not onboarded is kept away, with the isolation type for that."""
    stage.devices[0].onboarding = "CanBeOnboarded"
    request = await stage.followed("contain")
    assert request.state is State.SUCCEEDED
    assert (stage.devices[0].contained, stage.devices[0].isolated) == (True, False)


async def test_a_device_that_was_onboarded_is_not_contained(stage: HttpStage):
    """Between request and approval it was onboarded: nothing is sent, and the card says why."""
    request = await stage.followed("contain")
    assert (request.state, request.trouble) == (State.FAILED, "trouble.device_onboarded")
    assert created(stage, "Isolate") == []


async def test_an_offboarded_device_is_away(stage: HttpStage):
    """The end is the action's own; afterwards the device reports no more."""
    request = await stage.followed("offboard")
    assert request.state is State.SUCCEEDED
    assert stage.devices[0].offboarded


# --- settings ---


@pytest.mark.parametrize(
    ("response", "before", "after"),
    [("tag", ["VIP"], ["VIP", "new one"]), ("untag", ["VIP", "new one"], ["VIP"])],
)
async def test_a_tag_comes_and_goes(stage: HttpStage, response: str, before: list[str], after: list[str]):
    """The device's other tags stay as they are."""
    stage.devices[0].tags = list(before)
    request = await stage.followed(response, Tag="new one")
    assert (request.state, stage.devices[0].tags) == (State.SUCCEEDED, after)


async def test_a_tag_that_is_there_is_not_sent(stage: HttpStage):
    """What holds already is found by reading, and no call is made."""
    stage.devices[0].tags = ["VIP"]
    stage.sim.faults.add("defender.machines.tags", Fault(kind="error", status=500))
    request = await stage.followed("tag", Tag="VIP")
    assert request.state is State.SUCCEEDED
    assert stage.sim.faults.waiting()


async def test_a_lost_answer_is_read_back(stage: HttpStage):
    """The tag was set and the answer lost: the device says so, and nothing is sent again."""
    stage.sim.faults.add("defender.machines.tags", Fault(kind="reset", acted=True))
    request = await stage.followed("tag", Tag="lab")
    assert (request.state, stage.devices[0].tags.count("lab")) == (State.SUCCEEDED, 1)
    assert len(request.attempts) == 1


async def test_the_value_is_set_and_read_back(stage: HttpStage):
    """The device has the value that was asked for."""
    stage.devices[0].value = "Normal"
    request = await stage.followed("value", DeviceValue="High")
    assert (request.state, stage.devices[0].value) == (State.SUCCEEDED, "High")


# --- investigations ---


@pytest.mark.parametrize(
    ("fate", "state"),
    [
        ("Benign", State.SUCCEEDED),
        ("SuccessfullyRemediated", State.SUCCEEDED),
        ("PartiallyRemediated", State.PARTLY),
        ("Failed", State.FAILED),
        ("TerminatedBySystem", State.FAILED),
        ("TerminatedByUser", State.CANCELLED),
    ],
)
async def test_an_investigation_ends_as_defender_says(stage: HttpStage, fate: str, state: State):
    """It is followed by its own id to its end, whose word stands on the card."""
    stage.sim.dispatcher.fates[stage.devices[0].id, "StartInvestigation"] = fate
    request = await stage.followed("investigate")
    assert (request.state, request.status) == (state, fate)
    assert request.attempts[-1].action in stage.sim.first.investigations
    assert len(created(stage, "StartInvestigation")) == 1


async def test_an_investigation_without_an_answer_is_found_by_its_moment(stage: HttpStage):
    """One that began then is followed and called likely; it is neither started again nor said to be surely ours."""
    stage.sim.faults.add("defender.machines.startInvestigation", Fault(kind="reset", acted=True, unlisted=70))
    request = await stage.followed("investigate")
    assert request.state is State.SUCCEEDED
    assert "story.likely" in keys(request)
    assert "story.accepted" not in keys(request)
    assert request.attempts[-1].adopted
    assert len(created(stage, "StartInvestigation")) == 1


async def test_a_running_investigation_is_followed_as_soon_as_it_is_listed(stage: HttpStage):
    """It need not have ended to be recognised: its card says that it waits for the device."""
    stage.sim.first.set_online(stage.devices[0], stage.clock.now(), online=False)
    stage.sim.faults.add("defender.machines.startInvestigation", Fault(kind="reset", acted=True, unlisted=20))
    key = await stage.asked("investigate")
    await stage.until_quiet(timedelta(seconds=40))
    request = await stage.request(key)
    assert (request.state, request.status) == (State.SENT, "PendingResource")


async def test_an_investigation_that_nobody_began_stays_unknown(stage: HttpStage):
    """The call was lost on its way: the device's older investigations are not taken for it."""
    await stage.clients["defender"].start_investigation(stage.devices[0].id, comment="an older one")
    stage.clock.move(600)
    stage.sim.faults.add("defender.machines.startInvestigation", Fault(kind="reset"))
    key = await stage.asked("investigate")
    await stage.until_quiet(timedelta(minutes=20))
    assert (await stage.request(key)).state is State.UNKNOWN
    assert len(created(stage, "StartInvestigation")) == 1


async def test_sent_again_while_the_first_runs_makes_no_second(stage: HttpStage):
    """The first turns up after an approver had it sent again: it is followed instead."""
    stage.sim.faults.add("defender.machines.startInvestigation", Fault(kind="reset", acted=True, unlisted=420))
    key = await stage.asked("investigate")
    stage.sim.first.set_online(stage.devices[0], stage.clock.now(), online=False)
    await stage.until_quiet(timedelta(minutes=6))
    stage.clock.move(180)
    await stage.desk().resend(key, MEGAN)
    stage.sim.first.set_online(stage.devices[0], stage.clock.now(), online=True)
    await stage.until_quiet()
    request = await stage.request(key)
    assert request.state is State.SUCCEEDED
    assert len(created(stage, "StartInvestigation")) == 1


# --- cancelling ---


async def waiting(stage: HttpStage) -> tuple[str, Target]:
    """A request whose action waits for its device, and that action as a target."""
    stage.sim.first.set_online(stage.devices[0], stage.clock.now(), online=False)
    key = await stage.asked("isolate", IsolationType="Full")
    await stage.until_quiet(timedelta(minutes=1))
    attempt = (await stage.request(key)).attempt
    assert attempt
    return key, Target(id=attempt.action, name="Isolate on x", kind="action")


async def test_a_waiting_action_is_cancelled(stage: HttpStage):
    """It is taken back at the service; the request that waited for it ends as cancelled, too."""
    key, action = await waiting(stage)
    request = await stage.followed("cancel", target=action)
    assert (request.state, request.status) == (State.SUCCEEDED, "Cancelled")
    assert (await stage.request(key)).state is State.CANCELLED
    assert request.marked(stage.sim.first.actions[action.id].cancel_comment or "")


async def test_a_cancel_that_comes_too_late_says_how_it_ended(stage: HttpStage):
    """The device did it in between: the cancelling has failed, and the card has the action's own end."""
    _, action = await waiting(stage)
    key = await stage.asked("cancel", target=action)
    stage.sim.first.set_online(stage.devices[0], stage.clock.now(), online=True)
    stage.clock.move(60)
    await stage.until_quiet()
    request = await stage.request(key)
    assert (request.state, request.status) == (State.FAILED, "Succeeded")
    assert stage.devices[0].isolated


async def test_a_cancel_refused_at_the_last_moment(stage: HttpStage):
    """It ended between the look and the call, which is refused: looked up again, and not called refused."""
    _, action = await waiting(stage)
    late = stage.sim.first.actions[action.id]
    stage.sim.faults.add("defender.machineactions.cancel", Fault(kind="error", status=400, code="BadRequest"))
    key = await stage.asked("cancel", target=action)
    real = stage.clients["defender"].cancel_machine_action

    async def ends_first(action_id: str, *, comment: str) -> object:
        late.status = "Succeeded"
        return await real(action_id, comment=comment)

    stage.clients["defender"].cancel_machine_action = ends_first
    await stage.until_quiet()
    request = await stage.request(key)
    assert (request.state, request.status, request.trouble) == (State.FAILED, "Succeeded", "")


async def test_a_cancel_without_an_answer_is_read_back(stage: HttpStage):
    """The answer was lost and the action is cancelled: that is seen, and it is not asked for again."""
    _, action = await waiting(stage)
    stage.sim.faults.add("defender.machineactions.cancel", Fault(kind="reset", acted=True))
    request = await stage.followed("cancel", target=action)
    assert (request.state, len(request.attempts)) == (State.SUCCEEDED, 1)


# --- the device is another one by then ---


def twin(stage: HttpStage, **more: object) -> str:
    """The first device, installed anew: the same name under a new id."""
    old = stage.devices[0]
    new = replace(old, id="f" * 40, first_seen=stage.clock.now(), last_seen=stage.clock.now(), **more)
    stage.sim.first.devices[new.id] = new
    return new.id


EVERY = ["restrict", "isolate", "scan", "collect", "offboard", "quarantine", "investigate", "tag", "value"]
PARAMETERS = {
    "quarantine": {"Sha1": SHA1},
    "tag": {"Tag": "x"},
    "value": {"DeviceValue": "High"},
    "isolate": {"IsolationType": "Full"},
    "scan": {"ScanType": "Quick"},
}


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("response", EVERY)
async def test_nothing_is_sent_to_a_device_that_was_installed_anew(stage: HttpStage, *, response: str, listed: bool):
    """Whether the old id is still listed or not: the card names both ids, and nothing was sent to either."""
    key = await stage.asked(response, **PARAMETERS.get(response, {}))
    stage.clock.move(5)
    new = twin(stage)
    if not listed:
        del stage.sim.first.devices[stage.devices[0].id]
    stage.devices[0].tags, stage.devices[0].value = [], "Low"
    await stage.until_quiet()
    request = await stage.request(key)
    assert (request.state, request.trouble) == (State.FAILED, "trouble.device_anew")
    assert (request.trouble_values["id"], keys(request)[-1]) == (new, "story.changed")
    assert stage.sim.world.ledger.entries == []
    assert (stage.devices[0].tags, stage.devices[0].value) == ([], "Low")


async def test_nothing_is_sent_to_a_device_that_is_called_otherwise_now(stage: HttpStage):
    """The same id has another name: people decided by the old one, so they are asked again."""
    key = await stage.asked("isolate", IsolationType="Full")
    stage.devices[0].name = "somebody-elses-pc"
    await stage.until_quiet()
    request = await stage.request(key)
    assert (request.state, request.trouble) == (State.FAILED, "trouble.device_renamed")
    assert request.trouble_values["name"] == "somebody-elses-pc"
    assert stage.sim.world.ledger.entries == []


async def test_a_device_that_is_gone(stage: HttpStage):
    """Defender knows it no more: the card says so."""
    key = await stage.asked("isolate", IsolationType="Full")
    del stage.sim.first.devices[stage.devices[0].id]
    await stage.until_quiet()
    request = await stage.request(key)
    assert (request.state, request.trouble) == (State.FAILED, "trouble.device_gone")


async def test_a_name_that_two_had_before_is_no_change(stage: HttpStage):
    """Two devices of one name were told apart when it was asked for: that is no reason not to send."""
    twin(stage)
    stage.clock.move(60)
    request = await stage.followed("isolate", IsolationType="Full")
    assert request.state is State.SUCCEEDED
    assert stage.devices[0].isolated


async def test_an_action_that_is_ours_already_is_followed_all_the_same(stage: HttpStage):
    """It was sent, its answer was lost, then the device was installed anew: what was sent is still followed."""
    stage.sim.faults.add("defender.machines.isolate", Fault(kind="reset", acted=True))
    key = await stage.asked("isolate", IsolationType="Full")
    await stage.until_quiet(timedelta(seconds=1))
    twin(stage)
    await stage.until_quiet()
    assert (await stage.request(key)).state is State.SUCCEEDED
