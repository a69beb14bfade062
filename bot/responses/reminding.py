"""What is said a second time, once, in the thread of a request's card: it waits for long, or it lasts for long.

A response that waits for its device is said again after two hours. One whose effect hurts until it is undone (an
isolation) is said again after a day, if the device still stands so. A policy may name other times.
"""

from datetime import datetime, timedelta

from bot.errors import ServiceError
from bot.policy.models import Reminders
from bot.posts import Post
from bot.responses import requests
from bot.responses.declared import Remote, Response
from bot.responses.models import PENDING, Request, State
from bot.services import Services

WAITS, LASTS = "reply:waits", "reply:lasts"
"""The keys of the posts that say it."""
LATER = timedelta(minutes=15)
MOST_ACTIONS = 1000


def noticed(request: Request, response: Response, now: datetime, times: Reminders) -> Request:
    """The request as it was just seen, with what is to be said again, now or later.

    The devices of a request for several have no card of their own: it is said below the one that they share.
    """
    if request.batch:
        return request
    if response.lasting and done_on(request):
        return request.model_copy(update={"remind_at": now + timedelta(minutes=times.standing_minutes)})
    late = now - (request.sent_at or now) >= timedelta(minutes=times.waiting_minutes)
    return _said(request, WAITS, now) if late and not request.reminded and _waits(request) else request


def done_on(request: Request) -> tuple[str, ...]:
    """The ids of the targets on which it succeeded, once all of it is over."""
    if request.state is State.PARTLY or (request.members and request.state is State.SUCCEEDED):
        return tuple(one.target.id for one in request.members if one.state is State.SUCCEEDED)
    return (request.target.id,) if request.state is State.SUCCEEDED else ()


def _waits(request: Request) -> bool:
    """Whether the service took it, and it waits for its device, or for some of them."""
    return request.state is State.SENT and (request.status.casefold() == PENDING or bool(request.waiting))


def _said(request: Request, key: str, now: datetime) -> Request:
    """The request with a reply below each of its cards."""
    replies = [
        Post(key=key, place=post.in_thread(), locale=post.locale, zone=post.zone)
        for post in request.posts
        if post.key == "card" and post.state == "live"
    ]
    return request.model_copy(update={"posts": (*request.posts, *replies), "reminded": now, "remind_at": None})


async def lasting(services: Services, request: Request) -> None:
    """A response that ended long ago: say it again if it was not undone since. Tries later where nobody can tell."""
    now, response = services.clock.now(), services.responses[request.response]
    try:
        remote = Remote(defender=services.defender(request.customer), graph=services.graph(request.customer))
        still = await _still(remote, request, response)
    except ServiceError:
        await requests.put(services, request, request.model_copy(update={"remind_at": now + LATER}))
        return
    quiet = request.model_copy(update={"remind_at": None})
    await requests.put(services, request, _said(quiet, LASTS, now) if still else quiet)


async def _still(remote: Remote, request: Request, response: Response) -> bool:
    """Whether a device surely stands so: nothing of the family that undoes it succeeded, or may have, since then."""
    undone: set[str] = set()
    for kind in response.how.family_types - response.how.types:
        undone |= await _since(remote, request, kind)
    return any(target not in undone for target in done_on(request))


async def _since(remote: Remote, request: Request, kind: str) -> set[str]:
    """The devices for which such an action succeeded, or may have, after the request was done."""
    machine = "" if request.members else request.target.id
    actions = await remote.defender.machine_actions(machine_id=machine, types=(kind,), top=MOST_ACTIONS)
    done = request.sent_at if request.members else request.status_at or request.ended
    rivals = [one for one in actions if one.state not in ("failed", "cancelled")]
    return {one.machine_id or "" for one in rivals if one.updated is None or one.updated >= (done or request.created)}
