"""One request's way through the service, case by case: what is sent, when it is not, and what its record says."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import Rejected
from bot.responses import follow
from bot.responses.models import State
from bot.simulator import Fault
from bot.simulator.actions import Order, Pace
from handlers.responses import isolate
from tests.responses.people import ADELE, ALEX, MEGAN, PATTI, TENANT
from tests.responses.stage import RESPONSES, Stage

ISOLATE = "defender.machines.isolate"
LIST = "defender.machineactions.list"


async def pass_time(stage: Stage, seconds: float, *keys: str) -> None:
    """Let time pass in small steps, with these requests' jobs at work."""
    for _ in range(int(seconds / 5)):
        stage.clock.move(5)
        for key in keys:
            await stage.work(key)


def portal(stage: Stage, type_: str, scope: str | None = None, device: int = 0) -> str:
    order = Order(type=type_, scope=scope, comment="portal", requestor="admin@fabrikam.example")
    return stage.sim.dispatcher.submit(stage.sim.first, stage.devices[device], order).id


async def what_is_sent(stage: Stage, key: str) -> list[str]:
    stage.sim.dispatcher.advance(stage.sim.first)
    return [action.type for action in stage.own(key)]


async def test_an_approved_request_is_sent_and_followed_to_its_end():
    """One action with our mark, who and why; its end on the device ends the request."""
    stage = Stage()
    key = await stage.approved(reason="beacon  to a\nbad host")
    await stage.work(key)
    sent = await stage.request(key)
    assert (sent.state, sent.status) == (State.SENT, "Pending")
    assert stage.own(key)[0].comment == f"[{key}/1] beacon to a bad host (asked: Adele; approved: Megan)"
    await stage.until_quiet()
    done = await stage.request(key)
    assert (done.state, stage.devices[0].isolated, len(stage.own())) == (State.SUCCEEDED, True, 1)


@pytest.mark.parametrize(("fate", "state"), [("Failed", State.FAILED), ("TimeOut", State.TIMED_OUT)])
async def test_an_action_that_fails_is_said_to_have_failed(fate, state):
    """The service's own end is the request's end."""
    stage = Stage()
    stage.sim.dispatcher.fates[stage.devices[0].id, "Isolate"] = fate
    key = await stage.approved()
    await stage.until_quiet()
    assert ((await stage.request(key)).state, stage.devices[0].isolated) == (state, False)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="throttled", retry_after=60),
        Fault(kind="expired"),
        Fault(kind="error", status=400, code="ActiveRequestAlreadyExists"),
    ],
)
async def test_what_was_not_carried_out_is_sent_later_under_the_same_mark(fault):
    """429, 401 and "already in progress" are said on the card, and the call is made again by itself."""
    stage = Stage()
    stage.sim.faults.add(ISOLATE, fault)
    key = await stage.approved()
    await stage.work(key)
    waiting = await stage.request(key)
    assert (waiting.state, waiting.attempts) == (State.APPROVED, ())
    assert waiting.trouble in ("trouble.throttled", "trouble.unauthorised", "trouble.busy")
    pause = timedelta(seconds=60 if fault.retry_after else 15)
    assert timedelta(0) <= waiting.next_check - waiting.created - pause < timedelta(seconds=1)
    await stage.until_quiet()
    assert [a.comment[: len(key) + 4] for a in stage.own()] == [f"[{key}/1]"]


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (Fault(kind="forbidden"), "trouble.permission"),
        (Fault(kind="plan"), "trouble.plan"),
        (Fault(kind="error", status=404), "trouble.missing"),
        (Fault(kind="error", status=400, code="OsPlatformNotSupported"), "trouble.rejected"),
    ],
)
async def test_a_refusal_ends_the_request_and_says_why(fault, trouble):
    """What the service refuses for good is not tried again; the way is free for the next request."""
    stage = Stage()
    stage.sim.faults.add(ISOLATE, fault)
    key = await stage.approved()
    await stage.work(key)
    over = await stage.request(key)
    assert (over.state, over.trouble, over.status, stage.own()) == (State.FAILED, trouble, "", [])
    other = await stage.approved()
    await stage.work(other)
    assert (await stage.request(other)).state is State.SENT


@pytest.mark.parametrize("kind", ["timeout", "reset", "html", "error"])
@pytest.mark.parametrize("unlisted", [0.0, 100.0, 180.0])
async def test_a_call_without_answer_is_found_again(kind, unlisted):
    """However late the service lists the action it accepted, it is found and never made a second time."""
    stage = Stage()
    stage.sim.faults.add(ISOLATE, Fault(kind=kind, acted=True, unlisted=unlisted))
    key = await stage.approved()
    await stage.work(key)
    assert (await stage.request(key)).state is State.UNKNOWN
    await stage.until_quiet()
    assert ((await stage.request(key)).state, len(stage.own())) == (State.SUCCEEDED, 1)


async def test_a_call_that_was_lost_stays_unknown_until_a_person_decides():
    """Nothing is sent again by itself; after five minutes the card asks, and "send again" is a second attempt."""
    stage = Stage()
    stage.sim.faults.add(ISOLATE, Fault(kind="reset"))
    key = await stage.approved()
    await stage.until_quiet(timedelta(hours=3))
    assert ((await stage.request(key)).state, stage.own()) == (State.UNKNOWN, [])
    await stage.desk().resend(key, ALEX)
    await stage.until_quiet()
    assert ((await stage.request(key)).state, await what_is_sent(stage, key)) == (State.SUCCEEDED, ["Isolate"])
    assert stage.own()[0].comment.startswith(f"[{key}/2]")


async def test_sending_again_finds_what_the_first_attempt_became():
    """Where the action turned up after the search, the second attempt takes it and sends nothing."""
    stage = Stage()
    stage.sim.faults.add(ISOLATE, Fault(kind="reset", acted=True, unlisted=400))
    key = await stage.approved()
    await pass_time(stage, 350, key)
    await stage.desk().resend(key, ALEX)
    stage.clock.move(60)
    await stage.work(key)
    request = await stage.request(key)
    assert (request.state, request.attempt.number, len(stage.own())) == (State.SENT, 2, 1)
    assert request.attempt.action == stage.own()[0].id


@pytest.mark.parametrize("how", ["refused", "too late"])
async def test_a_second_attempt_that_fails_leaves_the_first_unknown(how):
    """When "send again" came to nothing, the card goes on to say that the first call may have been accepted."""
    stage = Stage()
    stage.sim.faults.add(ISOLATE, Fault(kind="reset"))
    key = await stage.approved()
    await pass_time(stage, 330, key)
    fault = Fault(kind="forbidden") if how == "refused" else Fault(kind="expired", times=9999)
    stage.sim.faults.add(ISOLATE, fault)
    await stage.desk().resend(key, ALEX)
    await stage.until_quiet(timedelta(hours=2))
    assert (await stage.request(key)).state is State.UNKNOWN
    await stage.desk().give_up(key, ALEX)
    assert (await stage.request(key)).state is State.GIVEN_UP


async def test_nothing_is_sent_where_the_device_cannot_be_listed():
    """Without knowing what is under way no call is made; when its time is over the request expires unsent."""
    stage = Stage()
    stage.sim.faults.add(LIST, Fault(kind="error", status=503, times=9999))
    key = await stage.approved()
    await stage.until_quiet()
    assert ((await stage.request(key)).state, stage.own()) == (State.EXPIRED, [])
    assert stage.defender.listed > 100


async def test_the_list_is_read_before_the_call():
    """The device's actions are listed once before the POST."""
    stage = Stage()
    key = await stage.approved()
    before = stage.defender.listed
    await stage.work(key)
    assert stage.defender.listed == before + 1


async def test_a_slow_listing_delays_the_call_to_the_next_time():
    """A process that was held up for longer than it may send sends nothing, and tries again afresh."""
    stage = Stage()
    stage.sim.faults.add(LIST, Fault(kind="slow", seconds=22))
    key = await stage.approved()
    services = replace(stage.services(), defender=lambda _customer: stage.defender)  # no limit but follow.py's own
    await follow.step(services, TENANT, key)
    assert ((await stage.request(key)).state, stage.own()) == (State.APPROVED, [])
    await stage.until_quiet()
    assert len(stage.own()) == 1


@pytest.mark.parametrize("scope", ["Full", "full"])
async def test_the_same_action_of_another_is_adopted(scope):
    """Somebody isolates the device in the portal: the request follows that action and says that it is not its own."""
    stage = Stage()
    foreign = portal(stage, "Isolate", scope)
    key = await stage.approved()
    await stage.work(key)
    request = await stage.request(key)
    assert (request.attempt.action, request.attempt.adopted, stage.own()) == (foreign, True, [])
    await stage.until_quiet()
    assert (await stage.request(key)).state is State.SUCCEEDED


@pytest.mark.parametrize(("type_", "scope"), [("Isolate", "Selective"), ("Isolate", None), ("Unisolate", None)])
async def test_another_action_of_the_family_is_waited_for(type_, scope):
    """One that does something else, or does not say what it does, is named, waited for, and then ours is sent."""
    stage = Stage()
    portal(stage, type_, scope)
    key = await stage.approved()
    await stage.work(key)
    waiting = await stage.request(key)
    assert (waiting.state, waiting.trouble, stage.own()) == (State.APPROVED, "trouble.other_action", [])
    assert waiting.trouble_values["type"] == type_
    await stage.until_quiet()
    assert ((await stage.request(key)).state, len(stage.own())) == (State.SUCCEEDED, 1)


async def test_an_action_of_another_family_does_not_matter():
    """A scan that runs for hours does not delay an isolation."""
    stage = Stage()
    portal(stage, "RunAntiVirusScan", "Full")
    key = await stage.approved()
    await stage.work(key)
    assert (await stage.request(key)).state is State.SENT


@pytest.mark.parametrize(("scope", "state"), [("Full", State.SENT), ("Selective", State.APPROVED)])
async def test_the_service_may_answer_with_anothers_action(scope, state):
    """A POST may be answered with an action that was active already: it is adopted only if it does the same."""
    stage = Stage()
    stage.sim.dispatcher.repeat = "existing"
    key = await stage.approved()
    listing = stage.defender.machine_actions

    class Racing(type(stage.defender)):
        """Somebody acts between our listing and our call."""

        async def machine_actions(self, **more):
            """List, then let the portal act."""
            found = await listing(**more)
            portal(stage, "Isolate", scope)
            return found

    racing = Racing(stage.sim, stage.clock)
    services = replace(stage.services(), defender=lambda _customer: racing)
    await follow.step(services, TENANT, key)
    request = await stage.request(key)
    assert (request.state, stage.own()) == (state, [])
    assert state is State.APPROVED or request.attempt.adopted


async def test_a_release_takes_a_waiting_isolation_back():
    """The device is away, the isolation waits; a release is approved: the isolation is cancelled first."""
    stage = Stage()
    stage.sim.first.set_online(stage.devices[0], stage.clock.now(), online=False)
    first = await stage.approved()
    await stage.work(first)
    second = await stage.approved("release", PATTI)
    await stage.work(second)
    assert (await stage.request(second)).trouble == "trouble.waits_for"
    assert stage.own(first)[0].status == "Cancelled"
    await stage.work(first)
    assert (await stage.request(first)).state is State.CANCELLED
    stage.sim.first.set_online(stage.devices[0], stage.clock.now(), online=True)
    await stage.until_quiet()
    assert ((await stage.request(second)).state, stage.devices[0].isolated) == (State.SUCCEEDED, False)
    trail = [json.loads(text) for _, text, _ in await stage.store.audit(TENANT)]
    assert [e["more"]["for"] for e in trail if e["what"] == "cancel asked"] == [second]


async def test_a_release_waits_for_an_isolation_that_runs():
    """What the device has begun is not cancelled under it; the release follows."""
    stage = Stage()
    first = await stage.approved()
    await stage.work(first)
    await pass_time(stage, 5, first)
    assert (await stage.request(first)).status == "InProgress"
    second = await stage.approved("release", PATTI)
    await stage.until_quiet()
    ends = [(await stage.request(key)).state for key in (first, second)]
    assert (ends, stage.devices[0].isolated) == ([State.SUCCEEDED, State.SUCCEEDED], False)
    assert [a.type for a in stage.own()] == ["Isolate", "Unisolate"]


async def test_the_order_of_approval_is_the_order_of_sending():
    """Asked first but approved second is sent second, whichever job comes first."""
    stage = Stage()
    asked_first, _ = await stage.desk().propose(stage.proposal(ADELE, "isolate"))
    asked_second, _ = await stage.desk().propose(stage.proposal(PATTI, "release"))
    await stage.desk().approve(asked_second.id, MEGAN)
    await stage.desk().approve(asked_first.id, MEGAN)
    await stage.work(asked_first.id)
    assert stage.own() == []
    await stage.until_quiet()
    assert [a.type for a in stage.own()] == ["Unisolate", "Isolate"]
    assert stage.devices[0].isolated


async def test_what_was_given_up_holds_the_next_until_it_cannot_come_any_more():
    """A person gives up early, the action is accepted but not listed: the release waits until it would be seen."""
    stage = Stage()
    stage.sim.faults.add(ISOLATE, Fault(kind="reset", acted=True, unlisted=170))
    first = await stage.approved()
    await stage.work(first)
    await stage.desk().give_up(first, ALEX)
    second = await stage.approved("release", PATTI)
    await pass_time(stage, 250, second)
    assert (await stage.request(second)).trouble_values["id"] == first
    await stage.until_quiet()
    assert [a.type for a in stage.own()] == ["Isolate", "Unisolate"]
    assert not stage.devices[0].isolated


async def test_an_unknown_request_holds_the_next():
    """While nobody knows whether the isolation was accepted, no release of the device is sent."""
    stage = Stage()
    stage.sim.faults.add(ISOLATE, Fault(kind="reset"))
    first = await stage.approved()
    await stage.work(first)
    second = await stage.approved("release", PATTI)
    await stage.until_quiet()
    assert ((await stage.request(second)).state, stage.own()) == (State.EXPIRED, [])
    assert (await stage.request(first)).state is State.UNKNOWN


async def test_other_devices_do_not_wait():
    """What holds one device holds no other."""
    stage = Stage()
    stage.sim.faults.add(ISOLATE, Fault(kind="reset"))
    await stage.work(await stage.approved())
    other = await stage.approved(device=1)
    await stage.work(other)
    assert (await stage.request(other)).state is State.SENT


async def test_an_action_that_disappears_is_looked_for_on():
    """A 404 for the action is said on the card; the request neither ends nor is forgotten."""
    stage = Stage()
    key = await stage.approved()
    await stage.work(key)
    gone = stage.sim.first.actions.pop((await stage.request(key)).attempt.action)
    await pass_time(stage, 60, key)
    request = await stage.request(key)
    assert (request.state, request.trouble) == (State.SENT, "trouble.missing")
    stage.sim.first.actions[gone.id] = gone
    await stage.until_quiet()
    assert (await stage.request(key)).state is State.SUCCEEDED


async def test_an_action_that_stays_away_is_left_to_a_person():
    """After half an hour of 404 nobody knows what became of it: the way is free, and an approver may give it up."""
    stage = Stage()
    key = await stage.approved()
    await stage.work(key)
    stage.sim.first.actions.pop((await stage.request(key)).attempt.action)
    await pass_time(stage, 29 * 60, key)
    assert (await stage.request(key)).state is State.SENT
    await pass_time(stage, 2 * 60, key)
    unknown = await stage.request(key)
    assert (unknown.state, unknown.story[-1].key) == (State.UNKNOWN, "story.vanished")
    await stage.desk().give_up(key, MEGAN)
    assert (await stage.request(key)).state is State.GIVEN_UP
    other = await stage.approved()
    await stage.work(other)
    assert (await stage.request(other)).state is State.SENT


async def test_an_action_that_comes_back_is_not_missed_any_more():
    """Two short absences do not add up to a long one."""
    stage = Stage()
    stage.sim.dispatcher.pace = Pace(start=4000)
    key = await stage.approved()
    await stage.work(key)
    action = (await stage.request(key)).attempt.action
    for _ in range(2):
        gone = stage.sim.first.actions.pop(action)
        await pass_time(stage, 20 * 60, key)
        stage.sim.first.actions[action] = gone
        await pass_time(stage, 120, key)
    assert (await stage.request(key)).state is State.SENT


async def test_two_approvers_are_named_in_the_comment():
    """Where two must approve, the action's comment names both."""
    stage = Stage(responses=RESPONSES | {"isolate": replace(isolate.RESPONSE, approvals=2)})
    request, _ = await stage.desk().propose(stage.proposal(ADELE))
    for who in (MEGAN, ALEX):
        await stage.work(request.id)
        assert stage.own() == []
        await stage.desk().approve(request.id, who)
    await stage.work(request.id)
    assert "approved: Megan, Alex" in stage.own()[0].comment


async def test_a_long_reason_keeps_the_mark():
    """However long the reason, the comment is bounded and begins with the mark."""
    stage = Stage()
    key = await stage.approved(reason="x" * 2000)
    await stage.work(key)
    (action,) = stage.own()
    assert (action.comment.startswith(f"[{key}/1]"), len(action.comment)) == (True, follow.COMMENT_BOUND)


def test_busy_is_told_by_code_and_by_words():
    """The documented message and the observed code both mean that an action is under way."""
    by_code = Rejected("defender", "isolate", status=400, code="ActiveRequestAlreadyExists")
    by_words = Rejected("defender", "unisolate", status=400, code="BadRequest", message="Action is already in progress")
    assert follow.is_busy(by_code)
    assert follow.is_busy(by_words)
    assert not follow.is_busy(Rejected("defender", "isolate", status=400, code="InvalidInput"))
