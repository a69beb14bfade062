"""What is said a second time, once, in the thread of a request's card: it waits for long, or it lasts for long.

A response that waits for its device is said again after two hours. One whose effect hurts until it is undone (an
isolation) is said again after a day, if the device still stands so.
"""

from datetime import datetime, timedelta

from bot.errors import ServiceError
from bot.posts import Post
from bot.responses import requests
from bot.responses.declared import Remote, Response
from bot.responses.models import Request, State
from bot.services import Services
from bot.wire import folded

WAITS, LASTS = "reply:waits", "reply:lasts"
"""The keys of the posts that say it."""
WAITS_LONG = timedelta(hours=2)
LASTS_LONG = timedelta(hours=24)
LATER = timedelta(minutes=15)


def noticed(request: Request, response: Response, now: datetime) -> Request:
    """The request as it was just seen, with what is to be said again, now or later."""
    if request.state is State.SUCCEEDED and response.lasting:
        return request.model_copy(update={"remind_at": now + LASTS_LONG})
    waits = request.state is State.SENT and request.status.casefold() == "pending"
    if waits and not request.reminded and now - (request.sent_at or now) >= WAITS_LONG:
        return _said(request, WAITS, now)
    return request


def _said(request: Request, key: str, now: datetime) -> Request:
    """The request with a reply below each of its cards."""
    replies = [
        Post(key=key, place=post.in_thread(), locale=post.locale, zone=post.zone)
        for post in request.posts
        if post.key == "card" and post.state == "live"
    ]
    return request.model_copy(update={"posts": (*request.posts, *replies), "reminded": now, "remind_at": None})


async def lasting(services: Services, request: Request) -> None:
    """A response that ended a day ago: say it again if it was not undone since. Tries later where nobody can tell."""
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
    """Whether the device surely stands so: nothing of the family that undoes it succeeded, or may have, since then."""
    undoing = {folded(kind) for kind in response.how.family_types - response.how.types}
    actions = await remote.defender.machine_actions(machine_id=request.target.id, top=100)
    rivals = [one for one in actions if one.kind in undoing and one.state not in ("failed", "cancelled")]
    since = request.status_at or request.ended or request.created
    return not any(one.updated is None or one.updated >= since for one in rivals)
