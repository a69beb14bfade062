"""The states of a request and what leads from one to the next. Pure: a request and facts in, a request out.

Design section 5 draws it. Each function raises `Stale` where the request's state does not allow the step, so that a
late, doubled or forged click changes nothing.
"""

from datetime import datetime, timedelta
from typing import Any

from bot.defender.models import MachineAction
from bot.errors import NotAllowed, Stale
from bot.responses.models import (
    Attempt,
    Decision,
    Person,
    Request,
    State,
    Step,
)

# The step -> the states it may start from.
ALLOWED: dict[str, frozenset[State]] = {
    "approve": frozenset({State.PROPOSED}),
    "reject": frozenset({State.PROPOSED}),
    "withdraw": frozenset({State.PROPOSED}),
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

ENDS = {
    "succeeded": State.SUCCEEDED,
    "failed": State.FAILED,
    "timeout": State.TIMED_OUT,
    "cancelled": State.CANCELLED,
}

SENDING_LEASE = timedelta(seconds=60)
UNKNOWN_PAUSE = timedelta(seconds=30)
UNKNOWN_SEARCH = timedelta(minutes=5)
UNKNOWN_SLOW = timedelta(minutes=10)
VANISHED = timedelta(minutes=30)
"""For how long the service may say that it knows no such action before nobody knows what became of it."""
WAITING_PAUSE = timedelta(seconds=15)
STORY_BOUND = 60


def _check(request: Request, step: str) -> None:
    if request.state not in ALLOWED[step]:
        raise Stale("error.request_moved_on", state=request.state.value)


def _told(request: Request, now: datetime, key: str, changes: dict[str, Any], **values: str) -> Request:
    """The request with changes, one more line of its story and a new content revision."""
    story = (*request.story, Step(at=now, key=f"story.{key}", values=values))[-STORY_BOUND:]
    return request.model_copy(update={"content": request.content + 1, "story": story, **changes})


def decision_allowed(request: Request, who: Person) -> None:
    """Four eyes: nobody decides on the own request, unless the company switched that off when it was made."""
    if request.four_eyes and who.same(request.requester):
        raise NotAllowed("error.own_request")


def approve(request: Request, who: Person, now: datetime, send_within: timedelta, comment: str = "") -> Request:
    """One approval; enough of them make it approved, ready to be sent at once."""
    _check(request, "approve")
    decision_allowed(request, who)
    if now >= request.expires:
        raise Stale("error.request_moved_on", state=State.EXPIRED.value)
    if any(who.same(d.who) for d in request.approvals):
        raise Stale("error.already_approved_by_you")
    decision = Decision(what="approved", who=who, at=now, reason=comment)
    changes: dict[str, Any] = {"decisions": (*request.decisions, decision)}
    if len(request.approvals) + 1 >= request.approvals_needed:
        changes |= {"state": State.APPROVED, "send_by": now + send_within, "next_check": now}
    return _told(request, now, "approved", changes, who=who.name)


def reject(request: Request, who: Person, now: datetime, reason: str) -> Request:
    """A person with the role says no, and why."""
    _check(request, "reject")
    decision_allowed(request, who)
    decision = Decision(what="rejected", who=who, at=now, reason=reason)
    changes = {"state": State.REJECTED, "ended": now, "decisions": (*request.decisions, decision)}
    return _told(request, now, "rejected", changes, who=who.name, reason=reason)


def withdraw(request: Request, who: Person, now: datetime) -> Request:
    """The requester takes it back before anybody decided."""
    _check(request, "withdraw")
    if not who.same(request.requester):
        raise NotAllowed("error.only_requester")
    decision = Decision(what="withdrawn", who=who, at=now)
    changes = {"state": State.WITHDRAWN, "ended": now, "decisions": (*request.decisions, decision)}
    return _told(request, now, "withdrawn", changes, who=who.name)


def expire(request: Request, now: datetime) -> Request:
    """Nobody decided in time, or an approved request could not be sent in time.

    One that was sent before, with a fate nobody knows, is unknown again: that must not be forgotten.
    """
    _check(request, "expire")
    if request.attempts:
        return _unsettled(request, now, "send_by_passed", {})
    key = "expired" if request.state is State.PROPOSED else "send_by_passed"
    return _told(request, now, key, {"state": State.EXPIRED, "ended": now, "next_check": None})


def begin(request: Request, now: datetime) -> Request:
    """A new attempt is about to be sent: written down before the call, so that a crash is seen."""
    _check(request, "begin")
    attempt = Attempt(number=len(request.attempts) + 1, began=now)
    changes: dict[str, Any] = {
        "state": State.SENDING,
        "attempts": (*request.attempts, attempt),
        "next_check": now + SENDING_LEASE,
        "trouble": "",
        "trouble_values": {},
    }
    return request.model_copy(update=changes)


def put_back(request: Request, now: datetime, wait: timedelta, trouble: str, **values: str) -> Request:
    """The call was certainly not carried out: the attempt is taken back and made again later, until `send_by`."""
    _check(request, "put back")
    changes = {
        "state": State.APPROVED,
        "attempts": request.attempts[:-1],
        "next_check": now + wait,
    }
    return troubled(request.model_copy(update=changes), trouble, **values)


def troubled(request: Request, trouble: str, **values: str) -> Request:
    """The same request with what stands in its way; a new revision only if that is news."""
    if (request.trouble, dict(request.trouble_values)) == (trouble, values):
        return request
    changes = {"trouble": trouble, "trouble_values": values, "content": request.content + 1}
    return request.model_copy(update=changes)


def refuse(request: Request, now: datetime, trouble: str, **values: str) -> Request:
    """The service refused this very call: it is over, nothing was carried out; unless an earlier call may have been."""
    _check(request, "refuse")
    troubles: dict[str, Any] = {"trouble": trouble, "trouble_values": values}
    if len(request.attempts) > 1:
        return _unsettled(request, now, "refused", troubles)
    return _told(request, now, "refused", {**troubles, "state": State.FAILED, "ended": now, "next_check": None})


def _unsettled(request: Request, now: datetime, key: str, changes: dict[str, Any]) -> Request:
    """The newest attempt came to nothing, but what became of an earlier one is still not known."""
    unknown = {"state": State.UNKNOWN, "unknown_since": now, "next_check": now + UNKNOWN_PAUSE, "send_by": None}
    return _told(request, now, key, {**unknown, **changes})


def lose(request: Request, now: datetime) -> Request:
    """The call was made and no answer came: it may have been accepted."""
    _check(request, "lose")
    changes = {"state": State.UNKNOWN, "unknown_since": now, "next_check": now + UNKNOWN_PAUSE}
    return _told(request, now, "unknown", changes)


def miss(request: Request, now: datetime, wait: timedelta, trouble: str, **values: str) -> Request:
    """The service says that it knows no such action: look again, and after a while let a person decide."""
    _check(request, "vanish")
    since = request.missing_since or now
    if now - since < VANISHED:
        return look_later(request.model_copy(update={"missing_since": since}), now, wait, trouble, **values)
    changes = {"state": State.UNKNOWN, "unknown_since": since, "missing_since": None, "next_check": now + UNKNOWN_SLOW}
    return _told(request, now, "vanished", changes)


def accept(request: Request, now: datetime, action: MachineAction, *, adopted: bool) -> Request:
    """The service has the action: ours, or (adopted) an active one that does the same."""
    _check(request, "accept")
    last = request.attempts[-1].model_copy(update={"action": action.id, "adopted": adopted})
    changes: dict[str, Any] = {
        "state": State.SENT,
        "attempts": (*request.attempts[:-1], last),
        "sent_at": now,
        "unknown_since": None,
        "status": action.status or "",
        "status_at": action.updated,
        "checked": now,
        "next_check": now + sent_pause(timedelta(0)),
        "trouble": "",
        "trouble_values": {},
    }
    key = "adopted" if adopted else "accepted"
    return _told(request, now, key, changes, action=action.id, who=action.requestor or "")


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


def observe(request: Request, now: datetime, action: MachineAction) -> Request:
    """What the service says of the action now."""
    _check(request, "look")
    ended = ENDS.get(action.state)
    facts: dict[str, Any] = {"status": action.status or "", "status_at": action.updated, "checked": now}
    facts["missing_since"] = None
    if ended:
        facts |= {"state": ended, "ended": now, "next_check": None, "trouble": "", "trouble_values": {}}
        return _told(request, now, "ended", facts, status=action.status or "")
    age = now - (request.sent_at or now)
    seen = request.model_copy(update={**facts, "next_check": now + sent_pause(age)})
    if (action.status or "") != request.status:
        seen = _told(seen, now, "status", {}, status=action.status or "")
    return troubled(seen, "")


def not_found(request: Request, now: datetime) -> Request:
    """The device's actions were listed, ours was not among them: look again; people learn when the search ends."""
    _check(request, "look")
    since = request.unknown_since or now
    checked = {"checked": now, "next_check": now + unknown_pause(now - since)}
    later = _search_told(request, now).model_copy(update=checked)
    return troubled(later, "" if may_still_come(request, now) else "trouble.not_found")


def look_now(request: Request, now: datetime) -> Request:
    """Something happened to its action: ask the service at once."""
    _check(request, "look")
    return request.model_copy(update={"next_check": now})


def look_later(request: Request, now: datetime, wait: timedelta, trouble: str, **values: str) -> Request:
    """It could not be looked up, or something else is in flight: try again after `wait`."""
    _check(request, "look")
    later = _search_told(request, now).model_copy(update={"next_check": now + wait})
    return troubled(later, trouble, **values)


def _search_told(request: Request, now: datetime) -> Request:
    """When the search for an unknown action ends, the card says so once: from then on a person may decide."""
    since = request.unknown_since
    if request.state is not State.UNKNOWN or since is None or now - since < UNKNOWN_SEARCH:
        return request
    if any(step.key == "story.search_over" and step.at >= since for step in request.story):
        return request
    return _told(request, now, "search_over", {})


def resend(request: Request, who: Person, now: datetime, send_within: timedelta) -> Request:
    """A person decides to send again although the first call may have been accepted: a new, audited attempt.

    Not before the search is over: until then the first may still turn up, and there would be two.
    """
    _check(request, "resend")
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
    return _told(request, now, "resend", changes, who=who.name)


def give_up(request: Request, who: Person, now: datetime) -> Request:
    """A person decides to leave it; the card says that it may have happened."""
    _check(request, "give up")
    decision_allowed(request, who)
    decision = Decision(what="given up", who=who, at=now)
    changes = {
        "state": State.GIVEN_UP,
        "ended": now,
        "next_check": None,
        "decisions": (*request.decisions, decision),
    }
    return _told(request, now, "given_up", changes, who=who.name)
