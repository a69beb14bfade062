"""The states of a request and what leads from one to the next. Pure: a request and facts in, a request out.

Design section 5 draws it. Each function raises `Stale` where the request's state does not allow the step, so that a
late, doubled or forged click changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.errors import NotAllowed, Stale
from bot.responses.models import FINAL, LOST, Attempt, Decision, Member, Person, Request, State, Step, Work, WorkState

# The step -> the states it may start from.
ALLOWED: dict[str, frozenset[State]] = {
    "approve": frozenset({State.PROPOSED}),
    "reject": frozenset({State.PROPOSED}),
    "withdraw": frozenset({State.PROPOSED}),
    "lapse": frozenset({State.PROPOSED}),
    "expire": frozenset({State.PROPOSED, State.APPROVED}),
    "begin": frozenset({State.APPROVED}),
    "put back": frozenset({State.SENDING}),
    "refuse": frozenset({State.APPROVED, State.SENDING}),
    "lose": frozenset({State.SENDING}),
    "vanish": frozenset({State.SENT}),
    "accept": frozenset({State.SENDING, State.UNKNOWN}),
    "resend": frozenset({State.UNKNOWN}),
    "give up": frozenset({State.UNKNOWN}),
    "end": frozenset({State.SENT}),
    "look": frozenset({State.APPROVED, State.SENT, State.UNKNOWN}),
}

ENDS: dict[WorkState, State] = {
    "succeeded": State.SUCCEEDED,
    "partly done": State.PARTLY,
    "failed": State.FAILED,
    "timed out": State.TIMED_OUT,
    "cancelled": State.CANCELLED,
    "handed over": State.HANDED_OVER,
}
NOT_IN_FORCE = "NotInForce"
"""The status of a setting that the service accepted and that was still not in force when the patience ended."""

SENDING_LEASE = timedelta(seconds=60)
UNKNOWN_PAUSE = timedelta(seconds=30)
UNKNOWN_SEARCH = timedelta(minutes=5)
UNKNOWN_SLOW = timedelta(minutes=10)
VANISHED = timedelta(minutes=30)
"""For how long the service may say that it knows no such action before nobody knows what became of it."""
WAITING_PAUSE = timedelta(seconds=15)
STORY_BOUND = 60


def check(request: Request, step: str) -> None:
    """Raise Stale where the request's state does not allow the step."""
    if request.state not in ALLOWED[step]:
        raise Stale("error.request_moved_on", state=request.state.value)


def retold(request: Request, now: datetime, key: str, changes: dict[str, Any], /, **values: str) -> Request:
    """The request with changes, one more line of its story and a new content revision."""
    story = (*request.story, Step(at=now, key=f"story.{key}", values=values))[-STORY_BOUND:]
    return request.model_copy(update={"content": request.content + 1, "story": story, **changes})


def decision_allowed(request: Request, who: Person) -> None:
    """Four eyes: nobody decides on the own request, unless the company switched that off when it was made."""
    if request.four_eyes and who.same(request.requester):
        raise NotAllowed("error.own_request")


def approve(request: Request, who: Person, now: datetime, send_within: timedelta, comment: str = "") -> Request:
    """One approval; enough of them make it approved, ready to be sent at once."""
    check(request, "approve")
    decision_allowed(request, who)
    if now >= request.expires:
        raise Stale("error.request_moved_on", state=State.EXPIRED.value)
    if any(who.same(d.who) for d in request.approvals):
        raise Stale("error.already_approved_by_you")
    decision = Decision(what="approved", who=who, at=now, reason=comment)
    changes: dict[str, Any] = {"decisions": (*request.decisions, decision)}
    if len(request.approvals) + 1 >= request.approvals_needed:
        changes |= {"state": State.APPROVED, "send_by": now + send_within, "next_check": now}
    return retold(request, now, "approved", changes, who=who.name)


def reject(
    request: Request, who: Person, now: datetime, reason: str, instead: Mapping[str, str] | None = None
) -> Request:
    """A person with the role says no, and why; `instead` are the parameters that they would have agreed to."""
    check(request, "reject")
    decision_allowed(request, who)
    decision = Decision(what="rejected", who=who, at=now, reason=reason, instead=instead or {})
    changes = {"state": State.REJECTED, "ended": now, "decisions": (*request.decisions, decision)}
    return retold(request, now, "rejected", changes, who=who.name, reason=reason)


def withdraw(request: Request, who: Person, now: datetime) -> Request:
    """The requester takes it back before anybody decided."""
    check(request, "withdraw")
    if not who.same(request.requester):
        raise NotAllowed("error.only_requester")
    decision = Decision(what="withdrawn", who=who, at=now)
    changes = {"state": State.WITHDRAWN, "ended": now, "decisions": (*request.decisions, decision)}
    return retold(request, now, "withdrawn", changes, who=who.name)


def expire(request: Request, now: datetime) -> Request:
    """Nobody decided in time, or an approved request could not be sent in time.

    One that was sent before, with a fate nobody knows, is unknown again: that must not be forgotten.
    """
    check(request, "expire")
    if request.attempts:
        return _unsettled(request, now, "send_by_passed", {})
    key = "expired" if request.state is State.PROPOSED else "send_by_passed"
    return retold(request, now, key, {"state": State.EXPIRED, "ended": now, "next_check": None})


def begin(request: Request, now: datetime) -> Request:
    """A new attempt is about to be sent: written down before the call, so that a crash is seen."""
    check(request, "begin")
    attempt = Attempt(number=len(request.attempts) + 1, began=now)
    changes: dict[str, Any] = {
        "state": State.SENDING,
        "attempts": (*request.attempts, attempt),
        "next_check": now + SENDING_LEASE,
        "trouble": "",
        "trouble_values": {},
    }
    return request.model_copy(update=changes)


def put_back(request: Request, now: datetime, wait: timedelta, trouble: str, /, **values: str) -> Request:
    """The call was certainly not carried out: the attempt is taken back and made again later, until `send_by`."""
    check(request, "put back")
    changes = {
        "state": State.APPROVED,
        "attempts": request.attempts[:-1],
        "next_check": now + wait,
    }
    return troubled(request.model_copy(update=changes), trouble, **values)


def troubled(request: Request, trouble: str, /, **values: str) -> Request:
    """The same request with what stands in its way; a new revision only if that is news."""
    if (request.trouble, dict(request.trouble_values)) == (trouble, values):
        return request
    changes = {"trouble": trouble, "trouble_values": values, "content": request.content + 1}
    return request.model_copy(update=changes)


def refuse(request: Request, now: datetime, trouble: str, /, *, story: str = "refused", **values: str) -> Request:
    """The service refused this very call: it is over, nothing was carried out; unless an earlier call may have been.

    `story` tells of another cause for which nothing was sent.
    """
    check(request, "refuse")
    troubles: dict[str, Any] = {"trouble": trouble, "trouble_values": values}
    if len(request.attempts) > 1:
        return _unsettled(request, now, story, troubles)
    return retold(request, now, story, {**troubles, "state": State.FAILED, "ended": now, "next_check": None})


def _unsettled(request: Request, now: datetime, key: str, changes: dict[str, Any]) -> Request:
    """The newest attempt came to nothing, but what became of an earlier one is still not known."""
    unknown = {"state": State.UNKNOWN, "unknown_since": now, "next_check": now + UNKNOWN_PAUSE, "send_by": None}
    return retold(request, now, key, {**unknown, **changes})


def lose(request: Request, now: datetime) -> Request:
    """The call was made and no answer came: it may have been accepted."""
    check(request, "lose")
    changes = {"state": State.UNKNOWN, "unknown_since": now, "next_check": now + UNKNOWN_PAUSE}
    return retold(request, now, "unknown", changes)


def miss(request: Request, now: datetime, wait: timedelta, trouble: str, /, **values: str) -> Request:
    """The service says that it knows no such action: look again, and after a while let a person decide."""
    check(request, "vanish")
    since = request.missing_since or now
    if now - since < VANISHED:
        return look_later(request.model_copy(update={"missing_since": since}), now, wait, trouble, **values)
    changes = {"state": State.UNKNOWN, "unknown_since": since, "missing_since": None, "next_check": now + UNKNOWN_SLOW}
    return retold(request, now, "vanished", changes)


def accept(request: Request, now: datetime, work: Work, *, adopted: bool) -> Request:
    """The service has it: ours, or (adopted) another's that does the same or did it already."""
    check(request, "accept")
    last = request.attempts[-1].model_copy(update={"action": work.id, "adopted": adopted, "said": work.state})
    over = work.state in ENDS
    changes: dict[str, Any] = {
        "state": State.SENT,
        "attempts": (*request.attempts[:-1], last),
        "sent_at": now,
        "unknown_since": None,
        "status": work.status,
        "status_at": work.at,
        "checked": now,
        "next_check": now if over else now + sent_pause(timedelta(0)),
        "trouble": "",
        "trouble_values": {},
        "result": {**request.result, **work.result},
    }
    sent_before = request.state is State.UNKNOWN or len(request.attempts) > 1
    key = _already(work, sent_before=sent_before) if over else "adopted"
    key = "accepted" if not adopted else "likely" if work.likely else key
    return retold(request, now, key, changes, action=work.id, who=work.who, status=work.status)


def _already(work: Work, *, sent_before: bool) -> str:
    """How it is told that it is so already; where a call may have got through, nobody knows by whom."""
    if sent_before:
        return "found_so"
    return "already_by" if work.who else "already"


def sent_pause(age: timedelta) -> timedelta:
    """How long to wait before looking again at an action that was sent that long ago."""
    for until, pause in ((60, 4), (600, 15), (3600, 60), (86400, 300)):
        if age < timedelta(seconds=until):
            return timedelta(seconds=pause)
    return timedelta(minutes=30)


def unknown_pause(age: timedelta) -> timedelta:
    """Every 30 seconds for five minutes, then now and then: a late action is still adopted, never sent again."""
    return UNKNOWN_PAUSE if age < UNKNOWN_SEARCH else UNKNOWN_SLOW


def may_still_come(request: Request, now: datetime) -> bool:
    """Whether a call without an answer may yet turn up as an action, also where a person gave the request up."""
    searched_in = (State.UNKNOWN, State.GIVEN_UP)
    since = request.unknown_since
    return request.state in searched_in and since is not None and now - since < UNKNOWN_SEARCH


def observe(request: Request, now: datetime, work: Work) -> Request:
    """What the service says of it now."""
    check(request, "look")
    ended = ENDS.get(work.state)
    facts: dict[str, Any] = {
        "status": work.status,
        "status_at": work.at,
        "checked": now,
        "missing_since": None,
        "result": {**request.result, **work.result},
    }
    if ended:
        facts |= {"state": ended, "ended": now, "next_check": None, "trouble": "", "trouble_values": {}}
        return retold(request, now, "ended", facts, status=work.status)
    age = now - (request.sent_at or now)
    seen = request.model_copy(update={**facts, "next_check": now + (work.pause or sent_pause(age))})
    if work.status != request.status:
        seen = retold(seen, now, "status", {}, status=work.status)
    return troubled(seen, "")


def unsettled_for(request: Request, now: datetime, settles: timedelta | None, work: Work) -> Work:
    """The same work, or failed where it was not seen done in the time that it may take to settle."""
    if settles is None or work.state != "active" or now - (request.sent_at or now) < settles:
        return work
    return work.model_copy(update={"state": "failed", "status": NOT_IN_FORCE})


def spread(request: Request, now: datetime) -> Request:
    """A request for several devices has got a request of its own for each of them."""
    check(request, "begin")
    pause = now + sent_pause(timedelta(0))
    return retold(request, now, "spread", {"state": State.SENT, "sent_at": now, "next_check": pause, "send_by": None})


def collect(request: Request, now: datetime, members: tuple[Member, ...]) -> Request:
    """How the devices of a request for several stand now; over when all of them are."""
    check(request, "end")
    facts: dict[str, Any] = {"members": members, "checked": now}
    ended = _end_of(members)
    if ended:
        return retold(request, now, "collected", {**facts, "state": ended, "ended": now, "next_check": None})
    age = now - (request.sent_at or now)
    news = {"content": request.content + 1} if members != request.members else {}
    return request.model_copy(update={**facts, **news, "next_check": now + sent_pause(age)})


def _end_of(members: tuple[Member, ...]) -> State | None:
    """How the whole ended; where a device's own record is lost, it stays unknown and nobody can decide on it."""
    if any(member.state not in FINAL and member.trouble != LOST for member in members):
        return None
    states = {member.state for member in members}
    if len(states) == 1 and states <= {State.SUCCEEDED, State.HANDED_OVER, State.CANCELLED}:
        return states.pop()
    if states & {State.SUCCEEDED, State.HANDED_OVER}:
        return State.PARTLY
    may_have_it = {State.TIMED_OUT, State.GIVEN_UP, State.UNKNOWN}
    return State.TIMED_OUT if states & may_have_it else State.FAILED


def not_found(request: Request, now: datetime) -> Request:
    """The device's actions were listed, ours was not among them: look again; people learn when the search ends."""
    check(request, "look")
    since = request.unknown_since or now
    checked = {"checked": now, "next_check": now + unknown_pause(now - since)}
    later = _search_told(request, now).model_copy(update=checked)
    return troubled(later, "" if may_still_come(request, now) else "trouble.not_found")


def look_now(request: Request, now: datetime) -> Request:
    """Something happened to its action: ask the service at once."""
    check(request, "look")
    return request.model_copy(update={"next_check": now})


def look_later(request: Request, now: datetime, wait: timedelta, trouble: str, /, **values: str) -> Request:
    """It could not be looked up, or something else is in flight: try again after `wait`."""
    check(request, "look")
    later = _search_told(request, now).model_copy(update={"next_check": now + wait})
    return troubled(later, trouble, **values)


def _search_told(request: Request, now: datetime) -> Request:
    """When the search for an unknown action ends, the card says so once: from then on a person may decide."""
    since = request.unknown_since
    if request.state is not State.UNKNOWN or since is None or now - since < UNKNOWN_SEARCH:
        return request
    if any(step.key == "story.search_over" and step.at >= since for step in request.story):
        return request
    return retold(request, now, "search_over", {})


def resend(request: Request, who: Person, now: datetime, send_within: timedelta) -> Request:
    """A person decides to send again although the first call may have been accepted: a new, audited attempt.

    Not before the search is over: until then the first may still turn up, and there would be two.
    """
    check(request, "resend")
    decision_allowed(request, who)
    if may_still_come(request, now):
        raise Stale("error.request_moved_on", state=request.state.value)
    decision = Decision(what="sent again", who=who, at=now)
    changes: dict[str, Any] = {
        "state": State.APPROVED,
        "decisions": (*request.decisions, decision),
        "unknown_since": None,
        "send_by": now + send_within,
        "next_check": now,
        "trouble": "",
        "trouble_values": {},
    }
    return retold(request, now, "resend", changes, who=who.name)


def give_up(request: Request, who: Person, now: datetime) -> Request:
    """A person decides to leave it; the card says that it may have happened."""
    check(request, "give up")
    decision_allowed(request, who)
    decision = Decision(what="given up", who=who, at=now)
    changes = {
        "state": State.GIVEN_UP,
        "ended": now,
        "next_check": None,
        "decisions": (*request.decisions, decision),
    }
    return retold(request, now, "given_up", changes, who=who.name)
