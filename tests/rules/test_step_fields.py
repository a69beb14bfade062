"""What each step of the state machine leaves of a request: these fields, so, and no other."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.responses import machine, veto
from bot.responses.models import Attempt, Decision, Person, Request, State, Work
from bot.responses.terms import Terms
from tests.responses.people import ADELE, ALEX, HOUR, START, action, in_state, member, request

NOW = START + timedelta(minutes=2)
LATE = START + machine.UNKNOWN_SEARCH
S = timedelta(seconds=1)
BUSY = {"trouble": "trouble.busy", "trouble_values": {"code": "x"}}
CLEAR = {"trouble": "", "trouble_values": {}}
ONE, TWO = (Attempt(number=n, began=START) for n in (1, 2))
WORK = Work(id="action-1", status="Pending", at=START, result={"new": "1"})


def having(state: State, **more: Any) -> Request:
    """A request in that state with something in its way and a fact of before."""
    return in_state(state).model_copy(update={**BUSY, "result": {"old": "0"}, **more})


def decided(before: Request, what: str, who: Any = ALEX, **more: Any) -> tuple[Decision, ...]:
    return (*before.decisions, Decision(what=what, who=who, at=NOW, **more))


PROPOSED, APPROVED, SENDING, SENT, UNKNOWN = map(
    having, (State.PROPOSED, State.APPROVED, State.SENDING, State.SENT, State.UNKNOWN)
)
TWICE = having(State.SENDING, attempts=(ONE, TWO))
AGAIN = having(State.APPROVED, attempts=(ONE,))
MISSED = having(State.SENT, missing_since=START)
OBSERVED = {"status_at": None, "checked": NOW, "result": {"old": "0"}, "missing_since": None}
NEWER = {"status_at": START, "result": {"old": "0", "new": "1"}}
BOTH = (member(State.SUCCEEDED), member(State.SENT))
VETO = Terms(policy="rule 1", runs_at=NOW, veto_minutes=10)
RUNS = having(
    State.PROPOSED,
    terms=VETO,
    posts=tuple(p.model_copy(update={"message": "m", "state": "live"}) for p in request().posts),
)
ENDED = {"ended": NOW, "next_check": None}
GONE = {"state": State.EXPIRED} | ENDED
LOST = {"state": State.UNKNOWN, "unknown_since": NOW, "next_check": NOW + 30 * S}

# What it is called, the request before, the step, the story's new line, and all that is different then.
CASES: list[tuple[str, Request, Callable[[], Request], str, dict[str, Any]]] = [
    (
        "the last approval",
        PROPOSED,
        lambda: machine.approve(PROPOSED, ALEX, NOW, HOUR, "ok"),
        "approved",
        {
            "state": State.APPROVED,
            "send_by": NOW + HOUR,
            "next_check": NOW,
            "decisions": decided(PROPOSED, "approved", reason="ok"),
        },
    ),
    (
        "one approval of two",
        two := PROPOSED.model_copy(update={"approvals_needed": 2}),
        lambda: machine.approve(two, ALEX, NOW, HOUR),
        "approved",
        {"decisions": decided(two, "approved")},
    ),
    (
        "rejected",
        PROPOSED,
        lambda: machine.reject(PROPOSED, ALEX, NOW, "no", {"A": "b"}),
        "rejected",
        {
            "state": State.REJECTED,
            "ended": NOW,
            "decisions": decided(PROPOSED, "rejected", reason="no", instead={"A": "b"}),
        },
    ),
    (
        "withdrawn",
        PROPOSED,
        lambda: machine.withdraw(PROPOSED, ADELE, NOW),
        "withdrawn",
        {"state": State.WITHDRAWN, "ended": NOW, "decisions": decided(PROPOSED, "withdrawn", ADELE)},
    ),
    ("expired", PROPOSED, lambda: machine.expire(PROPOSED, NOW), "expired", {"state": State.EXPIRED, "ended": NOW}),
    (
        "not sent in time",
        APPROVED,
        lambda: machine.expire(APPROVED, NOW),
        "send_by_passed",
        {"state": State.EXPIRED} | ENDED,
    ),
    ("not sent again in time", AGAIN, lambda: machine.expire(AGAIN, NOW), "send_by_passed", LOST | {"send_by": None}),
    (
        "about to be sent",
        AGAIN,
        lambda: machine.begin(AGAIN, NOW),
        "",
        CLEAR
        | {
            "state": State.SENDING,
            "attempts": (ONE, Attempt(number=2, began=NOW)),
            "next_check": NOW + 60 * S,
        },
    ),
    (
        "put back",
        TWICE,
        lambda: machine.put_back(TWICE, NOW, 7 * S, "trouble.throttled", a="1"),
        "",
        {
            "state": State.APPROVED,
            "attempts": (ONE,),
            "next_check": NOW + 7 * S,
            "trouble": "trouble.throttled",
            "trouble_values": {"a": "1"},
        },
    ),
    (
        "refused",
        SENDING,
        lambda: machine.refuse(SENDING, NOW, "trouble.rejected", a="1"),
        "refused",
        {"state": State.FAILED, "trouble": "trouble.rejected", "trouble_values": {"a": "1"}} | ENDED,
    ),
    (
        "refused the second time",
        TWICE,
        lambda: machine.refuse(TWICE, NOW, "trouble.rejected", story="changed", a="1"),
        "changed",
        LOST | {"send_by": None, "trouble": "trouble.rejected", "trouble_values": {"a": "1"}},
    ),
    ("lost", SENDING, lambda: machine.lose(SENDING, NOW), "unknown", LOST),
    (
        "missing for the first time",
        SENT,
        lambda: machine.miss(SENT, NOW, 7 * S, "trouble.missing", a="1"),
        "",
        {"missing_since": NOW, "next_check": NOW + 7 * S, "trouble": "trouble.missing", "trouble_values": {"a": "1"}},
    ),
    (
        "missing for long",
        MISSED,
        lambda: machine.miss(MISSED, START + machine.VANISHED, 7 * S, "trouble.missing"),
        "vanished",
        {
            "state": State.UNKNOWN,
            "unknown_since": START,
            "missing_since": None,
            "next_check": START + machine.VANISHED + timedelta(minutes=10),
        },
    ),
    (
        "accepted",
        TWICE,
        lambda: machine.accept(TWICE, NOW, WORK, adopted=False),
        "accepted",
        CLEAR
        | {
            "state": State.SENT,
            "attempts": (ONE, TWO.model_copy(update={"action": "action-1"})),
            "sent_at": NOW,
            "status": "Pending",
            "status_at": START,
            "checked": NOW,
            "next_check": NOW + 4 * S,
            "result": {"old": "0", "new": "1"},
        },
    ),
    (
        "found so",
        UNKNOWN,
        lambda: machine.accept(UNKNOWN, NOW, WORK.model_copy(update={"state": "succeeded"}), adopted=True),
        "found_so",
        CLEAR
        | {
            "state": State.SENT,
            "attempts": (ONE.model_copy(update={"action": "action-1", "adopted": True, "said": "succeeded"}),),
            "sent_at": NOW,
            "unknown_since": None,
            "status": "Pending",
            "status_at": START,
            "checked": NOW,
            "next_check": NOW,
            "result": {"old": "0", "new": "1"},
        },
    ),
    (
        "ended",
        MISSED,
        lambda: machine.observe(MISSED, NOW, action("Succeeded")),
        "ended",
        OBSERVED | CLEAR | ENDED | {"state": State.SUCCEEDED, "status": "Succeeded"},
    ),
    (
        "goes on",
        MISSED,
        lambda: machine.observe(MISSED, NOW, WORK.model_copy(update={"status": "InProgress"})),
        "status",
        OBSERVED | CLEAR | NEWER | {"status": "InProgress", "next_check": NOW + 15 * S},
    ),
    (
        "spread",
        APPROVED,
        lambda: machine.spread(APPROVED, NOW),
        "spread",
        {"state": State.SENT, "sent_at": NOW, "next_check": NOW + 4 * S, "send_by": None},
    ),
    (
        "some are over",
        SENT,
        lambda: machine.collect(SENT, NOW, BOTH),
        "",
        {"members": BOTH, "checked": NOW, "next_check": NOW + 15 * S},
    ),
    (
        "all are over",
        SENT,
        lambda: machine.collect(SENT, NOW, BOTH[:1]),
        "collected",
        {"members": BOTH[:1], "checked": NOW, "state": State.SUCCEEDED} | ENDED,
    ),
    (
        "not found yet",
        UNKNOWN,
        lambda: machine.not_found(UNKNOWN, NOW),
        "",
        CLEAR | {"checked": NOW, "next_check": NOW + 30 * S},
    ),
    (
        "not found at all",
        UNKNOWN,
        lambda: machine.not_found(UNKNOWN, LATE),
        "search_over",
        {
            "checked": LATE,
            "next_check": LATE + timedelta(minutes=10),
            "trouble": "trouble.not_found",
            "trouble_values": {},
        },
    ),
    ("to be looked at", SENT, lambda: machine.look_now(SENT, NOW), "", {"next_check": NOW}),
    (
        "looked at later",
        SENT,
        lambda: machine.look_later(SENT, NOW, 7 * S, "trouble.busy", code="x"),
        "",
        {"next_check": NOW + 7 * S},
    ),
    (
        "sent again",
        UNKNOWN,
        lambda: machine.resend(UNKNOWN, ALEX, LATE, HOUR),
        "resend",
        CLEAR
        | {
            "state": State.APPROVED,
            "unknown_since": None,
            "send_by": LATE + HOUR,
            "next_check": LATE,
            "decisions": (*UNKNOWN.decisions, Decision(what="sent again", who=ALEX, at=LATE)),
        },
    ),
    (
        "given up",
        UNKNOWN,
        lambda: machine.give_up(UNKNOWN, ALEX, NOW),
        "given_up",
        {"state": State.GIVEN_UP, "decisions": decided(UNKNOWN, "given up")} | ENDED,
    ),
    (
        "by the policy",
        RUNS,
        lambda: veto.lapse(RUNS, NOW, HOUR),
        "approved_by_policy",
        {
            "state": State.APPROVED,
            "send_by": NOW + HOUR,
            "next_check": NOW,
            "decisions": decided(RUNS, "approved by policy", Person(id="policy", tenant="", name="rule 1")),
        },
    ),
    (
        "the time to object anew",
        unseen := RUNS.model_copy(update={"posts": ()}),
        lambda: veto.lapse(unseen, NOW, HOUR),
        "veto_anew",
        {"terms": VETO.model_copy(update={"runs_at": NOW + timedelta(minutes=10)})},
    ),
    (
        "not by itself",
        RUNS,
        lambda: veto.stay_open(RUNS, NOW),
        "not_by_itself",
        {"terms": VETO.model_copy(update={"runs_at": None})},
    ),
]


@pytest.mark.parametrize(
    ("before", "step", "line", "different"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_a_step_leaves_these_fields_and_no_other(
    before: Request, step: Callable[[], Request], line: str, different: dict[str, Any]
):
    """When to look again, until when to send, what stands in the way, who decided: all as written down here."""
    after = step()
    seen = {name: getattr(after, name) for name in Request.model_fields if name not in {"story", "content"}}
    expected = {name: different.get(name, getattr(before, name)) for name in seen}
    assert seen == expected
    told = after.story[len(before.story) :]
    assert [step.key for step in told] == ([f"story.{line}"] if line else [])
    visible = bool(told) or (before.trouble, before.members) != (after.trouble, after.members)
    assert (after.content > before.content) is visible or after.state is State.SENDING


@pytest.mark.parametrize(
    ("age", "pause"),
    [(0, 4), (59, 4), (60, 15), (599, 15), (600, 60), (3599, 60), (3600, 300), (86399, 300), (86400, 1800)],
)
def test_an_action_is_looked_at_less_and_less_often(age: int, pause: int):
    """Every 4 seconds in the first minute, every half hour after a day."""
    assert machine.sent_pause(age * S) == pause * S


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize(("age", "may"), [(0, True), (299, True), (300, False)])
def test_a_call_may_still_come_for_five_minutes(state: State, age: int, may):
    """While nobody knows what became of it, or a person gave it up; from then on it may be sent again."""
    lost = in_state(state).model_copy(update={"unknown_since": START})
    unknown = state in (State.UNKNOWN, State.GIVEN_UP)
    assert machine.may_still_come(lost, START + age * S) is (may and unknown)
    assert not machine.may_still_come(lost.model_copy(update={"unknown_since": None}), START)
    assert machine.unknown_pause(age * S) == (30 * S if may else 600 * S)


def test_the_story_keeps_its_newest_lines():
    """A request that is troubled for weeks stays small."""
    told = SENT
    for second in range(machine.STORY_BOUND + 5):
        told = machine.retold(told, NOW + second * S, "status", {}, status=str(second))
    assert len(told.story) == machine.STORY_BOUND
    assert told.story[-1].values == {"status": str(machine.STORY_BOUND + 4)}


@pytest.mark.parametrize(
    ("work", "attempts", "state", "line"),
    [
        ({"state": "succeeded"}, 1, State.SENDING, "already"),
        ({"state": "succeeded", "who": "Eve"}, 1, State.SENDING, "already_by"),
        ({"state": "succeeded", "who": "Eve"}, 2, State.SENDING, "found_so"),
        ({"state": "succeeded", "who": "Eve"}, 1, State.UNKNOWN, "found_so"),
        ({"state": "active", "who": "Eve"}, 2, State.UNKNOWN, "adopted"),
        ({"state": "active", "likely": True}, 1, State.UNKNOWN, "likely"),
        ({"state": "succeeded", "likely": True}, 1, State.UNKNOWN, "likely"),
    ],
)
def test_an_adopted_one_is_told_as_what_it_surely_is(work: dict[str, Any], attempts: int, state: State, line: str):
    """By whom it was done is said only where no call of ours can have done it."""
    before = in_state(state).model_copy(update={"attempts": (ONE, TWO)[:attempts]})
    after = machine.accept(before, NOW, Work(id="x", status="Done", **work), adopted=True)
    assert after.story[-1].key == f"story.{line}"
    assert after.story[-1].values == {"action": "x", "who": work.get("who", ""), "status": "Done"}
    assert machine.accept(before, NOW, Work(**work), adopted=False).story[-1].key == "story.accepted"


@pytest.mark.parametrize(
    ("states", "end"),
    [
        ("succeeded", State.SUCCEEDED),
        ("succeeded, succeeded", State.SUCCEEDED),
        ("handed over, handed over", State.HANDED_OVER),
        ("cancelled, cancelled", State.CANCELLED),
        ("succeeded, handed over", State.PARTLY),
        ("succeeded, cancelled", State.PARTLY),
        ("handed over, failed", State.PARTLY),
        ("succeeded, timed out", State.PARTLY),
        ("cancelled, failed", State.FAILED),
        ("expired, expired", State.FAILED),
        ("failed, timed out", State.TIMED_OUT),
        ("given up, failed", State.TIMED_OUT),
        ("succeeded, sent", None),
        ("failed, unknown", None),
        ("proposed, approved", None),
    ],
)
def test_several_end_as_all_of_them_did(states: str, end: State | None):
    """All done only where all are; where one may have it after all, not simply failed; none before the last is over."""
    members = tuple(member(State(state)) for state in states.split(", "))
    after = machine.collect(SENT, NOW, members)
    assert after.state is (end or State.SENT)
    assert (after.ended, after.next_check is None) == ((NOW, True) if end else (None, False))
