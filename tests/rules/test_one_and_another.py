"""How one request stands to another of the same target, and one card to another of the same conversation."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.posts import Post
from bot.responses import batch, desk, follow, requests
from bot.responses.models import Decision, Member, State, Target
from handlers.responses import RESPONSES
from tests.responses.people import ADELE, ALEX, MEGAN, START, member, place, request

SERVICES: Any = SimpleNamespace(responses={one.name: one for one in RESPONSES})
FAMILIES = {one.name: one.family for one in RESPONSES}
PC, OTHER = Target(id="a" * 40, name="pc"), Target(id="b" * 40, name="pc2")


def asked(response: str, target: Target = PC, **more: Any) -> Any:
    return request(response=response, family=FAMILIES[response], target=target, parameters={}, **more)


@pytest.mark.parametrize(
    ("later", "earlier", "turned"),
    [
        (asked("release"), asked("isolate"), True),
        (asked("isolate"), asked("release"), True),
        (asked("unrestrict"), asked("restrict"), True),
        (asked("isolate"), asked("isolate"), False),
        (asked("scan"), asked("isolate"), False),
        (asked("get-file"), asked("put-file"), False),
        (asked("stop-service"), asked("quarantine-file"), False),
        (asked("release", OTHER), asked("isolate"), False),
        (asked("release").model_copy(update={"family": "another"}), asked("isolate"), False),
        (asked("release").model_copy(update={"response": "gone-since"}), asked("isolate"), False),
        (asked("release"), asked("isolate").model_copy(update={"response": "gone-since"}), False),
        (
            asked("release", Target(id="devices-1", name="all", kind="devices"), members=(Member(target=PC),)),
            asked("isolate"),
            True,
        ),
        (
            asked("release", Target(id="devices-1", name="all", kind="devices"), members=(Member(target=OTHER),)),
            asked("isolate"),
            False,
        ),
        (asked("untag").model_copy(update={"parameters": {"Tag": "x"}}), asked("tag"), False),
        (asked("untag"), asked("tag"), True),
        (asked("allow"), asked("block"), True),
    ],
)
def test_what_turns_another_back(later: Any, earlier: Any, turned):
    """The inverse, or what replaces it, on the same target; where each choice counts by itself, of the same choice."""
    assert requests._undoes(SERVICES, later, earlier) is turned


def test_the_last_approval_gives_the_way():
    """Requests are sent in the order of their last approvals, a policy's too; else of their making and ids."""

    def made(key: str, *decisions: tuple[str, int]) -> Any:
        said = [Decision(what=what, who=MEGAN, at=START + timedelta(seconds=at)) for what, at in decisions]
        return request(id=key, created=START + timedelta(seconds=5), decisions=tuple(said))

    two = made("WK-9", ("approved", 6), ("approved", 9))
    policy = made("WK-8", ("approved by policy", 8))
    again = made("WK-7", ("approved", 7), ("sent again", 30))
    none = made("WK-6"), made("WK-5")
    ordered = sorted([two, policy, again, *none], key=follow._order)
    assert [one.id for one in ordered] == ["WK-5", "WK-6", "WK-7", "WK-8", "WK-9"]


def posted(number: int, state: str = "gone", **more: Any) -> Post:
    return Post(**{"key": "card", "place": place(), "message": f"m-{number}", "state": state, **more})


def test_what_is_done_with_is_kept_for_a_while_and_what_is_not_for_good():
    """The twenty newest of those that are gone or point elsewhere; a pointer that is not shown yet is still to be."""
    done = [posted(n, "pointer" if n % 2 else "gone", shown=n % 2) for n in range(30)]
    open_ = [posted(40, "pointer", shown=0), posted(41, "live"), posted(42, "wanted", message="")]
    kept = desk._bounded([open_[0], *done, *open_[1:]])
    assert [one.message for one in kept] == ["m-40", *(f"m-{n}" for n in range(10, 30)), "m-41", ""]


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"state": "wanted"}, True),
        ({"state": "live"}, True),
        ({"state": "unsure"}, True),
        ({"state": "gone"}, False),
        ({"state": "pointer"}, False),
        ({"key": "reply:waits", "state": "live"}, False),
        ({"place": place("19:other"), "state": "live"}, False),
    ],
)
def test_a_conversation_has_one_card_of_a_request(other: dict[str, Any], same):
    """Another card of it there stands, or may; what is gone, a reminder or another conversation's card is none."""
    assert desk._same_card(posted(1, **other), posted(2, "live")) is same


@pytest.mark.parametrize(
    ("more", "due"),
    [
        ({"state": State.SUCCEEDED, "next_check": START}, None),
        ({"state": State.SUCCEEDED, "remind_at": START}, START),
        ({"state": State.SENT, "remind_at": START}, None),
        ({"state": State.SENT, "next_check": START}, START),
        (
            {"state": State.PROPOSED, "next_check": START, "expires": START + timedelta(hours=2)},
            START + timedelta(hours=2),
        ),
        ({"state": State.APPROVED, "next_check": START + timedelta(1), "send_by": START}, START),
        ({"state": State.APPROVED, "next_check": START, "send_by": START + timedelta(1)}, START),
        ({"state": State.APPROVED, "next_check": START}, START),
    ],
)
def test_when_a_request_goes_on(more: dict[str, Any], due: Any):
    """Until its time to decide or to send is over at the latest; one that is over only to remind of it."""
    assert request(**more).step_due() == due


def test_a_person_is_known_by_both_ids():
    """The same person's ids in other letters are theirs; the name proves nothing."""
    assert ADELE.same(ADELE.model_copy(update={"id": ADELE.id.upper(), "tenant": ADELE.tenant.upper(), "name": "X"}))
    assert not ADELE.same(ALEX.model_copy(update={"name": ADELE.name}))
    assert not ADELE.same(ADELE.model_copy(update={"tenant": "another"}))


def test_only_devices_that_do_not_answer_are_waited_for():
    """Of several, those that the service took and that it still calls pending, in whatever letters."""
    states = [(State.SENT, "Pending"), (State.SENT, "InProgress"), (State.UNKNOWN, "Pending"), (State.SENT, "pending")]
    members = tuple(member(state).model_copy(update={"status": status}) for state, status in states)
    assert request(members=members).waiting == (members[0], members[3])


@pytest.mark.parametrize(
    ("parameters", "state", "shown", "trouble"),
    [
        ({"IsolationType": "Full"}, State.SENT, State.SENT, "trouble.busy"),
        ({"IsolationType": "Full"}, State.SUCCEEDED, State.SUCCEEDED, "trouble.busy"),
        ({"IsolationType": "Selective"}, State.SENT, State.FAILED, batch.OTHERWISE),
        ({"IsolationType": "Selective"}, State.FAILED, State.FAILED, batch.OTHERWISE),
        ({"IsolationType": "Selective"}, State.SUCCEEDED, State.FAILED, batch.OTHERWISE),
        ({"IsolationType": "Selective"}, State.PROPOSED, State.FAILED, batch.OTHERWISE),
        ({}, State.SUCCEEDED, State.FAILED, batch.OTHERWISE),
    ],
)
def test_what_was_done_otherwise_is_not_what_was_asked_for(
    parameters: dict[str, str], state: State, shown: State, trouble: str
):
    """A device whose own request was open already is shown as that stands; asked in another way, it is not done."""
    several = request(parameters={"IsolationType": "Full"})
    own = request(id="WK-2", parameters=parameters, state=state, status="S", ended=START).model_copy(
        update={"trouble": "trouble.busy", "trouble_values": {"code": "x"}}
    )
    line = batch._shown(several, Member(target=PC, request="WK-1-01", risk="High"), own)
    values = {"id": "WK-2"} if trouble == batch.OTHERWISE else {"code": "x"}
    assert line == Member(
        target=PC,
        request="WK-2",
        risk="High",
        state=shown,
        status="" if trouble == batch.OTHERWISE else "S",
        ended=START,
        trouble=trouble,
        trouble_values=values,
    )
