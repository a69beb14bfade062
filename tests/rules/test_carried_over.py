"""What is handed from one record to the next is handed over whole: a proposal, a ruling, a device of several."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import Missing
from bot.policy.models import Facts, Reminders
from bot.responses import reminding, requests
from bot.responses.how import sent_as
from bot.responses.models import Attempt, Evidence, Member, State, Target, Twin, told
from bot.responses.ruling import facts_of
from handlers.responses import isolate
from tests.responses.people import ADELE, HOUR, MEGAN, START, action, in_state, place
from tests.responses.stage import Stage

SAME = (
    *("customer", "response", "family", "parameters", "reason", "requester", "origin", "expires", "send_by"),
    *("approvals_needed", "four_eyes", "terms", "decisions", "inverse", "back"),
)
SEEN = {"tags": ("finance",), "risk": "High", "last_seen": START - HOUR}


async def test_each_device_of_several_gets_what_was_decided_for_all():
    """The terms, the decision, the time to send and the way back are those of the request that people saw."""
    stage = Stage(four_eyes=False)
    first, second = stage.devices
    members = (
        Member(target=Target(id=first.id, name=first.name), value="High", **SEEN),
        Member(target=Target(id=second.id, name=second.name)),
    )
    proposal = stage.proposal(ADELE, target=Target(id="devices-1", name="all", kind="devices"), members=members)
    request, _ = await stage.desk().propose(proposal)
    await stage.desk().approve(request.id, MEGAN, "go")
    before = await stage.request(request.id)
    await stage.work(request.id)
    one = await stage.request(f"{request.id}-01")
    assert {name: getattr(one, name) for name in SAME} == {name: getattr(before, name) for name in SAME}
    assert (one.batch, one.state, one.target) == (request.id, State.APPROVED, members[0].target)
    spread = (await stage.request(request.id)).sent_at
    assert (one.created, one.next_check) == (spread, spread)
    assert one.evidence == Evidence(read_at=before.created, device_value="High", **SEEN)
    assert [(step.key, step.values, step.at) for step in one.story] == [("story.of_batch", {"id": request.id}, spread)]


@pytest.mark.parametrize(
    ("status", "age", "before", "said"),
    [
        ("Pending", timedelta(hours=2), {}, True),
        ("pending", timedelta(hours=9), {}, True),
        ("Pending", timedelta(minutes=119), {}, False),
        ("InProgress", timedelta(hours=9), {}, False),
        ("Pending", timedelta(hours=9), {"reminded": START}, False),
        ("Pending", timedelta(hours=9), {"sent_at": None}, False),
    ],
)
def test_only_what_waits_for_long_is_said_to_wait(status: str, age: timedelta, before: dict, said):
    """Two hours, while the service says that the device was not reached, and once."""
    sent = in_state(State.SENT).model_copy(update={"status": status, **before})
    after = reminding.noticed(sent, isolate.RESPONSE, START + age, Reminders())
    assert (after.reminded == START + age) is said
    assert after == sent or said


@pytest.mark.parametrize("attempts", [(), (Attempt(number=1, began=START),)])
def test_nothing_is_asked_for_without_an_id(attempts: tuple[Attempt, ...]):
    """An attempt of which the service said no id is not looked up by an empty one, which would name all of them."""
    with pytest.raises(Missing):
        sent_as(in_state(State.SENT).model_copy(update={"attempts": attempts}))
    assert sent_as(in_state(State.SENT)) == action().id


READ = Evidence(
    read_at=START, tags=("A", "b"), device_value="High", risk="Medium", severity="Low", users=("x@contoso.com",)
)
UNREAD = Evidence(read_at=START)


@pytest.mark.parametrize(
    ("kind", "evidence", "facts"),
    [
        (
            "device",
            READ,
            Facts(tags=frozenset({"A", "b"}), value="high", risk="medium", severity="low", people=("x@contoso.com",)),
        ),
        ("managed", UNREAD, Facts(tags=None, value="", risk="", severity="", people=None)),
        ("device", None, Facts()),
        ("user", READ, Facts(people=("the/name", "x@contoso.com"))),
        ("user", UNREAD, Facts(people=("the/name",))),
        ("user", None, Facts(people=("the/name",))),
        ("mail", READ, Facts(people=("x@contoso.com",))),
        ("mail", UNREAD, Facts()),
        ("mail", None, Facts()),
    ],
)
def test_the_policy_is_told_what_was_read(kind: str, evidence: Evidence | None, facts: Facts):
    """What was not read stays unknown; of a user and of mail the person is who it is done to."""
    assert facts_of(Target(id="network/1/boss@contoso.com", name="the/name", kind=kind), evidence) == (facts,)


@pytest.mark.parametrize("kind", ["device", "managed"])
def test_each_machine_of_a_device_is_told_by_itself(kind: str):
    """Facts of several are not mixed, for no rule holds of what no machine is; whoever uses one uses the device."""
    twin = Twin(id="2", name="old", tags=("lab",), device_value="Low", risk="", severity="none")
    read = READ.model_copy(update={"twins": (twin, Twin(id="3", name="gone"))})
    first, second, third = facts_of(Target(id="d", name="pc", kind=kind), read)
    assert first == facts_of(Target(id="d", name="pc", kind=kind), READ)[0]
    assert second == Facts(tags=frozenset({"lab"}), value="low", risk="", severity="none", people=("x@contoso.com",))
    assert third == Facts(people=("x@contoso.com",))


def test_an_audit_entry_names_the_response_the_target_and_the_attempt():
    """Ids alone: a device by itself, another target with its kind, the service's action where there is one."""
    sent = in_state(State.SENT)
    named = {"response": "isolate", "device": "a" * 40}
    stands = {"state": "sent", "attempt": 1, "action": "action-1", "status": "Pending"}
    assert requests._facts(sent) == named | stands
    none = {"state": "proposed", "attempt": 0, "action": "", "status": ""}
    assert requests._facts(in_state(State.PROPOSED)) == named | none
    user = sent.model_copy(update={"target": Target(id="u", name="Ada", kind="user"), "batch": "WK-0"})
    assert told(user) == {"response": "isolate", "target": "user:u", "batch": "WK-0"}
    assert told(sent.model_copy(update={"batch": "WK-0"})) == {**named, "batch": "WK-0"}


@pytest.mark.parametrize(
    ("back", "inverse", "kept"),
    [
        (None, "release", {}),
        (lambda _parameters, _read: {}, "", {}),
        (
            lambda parameters, read: {**parameters, "Was": read.risk},
            "release",
            {"IsolationType": "Full", "Was": "High"},
        ),
    ],
)
async def test_the_way_back_is_kept_with_the_request(back, inverse: str, kept: dict):
    """As it was before; where that is not known there is none, and a response without parameters needs none."""
    stage = Stage(responses={"isolate": replace(isolate.RESPONSE, back=back)})
    read = Evidence(read_at=START, risk="High")
    made, _ = await stage.desk().propose(stage.proposal(ADELE, evidence=read))
    assert (made.inverse, made.back) == (inverse, kept)


@pytest.mark.parametrize(("kind", "heard"), [("channel", True), ("groupChat", True), ("personal", False)])
async def test_who_shows_it_to_others_has_it_heard(kind: str, heard):
    """A request that nobody could decide waits like any other once it stands in a channel or a group chat."""
    stage = Stage()
    made, _ = await stage.desk().propose(stage.proposal(ADELE, unheard=True))
    assert made.trouble == "trouble.nobody_can_decide"
    there = place("19:else").model_copy(update={"kind": kind})
    shown = await stage.desk().show_here(made.id, made.posts[0].model_copy(update={"place": there}))
    assert shown
    assert (shown.trouble == "") is heard
