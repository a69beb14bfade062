"""The policy in the real desk and the real state machine, with a clock that is moved."""

import asyncio
import json
from collections import Counter
from datetime import datetime, timedelta

import pytest

from bot.errors import NotAllowed, Stale, Unavailable
from bot.policy.load import parsed
from bot.policy.models import Policy
from bot.posts import Place, Post
from bot.responses.models import Evidence, Member, Request, State, Target
from bot.responses.terms import Terms
from bot.responses.veto import LATE_LAPSE, lapse
from bot.roles import Role
from tests.responses.fake_teams import Mishap
from tests.responses.people import ADELE, ALEX, MEGAN, START, TENANT, place
from tests.responses.stage import Stage

LAB = '[[rule]]\nname = "test machines"\nwhen.tags = ["lab"]\nthen.preapproved = true\nthen.i_accept_the_risk = true\n'
BY_HAND = '[[rule]]\nname = "servers"\nwhen.tags = ["server"]\nthen.forbidden = "By hand only."\n'
VETO = "[response.isolate]\nveto_minutes = 15\n"


def staged(text: str, **more) -> Stage:
    """A company with that policy."""
    stage = Stage(**more)
    put(stage, text)
    return stage


def put(stage: Stage, text: str) -> None:
    """Another policy, as a restart brings it."""
    stage.policy = Policy(file=parsed(text, stage.responses), source="policy.toml", mark=str(hash(text)))


def evidence(stage: Stage, *tags: str, **more) -> Evidence:
    """What was read about a device of Adele's colleague."""
    values = {"tags": tags, "users": ("bob",), "device_value": "Normal", "risk": "Low", "severity": "high", **more}
    return Evidence(read_at=stage.clock.now(), **values)


async def asked(stage: Stage, *tags: str, **more) -> Request:
    """Adele's request to isolate the first device, whose card then stands in the channel."""
    proposal = stage.proposal(ADELE, **{"evidence": evidence(stage, *tags), **more})
    request, new = await stage.desk().propose(proposal)
    assert new
    await stage.work(request.id)
    return await stage.request(request.id)


async def after(stage: Stage, key: str, minutes: float) -> Request:
    """How it stands so many minutes after it was asked for."""
    moment = START + timedelta(minutes=minutes)
    stage.clock.move((moment - stage.clock.now()).total_seconds())
    await stage.work(key)
    return await stage.request(key)


async def entries(stage: Stage) -> list[dict]:
    """The audit trail."""
    return [json.loads(text) for _, text, _ in await stage.store.audit(TENANT)]


def minutes_after(start: datetime, at: datetime | None) -> int:
    """The whole minutes between."""
    assert at
    return round((at - start).total_seconds() / 60)


def keys(request: Request) -> list[str]:
    """The story's lines."""
    return [step.key.removeprefix("story.") for step in request.story]


async def test_the_terms_of_a_request_are_those_of_the_policy():
    """Approvals, four eyes, the time to decide and to send come of the ruling, and the audit names its rule."""
    text = """
        [[rule]]
        name = "desks"
        when.tags = ["desk"]
        then.approvals = 2
        then.requester_may = true
        then.decide_within_minutes = 30
        then.send_within_minutes = 7
    """
    stage = staged(text)
    request = await asked(stage, "Desk")
    assert (request.approvals_needed, request.four_eyes, request.state) == (2, False, State.PROPOSED)
    assert minutes_after(request.created, request.expires) == 30
    assert request.terms.policy == "rule 1: desks"
    assert [(why.key, dict(why.values)) for why in request.terms.why] == [
        ("policy.why.rule", {"number": "1", "name": "desks"})
    ]
    await stage.desk().approve(request.id, ADELE)
    approved = await stage.desk().approve(request.id, MEGAN)
    assert minutes_after(stage.clock.now(), approved.send_by) == 7
    more = (await entries(stage))[0]["more"]
    assert (more["policy"], more["four_eyes"], more["approvals_needed"]) == ("rule 1: desks", False, 2)


async def test_without_a_policy_nothing_is_said_of_one():
    """The audit and the record of a request under its declaration have no word of a policy."""
    stage = Stage()
    request = await asked(stage)
    assert (request.terms.policy, request.terms.why, request.terms.runs_at) == ("", (), None)
    assert not {"policy", "preapproved", "runs_at"} & (await entries(stage))[0]["more"].keys()


async def test_a_policy_for_one_response_overrides_the_setting():
    """Four eyes are off for the company; the response whose policy wants them keeps them, and the audit says both."""
    stage = staged("[response.isolate]\nrequester_may = false", four_eyes=False)
    request = await asked(stage)
    with pytest.raises(NotAllowed) as error:
        await stage.desk().approve(request.id, ADELE)
    assert error.value.key == "error.own_request"
    other, _ = await stage.desk().propose(stage.proposal(ADELE, "release", device=1))
    assert (await stage.desk().approve(other.id, ADELE)).state is State.APPROVED
    assert [e["more"]["four_eyes"] for e in await entries(stage) if e["what"] == "proposed"] == [True, False]


async def test_two_approvers_are_two_people():
    """The same person does not count twice, the requester not at all; the second sends it."""
    stage = staged("[response.isolate]\napprovals = 2")
    request = await asked(stage)
    await stage.desk().approve(request.id, MEGAN)
    with pytest.raises(Stale):
        await stage.desk().approve(request.id, MEGAN)
    with pytest.raises(NotAllowed):
        await stage.desk().approve(request.id, ADELE)
    assert (await stage.request(request.id)).state is State.PROPOSED
    assert stage.own() == []
    await stage.desk().approve(request.id, ALEX)
    await stage.until_quiet()
    assert len(stage.own(request.id)) == 1
    assert "approved: Megan, Alex" in stage.own(request.id)[0].comment


async def test_one_of_two_approvals_is_not_enough_in_the_end():
    """A request with one approval of two expires, and nothing was sent."""
    stage = staged("[response.isolate]\napprovals = 2")
    request = await asked(stage)
    await stage.desk().approve(request.id, MEGAN)
    assert (await after(stage, request.id, 61)).state is State.EXPIRED
    assert stage.own() == []


async def test_what_is_approved_beforehand_runs_at_once():
    """Nobody is asked; story, audit and the action's comment name the rule that let it."""
    stage = staged(LAB)
    request, _ = await stage.desk().propose(stage.proposal(ADELE, evidence=evidence(stage, "LAB")))
    assert (request.state, request.approvals_needed, request.terms.preapproved) == (State.APPROVED, 0, True)
    assert keys(request) == ["proposed", "preapproved"]
    assert request.story[1].values == {"policy": "rule 1: test machines"}
    more = (await entries(stage))[0]["more"]
    assert (more["preapproved"], more["policy"]) == (True, "rule 1: test machines")
    await stage.until_quiet()
    assert (await stage.request(request.id)).state is State.SUCCEEDED
    assert "approved: by the policy, rule 1: test machines" in stage.own(request.id)[0].comment


@pytest.mark.parametrize("tags", [("desk",), ()])
async def test_what_is_not_meant_by_the_rule_still_waits(tags):
    """Another device, and one without tags, are decided by people."""
    stage = staged(LAB)
    assert (await asked(stage, *tags)).state is State.PROPOSED


async def test_a_pre_approval_needs_what_it_asks_for_to_be_known():
    """Where the device's tags could not be read, somebody is asked."""
    stage = staged(LAB)
    assert (await asked(stage, evidence=evidence(stage, tags=None))).state is State.PROPOSED


@pytest.mark.parametrize("read", [("server",), None])
async def test_what_is_forbidden_is_refused_with_the_sentence(read):
    """No request is written and no entry made; that the tags could not be read forbids it as well."""
    stage = staged(BY_HAND)
    with pytest.raises(NotAllowed) as error:
        await asked(stage, evidence=evidence(stage, tags=read))
    assert (error.value.key, error.value.values["why"]) == ("error.policy_forbids", "By hand only.")
    assert error.value.values["policy"] == "rule 1: servers" + ("" if read else "; what it asks for could not be read")
    assert (await stage.requests(), await entries(stage)) == ([], [])


async def test_who_may_ask_is_raised_by_the_policy():
    """An operator is told which role it takes; an approver asks, and the request knows as what."""
    stage = staged('[response.isolate]\nasks = "approver"')
    with pytest.raises(NotAllowed) as error:
        await asked(stage, role=Role.OPERATOR)
    assert (error.value.key, error.value.values["role"]) == ("error.policy_asks", "approver")
    assert (await asked(stage, role=Role.APPROVER)).terms.asked_as == "approver"


async def test_it_runs_by_itself_unless_somebody_objects():
    """Not a second before the time is over; then by the policy, with the rule in story, audit and comment."""
    stage = staged(VETO)
    request = await asked(stage)
    assert minutes_after(request.created, request.terms.runs_at) == 15
    assert request.step_due() == request.terms.runs_at
    assert (await after(stage, request.id, 14.9)).state is State.PROPOSED
    assert stage.own() == []
    done = await after(stage, request.id, 15.1)
    assert keys(done)[:2] == ["proposed", "approved_by_policy"]
    assert done.story[1].values == {"policy": "response.isolate"}
    await stage.until_quiet()
    assert (await stage.request(request.id)).state is State.SUCCEEDED
    assert len(stage.own()) == 1
    assert "approved: by the policy, response.isolate" in stage.own()[0].comment
    said = [(e["what"], e["who"], e["more"].get("policy")) for e in await entries(stage)][:2]
    assert said[0] == ("proposed", f"{TENANT}/{ADELE.id}", "response.isolate")
    assert said[1][:2] == ("approved by policy", "watchkeeper")


async def test_a_rejection_is_the_veto():
    """Who rejects in time stops it for good, also in the last moment before the machine looks."""
    stage = staged(VETO)
    request = await asked(stage)
    stage.clock.move(15 * 60 + 5)
    await stage.desk().reject(request.id, MEGAN, "not this one")
    await stage.until_quiet()
    assert (await stage.request(request.id)).state is State.REJECTED
    assert stage.own() == []


async def test_the_requester_cannot_object_but_withdraw():
    """Four eyes hold for the veto as well; the own request is withdrawn instead."""
    stage = staged(VETO)
    request = await asked(stage)
    with pytest.raises(NotAllowed):
        await stage.desk().reject(request.id, ADELE, "no")
    await stage.desk().withdraw(request.id, ADELE)
    await stage.until_quiet()
    assert stage.own() == []


async def test_an_approval_runs_it_before_the_time_is_over():
    """Who approves need not wait; it is sent once, and not again when the time is over."""
    stage = staged(VETO)
    request = await asked(stage)
    await stage.desk().approve(request.id, MEGAN)
    await stage.work(request.id)
    assert len(stage.own()) == 1
    await stage.until_quiet()
    assert len(stage.own()) == 1
    assert "approved_by_policy" not in keys(await stage.request(request.id))


async def test_with_two_approvals_wanted_one_does_not_hurry_it():
    """One of two approvals leaves the time to object as it is; at its end it runs."""
    stage = staged("[response.isolate]\nveto_minutes = 15\napprovals = 2")
    request = await asked(stage)
    await stage.desk().approve(request.id, MEGAN)
    await stage.work(request.id)
    assert stage.own() == []
    assert (await after(stage, request.id, 15.1)).state is not State.PROPOSED


async def test_what_nobody_else_sees_does_not_run_by_itself():
    """Asked in a private chat with nobody subscribed, there is who could object to: it waits and says so."""
    stage = staged(VETO)
    request = await asked(stage, unheard=True)
    assert (request.terms.runs_at, request.trouble) == (None, "trouble.nobody_can_decide")
    assert (await after(stage, request.id, 61)).state is State.EXPIRED
    assert stage.own() == []


async def test_who_may_decide_alone_needs_nobody_to_object():
    """An approver who may decide on the own request asks in private: it runs when the time is over."""
    stage = staged("[response.isolate]\nveto_minutes = 15\nrequester_may = true")
    private = Post(key="card", place=Place(**{**place("a:1").model_dump(), "kind": "personal"}))
    request = await asked(stage, unheard=True, role=Role.APPROVER, posts=(private,), origin="a:1")
    assert request.trouble == ""
    assert (await after(stage, request.id, 15.1)).decisions[-1].what == "approved by policy"


async def test_the_time_to_object_begins_anew_where_the_card_was_not_out():
    """While Teams takes no card, nobody can object: it does not run, and the card says that the time began anew."""
    stage = staged(VETO)
    down = [Mishap(Unavailable("teams", "send", sent=False)) for _ in range(30)]
    stage.teams.mishaps["post"].extend(down)
    request, _ = await stage.desk().propose(stage.proposal(ADELE, evidence=evidence(stage)))
    waits = await after(stage, request.id, 15.1)
    assert (waits.state, keys(waits)[-1]) == (State.PROPOSED, "veto_anew")
    assert minutes_after(START, waits.terms.runs_at) == 30
    stage.teams.mishaps["post"].clear()
    await after(stage, request.id, 20)
    for minute in (21, 22, 25):
        await after(stage, request.id, minute)
    assert stage.own() == []
    assert (await after(stage, request.id, 30.3)).decisions[-1].what == "approved by policy"


async def test_a_card_in_the_requesters_own_chat_is_not_seen_by_others():
    """Only the requester has the card, though it was to be posted elsewhere too: the time begins anew."""
    stage = staged(VETO)
    private = Post(key="card", place=Place(**{**place("a:1").model_dump(), "kind": "personal"}))
    gone = Post(key="card", place=place(), state="gone")
    request = await asked(stage, posts=(private, gone), origin="a:1")
    assert keys(await after(stage, request.id, 15.1))[-1] == "veto_anew"


async def test_the_time_to_object_begins_anew_where_the_bot_was_not_there():
    """After an outage over the end of the time, people who tried to object had nobody to hear them."""
    stage = staged(VETO)
    request = await asked(stage)
    waits = await after(stage, request.id, 15 + LATE_LAPSE.total_seconds() / 60 + 1)
    assert (waits.state, keys(waits)[-1]) == (State.PROPOSED, "veto_anew")
    assert (await after(stage, request.id, 36.5)).decisions[-1].what == "approved by policy"


async def test_a_time_to_object_that_would_outlast_the_request_ends_with_it():
    """Where there is no room for a second time to object, people decide until it expires."""
    stage = staged(VETO)
    request = await asked(stage)
    waits = await after(stage, request.id, 50)
    assert (waits.state, waits.terms.runs_at, keys(waits)[-1]) == (State.PROPOSED, None, "not_by_itself")
    assert (await after(stage, request.id, 61)).state is State.EXPIRED
    assert stage.own() == []


async def test_an_outage_until_the_end_lets_it_expire():
    """A bot that comes back after both times are over runs nothing."""
    stage = staged(VETO)
    request = await asked(stage)
    assert (await after(stage, request.id, 75)).state is State.EXPIRED
    assert stage.own() == []


async def test_who_comes_after_the_end_does_not_run_it():
    """The time to decide was over before the machine looked, though the time to object had ended just before."""
    stage = staged("[response.isolate]\nveto_minutes = 59")
    request = await asked(stage)
    assert (await after(stage, request.id, 60.5)).state is State.EXPIRED
    assert stage.own() == []


async def test_the_step_itself_refuses_to_come_too_early():
    """Whoever calls it: before its time, and without one, nobody's silence is an approval."""
    stage = staged(VETO)
    request = await asked(stage)
    with pytest.raises(Stale):
        lapse(request, START + timedelta(minutes=14), timedelta(hours=1))
    with pytest.raises(Stale):
        lapse(request.model_copy(update={"terms": Terms()}), START + timedelta(hours=1), timedelta(hours=1))
    assert lapse(request, request.terms.runs_at, timedelta(hours=1)).state is State.APPROVED


async def test_objecting_and_running_by_itself_at_once_is_one_of_both():
    """Whichever commits first stands; nothing is sent after a rejection."""
    for _ in range(5):
        stage = staged(VETO)
        request = await asked(stage)
        stage.clock.move(15 * 60 + 1)
        done = await asyncio.gather(
            stage.work(request.id), stage.desk().reject(request.id, MEGAN, "no"), return_exceptions=True
        )
        final = await stage.request(request.id)
        rejected = not any(isinstance(one, Stale) for one in done)
        assert Counter(d.what for d in final.decisions).total() == 1
        assert rejected == (final.state is State.REJECTED)
        await stage.until_quiet()
        assert len(stage.own()) == (0 if rejected else 1)


async def test_a_waiting_request_keeps_the_ruling_that_it_was_made_under():
    """A stricter or looser policy after a restart changes nothing for what was asked before."""
    stage = staged("[response.isolate]\napprovals = 2\nsend_within_minutes = 9")
    request = await asked(stage, "desk")
    put(stage, "[response.isolate]\napprovals = 3")
    await stage.desk().approve(request.id, MEGAN)
    approved = await stage.desk().approve(request.id, ALEX)
    assert approved.state is State.APPROVED
    assert minutes_after(stage.clock.now(), approved.send_by) == 9
    await stage.until_quiet()
    assert len(stage.own()) == 1


async def test_what_is_forbidden_by_now_is_not_sent():
    """Approved under the old policy, forbidden by the new one: it fails with the sentence, audited."""
    stage = staged("")
    request = await asked(stage, "server")
    await stage.desk().approve(request.id, MEGAN)
    put(stage, BY_HAND)
    await stage.work(request.id)
    final = await stage.request(request.id)
    assert (final.state, final.trouble, final.trouble_values) == (
        State.FAILED,
        "trouble.policy_forbids",
        {"why": "By hand only."},
    )
    assert keys(final)[-1] == "forbidden"
    assert stage.own() == []
    assert (await entries(stage))[-1]["what"] == "forbidden"


async def test_what_the_new_policy_forbids_elsewhere_is_sent():
    """The case as it was asked decides: another device's ban, and one at the hour of the sending, stop nothing."""
    stage = staged("[response.isolate]\nsend_within_minutes = 1440")
    request = await asked(stage, "desk")
    await stage.desk().approve(request.id, MEGAN)
    night = '[[rule]]\nname = "night"\nwhen.hours = "22:00-23:00"\nwhen.zone = "UTC"\nthen.forbidden = "No."\n'
    put(stage, BY_HAND + night)
    assert (await after(stage, request.id, 13 * 60)).attempts
    assert len(stage.own()) == 1


async def test_a_ban_that_came_meanwhile_ends_the_running_by_itself():
    """What would run by itself waits for people instead when the policy forbids it by now; they then learn why."""
    stage = staged(VETO)
    request = await asked(stage, "server")
    put(stage, BY_HAND)
    waits = await after(stage, request.id, 15.1)
    assert (waits.state, keys(waits)[-1]) == (State.PROPOSED, "not_by_itself")
    await stage.desk().approve(request.id, MEGAN)
    await stage.until_quiet()
    assert (await stage.request(request.id)).trouble == "trouble.policy_forbids"
    assert stage.own() == []


def several(stage: Stage, *tags) -> dict:
    """What makes a proposal one for the first devices, with those tags."""
    members = [
        Member(target=Target(id=device.id, name=device.name), tags=of, risk="High", value="Normal")
        for device, of in zip(stage.devices, tags, strict=False)
    ]
    return {"target": Target(id="batch", name="2 devices", kind="devices"), "members": members}


async def test_what_is_forbidden_by_now_is_not_sent_to_some_of_several():
    """The ban came between the decision and the sending: the device that it names is left out, the other is done."""
    stage = staged("")
    request = await asked(stage, **several(stage, ("desk",), ("server",)))
    await stage.desk().approve(request.id, MEGAN)
    put(stage, BY_HAND)
    await stage.until_quiet()
    final = await stage.request(request.id)
    assert [(one.state, one.trouble) for one in final.members] == [
        (State.SUCCEEDED, ""),
        (State.FAILED, "trouble.policy_forbids"),
    ]
    assert len(stage.own()) == 1


async def test_several_devices_are_ruled_by_what_is_known_of_each():
    """One server among the lab's machines forbids the request; without it nobody is asked; unread counts as strict."""
    stage = staged(LAB + BY_HAND)
    for second in (("server",), None):
        with pytest.raises(NotAllowed):
            await asked(stage, **several(stage, ("lab",), second))
    proposal = stage.proposal(ADELE, **several(stage, ("lab",), ("lab",)), evidence=evidence(stage))
    request, _ = await stage.desk().propose(proposal)
    assert (request.state, request.terms.preapproved) == (State.APPROVED, True)
    await stage.until_quiet()
    assert len(stage.own()) == 2
    assert all("by the policy, rule 1: test machines" in action.comment for action in stage.own())


async def test_a_request_for_several_runs_by_itself_too():
    """The one card is what people object to; at the end of the time all devices are done, each once."""
    stage = staged(VETO)
    request = await asked(stage, **several(stage, (), ()))
    assert (await after(stage, request.id, 10)).state is State.PROPOSED
    await after(stage, request.id, 15.1)
    await stage.until_quiet()
    assert (await stage.request(request.id)).state is State.SUCCEEDED
    assert len(stage.own()) == 2


async def test_records_of_before_there_was_a_policy_still_work():
    """A request without terms is read; it waits for a decision until it expires, as it always did."""
    stage = staged(VETO)
    request = await asked(stage)
    old = {name: value for name, value in request.model_dump(mode="json").items() if name != "terms"}
    read = Request.model_validate(old)
    assert (read.terms.runs_at, read.step_due()) == (None, read.expires)
