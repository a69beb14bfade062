"""What the policy lets run without a person's approval: at once, or when the time to object is over. Pure.

The states and the steps between them stand in `bot.responses.machine`.
"""

from datetime import datetime, timedelta
from typing import Any

from bot.errors import Stale
from bot.responses.machine import check, retold
from bot.responses.models import Decision, Person, Request, State, Step
from bot.responses.terms import Terms

LATE_LAPSE = timedelta(minutes=5)
"""Who comes so late to the end of a time to object was not there either when somebody may have tried to."""


def lapse(request: Request, now: datetime, send_within: timedelta) -> Request:
    """The time to object is over and nobody did: the policy approves it.

    Where nobody could have objected (its card is not out, or the bot was not there when the time ended), that time
    begins anew; if it would outlast the request, people decide.
    """
    check(request, "lapse")
    if request.terms.runs_at is None or now < request.terms.runs_at:
        raise Stale("error.request_moved_on", state=request.state.value)
    if now - request.terms.runs_at > LATE_LAPSE or not _could_object(request):
        again = now + timedelta(minutes=request.terms.veto_minutes)
        if again >= request.expires:
            return stay_open(request, now)
        return retold(request, now, "veto_anew", {"terms": _runs_at(request, again)})
    who = Person(id="policy", tenant="", name=request.terms.policy)
    decision = Decision(what="approved by policy", who=who, at=now)
    changes: dict[str, Any] = {
        "state": State.APPROVED,
        "decisions": (*request.decisions, decision),
        "send_by": now + send_within,
        "next_check": now,
    }
    return retold(request, now, "approved_by_policy", changes, policy=request.terms.policy)


def preapproved(request: Request, now: datetime) -> Request:
    """The same with the story's line that says why nobody was asked."""
    step = Step(at=now, key="story.preapproved", values={"policy": request.terms.policy})
    return request.model_copy(update={"story": (*request.story, step)})


def _runs_at(request: Request, at: datetime | None) -> Terms:
    return request.terms.model_copy(update={"runs_at": at})


def stay_open(request: Request, now: datetime) -> Request:
    """It does not run by itself any more: people decide, as long as it stands."""
    check(request, "lapse")
    return retold(request, now, "not_by_itself", {"terms": _runs_at(request, None)})


def _could_object(request: Request) -> bool:
    """Whether its card stands where people watch for requests; who may decide alone needs nobody.

    A group chat or a channel of the requester's own making, with nobody in it who decides, is no such place.
    """
    out = [post for post in request.posts if post.message and post.state == "live"]
    elsewhere = [post for post in out if post.place.kind != "personal" or post.place.id != request.origin]
    if request.terms.watchers is not None:
        elsewhere = [post for post in elsewhere if post.place.id in request.terms.watchers]
    return bool(elsewhere if request.four_eyes else out)
