"""Microsoft Graph over HTTP. Each operation names the documented page it follows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain
from uuid import uuid4

from bot import odata
from bot.graph.changes import LARGEST_PAGE, read_changes
from bot.graph.client import IncidentChanges
from bot.graph.domains import http as domains
from bot.graph.intune import http as intune
from bot.graph.mail import http as mail
from bot.graph.models import (
    OPEN_ALERT_STATUSES,
    OPEN_INCIDENT_STATUSES,
    GraphAlert,
    Incident,
    SecureScore,
    SubscribedSku,
)
from bot.graph.operations import SERVICE, reading
from bot.graph.people import http as people
from bot.graph.submissions import http as submissions
from bot.http import Api, Operation, read_all, read_one, values_of
from bot.http_errors import unreadable
from bot.limits import GRAPH_SECURITY

PUBLIC_URL = "https://graph.microsoft.com/v1.0"
_LARGEST_ALERT_PAGE = 1_000
_LARGEST_GROUP_CHECK = 20
_MOST_SCORES = 90


def _limited(operation: Operation) -> Operation:
    """One of those that are counted together (graph-api 2.5)."""
    return replace(operation, limits=GRAPH_SECURITY, shares="alerts and scores")


INCIDENTS = reading("incidents", "/security/incidents", "SecurityIncident.Read.All", "api/security-list-incidents")
INCIDENT = reading("incident", "/security/incidents/{id}", "SecurityIncident.Read.All", "api/security-incident-get")
ALERTS = _limited(reading("alerts", "/security/alerts_v2", "SecurityAlert.Read.All", "api/security-list-alerts_v2"))
ALERT = _limited(reading("alert", "/security/alerts_v2/{id}", "SecurityAlert.Read.All", "api/security-alert-get"))
SKUS = reading("subscribed-skus", "/subscribedSkus", "LicenseAssignment.Read.All", "api/subscribedsku-list")
SCORES = _limited(
    reading("secure-scores", "/security/secureScores", "SecurityEvents.Read.All", "api/security-list-securescores")
)
MEMBER_GROUPS = Operation(
    service=SERVICE,
    name="member-groups",
    method="POST",
    path="/users/{id}/checkMemberGroups",
    permissions=("User.Read.All", "GroupMember.Read.All"),
    page="api/directoryobject-checkmembergroups",
)

CALLS: Mapping[str, tuple[Operation, ...]] = {
    "incidents_changed_since": (INCIDENTS,),
    "incidents": (INCIDENTS,),
    "incident": (INCIDENT,),
    "open_incident_count": (INCIDENTS,),
    "alerts": (ALERTS,),
    "alert": (ALERT,),
    "secure_scores": (SCORES,),
    "member_groups": (MEMBER_GROUPS,),
    "subscribed_skus": (SKUS,),
}
"""The operations of each method of the client; a test proves it. Permissions of commands follow from it."""
GROUPS = (CALLS, intune.CALLS, people.CALLS, mail.CALLS, submissions.CALLS, domains.CALLS)
OPERATIONS = tuple(dict.fromkeys(chain.from_iterable(chain.from_iterable(group.values()) for group in GROUPS)))


def headers() -> dict[str, str]:
    """What each request carries: the wish for all enum members (section 2.2) and an id of its own (section 2.1)."""
    return {"Prefer": "include-unknown-enum-members", "client-request-id": str(uuid4())}


class HttpGraph(intune.HttpIntune, people.HttpPeople, mail.HttpMail, submissions.HttpSubmissions, domains.HttpDomains):
    """`bot.graph.client.Graph` for one customer. The `Api` must be made with `headers` of this module."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def incidents_changed_since(
        self, since: datetime, *, statuses: Sequence[str] = (), page: int = LARGEST_PAGE, max_items: int = 1000
    ) -> IncidentChanges:
        """api/security-list-incidents, never with `$expand`: together with `$filter` the service answers 500."""
        fetch = partial(self._changed, odata.one_of("status", statuses))
        return await read_changes(fetch, since, page=page, max_items=max_items)

    async def _changed(self, condition: str, since: datetime, skip: int, top: int) -> tuple[list[Incident], bool]:
        params: dict[str, str | int] = {
            "$filter": odata.all_of(odata.at_least("lastUpdateDateTime", since), condition),
            "$orderby": "lastUpdateDateTime asc",
            "$top": top,
        }
        answer = await self._api.call(INCIDENTS, params=params | ({"$skip": skip} if skip else {}))
        rows = read_all(INCIDENTS, Incident, values_of(INCIDENTS, answer))
        return rows, bool(answer.get("@odata.nextLink"))

    async def incidents(
        self,
        *,
        statuses: Sequence[str] = (),
        severities: Sequence[str] = (),
        assigned_to: str = "",
        top: int = LARGEST_PAGE,
    ) -> list[Incident]:
        """api/security-list-incidents; the service takes no more than 50 per page."""
        condition = odata.all_of(
            odata.one_of("status", statuses),
            odata.one_of("severity", severities),
            odata.equals("assignedTo", assigned_to) if assigned_to else "",
        )
        values = await self._api.items(INCIDENTS, params=_latest(condition), top=top, page_size=LARGEST_PAGE)
        return read_all(INCIDENTS, Incident, values)

    async def incident(self, incident_id: str) -> Incident:
        """api/security-incident-get with `$expand=alerts`."""
        answer = await self._api.call(INCIDENT, ids={"id": incident_id}, params={"$expand": "alerts"})
        return read_one(INCIDENT, Incident, answer)

    async def open_incident_count(self) -> int:
        """api/security-list-incidents with `$count`."""
        condition = odata.one_of("status", OPEN_INCIDENT_STATUSES)
        answer = await self._api.call(INCIDENTS, params={"$filter": condition, "$count": "true", "$top": 1})
        count = answer.get("@odata.count")
        if not isinstance(count, int):
            raise unreadable(SERVICE, INCIDENTS.name, "no count")
        return count

    async def alerts(
        self, *, statuses: Sequence[str] = OPEN_ALERT_STATUSES, severities: Sequence[str] = (), top: int = 100
    ) -> list[GraphAlert]:
        """api/security-list-alerts_v2: at most 1000, for `$skip` ends at 500 there."""
        condition = odata.all_of(odata.one_of("status", statuses), odata.one_of("severity", severities))
        top = min(top, _LARGEST_ALERT_PAGE)
        values = await self._api.items(ALERTS, params=_latest(condition), top=top, page_size=_LARGEST_ALERT_PAGE)
        return read_all(ALERTS, GraphAlert, values)

    async def alert(self, alert_id: str) -> GraphAlert:
        """api/security-alert-get."""
        return read_one(ALERT, GraphAlert, await self._api.call(ALERT, ids={"id": alert_id}))

    async def secure_scores(self, top: int = 1) -> list[SecureScore]:
        """api/security-list-securescores."""
        values = await self._api.items(SCORES, top=min(top, _MOST_SCORES), page_size=_MOST_SCORES)
        return read_all(SCORES, SecureScore, values)

    async def subscribed_skus(self) -> list[SubscribedSku]:
        """api/subscribedsku-list (graph-api.md section 6.3)."""
        return read_all(SKUS, SubscribedSku, values_of(SKUS, await self._api.call(SKUS)))

    async def member_groups(self, user_id: str, group_ids: Sequence[str]) -> set[str]:
        """api/directoryobject-checkmembergroups, 20 groups at a time; raises `Missing` for an unknown person."""
        asked = {group.lower(): group for group in group_ids}
        found: set[str] = set()
        for start in range(0, len(asked), _LARGEST_GROUP_CHECK):
            chunk = list(asked.values())[start : start + _LARGEST_GROUP_CHECK]
            answer = await self._api.call(MEMBER_GROUPS, ids={"id": user_id}, body={"groupIds": chunk})
            held = answer.get("value")
            if not isinstance(held, list):
                raise unreadable(SERVICE, MEMBER_GROUPS.name, "no list in value")
            found.update(asked[group.lower()] for group in map(str, held) if group.lower() in asked)
        return found


def _latest(condition: str) -> dict[str, str | int]:
    order: dict[str, str | int] = {"$orderby": "lastUpdateDateTime desc"}
    return order | ({"$filter": condition} if condition else {})
