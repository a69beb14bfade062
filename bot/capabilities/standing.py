"""How a response stands in a tenant, by what was learnt of it. Pure: the clock is handed in."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from bot.capabilities.models import (
    TRIED_AGAIN,
    Known,
    LacksPermission,
    LacksPlan,
    Offered,
    RefusedLately,
    Standing,
    Unsure,
)
from bot.http import Operation
from bot.permissions import operations_of
from bot.responses.declared import Response

_WIDER: Mapping[str, frozenset[str]] = {
    "GroupMember.Read.All": frozenset({"Group.Read.All", "Group.ReadWrite.All", "GroupMember.ReadWrite.All"}),
    "LicenseAssignment.Read.All": frozenset({"Organization.Read.All", "LicenseAssignment.ReadWrite.All"}),
    "User.EnableDisableAccount.All": frozenset({"User.ReadWrite.All", "Directory.ReadWrite.All"}),
    "User.RevokeSessions.All": frozenset({"User.ReadWrite.All", "Directory.ReadWrite.All"}),
    "User.Read.All": frozenset({"Directory.Read.All", "Directory.ReadWrite.All"}),
}
"""Permissions that hold another in them; beside these, ReadWrite holds Read, and .All holds the one without it."""


def standing_of(known: Known, response: Response, now: datetime) -> Standing:
    """How a response stands in a tenant. What is not known is never taken for lacking."""
    plans = known.plans or frozenset()
    fits = not response.plans or bool(response.plans & plans)
    if not fits and known.can_tell() and not response.unsure & plans:
        return LacksPlan(plans=response.plans)
    if lacking := lacks(known, operations_of((*response.calls, *response.how.needs))):
        return lacking
    if refused := _refused(known, operations_of(response.calls), now):
        return refused
    return Offered() if fits else Unsure()


def offerable(standing: Standing) -> bool:
    """Whether cards offer it: not what the plan lacks or the service refused lately for want of one.

    What lacks a permission is offered: who asks for it learns which, and where it is granted.
    """
    return not isinstance(standing, LacksPlan | RefusedLately)


def lacks(known: Known, operations: Iterable[Operation]) -> LacksPermission | None:
    """The first permission that is not in our token, of the services whose token could be read."""
    for operation in operations:
        granted = known.roles.get(operation.service)
        for permission in operation.permissions if granted is not None else ():
            if not covered(permission, granted or frozenset()):
                return LacksPermission(service=operation.service, permission=permission)
    return None


def covered(permission: str, granted: frozenset[str]) -> bool:
    """Whether a permission, or a wider one that holds it, is among those that are granted."""
    wider = {permission, permission.replace(".Read.", ".ReadWrite.")} | _WIDER.get(permission, frozenset())
    return bool((wider | {f"{one}.All" for one in wider}) & granted)


def denied_since(known: Known, response: Response) -> bool:
    """Whether a call of the response was refused for want of a permission after our token was last looked at."""
    mine = {(operation.service, operation.name) for operation in operations_of((*response.calls, *response.how.needs))}
    denied = [one for one in known.refusals if one.kind == "permission" and (one.service, one.operation) in mine]
    return any(known.roles_at is None or one.at > known.roles_at for one in denied)


def _refused(known: Known, operations: tuple[Operation, ...], now: datetime) -> RefusedLately | None:
    """The newest refusal for want of a plan; what permissions there are, the token tells."""
    mine = {(operation.service, operation.name) for operation in operations}
    found = [one for one in known.refusals if one.kind == "plan" and (one.service, one.operation) in mine]
    newest = max(found, key=lambda one: one.at, default=None)
    if newest is None or now - newest.at >= TRIED_AGAIN:
        return None
    until = newest.at + TRIED_AGAIN
    return RefusedLately(service=newest.service, message=newest.message, at=newest.at, until=until)
