"""Graph's analysed mail (v1.0) and submissions to Microsoft (beta): reference/graph-api.md sections 3.6 and 3.7."""

import base64
import binascii
from collections.abc import Mapping
from datetime import timedelta
from operator import attrgetter
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from aiohttp import web

from bot.simulator.core import Core
from bot.simulator.graph import SERVICE
from bot.simulator.graph_pages import Listing, answer, shown
from bot.simulator.mailroom import PLACES, Handed, Letter, Remedy
from bot.simulator.moments import read, show
from bot.simulator.odata import Field, Fields
from bot.simulator.pipeline import Call, Operation, RefusedError, mount

READ_MAIL = frozenset({"SecurityAnalyzedMessage.Read.All", "SecurityAnalyzedMessage.ReadWrite.All"})
WRITE_MAIL = frozenset({"SecurityAnalyzedMessage.ReadWrite.All"})
READ_SUBMISSIONS = frozenset({"ThreatSubmission.Read.All", "ThreatSubmission.ReadWrite.All"})
WRITE_SUBMISSIONS = frozenset({"ThreatSubmission.ReadWrite.All"})
TAKES = timedelta(seconds=40)
"""How long a remedy takes here; no page names a time, and no API says that it is done."""
SEVERITIES = frozenset({"low", "medium", "high"})
CATEGORIES = frozenset({"notJunk", "spam", "phishing", "malware"})
_TYPE = "#microsoft.graph.security."
_SORTS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "emailThreats": ("email", "emailThreatSubmission", ("emailUrlThreatSubmission", "emailContentThreatSubmission")),
    "urlThreats": ("url", "urlThreatSubmission", ("urlThreatSubmission",)),
    "fileThreats": ("file", "fileThreatSubmission", ("fileContentThreatSubmission",)),
}
_LETTERS = Fields(
    {
        "networkMessageId": Field(attrgetter("network_id"), "name"),
        "recipientEmailAddress": Field(attrgetter("recipient"), "name"),
    },
    {},
)
_HANDED = Fields(
    {
        "createdDateTime": Field(attrgetter("created"), "time"),
        "source": Field(lambda _one: "administrator", "enum", frozenset({"administrator", "user"})),
    },
    {},
)


def mount_mail(app: web.Application, core: Core) -> None:
    """Serve analysed mail below `/v1.0` and submissions below `/beta`."""
    mount(app, core, SERVICE, MAIL_OPERATIONS, "/v1.0/security/collaboration")
    mount(app, core, SERVICE, SUBMISSION_OPERATIONS, "/beta/security/threatSubmission")


def letters(call: Call) -> dict[str, Letter]:
    """The delivered mail: what alerts name as evidence, with the effect of the remedies that are due."""
    room = call.customer.mailroom
    for alert in call.customer.alerts.values():
        for thing in alert.evidence:
            if thing["@odata.type"] == f"{_TYPE}analyzedMessageEvidence":
                key = f"{thing['networkMessageId']}/{thing['recipientEmailAddress']}"
                room.letters.setdefault(key, _letter(thing))
    room.settle(call.core.clock.now())
    return room.letters


def _letter(thing: Mapping[str, Any]) -> Letter:
    received, _ = read(thing["receivedDateTime"])
    return Letter(
        id=str(uuid5(NAMESPACE_URL, f"{thing['networkMessageId']}/{thing['recipientEmailAddress']}")),
        network_id=thing["networkMessageId"],
        internet_id=thing["internetMessageId"],
        recipient=thing["recipientEmailAddress"],
        subject=thing["subject"],
        sender=thing["p2Sender"]["emailAddress"],
        received=received,
    )


def _letter_form(one: Letter) -> dict[str, Any]:
    """`microsoft.graph.security.analyzedEmail`."""
    return {
        "id": one.id,
        "networkMessageId": one.network_id,
        "internetMessageId": one.internet_id,
        "loggedDateTime": show(one.received),
        "subject": one.subject,
        "senderDetail": {"fromAddress": one.sender, "mailFromAddress": one.sender, "displayName": "Billing"},
        "recipientEmailAddress": one.recipient,
        "directionality": "inbound",
        "originalDelivery": {"action": "delivered", "location": "inbox_folder", "latestThreats": "Phish"},
        "latestDelivery": {"action": "delivered", "location": one.location, "latestThreats": "Phish"},
        "threatTypes": list(one.threats),
        "detectionMethods": ["urlReputation"],
        "alertIds": [],
        "policyAction": None,
    }


def _licensed(call: Call) -> None:
    plan = call.core.quirks.mail_plan
    if plan and plan not in call.customer.service_plans:
        message = "The tenant is not licensed for this feature of Microsoft Defender for Office 365."
        raise RefusedError(403, "Forbidden", message)


async def _analyzed(call: Call) -> web.Response:
    """`api/security-collaborationroot-list-analyzedemails`: within whole days from startTime to endTime."""
    _licensed(call)
    query = call.request.query
    if "startTime" not in query or "endTime" not in query:
        raise RefusedError(400, "BadRequest", "startTime and endTime are required.")
    try:
        begin, end = read(query["startTime"])[0], read(query["endTime"])[0] + timedelta(days=1)
    except ValueError as bad:
        raise RefusedError(400, "BadRequest", "startTime and endTime are dates.") from bad
    listing = Listing(
        kind="security/collaboration/analyzedEmails",
        items=[one for one in letters(call).values() if begin <= one.received < end],
        fields=_LETTERS,
        form=_letter_form,
        page=100,
        top=1000,
    )
    return answer(call, listing)


async def _remediate(call: Call) -> web.Response:
    """`api/security-analyzedemail-remediate`: 202 without a body; the Location leads to the Action center."""
    _licensed(call)
    body = await _body(call)
    named = body.get("analyzedEmails")
    if body.get("action") not in PLACES or body.get("severity") not in SEVERITIES or not body.get("displayName"):
        raise RefusedError(400, "BadRequest", "displayName, severity and a supported action are required.")
    if not isinstance(named, list) or not named:
        raise RefusedError(400, "BadRequest", "analyzedEmails is required and holds at least one message.")
    known, now, bulk = letters(call), call.core.clock.now(), call.core.world.guid()
    for one in named:
        key = f"{one.get('networkMessageId')}/{one.get('recipientEmailAddress')}"
        if key not in known:
            raise RefusedError(404, "NotFound", "The message was not found.")
        due = now + TAKES
        more = {"bulk": bulk, "action": str(body["action"]), "name": str(body["displayName"])}
        call.customer.mailroom.remedies.append(Remedy(letter=key, asked=now, due=due, **more))
    page = f'https://security.microsoft.com/action-center/history?filters={{"bulkId":["{bulk}"]}}'
    return web.Response(status=202, headers={"Location": f"{page}&tid={call.customer.id}"})


async def _submit(call: Call) -> web.Response:
    """POST of a threat submission: 201, and it is running."""
    _submissions_licensed(call)
    sort = call.path("sort")
    _, _, types = _SORTS[sort]
    body = await _body(call)
    if str(body.get("@odata.type")).removeprefix(_TYPE) not in types or body.get("category") not in CATEGORIES:
        raise RefusedError(400, "BadRequest", "The type or the category of the submission is not supported.")
    if not all(isinstance(body.get(name), str) and body[name] for name in _NEEDED[sort]):
        raise RefusedError(400, "BadRequest", f"Required: {', '.join(_NEEDED[sort])}.")
    if "fileContent" in body and not _is_base64(body["fileContent"]):
        raise RefusedError(400, "BadRequest", "fileContent is not base64.")
    now = call.core.clock.now()
    one = Handed(id=call.core.world.guid(), sort=sort, body=body, created=now, by=call.app_name)
    call.customer.mailroom.handed[one.id] = one
    return web.json_response(_entity(call, one), status=201)


_NEEDED = {
    "emailThreats": ("recipientEmailAddress", "messageUrl"),
    "urlThreats": ("webUrl",),
    "fileThreats": ("fileName", "fileContent"),
}


def _submissions_licensed(call: Call) -> None:
    """The pages do not say which plan it needs; here any Defender for Office 365 has it."""
    if not call.customer.service_plans & {"ATP_ENTERPRISE", "THREAT_INTELLIGENCE"}:
        raise RefusedError(403, "Forbidden", "The tenant is not licensed for this feature.")


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except binascii.Error:
        return False


def _entity(call: Call, one: Handed) -> dict[str, Any]:
    kind = _SORTS[one.sort][1]
    context = f"https://graph.microsoft.com/beta/$metadata#security/threatSubmission/{kind}/$entity"
    return {"@odata.context": context, **_handed_form(call, one)}


def _handed_form(call: Call, one: Handed) -> dict[str, Any]:
    """`threatSubmission`: what was posted without the file's content, and how it stands."""
    content, kind, _ = _SORTS[one.sort]
    done = one.polls > call.core.quirks.submission_polls
    said = {name: value for name, value in one.body.items() if name not in {"fileContent", "@odata.type"}}
    return {
        "@odata.type": f"{_TYPE}{kind}",
        **said,
        "id": one.id,
        "tenantId": call.customer.id,
        "createdDateTime": show(one.created),
        "contentType": content,
        "status": one.ends if done else "running",
        "source": "administrator",
        "clientSource": "microsoft",
        "createdBy": {"user": {"identity": call.caller.app, "displayName": one.by, "email": None}},
        "result": _RESULTS[one.ends] if done else {"detail": "beingAnalyzed"},
        "adminReview": None,
    }


_RESULTS: Mapping[str, dict[str, Any]] = {
    "succeeded": {"category": "phishing", "detail": "threatsFound", "detectedUrls": [], "detectedFiles": []},
    "failed": {"category": "noResultAvailable", "detail": "itemNotfound"},
    "skipped": {"category": "noResultAvailable", "detail": "notSubmittedToMicrosoft"},
}


async def _handed(call: Call) -> web.Response:
    """One submission; each time it is asked for it gets a little nearer to its end."""
    one = call.customer.mailroom.handed.get(call.path("submission"))
    if one is None or one.sort != call.path("sort"):
        raise RefusedError(404, "ResourceNotFound", "The submission was not found.")
    one.polls += 1
    return web.json_response(shown(call, _entity(call, one)))


async def _all_handed(call: Call) -> web.Response:
    """The submissions of one sort."""
    found = [one for one in call.customer.mailroom.handed.values() if one.sort == call.path("sort")]
    listing = Listing(
        kind=f"security/threatSubmission/{call.path('sort')}",
        items=sorted(found, key=lambda one: one.created, reverse=True),
        fields=_HANDED,
        form=lambda one: _handed_form(call, one),
        page=100,
        top=1000,
    )
    return answer(call, listing)


async def _body(call: Call) -> dict[str, Any]:
    try:
        body = await call.json()
    except ValueError as bad:
        raise RefusedError(400, "BadRequest", "Unable to read JSON request payload.") from bad
    if not isinstance(body, dict):
        raise RefusedError(400, "BadRequest", "Unable to read JSON request payload.")
    return body


MAIL_OPERATIONS = (
    Operation(
        name="graph.analyzedemails.list", method="GET", path="/analyzedEmails", handler=_analyzed, roles=READ_MAIL
    ),
    *(
        Operation(
            name="graph.analyzedemails.remediate",
            method="POST",
            path=f"/analyzedEmails/{action}",
            handler=_remediate,
            roles=WRITE_MAIL,
        )
        for action in ("remediate", "microsoft.graph.security.remediate")
    ),
)
_SORT = "/{sort:emailThreats|urlThreats|fileThreats}"
SUBMISSION_OPERATIONS = (
    Operation(name="graph.submissions.create", method="POST", path=_SORT, handler=_submit, roles=WRITE_SUBMISSIONS),
    Operation(name="graph.submissions.list", method="GET", path=_SORT, handler=_all_handed, roles=READ_SUBMISSIONS),
    Operation(
        name="graph.submissions.get",
        method="GET",
        path=f"{_SORT}/{{submission}}",
        handler=_handed,
        roles=READ_SUBMISSIONS,
    ),
)
