"""How responses to mail and to what is sent in to Microsoft are carried out in Graph (graph-api.md 3.6 and 3.7).

A remediation is taken (202) and never answered for: it is handed over, and the portal's Action center tells its end.
A submission has an id of its own, by which it is followed.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from urllib.parse import unquote

from bot.graph.client import Graph
from bot.graph.mail.models import AnalyzedEmail, Remedy
from bot.graph.submissions.models import Category, Sort, Submission
from bot.responses.declared import Call, How, Remote
from bot.responses.how import sent_as
from bot.responses.models import Request, State, Work, WorkState

ACTION = "action"
BULK = "bulkId"
ACCEPTED = "accepted"
REACH = timedelta(days=30)
"""How far back a message is looked for, from when it was asked for."""
GONE = "trouble.mail_gone"
REMEDIES: dict[str, Remedy] = {
    "moveToJunk": "moveToJunk",
    "moveToInbox": "moveToInbox",
    "moveToDeletedItems": "moveToDeletedItems",
    "softDelete": "softDelete",
    "hardDelete": "hardDelete",
}
CATEGORIES: dict[str, Category] = {
    "phishing": "phishing",
    "malware": "malware",
    "spam": "spam",
    "notJunk": "notJunk",
}
STATES: dict[str, WorkState] = {"succeeded": "succeeded", "failed": "failed", "skipped": "failed"}
_BULK = re.compile(r'https://security\.microsoft\.com/action-center/history\?.*"bulkId":\["([0-9A-Za-z-]{1,64})"\]')

Send = Callable[[Remote, Request], Awaitable[Submission]]
Same = Callable[[Request, Submission], bool]


def message_of(request: Request) -> tuple[str, str]:
    """The message's network id and its recipient, of which the target's id is made."""
    network_id, _, recipient = request.target.id.partition("/")
    return network_id, recipient


def remediation() -> How:
    """A delivered message is moved or deleted; where it lies now is all that can be read."""

    async def send(remote: Remote, request: Request, comment: str) -> Work:
        network_id, recipient = message_of(request)
        remedy = REMEDIES[request.parameters[ACTION]]
        location = await remote.graph.remediate_mail(network_id, recipient, remedy, name=comment)
        bulk = bulk_of(location)
        return Work(
            id=bulk, status=ACCEPTED, state="handed over", kind=remedy, ours=True, result={BULK: bulk} if bulk else {}
        )

    async def find(remote: Remote, request: Request) -> list[Work]:
        mail = await _delivered(remote, request)
        rests = mail is not None and mail.rests_after(request.parameters[ACTION])
        if mail is None or not rests:
            return []
        return [Work(status=mail.location, state="succeeded", kind=request.parameters[ACTION], same=True)]

    async def still(remote: Remote, request: Request) -> tuple[str, dict[str, str]]:
        found = await _delivered(remote, request)
        return ("", {}) if found else (GONE, {"name": request.target.name})

    return How(send=send, find=find, still=still, needs=(Graph.analyzed_email,))


async def _delivered(remote: Remote, request: Request) -> AnalyzedEmail | None:
    network_id, recipient = message_of(request)
    until = (request.attempt.began if request.attempt else request.created) + timedelta(days=1)
    return await remote.graph.analyzed_email(network_id, recipient, request.created - REACH, until)


def bulk_of(location: str) -> str:
    """The id by which the Action center shows a remediation; empty where the Location is not of the documented form."""
    found = _BULK.match(unquote(location))
    return found[1] if found else ""


def submission(send: Send, sort: Sort, *, same: Same) -> How:
    """Something is sent in to Microsoft; `same` says whether a submission is about what a request names.

    A submission does not say for whom it was made: one of the same since the first attempt is likely this one.
    """

    async def sent(remote: Remote, request: Request, _comment: str) -> Work:
        return _work(await send(remote, request), ours=True)

    async def find(remote: Remote, request: Request) -> list[Work]:
        if request.attempt is None:
            return []
        listed = await remote.graph.submissions(sort, request.attempts[0].began)
        alike = [one for one in listed if same(request, one) and _category(one) == _wanted(request)]
        searching = request.state is State.UNKNOWN
        return [_work(one, same=True).model_copy(update={"likely": searching}) for one in alike]

    async def look(remote: Remote, request: Request) -> Work:
        return _work(await remote.graph.submission(sort, sent_as(request)))

    needs: tuple[Call, ...] = (Graph.submissions, Graph.submission)
    return How(send=sent, find=find, look=look, needs=needs)


def _work(one: Submission, *, ours: bool = False, same: bool = False) -> Work:
    found = one.result if one.ended else None
    result = {"submission-category": found.category or "", "submission-detail": found.detail or ""} if found else {}
    return Work(
        id=one.id,
        status=one.status or "",
        state=STATES.get(one.state, "active"),
        at=one.created_date_time,
        kind="threatSubmission",
        ours=ours,
        same=same,
        result={name: value for name, value in result.items() if value},
    )


def _category(one: Submission) -> str:
    return (one.category or "").casefold()


def _wanted(request: Request) -> str:
    return request.parameters["category"].casefold()


def categories(words: Sequence[str] = ("phishing", "malware", "spam", "clean")) -> dict[str, str]:
    """What a person types for a category, and the service's word for it."""
    services = {"phishing": "phishing", "malware": "malware", "spam": "spam", "clean": "notJunk"}
    return {word: services[word] for word in words}
