"""What is said again below a request's card: it still waits, or its effect still lasts."""

from bot.responses.models import Request
from bot.turn import Look, Shown
from cards import button, parts
from cards.request import request_title
from cards.story import SERVICES
from cards.text import plain, say

NAMED = 5


def reminder_card(look: Look, request: Request, key: str) -> Shown:
    """Say what still stands and what can be done, with a way to the request's own card; `key` is the post's.

    What waits in Defender can be cancelled there; of other services no documented call cancels it.
    """
    title = request_title(look, request)
    waits = key.endswith("waits")
    what, since = ("request.still-waits", request.sent_at) if waits else ("request.still-lasts", request.ended)
    some = parts.names(look, [one.target.name for one in request.waiting], "word.unknown", NAMED)
    form = f"{what}.some" if request.members else what
    said = say(look, form, title=title, at=parts.moment(look, since), devices=some)
    show = button.run(plain(look, "actions.show"), f"request {request.id}")
    stop = parts.line(say(look, "request.cancel-waiting")) if waits and request.target.kind not in SERVICES else None
    return parts.shown([parts.line(said), stop], plain(look, f"{what}.summary", title=title), [show])
