"""Microsoft Graph v1.0: security, licences and checkMemberGroups (reference/graph-api.md)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bot.simulator import graph_forms as forms
from bot.simulator.core import Core
from bot.simulator.graph_fields import ALERTS, INCIDENTS, SECURE_SCORES
from bot.simulator.graph_intune import INTUNE_OPERATIONS
from bot.simulator.graph_pages import Listing, answer, shown
from bot.simulator.incidents import Incident
from bot.simulator.limits import Limit
from bot.simulator.pipeline import Call, Exchange, Operation, RefusedError, Service, mount
from bot.simulator.tokens import GRAPH

MAX_GROUPS = 20
SECURITY = (Limit(150, 60),)
READ_INCIDENTS = frozenset({"SecurityIncident.Read.All", "SecurityIncident.ReadWrite.All"})
READ_ALERTS = frozenset({"SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All"})
READ_SCORES = frozenset({"SecurityEvents.Read.All", "SecurityEvents.ReadWrite.All"})


def _error(exchange: Exchange, status: int, code: str, message: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    if status == 429:  # noqa: PLR2004 - the printed example of a throttled call has a body of its own
        inner = {"code": "429", "date": f"{now:%Y-%m-%dT%H:%M:%S}", "message": "Please retry after", "status": "429"}
        return {"error": {"code": code, "innerError": {**inner, "request-id": exchange.id}, "message": message}}
    asked = exchange.request.headers.get("client-request-id") or exchange.id
    inner = {"date": f"{now:%Y-%m-%dT%H:%M:%S}", "request-id": exchange.id, "client-request-id": asked}
    return {"error": {"code": code, "message": message, "innerError": inner}}


def _finish(exchange: Exchange, response: web.Response) -> None:
    response.headers["request-id"] = exchange.id
    if asked := exchange.request.headers.get("client-request-id"):
        response.headers["client-request-id"] = asked


SERVICE = Service(
    name="graph",
    audience=GRAPH,
    error=_error,
    says={
        "expired": (401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid."),
        "forbidden": (403, "Forbidden", "Missing application permissions for this call."),
        "plan": (403, "Forbidden", "The tenant is not licensed for this feature."),
        "throttled": (429, "TooManyRequests", "Please retry again later."),
        "error": (500, "UnknownError", ""),
        "missing": (404, "BadRequest", "Resource not found for the segment."),
    },
    finish=_finish,
    count_refused=True,
)
DIRECTORY = Service(
    name="graph",
    audience=GRAPH,
    error=_error,
    says={
        **SERVICE.says,
        "forbidden": (403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
    },
    finish=_finish,
    count_refused=True,
)


def mount_graph(app: web.Application, core: Core) -> None:
    """Serve the API below `/v1.0`."""
    mount(app, core, DIRECTORY, LICENCE_OPERATIONS, "/v1.0/subscribedSkus")
    mount(app, core, SERVICE, INTUNE_OPERATIONS, "/v1.0/deviceManagement/managedDevices")
    mount(app, core, SERVICE, SECURITY_OPERATIONS, "/v1.0")


def _incident_form(call: Call, one: Incident, expand: str) -> dict[str, Any]:
    form = forms.incident(one, call.customer)
    if "alerts" in expand.split(","):
        form["alerts"] = [forms.alert(alert, call.customer) for alert in call.customer.alerts_of(one)]
    return form


async def _incidents(call: Call) -> web.Response:
    """`api/security-list-incidents`. `$filter` with `$expand=alerts` fails on incidents with many alerts."""
    customer, quirks = call.customer, call.core.quirks

    def check(query: Mapping[str, str], rows: list[Any]) -> None:
        both = "$filter" in query and "alerts" in query.get("$expand", "")
        crowded = any(len(customer.alerts_of(row)) >= quirks.many_alerts for row in rows)
        if both and crowded and quirks.expand_alerts_500:
            raise RefusedError(500, "UnknownError", "")

    expand = _expand(call)
    listing = Listing(
        kind="security/incidents",
        items=sorted(customer.incidents.values(), key=lambda one: one.created, reverse=True),
        fields=INCIDENTS,
        form=lambda one: _incident_form(call, one, expand),
        page=50,
        top=50,
        expands=frozenset({"alerts"}),
        check=check,
    )
    return answer(call, listing)


def _expand(call: Call) -> str:
    """`$expand` of this page; a next link carries it in its own query."""
    return call.request.query.get("$expand", "")


def _find_incident(call: Call) -> Incident:
    found = call.customer.incidents.get(call.path("incident"))
    if found is None:
        raise RefusedError(404, "NotFound", f"Incident {call.path('incident')} was not found.")
    return found


async def _incident(call: Call) -> web.Response:
    expand = _expand(call)
    if set(filter(None, expand.split(","))) - {"alerts"}:
        raise RefusedError(400, "BadRequest", "Could not find the property to expand.")
    form = shown(call, _incident_form(call, _find_incident(call), expand), call.request.query.get("$select", ""))
    context = "https://graph.microsoft.com/v1.0/$metadata#security/incidents/$entity"
    return web.json_response({"@odata.context": context, **form})


async def _incident_alerts(call: Call) -> web.Response:
    one = _find_incident(call)
    listing = Listing(
        kind=f"security/incidents('{one.id}')/alerts",
        items=call.customer.alerts_of(one),
        fields=ALERTS,
        form=lambda alert: forms.alert(alert, call.customer),
        page=100,
        top=1000,
        clamp=True,
    )
    return answer(call, listing)


async def _alerts(call: Call) -> web.Response:
    """`api/security-list-alerts_v2`: pages of at most 1000 (clamped), `$skip` of at most 500."""
    listing = Listing(
        kind="security/alerts_v2",
        items=sorted(call.customer.alerts.values(), key=lambda one: one.created, reverse=True),
        fields=ALERTS,
        form=lambda one: forms.alert(one, call.customer),
        page=100,
        top=1000,
        clamp=True,
        skip=500,
    )
    return answer(call, listing)


async def _alert(call: Call) -> web.Response:
    found = call.customer.alerts.get(call.path("alert"))
    if found is None:
        raise RefusedError(404, "NotFound", f"Alert {call.path('alert')} was not found.")
    form = shown(call, forms.alert(found, call.customer), call.request.query.get("$select", ""))
    context = "https://graph.microsoft.com/v1.0/$metadata#security/alerts_v2/$entity"
    return web.json_response({"@odata.context": context, **form})


async def _secure_scores(call: Call) -> web.Response:
    """`api/security-list-securescores`: newest first, 90 days kept, so `$top` counts days."""
    days = sorted(call.customer.secure_scores, key=lambda day: day.time, reverse=True)[:90]
    listing = Listing(
        kind="Security/secureScores",
        items=days,
        fields=SECURE_SCORES,
        form=lambda day: forms.secure_score(day, call.customer),
        page=90,
        top=1000,
        clamp=True,
    )
    return answer(call, listing)


async def _subscribed_skus(call: Call) -> web.Response:
    """`GET /subscribedSkus` (graph-api.md sections 1.9 and 6.3): the plan of the tenant as one subscription."""
    rows = forms.skus(call.customer)
    context = "https://graph.microsoft.com/v1.0/$metadata#subscribedSkus"
    return web.json_response({"@odata.context": context, "value": rows})


async def _check_member_groups(call: Call) -> web.Response:
    """`directoryobject-checkmembergroups`: which of at most 20 groups the person is in, through nesting too."""
    try:
        body = await call.json()
    except ValueError as bad:
        raise RefusedError(400, "BadRequest", "Unable to read JSON request payload.") from bad
    groups = body.get("groupIds") if isinstance(body, dict) else None
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise RefusedError(400, "Request_BadRequest", "The property 'groupIds' is required and holds a list of ids.")
    if len(groups) > MAX_GROUPS:
        raise RefusedError(400, "Request_BadRequest", f"The number of ids exceeds the maximum of {MAX_GROUPS}.")
    person = call.customer.directory.find(call.path("user"))
    if person is None:
        raise RefusedError(404, "Request_ResourceNotFound", f"Resource '{call.path('user')}' does not exist.")
    found = call.customer.directory.member_of(person.id, groups)
    context = "https://graph.microsoft.com/v1.0/$metadata#Collection(Edm.String)"
    return web.json_response({"@odata.context": context, "value": found})


SECURITY_OPERATIONS = (
    Operation(
        name="graph.incidents.list",
        method="GET",
        path="/security/incidents",
        handler=_incidents,
        roles=READ_INCIDENTS,
    ),
    Operation(
        name="graph.incidents.get",
        method="GET",
        path="/security/incidents/{incident}",
        handler=_incident,
        roles=READ_INCIDENTS,
    ),
    Operation(
        name="graph.incidents.alerts",
        method="GET",
        path="/security/incidents/{incident}/alerts",
        handler=_incident_alerts,
        roles=READ_INCIDENTS,
    ),
    Operation(
        name="graph.alerts.list",
        method="GET",
        path="/security/alerts_v2",
        handler=_alerts,
        roles=READ_ALERTS,
        limits=SECURITY,
        bucket="graph.security",
    ),
    Operation(
        name="graph.alerts.get",
        method="GET",
        path="/security/alerts_v2/{alert}",
        handler=_alert,
        roles=READ_ALERTS,
        limits=SECURITY,
        bucket="graph.security",
    ),
    Operation(
        name="graph.securescores.list",
        method="GET",
        path="/security/secureScores",
        handler=_secure_scores,
        roles=READ_SCORES,
        limits=SECURITY,
        bucket="graph.security",
    ),
)
LICENCE_OPERATIONS = (
    Operation(
        name="graph.subscribedskus.list",
        method="GET",
        path="",
        handler=_subscribed_skus,
        roles=frozenset({"LicenseAssignment.Read.All", "Organization.Read.All"}),
    ),
)
DIRECTORY_OPERATIONS = (
    Operation(
        name="graph.checkmembergroups",
        method="POST",
        path="/{user}/checkMemberGroups",
        handler=_check_member_groups,
        every=frozenset({"User.Read.All", "GroupMember.Read.All"}),
    ),
)
