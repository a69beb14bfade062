"""The states of a request: what may follow what, who may do it, and what must never be forgotten."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import NotAllowed, Stale
from bot.responses import machine
from bot.responses.models import FINAL, Request, State, Work
from tests.responses.people import ADELE, ALEX, HOUR, MEGAN, PATTI, START, action, in_state, member, request

PAUSE = timedelta(seconds=15)
SEARCHED = START + machine.UNKNOWN_SEARCH
STEPS = {
    "approve": lambda r, now: machine.approve(r, ALEX, now, HOUR),
    "reject": lambda r, now: machine.reject(r, ALEX, now, "no"),
    "withdraw": lambda r, now: machine.withdraw(r, ADELE, now),
    "expire": machine.expire,
    "begin": machine.begin,
    "put back": lambda r, now: machine.put_back(r, now, PAUSE, "trouble.throttled"),
    "refuse": lambda r, now: machine.refuse(r, now, "trouble.rejected"),
    "lose": machine.lose,
    "miss": lambda r, now: machine.miss(r, now, PAUSE, "trouble.missing"),
    "accept": lambda r, now: machine.accept(r, now, action(), adopted=False),
    "observe": lambda r, now: machine.observe(r, now, action("InProgress")),
    "not found": machine.not_found,
    "look later": lambda r, now: machine.look_later(r, now, PAUSE, "trouble.unavailable"),
    "look now": machine.look_now,
    "resend": lambda r, now: machine.resend(r, ALEX, now, HOUR),
    "give up": lambda r, now: machine.give_up(r, ALEX, now),
    "spread": machine.spread,
    "collect": lambda r, now: machine.collect(r, now, (member(State.SUCCEEDED), member(State.SENT))),
}
# What design section 5 draws, written down a second time: (from, step) -> to. Every other pair is refused.
DRAWN = {
    (State.PROPOSED, "approve"): State.APPROVED,
    (State.PROPOSED, "reject"): State.REJECTED,
    (State.PROPOSED, "withdraw"): State.WITHDRAWN,
    (State.PROPOSED, "expire"): State.EXPIRED,
    (State.APPROVED, "expire"): State.EXPIRED,
    (State.APPROVED, "begin"): State.SENDING,
    (State.APPROVED, "refuse"): State.FAILED,
    (State.SENDING, "put back"): State.APPROVED,
    (State.SENDING, "refuse"): State.FAILED,
    (State.SENDING, "lose"): State.UNKNOWN,
    (State.SENDING, "accept"): State.SENT,
    (State.SENT, "miss"): State.SENT,  # for a while; then UNKNOWN, see tests/responses/test_follow.py
    (State.UNKNOWN, "accept"): State.SENT,
    (State.UNKNOWN, "resend"): State.APPROVED,
    (State.UNKNOWN, "give up"): State.GIVEN_UP,
    (State.APPROVED, "spread"): State.SENT,
    (State.SENT, "collect"): State.SENT,
    **{
        (state, step): state
        for state in (State.APPROVED, State.SENT, State.UNKNOWN)
        for step in ("observe", "not found", "look later", "look now")
    },
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("state", State)
def test_only_what_is_drawn_is_possible(state, step):
    """Each step leads from each state to the one that is drawn, or is refused as stale."""
    before = in_state(state)
    if (state, step) not in DRAWN:
        with pytest.raises(Stale):
            STEPS[step](before, SEARCHED)
        return
    assert STEPS[step](before, SEARCHED).state is DRAWN[state, step]


@pytest.mark.parametrize("status", ["Succeeded", "Failed", "TimeOut", "Cancelled"])
def test_an_action_that_ended_ends_the_request(status):
    """The four final statuses, in any case, have a state each; nothing is due any more."""
    ends = {"Succeeded": State.SUCCEEDED, "Failed": State.FAILED, "TimeOut": State.TIMED_OUT}
    for word in (status, status.upper()):
        after = machine.observe(in_state(State.SENT), START, action(word))
        assert (after.state, after.ended, after.step_due()) == (ends.get(status, State.CANCELLED), START, None)


@pytest.mark.parametrize("status", ["Pending", "InProgress", "SomethingNew", None])
def test_any_other_status_is_followed(status):
    """A status that is not known to be final, or none at all, is looked at again."""
    after = machine.observe(in_state(State.SENT), START, action(status))
    assert after.state is State.SENT
    assert after.step_due() > START


ANOTHER_CASE = ADELE.model_copy(update={"id": ADELE.id.upper(), "tenant": ADELE.tenant.upper(), "name": "Somebody"})
SAME_ID_ELSEWHERE = ADELE.model_copy(update={"tenant": "another tenant"})


@pytest.mark.parametrize("step", [machine.approve, machine.reject, machine.resend, machine.give_up])
@pytest.mark.parametrize("who", [ADELE, ANOTHER_CASE])
def test_nobody_decides_on_the_own_request(step, who):
    """The requester may not decide, however the ids are written; where four eyes is off, they may."""
    unknown = step in (machine.resend, machine.give_up)
    before = in_state(State.UNKNOWN if unknown else State.PROPOSED)
    more = {machine.approve: [HOUR], machine.reject: ["why"], machine.resend: [HOUR]}.get(step, [])
    with pytest.raises(NotAllowed):
        step(before, who, SEARCHED if unknown else START, *more)
    alone = before.model_copy(update={"four_eyes": False})
    assert step(alone, who, SEARCHED if unknown else START, *more).state is not before.state


def test_the_same_id_in_another_tenant_is_another_person():
    """People are told apart by id and tenant together."""
    assert machine.approve(request(), SAME_ID_ELSEWHERE, START, HOUR).state is State.APPROVED
    with pytest.raises(NotAllowed):
        machine.withdraw(request(), SAME_ID_ELSEWHERE, START)


def test_only_the_requester_withdraws():
    """An approver rejects; taking back is the requester's."""
    with pytest.raises(NotAllowed):
        machine.withdraw(request(), MEGAN, START)
    assert machine.withdraw(request(), ANOTHER_CASE, START).state is State.WITHDRAWN


def test_two_approvals_are_two_people():
    """With two needed, one changes nothing but the list, the same person does not count twice, another one does."""
    first = machine.approve(request(approvals_needed=2), MEGAN, START, HOUR)
    assert (first.state, first.send_by, len(first.approvals)) == (State.PROPOSED, None, 1)
    for again in (MEGAN, MEGAN.model_copy(update={"id": MEGAN.id.upper()})):
        with pytest.raises(Stale):
            machine.approve(first, again, START, HOUR)
    second = machine.approve(first, ALEX, START, HOUR)
    assert (second.state, second.send_by, second.step_due()) == (State.APPROVED, START + HOUR, START)


def test_an_approval_comes_in_time_or_not_at_all():
    """At the very moment of expiry it is too late, though nobody has marked the request as expired yet."""
    with pytest.raises(Stale):
        machine.approve(request(), MEGAN, START + HOUR, HOUR)
    just = START + HOUR - timedelta(microseconds=1)
    assert machine.approve(request(), MEGAN, just, HOUR).state is State.APPROVED


def test_a_put_back_attempt_is_made_again_under_its_number():
    """What was certainly not carried out was no attempt: the next has the same number, so the mark stays one."""
    sending = in_state(State.SENDING)
    back = machine.put_back(sending, START, PAUSE, "trouble.throttled", service="defender")
    assert (back.attempts, back.trouble) == ((), "trouble.throttled")
    again = machine.begin(back, START + PAUSE)
    assert (again.mark, again.trouble) == (sending.mark, "")


def test_sending_again_is_a_new_attempt():
    """After an unknown fate a person's "send again" has the next number, and both marks are the request's own."""
    again = machine.begin(machine.resend(in_state(State.UNKNOWN), ALEX, SEARCHED, HOUR), SEARCHED)
    assert [attempt.number for attempt in again.attempts] == [1, 2]
    assert (again.marked("[WK-1/1] x"), again.marked("[WK-1/2] x"), again.marked("[WK-11/1] x")) == (True, True, False)
    assert not again.marked("see [WK-1/1]")


def test_nothing_is_sent_again_while_the_first_may_turn_up():
    """Until the search of five minutes is over, "send again" is refused; giving up is possible at any time."""
    unknown = in_state(State.UNKNOWN)
    early = SEARCHED - timedelta(microseconds=1)
    with pytest.raises(Stale):
        machine.resend(unknown, ALEX, early, HOUR)
    given_up = machine.give_up(unknown, ALEX, early)
    assert (machine.may_still_come(given_up, early), machine.may_still_come(given_up, SEARCHED)) == (True, False)
    assert not machine.may_still_come(in_state(State.SENT), START)


@pytest.mark.parametrize("how", ["refused", "too late"])
def test_an_unknown_attempt_is_not_forgotten(how):
    """When the second attempt comes to nothing, the first is still unknown: no card may say that nothing was done."""
    again = machine.resend(in_state(State.UNKNOWN), ALEX, SEARCHED, HOUR)
    if how == "refused":
        after = machine.refuse(machine.begin(again, SEARCHED), SEARCHED, "trouble.rejected", code="x")
        assert after.trouble == "trouble.rejected"
    else:
        after = machine.expire(again, SEARCHED + HOUR)
    assert after.state is State.UNKNOWN
    assert after.step_due() is not None
    assert machine.may_still_come(after, after.unknown_since)


def test_what_stands_in_the_way_is_news_once():
    """The same trouble again is no new content; another trouble, or its end, is."""
    approved = in_state(State.APPROVED)
    first = machine.look_later(approved, START, PAUSE, "trouble.throttled", service="defender")
    same = machine.look_later(first, START + PAUSE, PAUSE, "trouble.throttled", service="defender")
    other = machine.look_later(same, START, PAUSE, "trouble.waits_for", id="WK-2", response="release")
    clear = machine.look_later(other, START, PAUSE, "")
    assert [r.content - approved.content for r in (first, same, other, clear)] == [1, 1, 2, 3]


def test_a_waiting_request_wakes_for_its_send_by_time():
    """However long the service says to wait, the end of the time to send is not slept through."""
    back = machine.put_back(in_state(State.SENDING), START, timedelta(hours=5), "trouble.throttled")
    assert back.step_due() == START + HOUR


def test_a_search_tells_its_end_once():
    """Not found is said when the five minutes are over, and looked for on after that, now and then."""
    unknown = in_state(State.UNKNOWN)
    early = machine.not_found(unknown, START + timedelta(seconds=30))
    assert (early.trouble, early.step_due()) == ("", START + timedelta(seconds=60))
    over = machine.not_found(early, SEARCHED)
    assert (over.trouble, over.step_due()) == ("trouble.not_found", SEARCHED + machine.UNKNOWN_SLOW)


def test_pauses_grow():
    """The longer an action runs, the more rarely it is looked at, but never less than every half hour."""
    pauses = [machine.sent_pause(timedelta(seconds=age)) for age in (0, 59, 60, 600, 3600, 86400, 86400 * 30)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(seconds=4), timedelta(minutes=30))


# A walk of any steps by anybody at any time, each refused or made.
PEOPLE = st.sampled_from([ADELE, MEGAN, ALEX, PATTI])
WALK = st.lists(
    st.tuples(
        st.sampled_from([*STEPS, "ended"]),
        PEOPLE,
        st.sampled_from([0, 1, 30, 299, 300, 3600]),
        st.sampled_from(["Pending", "Succeeded", "Cancelled"]),
    ),
    max_size=40,
)


def step_of(name: str, who, status: str):
    by_person = {
        "approve": lambda r, now: machine.approve(r, who, now, HOUR),
        "reject": lambda r, now: machine.reject(r, who, now, "no"),
        "withdraw": lambda r, now: machine.withdraw(r, who, now),
        "resend": lambda r, now: machine.resend(r, who, now, HOUR),
        "give up": lambda r, now: machine.give_up(r, who, now),
        "ended": lambda r, now: machine.observe(r, now, action(status)),
    }
    return by_person.get(name) or STEPS[name]


def check(before: Request, after: Request, name: str) -> None:
    assert before.state not in FINAL, "a final state was left"
    assert after.decisions[: len(before.decisions)] == before.decisions
    assert after.content >= before.content
    assert (
        (after.content > before.content)
        or (after.state, after.trouble) == (before.state, before.trouble)
        or (after.state in (State.SENDING, State.APPROVED))
    )
    assert (after.step_due() is None) == after.final
    assert [attempt.number for attempt in after.attempts] == list(range(1, len(after.attempts) + 1))
    assert len(after.attempts) <= 1 + sum(d.what == "sent again" for d in after.decisions)
    assert len(after.story) <= machine.STORY_BOUND


@settings(max_examples=300, deadline=None)
@given(walk=WALK, needed=st.sampled_from([1, 2]), four_eyes=st.booleans())
def test_no_walk_breaks_the_rules(walk, needed, four_eyes):
    """Whatever is tried in whatever order: no way round the approvals, no lost attempt, no way out of the end."""
    current, now = request(approvals_needed=needed, four_eyes=four_eyes), START
    for name, who, seconds, status in walk:
        now += timedelta(seconds=seconds)
        try:
            after = step_of(name, who, status)(current, now)
        except (Stale, NotAllowed):
            continue
        check(current, after, name)
        current = after
        if current.attempts or current.state is State.APPROVED:
            approvers = {(d.who.tenant, d.who.id) for d in current.approvals}
            assert len(approvers) >= needed
            assert not four_eyes or all(not d.who.same(ADELE) for d in current.decisions if d.what != "withdrawn")
        if current.attempts and current.final:
            assert current.state not in (State.EXPIRED, State.REJECTED, State.WITHDRAWN)
            assert current.state is State.GIVEN_UP or current.attempt.action or len(current.attempts) == 1


@pytest.mark.parametrize(
    ("states", "end"),
    [
        ((State.SUCCEEDED, State.SUCCEEDED), State.SUCCEEDED),
        ((State.SUCCEEDED, State.FAILED), State.PARTLY),
        ((State.HANDED_OVER, State.HANDED_OVER), State.HANDED_OVER),
        ((State.CANCELLED, State.CANCELLED), State.CANCELLED),
        ((State.CANCELLED, State.SUCCEEDED), State.PARTLY),
        ((State.EXPIRED, State.REJECTED), State.FAILED),
        ((State.EXPIRED, State.TIMED_OUT), State.TIMED_OUT),
        ((State.FAILED, State.GIVEN_UP), State.TIMED_OUT),
        ((State.SUCCEEDED, State.UNKNOWN), State.SENT),
    ],
)
def test_several_devices_end_together(states, end):
    """Done only where all are done; partly where some are; not over while one is not."""
    members = tuple(member(state) for state in states)
    assert machine.collect(in_state(State.SENT), START, members).state is end


def test_what_an_approver_would_agree_to_is_kept():
    """A rejection keeps the parameters that would have been approved."""
    rejected = machine.reject(in_state(State.PROPOSED), MEGAN, START, "too much", {"IsolationType": "Selective"})
    assert rejected.decisions[-1].instead == {"IsolationType": "Selective"}


@pytest.mark.parametrize(("minutes", "state"), [(14, "active"), (15, "failed")])
def test_a_setting_that_is_never_seen_in_force_fails(minutes, state):
    """What was accepted and is still not so after its time to settle is said to have failed; never to be done."""
    sent = in_state(State.SENT)
    found = machine.unsettled_for(sent, START + timedelta(minutes=minutes), timedelta(minutes=15), Work())
    assert found.state == state


@pytest.mark.parametrize(("state", "key"), [(State.SENDING, "story.already"), (State.UNKNOWN, "story.found_so")])
def test_nothing_was_sent_is_said_only_where_that_is_so(state, key):
    """What is in force before anything was sent was so already; after a call without an answer nobody knows by whom."""
    after = machine.accept(in_state(state), START, Work(status="InForce", state="succeeded", same=True), adopted=True)
    assert after.story[-1].key == key


@pytest.mark.parametrize(("pause", "next_look"), [(None, timedelta(minutes=30)), (PAUSE, PAUSE)])
def test_what_is_to_be_looked_at_soon_is_looked_at_soon(pause: timedelta | None, next_look: timedelta):
    """However long ago it was sent: a result that came broken is fetched again within a minute, not within the hour."""
    now = START + timedelta(days=2)
    sent = in_state(State.SENT).model_copy(update={"sent_at": START})
    assert machine.observe(sent, now, Work(status="Succeeded", pause=pause)).next_check == now + next_look
