"""When a request runs without a person's word: only where somebody could have objected, and never after its end."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.policy.models import NO_POLICY, Ruling
from bot.policy.rule import stricter
from bot.responses import ruling, veto
from bot.responses.models import State
from bot.responses.terms import Terms
from bot.roles import Role
from handlers.responses import isolate
from tests.responses.people import HOUR, START, place, request

OWN = "a:adele"
MINUTE = timedelta(minutes=1)
RULED = Ruling(
    asks=Role.OPERATOR, approvals=2, requester_may=False, time_to_live=HOUR, send_within=2 * HOUR, veto_minutes=10
)


def kept(*, heard: bool = True, watchers: Any = None, **ruled: Any) -> dict[str, Any]:
    said = Ruling(**{**vars(RULED), **ruled})
    return ruling.kept(said, START, mark="m", heard=heard, role=Role.APPROVER, watchers=watchers)


@pytest.mark.parametrize(
    ("heard", "watchers", "may", "by_itself"),
    [
        (True, None, False, True),
        (True, ("19:soc",), False, True),
        (True, (), False, False),
        (True, (), True, True),
        (False, None, False, False),
        (False, ("19:soc",), True, False),
    ],
)
def test_it_runs_by_itself_only_where_somebody_hears_of_it(heard, watchers: Any, may, by_itself):
    """A conversation must watch for requests, or the requester be the one who decides."""
    terms = kept(heard=heard, watchers=watchers, requester_may=may)["terms"]
    assert terms.runs_at == (START + 10 * MINUTE if by_itself else None)
    assert terms.veto_minutes == 10


def test_a_request_keeps_the_terms_of_its_ruling():
    """How long it may be decided and sent, by how many, and in which role it was asked for."""
    plain = kept(veto_minutes=None)
    assert plain == {
        "expires": START + HOUR,
        "approvals_needed": 2,
        "four_eyes": True,
        "terms": Terms(mark="m", send_minutes=120, asked_as="approver"),
    }
    at_once = kept(approvals=0, veto_minutes=None)
    assert at_once["approvals_needed"] == 0
    assert (at_once["state"], at_once["send_by"], at_once["next_check"]) == (State.APPROVED, START + 2 * HOUR, START)
    assert kept(preapproved=True, veto_minutes=None)["approvals_needed"] == 0


def card(where: str = "19:soc", **more: Any) -> Any:
    kind = "personal" if where.startswith("a:") else "channel"
    at = place(where).model_copy(update={"kind": kind})
    return request().posts[0].model_copy(update={"place": at, "message": "m", "state": "live", **more})


@pytest.mark.parametrize(
    ("posts", "watchers", "four_eyes", "could"),
    [
        ([card()], None, True, True),
        ([], None, True, False),
        ([card(message="")], None, True, False),
        ([card(state="wanted")], None, True, False),
        ([card(state="gone")], None, True, False),
        ([card(state="unsure")], None, False, False),
        ([card(OWN)], None, True, False),
        ([card(OWN)], None, False, True),
        ([card("a:megan")], None, True, True),
        ([card(OWN), card()], None, True, True),
        ([card()], ("19:soc",), True, True),
        ([card()], ("19:other",), True, False),
        ([card()], (), True, False),
        ([card()], (), False, True),
        ([card(OWN), card()], ("19:other",), True, False),
    ],
)
def test_who_could_object_saw_the_card(posts: Any, watchers: Any, four_eyes, could):
    """It stands, live, where people watch for requests and not in the requester's own chat alone."""
    made = request(posts=posts, origin=OWN, four_eyes=four_eyes, terms=Terms(watchers=watchers))
    assert veto._could_object(made) is could


@pytest.mark.parametrize(
    ("at", "more", "state", "audited"),
    [
        (10 * MINUTE, {}, State.APPROVED, ruling.BY_POLICY),
        (15 * MINUTE, {}, State.APPROVED, ruling.BY_POLICY),
        (15 * MINUTE + timedelta(seconds=1), {}, State.PROPOSED, ruling.BEGINS_ANEW),
        (10 * MINUTE, {"posts": ()}, State.PROPOSED, ruling.BEGINS_ANEW),
        (49 * MINUTE, {"posts": ()}, State.PROPOSED, ruling.BEGINS_ANEW),
        (50 * MINUTE, {"posts": ()}, State.PROPOSED, ruling.STAYS_OPEN),
        (HOUR, {}, State.EXPIRED, "expired"),
        (2 * HOUR, {}, State.EXPIRED, "expired"),
        (10 * MINUTE, {"terms": Terms()}, State.EXPIRED, "expired"),
    ],
)
def test_what_becomes_of_it_when_nobody_decided(at: timedelta, more: dict[str, Any], state: State, audited: str):
    """In its time it runs, late it begins anew, without the room for that it stays open; at its end it has expired."""
    terms = Terms(runs_at=START + 10 * MINUTE, veto_minutes=10, send_minutes=30, policy="rule 1")
    made = request(**{"posts": (card(),), "terms": terms, **more})
    services: Any = SimpleNamespace(policy=NO_POLICY, responses={"isolate": isolate.RESPONSE})
    after, what = ruling.undecided(services, made, START + at)
    assert (after.state, what) == (state, audited)
    if state is State.APPROVED:
        assert after.send_by == START + at + 30 * MINUTE
    again = {ruling.BEGINS_ANEW: START + at + 10 * MINUTE, ruling.STAYS_OPEN: None}
    assert after.terms.runs_at == again.get(what, made.terms.runs_at)


def test_the_audit_says_what_the_policy_ruled():
    """The rule, whether nobody was asked, and when it runs by itself; nothing where no policy said anything."""
    terms = Terms(policy="rule 1", preapproved=True, runs_at=START)
    said = {"policy": "rule 1", "preapproved": True, "runs_at": START.isoformat()}
    assert ruling.audited(request(terms=terms)) == said
    assert ruling.audited(request()) == {}


def test_of_two_rulings_neither_is_sooner_or_looser():
    """The higher role, the more approvals, and of both times the shorter one."""
    one = Ruling(**{**vars(RULED), "veto_minutes": None})
    other = Ruling(
        asks=Role.APPROVER, approvals=1, requester_may=True, time_to_live=2 * HOUR, send_within=HOUR, veto_minutes=None
    )
    for first, second in ((one, other), (other, one)):
        both = stricter(first, second)
        assert (both.asks, both.approvals, both.requester_may) == (Role.APPROVER, 2, False)
        assert (both.time_to_live, both.send_within) == (HOUR, HOUR)
