"""Graph's users, directory roles and Identity Protection (reference/graph-api.md section 4)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from operator import attrgetter
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from aiohttp import web

from bot.simulator.core import Core
from bot.simulator.graph import DIRECTORY, DIRECTORY_OPERATIONS, SERVICE
from bot.simulator.graph_pages import Listing, answer, shown
from bot.simulator.limits import Limit
from bot.simulator.moments import show
from bot.simulator.odata import Field, Fields
from bot.simulator.pipeline import Call, Operation, RefusedError, mount
from bot.simulator.world import Group, Person, Risk

READS = (Limit(5000, 10),)
WRITES = (Limit(3000, 150),)
ONE_A_SECOND = (Limit(1, 1),)
SETTLES = timedelta(seconds=90)
"""How long Identity Protection takes to process what an administrator says (the pages name no time)."""
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_AUTHENTICATION_ADMINISTRATOR = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
HIGH_ENOUGH = frozenset({GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR})
"""Who may do what is sensitive to an administrator."""
READ_USERS = frozenset({"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"})
WRITE_USERS = frozenset({"User.ReadWrite.All", "Directory.ReadWrite.All"})
NOT_RETURNED_UNASKED = ("accountEnabled", "userType", "department", "onPremisesSyncEnabled", "createdDateTime")
_CONTEXT = "https://graph.microsoft.com/v1.0/$metadata#"
_USERS = Fields(
    {
        "id": Field(attrgetter("id"), "name"),
        "userPrincipalName": Field(attrgetter("upn"), "name"),
        "mail": Field(attrgetter("mail"), "name"),
        "displayName": Field(attrgetter("name"), "name"),
        "givenName": Field(lambda one: one.name.partition(" ")[0], "name"),
        "surname": Field(lambda one: one.name.rpartition(" ")[2], "name"),
        "accountEnabled": Field(attrgetter("enabled"), "flag"),
    },
    {},
)
_ASSIGNMENTS = Fields(
    {
        "principalId": Field(lambda one: one[0].id, "name"),
        "roleDefinitionId": Field(lambda one: one[1], "name"),
    },
    {},
)
_RISKY = Fields(
    {
        "riskLevel": Field(lambda one: one.risk.level, "enum", frozenset({"low", "medium", "high", "hidden", "none"})),
        "userPrincipalName": Field(attrgetter("upn"), "name"),
    },
    {},
)


def mount_people(app: web.Application, core: Core) -> None:
    """Serve users, roles and risky users below `/v1.0`."""
    mount(app, core, DIRECTORY, (*DIRECTORY_OPERATIONS, *USER_OPERATIONS), "/v1.0/users")
    mount(app, core, DIRECTORY, ROLE_OPERATIONS, "/v1.0/roleManagement")
    mount(app, core, SERVICE, RISK_OPERATIONS, "/v1.0/identityProtection")


def user_form(one: Person) -> dict[str, Any]:
    """`microsoft.graph.user`: the properties that a client may select here."""
    first, _, last = one.name.rpartition(" ")
    return {
        "id": one.id,
        "displayName": one.name,
        "givenName": first or None,
        "surname": last,
        "userPrincipalName": one.upn,
        "mail": one.mail,
        "jobTitle": one.title,
        "accountEnabled": one.enabled,
        "userType": one.user_type,
        "department": one.department,
        "onPremisesSyncEnabled": one.synced,
        "createdDateTime": show(one.created) if one.created else None,
        "signInSessionsValidFromDateTime": show(one.valid_from) if one.valid_from else None,
    }


def _selected(call: Call, one: Person) -> dict[str, Any]:
    """Without `$select` the default set, which is small."""
    form, select = user_form(one), call.request.query.get("$select", "")
    if unknown := sorted({name.strip() for name in select.split(",") if name.strip()} - set(form)):
        raise RefusedError(400, "Request_BadRequest", f"Could not find a property named '{unknown[0][:80]}'.")
    if not select:
        form = {name: value for name, value in form.items() if name not in NOT_RETURNED_UNASKED}
        form.pop("signInSessionsValidFromDateTime")
    return shown(call, form, select)


async def _users(call: Call) -> web.Response:
    """`api/user-list`: pages of 100, of 999 at most."""
    listing = Listing(
        kind="users",
        items=sorted(call.customer.directory.people.values(), key=lambda one: one.name),
        fields=_USERS,
        form=lambda one: _selected(call, one),
        page=100,
        top=999,
    )
    return answer(call, listing)


def _person(call: Call) -> Person:
    name = call.path("user")
    found = call.customer.directory.find(name)
    if found is None:
        message = f"Resource '{name}' does not exist or one of its queried reference-property objects are not present."
        raise RefusedError(404, "Request_ResourceNotFound", message)
    return found


async def _user(call: Call) -> web.Response:
    """`api/user-get`, by object id or user principal name."""
    form = _selected(call, _person(call))
    return web.json_response({"@odata.context": f"{_CONTEXT}users/$entity", **form})


async def _update(call: Call) -> web.Response:
    """`api/user-update`: 204. What is sensitive to an administrator needs a role as well as the permission."""
    body = await _body(call)
    if not body or set(body) - {"accountEnabled", "passwordProfile"}:
        raise RefusedError(400, "Request_BadRequest", "One or more property values specified are invalid.")
    held = call.caller.roles | ({"User.ReadWrite.All"} if call.caller.roles & WRITE_USERS else set())
    for name, permission in _SENSITIVE.items():
        if name in body and not held & {permission, "User.ReadWrite.All"}:
            raise RefusedError(403, "Authorization_RequestDenied", _DENIED)
    if "accountEnabled" in body and "User.ReadWrite.All" not in held and not call.caller.roles & READ_USERS:
        raise RefusedError(403, "Authorization_RequestDenied", _DENIED)
    one = _person(call)
    if roles_of(call, one) and not call.customer.app_roles & HIGH_ENOUGH:
        raise RefusedError(403, "Authorization_RequestDenied", _DENIED)
    _apply(call, one, body)
    return web.Response(status=204)


_SENSITIVE = {
    "accountEnabled": "User.EnableDisableAccount.All",
    "passwordProfile": "User-PasswordProfile.ReadWrite.All",
}
_DENIED = "Insufficient privileges to complete the operation."


def _apply(call: Call, one: Person, body: dict[str, Any]) -> None:
    if "accountEnabled" in body:
        if not isinstance(body["accountEnabled"], bool):
            raise RefusedError(400, "Request_BadRequest", "Cannot convert a literal to the type 'Edm.Boolean'.")
        one.enabled = body["accountEnabled"]
    if "passwordProfile" in body:
        profile = body["passwordProfile"]
        if not isinstance(profile, dict) or not _strong(profile.get("password")):
            message = "The specified password does not comply with password complexity requirements."
            raise RefusedError(400, "Request_BadRequest", message)
        one.passwords += 1
        one.password = sha256(profile["password"].encode()).hexdigest()
        one.must_change = profile.get("forceChangePasswordNextSignIn") is True
        one.valid_from = call.core.clock.now()


def _strong(password: Any) -> bool:
    """Three of four sorts of characters, 8 to 256 of them."""
    if not isinstance(password, str) or not 8 <= len(password) <= 256:  # noqa: PLR2004 - as Entra's policy has it
        return False
    sorts = (str.islower, str.isupper, str.isdigit, lambda one: not one.isalnum())
    return sum(any(sort(letter) for letter in password) for sort in sorts) >= 3  # noqa: PLR2004 - as above


async def _revoke(call: Call) -> web.Response:
    """`api/user-revokesigninsessions`: the page says 204, the service answers 200 with a Boolean."""
    one = _person(call)
    one.valid_from = call.core.clock.now()
    if call.core.quirks.revoke_204:
        return web.Response(status=204)
    return web.json_response({"@odata.context": f"{_CONTEXT}Edm.Boolean", "value": True})


def roles_of(call: Call, one: Person) -> set[str]:
    """The template ids of the roles that the person holds, also through a group."""
    groups = call.customer.directory.groups.values()
    through = [group.roles for group in groups if group.roles and call.customer.directory.member_of(one.id, [group.id])]
    return one.roles.union(*through)


def _held(call: Call) -> Iterator[tuple[Person | Group, str]]:
    directory = call.customer.directory
    holders: list[Person | Group] = [*directory.people.values(), *directory.groups.values()]
    for holder in holders:
        for role in sorted(holder.roles):
            yield holder, role


async def _assignments(call: Call) -> web.Response:
    """`api/rbacapplication-list-roleassignments`."""
    listing = Listing(
        kind="roleManagement/directory/roleAssignments",
        items=list(_held(call)),
        fields=_ASSIGNMENTS,
        form=lambda one: _assignment(call, *one),
        page=100,
        top=999,
        expands=frozenset({"principal", "roleDefinition"}),
    )
    return answer(call, listing)


def _assignment(call: Call, holder: Person | Group, role: str) -> dict[str, Any]:
    form = {
        "id": str(uuid5(NAMESPACE_URL, f"{holder.id}:{role}")),
        "principalId": holder.id,
        "directoryScopeId": "/",
        "roleDefinitionId": role,
    }
    if "principal" not in call.request.query.get("$expand", ""):
        return form
    if isinstance(holder, Person):
        principal = {"@odata.type": "#microsoft.graph.user", **user_form(holder)}
    else:
        principal = {"@odata.type": "#microsoft.graph.group", "id": holder.id, "displayName": holder.name}
    return form | {"principal": principal}


def _risk_form(call: Call, one: Person) -> dict[str, Any]:
    risk = one.risk or Risk()
    working = risk.settles is not None and risk.settles > call.core.clock.now()
    level, state, detail = risk.was if working else (risk.level, risk.state, risk.detail)
    return {
        "id": one.id,
        "isDeleted": False,
        "isProcessing": working,
        "riskLevel": level,
        "riskState": state,
        "riskDetail": detail,
        "riskLastUpdatedDateTime": show(risk.updated) if risk.updated else None,
        "userDisplayName": one.name,
        "userPrincipalName": one.upn,
    }


def _licensed(call: Call) -> None:
    """Risky users are of Entra ID P2 (section 1.9)."""
    if "AAD_PREMIUM_P2" not in call.customer.service_plans:
        message = "Your tenant is not licensed for this feature: it needs Microsoft Entra ID P2."
        raise RefusedError(403, "Forbidden", message)


async def _risky_users(call: Call) -> web.Response:
    """`api/riskyuser-list`."""
    _licensed(call)
    found = [one for one in call.customer.directory.people.values() if one.risk]
    listing = Listing(
        kind="identityProtection/riskyUsers",
        items=found,
        fields=_RISKY,
        form=lambda one: _risk_form(call, one),
        page=100,
        top=500,
    )
    return answer(call, listing)


async def _risky_user(call: Call) -> web.Response:
    """`api/riskyuser-get`: who was never at risk is not there."""
    _licensed(call)
    found = call.customer.directory.people.get(call.path("user"))
    if found is None or found.risk is None:
        raise RefusedError(404, "ResourceNotFound", "The requested resource was not found.")
    context = f"{_CONTEXT}identityProtection/riskyUsers/$entity"
    return web.json_response({"@odata.context": context, **_risk_form(call, found)})


async def _confirm(call: Call) -> web.Response:
    """`api/riskyuser-confirmcompromised`: 204; the level becomes high, after a while."""
    return await _judge(call, Risk(level="high", state="confirmedCompromised", detail="adminConfirmedUserCompromised"))


async def _dismiss(call: Call) -> web.Response:
    """`api/riskyuser-dismiss`: 204; the level becomes none, after a while."""
    return await _judge(call, Risk(level="none", state="dismissed", detail="adminDismissedAllRiskForUser"))


async def _judge(call: Call, verdict: Risk) -> web.Response:
    _licensed(call)
    body, now = await _body(call), call.core.clock.now()
    ids = body.get("userIds")
    if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
        raise RefusedError(400, "BadRequest", "The property 'userIds' is required and holds a list of ids.")
    people = [call.customer.directory.people.get(one) for one in ids]
    if None in people:
        raise RefusedError(404, "ResourceNotFound", "One or more users were not found.")
    for one in people:
        if one is not None:
            before = one.risk or Risk()
            was = before.level, before.state, before.detail
            one.risk = replace(verdict, updated=now, settles=now + SETTLES, was=was)
    return web.Response(status=204)


async def _body(call: Call) -> dict[str, Any]:
    try:
        body = await call.json()
    except ValueError as bad:
        raise RefusedError(400, "BadRequest", "Unable to read JSON request payload.") from bad
    if not isinstance(body, dict):
        raise RefusedError(400, "BadRequest", "Unable to read JSON request payload.")
    return body


USER_OPERATIONS = (
    Operation(name="graph.users.list", method="GET", path="", handler=_users, roles=READ_USERS, limits=READS),
    Operation(name="graph.users.get", method="GET", path="/{user}", handler=_user, roles=READ_USERS, limits=READS),
    Operation(
        name="graph.users.update",
        method="PATCH",
        path="/{user}",
        handler=_update,
        roles=frozenset(_SENSITIVE.values()) | WRITE_USERS,
        limits=WRITES,
        bucket="graph.directory.writes",
    ),
    *(
        Operation(
            name="graph.users.revoke",
            method="POST",
            path=f"/{{user}}/{action}",
            handler=_revoke,
            roles=frozenset({"User.RevokeSessions.All"}) | WRITE_USERS,
            limits=WRITES,
            bucket="graph.directory.writes",
        )
        for action in ("revokeSignInSessions", "microsoft.graph.revokeSignInSessions")
    ),
)
ROLE_OPERATIONS = (
    Operation(
        name="graph.roleassignments.list",
        method="GET",
        path="/directory/roleAssignments",
        handler=_assignments,
        roles=frozenset({"RoleManagement.Read.Directory", "RoleManagement.Read.All", "Directory.Read.All"}),
        limits=READS,
    ),
)


def _risk_operation(name: str, method: str, path: str, handler: Any, *roles: str) -> Operation:
    return Operation(
        name=f"graph.riskyusers.{name}",
        method=method,
        path=f"/riskyUsers{path}",
        handler=handler,
        roles=frozenset(roles),
        limits=ONE_A_SECOND,
        bucket="graph.identityprotection",
        mute=True,
    )


_READ_RISK, _WRITE_RISK = "IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All"
RISK_OPERATIONS = (
    _risk_operation("list", "GET", "", _risky_users, _READ_RISK, _WRITE_RISK),
    _risk_operation("get", "GET", "/{user}", _risky_user, _READ_RISK, _WRITE_RISK),
    _risk_operation("confirm", "POST", "/confirmCompromised", _confirm, _WRITE_RISK),
    _risk_operation("dismiss", "POST", "/dismiss", _dismiss, _WRITE_RISK),
)
