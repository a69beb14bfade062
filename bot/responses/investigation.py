"""An automated investigation as a response (defender-api 10): its entity holds neither our mark nor who asked for it.

So one whose answer never came can only be recognised by the moment at which it began, and is called likely, not ours.
"""

from collections.abc import Sequence
from datetime import timedelta

from bot.defender.client import Defender
from bot.defender.models import Investigation
from bot.responses.declared import How, Remote
from bot.responses.how import sent_as
from bot.responses.models import Request, Work, WorkState
from bot.responses.still import for_same_device
from bot.wire import folded

MARGIN = timedelta(minutes=2)
"""How far the service's clock and ours may be apart, and how long before the attempt one may have begun."""
KIND = "Investigation"
ENDS: dict[str, WorkState] = {
    "successfullyremediated": "succeeded",
    "benign": "succeeded",
    "partiallyremediated": "partly done",
    "partiallyinvestigated": "partly done",
    "failed": "failed",
    "innerfailure": "failed",
    "unsupportedos": "failed",
    "unsupportedalerttype": "failed",
    "suppressedalert": "failed",
    "preexistingalert": "failed",
    "terminatedbysystem": "failed",
    "terminated": "cancelled",
    "terminatedbyuser": "cancelled",
}
"""Folded states after which nothing more happens; any other one (Queued, Running, PendingApproval ...) goes on."""


def of_investigation(one: Investigation, *, ours: bool = False, likely: bool = False) -> Work:
    """An investigation in the words of the state machine."""
    return Work(
        id=one.id,
        status=one.state or "",
        state=ENDS.get(folded(one.state), "active"),
        at=one.end_time or one.start_time,
        kind=KIND,
        ours=ours,
        same=ours or likely,
        likely=likely,
    )


def goes_on(one: Investigation) -> bool:
    """Whether it has not ended, as far as its state tells."""
    return folded(one.state) not in ENDS


async def _send(remote: Remote, request: Request, comment: str) -> Work:
    started = await remote.defender.start_investigation(request.target.id, comment=comment)
    return of_investigation(started, ours=True)


async def _find(remote: Remote, request: Request) -> Sequence[Work]:
    """Those of the device that began about when one of our attempts did, or go on since just before it."""
    since = request.attempts[0].began if request.attempts else request.created
    began = await remote.defender.investigations_of(request.target.id, since=since - MARGIN)
    before = [one for one in began if one.start_time and one.start_time < since]
    fitting = [one for one in began if one not in before or goes_on(one)]
    nearest = sorted(fitting, key=lambda one: abs((one.start_time or since) - since))
    return [of_investigation(one, likely=True) for one in nearest]


async def _look(remote: Remote, request: Request) -> Work:
    attempt = request.attempt
    adopted = attempt is not None and attempt.adopted
    one = await remote.defender.investigation(sent_as(request))
    return of_investigation(one, ours=not adopted, likely=adopted)


INVESTIGATE = for_same_device(
    How(send=_send, find=_find, look=_look, needs=(Defender.investigations_of, Defender.investigation))
)
