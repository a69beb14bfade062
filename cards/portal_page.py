"""Where in Microsoft's portals one goes on from a request: the pages that graph-api 1.8 lists, as a link button."""

import json
from urllib.parse import quote

from bot.responses.models import Request
from bot.turn import Look
from cards import parts
from cards.elements import OpenUrl
from cards.text import plain

USERS_PAGE = "https://admin.microsoft.com/#/users"
SUBMISSIONS_PAGE = f"{parts.PORTAL}/reportsubmission?viewid=admin"
BULK = "bulkId"
"""The fact of a request by which the Action center shows a mail remediation."""


def portal_link(look: Look, request: Request) -> OpenUrl | None:
    """The page that shows the target, or what became of the request; None for what has a card here."""
    if request.target.kind == "user":
        return parts.link(plain(look, "request.open-users"), USERS_PAGE)
    if request.response == "remediate-mail":
        return parts.link(plain(look, "request.open-history"), _history(request))
    if request.family == "submission":
        return parts.link(plain(look, "request.open-submissions"), parts.portal(SUBMISSIONS_PAGE, request.customer))
    return None


def _history(request: Request) -> str:
    """The Action center's history, of this remediation alone where its id is known."""
    bulk = request.result.get(BULK, "")
    filters = f"?filters={quote(json.dumps({BULK: [bulk]}, separators=(',', ':')))}" if bulk else ""
    return parts.portal(parts.HISTORY_PAGE + filters, request.customer)
