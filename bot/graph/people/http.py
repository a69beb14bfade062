"""Graph's users, roles and risky users over HTTP. Each operation names the documented page it follows."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus

from bot import odata
from bot.errors import Missing, Rejected
from bot.graph.models import OPEN_ALERT_STATUSES, GraphAlert
from bot.graph.operations import SERVICE, changing, reading
from bot.graph.people.models import DirectoryUser, RiskyUser, RoleAssignment
from bot.http import Api, Operation, read_all, read_one, values_of
from bot.limits import GRAPH_IDENTITY_PROTECTION, GRAPH_SECURITY

_DONE = HTTPStatus.NO_CONTENT
_SELECT = (
    "id,displayName,userPrincipalName,mail,accountEnabled,userType,jobTitle,department,onPremisesSyncEnabled,"
    "createdDateTime,signInSessionsValidFromDateTime"
)
_NAMES = ("userPrincipalName", "mail", "displayName", "givenName", "surname")


USER = reading("user", "/users/{id}", "User.Read.All", "api/user-get")
USERS = reading("users", "/users", "User.Read.All", "api/user-list")
ROLE_ASSIGNMENTS = reading(
    "role-assignments",
    "/roleManagement/directory/roleAssignments",
    "RoleManagement.Read.Directory",
    "api/rbacapplication-list-roleassignments",
)
USER_ALERTS = reading(
    "user-alerts",
    "/security/alerts_v2",
    "SecurityAlert.Read.All",
    "api/security-list-alerts_v2",
    GRAPH_SECURITY,
    "alerts and scores",
)
ENABLE = changing(
    "set-account-enabled",
    "/users/{id}",
    ("User.EnableDisableAccount.All", "User.Read.All"),
    "api/user-update",
    empty=_DONE,
    method="PATCH",
)
PASSWORD = changing(
    "set-password",
    "/users/{id}",
    ("User-PasswordProfile.ReadWrite.All",),
    "api/user-update",
    empty=_DONE,
    method="PATCH",
)
REVOKE = changing(
    "revoke-sessions",
    "/users/{id}/revokeSignInSessions",
    ("User.RevokeSessions.All",),
    "api/user-revokesigninsessions",
    empty=_DONE,  # the page says 204; the service answers 200 with {"value": true}
)
_RISKY = "/identityProtection/riskyUsers"
_COUNTED = "identity protection"
RISKY_USER = reading(
    "risky-user",
    f"{_RISKY}/{{id}}",
    "IdentityRiskyUser.Read.All",
    "api/riskyuser-get",
    GRAPH_IDENTITY_PROTECTION,
    _COUNTED,
)


def _judged(name: str, action: str) -> Operation:
    return changing(
        name,
        f"{_RISKY}/{action}",
        ("IdentityRiskyUser.ReadWrite.All",),
        f"api/riskyuser-{action.lower()}",
        empty=_DONE,
        limits=GRAPH_IDENTITY_PROTECTION,
        shares=_COUNTED,
    )


CONFIRM = _judged("confirm-compromised", "confirmCompromised")
DISMISS = _judged("dismiss-risk", "dismiss")

CALLS: Mapping[str, tuple[Operation, ...]] = {
    "user": (USER,),
    "users_named": (USERS,),
    "users_by_mail": (USERS,),
    "role_assignments": (ROLE_ASSIGNMENTS,),
    "user_alerts": (USER_ALERTS,),
    "set_account_enabled": (ENABLE,),
    "set_password": (PASSWORD,),
    "revoke_sessions": (REVOKE,),
    "risky_user": (RISKY_USER,),
    "confirm_compromised": (CONFIRM,),
    "dismiss_risk": (DISMISS,),
}
"""The operations of each method of the client."""


class HttpPeople:
    """`bot.graph.people.client.People` for one customer."""

    _api: Api

    async def user(self, user: str) -> DirectoryUser:
        """api/user-get; `$select` always, for the default properties are few."""
        answer = await self._api.call(USER, ids={"id": user}, params={"$select": _SELECT})
        return read_one(USER, DirectoryUser, answer)

    async def users_named(self, words: str, top: int = 25) -> list[DirectoryUser]:
        """api/user-list with `startswith`, one page."""
        condition = " or ".join(odata.starts_with(name, words) for name in _NAMES)
        return await self._users(condition, top)

    async def users_by_mail(self, address: str) -> list[DirectoryUser]:
        """api/user-list."""
        return await self._users(odata.equals("mail", address), 25)

    async def _users(self, condition: str, top: int) -> list[DirectoryUser]:
        params: dict[str, str | int] = {"$filter": condition, "$select": _SELECT, "$top": top}
        return read_all(USERS, DirectoryUser, values_of(USERS, await self._api.call(USERS, params=params)))

    async def role_assignments(self) -> list[RoleAssignment]:
        """api/rbacapplication-list-roleassignments, all pages."""
        values = await self._api.items(ROLE_ASSIGNMENTS, params={"$expand": "principal"})
        return read_all(ROLE_ASSIGNMENTS, RoleAssignment, values)

    async def user_alerts(self, upn: str, top: int = 50) -> list[GraphAlert]:
        """api/security-list-alerts_v2 with the documented lambda over evidence, one filter for each status."""
        found = await asyncio.gather(*(self._alerts_in(upn, status, top) for status in OPEN_ALERT_STATUSES))
        return [alert for alerts in found for alert in alerts]

    async def _alerts_in(self, upn: str, status: str, top: int) -> list[GraphAlert]:
        named = odata.equals("e/microsoft.graph.security.userEvidence/userAccount/userPrincipalName", upn)
        condition = odata.all_of(odata.equals("status", status), f"evidence/any(e: {named})")
        answer = await self._api.call(USER_ALERTS, params={"$filter": condition, "$top": top})
        return read_all(USER_ALERTS, GraphAlert, values_of(USER_ALERTS, answer))

    async def set_account_enabled(self, user_id: str, *, enabled: bool) -> None:
        """api/user-update: 204."""
        await self._api.call(ENABLE, ids={"id": user_id}, body={"accountEnabled": enabled})

    async def set_password(self, user_id: str, password: str) -> None:
        """api/user-update: 204. The password is in the request alone; errors and logs name the operation only."""
        profile = {"password": password, "forceChangePasswordNextSignIn": True}
        await self._api.call(PASSWORD, ids={"id": user_id}, body={"passwordProfile": profile})

    async def revoke_sessions(self, user_id: str) -> None:
        """api/user-revokesigninsessions: 200 with a Boolean, or 204 as the page says."""
        answer = await self._api.call(REVOKE, ids={"id": user_id})
        if answer.get("value") is False:
            raise Rejected(SERVICE, REVOKE.name, status=HTTPStatus.OK, code="not-revoked")

    async def risky_user(self, user_id: str) -> RiskyUser | None:
        """api/riskyuser-get; a user that was never at risk is not among the risky ones (404)."""
        try:
            answer = await self._api.call(RISKY_USER, ids={"id": user_id})
        except Missing:
            return None
        return read_one(RISKY_USER, RiskyUser, answer)

    async def confirm_compromised(self, user_id: str) -> None:
        """api/riskyuser-confirmcompromised: 204."""
        await self._api.call(CONFIRM, body={"userIds": [user_id]})

    async def dismiss_risk(self, user_id: str) -> None:
        """api/riskyuser-dismiss: 204."""
        await self._api.call(DISMISS, body={"userIds": [user_id]})
