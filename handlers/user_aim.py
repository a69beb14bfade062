"""The target USER: found by sign-in name, mail address or a part of the name, and told of before anybody decides."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.command import Context
from bot.devices import MOST_CHOICES
from bot.errors import Ambiguous, Missing, NotFound, NotInPlan, UsageError
from bot.graph.client import Graph
from bot.graph.intune.models import ManagedDevice
from bot.graph.models import GraphAlert
from bot.graph.people.models import GLOBAL_ADMINISTRATOR, DirectoryUser, RoleAssignment
from bot.responses.declared import Response
from bot.responses.models import Evidence, Fact, Target
from bot.responses.people import ADMIN
from handlers.accounts import names_of
from handlers.aiming import READ_SECONDS, Aim, last_time
from handlers.reading import Sources

USER = "user"
OBJECT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12,13}", re.IGNORECASE)
NOT_ONESELF = frozenset({"block-signin", "reset-password"})
"""What nobody may ask for the own account: who is locked out cannot ask for the way back."""
LOCKS_OUT = frozenset({"block-signin", "reset-password"})
"""After which the last Global Administrator would be gone."""
OF_RISK = frozenset({"confirm-compromised", "dismiss-risk"})
MOST_ALERTS = 3
MOST_DEVICES = 4
MOST_ADMINISTRATORS = 8
YES, NO, NONE = "yes", "no", "none"


@dataclass(frozen=True, kw_only=True)
class Power:
    """The names of the directory roles that a user holds; `last`: no other enabled user is a Global Administrator."""

    roles: tuple[str, ...]
    last: bool = False


async def find(context: Context, word: str, command: str, rest: str) -> Target:
    """The one user who is meant. Raises NotFound, Ambiguous, UsageError, ServiceError.

    What is about risk is asked about at once, so that a plan without it says so before anybody decides.
    """
    user = await find_user(context, word, command, rest)
    if command in NOT_ONESELF and user.id.casefold() == context.actor.id.casefold():
        raise UsageError("error.not_yourself", command=command)
    if command in OF_RISK:
        await context.graph.risky_user(user.id)
    return Target(id=user.id, name=user.name, kind=USER)


async def find_user(context: Context, word: str, command: str, rest: str) -> DirectoryUser:
    """The one user who is meant, by id, sign-in name, mail address, or by how a name begins."""
    word = word.strip()
    if OBJECT_ID.fullmatch(word) or "@" in word:
        try:
            return await context.graph.user(word)
        except Missing as error:
            if "@" not in word:
                raise NotFound("error.no_such_user", name=word) from error
    by_mail = await context.graph.users_by_mail(word) if "@" in word else []
    found = by_mail or fitting(await context.graph.users_named(word), word)
    if not found:
        raise NotFound("error.no_such_user", name=word)
    if len(found) > 1:
        choices = [(" ".join(filter(None, (command, u.id, rest))), _label(u), _told_apart(u)) for u in found]
        more = max(0, len(found) - MOST_CHOICES)
        raise Ambiguous("error.several_users", choices[:MOST_CHOICES], command, name=word, count=len(found), more=more)
    return found[0]


def fitting(users: Sequence[DirectoryUser], word: str) -> list[DirectoryUser]:
    """Those whose whole name it is, else all of them; in the order of their names."""
    wanted = word.casefold()
    whole = [user for user in users if wanted in _names(user)]
    return sorted(whole or users, key=lambda user: (_label(user).casefold(), user.id))


def _names(user: DirectoryUser) -> set[str]:
    upn = (user.user_principal_name or "").casefold()
    return {upn, upn.partition("@")[0], (user.display_name or "").casefold(), (user.mail or "").casefold()}


def _label(user: DirectoryUser) -> str:
    return user.display_name or user.name


def _told_apart(user: DirectoryUser) -> str:
    return ", ".join(filter(None, (user.user_principal_name, user.job_title, user.department)))


async def gather(context: Context, target: Target, response: Response) -> Evidence:
    """Who it is, what they may, what is known against them; what cannot be read in time is left unknown."""
    graph, sources = context.graph, Sources(READ_SECONDS, context)
    user, power, alerts, devices, risk, before = await asyncio.gather(
        sources.read("user", graph.user(target.id)),
        sources.read("roles", power_of(graph, target.id, locked_out=response.name in LOCKS_OUT)),
        sources.read("user-alerts", graph.user_alerts(target.name)),
        sources.read("user-devices", graph.managed_devices(user_principal_name=target.name)),
        sources.read("risk", _risk(graph, target.id)),
        last_time(context, target, response),
    )
    return Evidence(
        read_at=context.now,
        users=tuple(dict.fromkeys((target.name, *names_of((user,) if user else ())))),
        facts=(*_person(user), *_roles(power), *_risk_facts(risk), *_alerts(alerts), *_devices(devices)),
        warnings=tuple(_warnings(context, target, user, power)),
        last_time=before[0],
        last_time_at=before[1],
    )


async def power_of(graph: Graph, user_id: str, *, locked_out: bool) -> Power:
    """The directory roles of a user, also through groups; `locked_out`: whether another could still do all is asked."""
    assigned = await graph.role_assignments()
    groups = [one.principal_id for one in assigned if one.is_group and one.principal_id]
    member_of = await graph.member_groups(user_id, groups) if groups else set()
    mine = {user_id.casefold(), *(group.casefold() for group in member_of)}
    held = [one for one in assigned if (one.principal_id or "").casefold() in mine]
    names = tuple(dict.fromkeys(one.role for one in held))
    alone = locked_out and any(_is_global(one) for one in held) and await _is_last(graph, mine, assigned)
    return Power(roles=names, last=alone)


async def _is_last(graph: Graph, mine: set[str], assigned: Sequence[RoleAssignment]) -> bool:
    """Whether no other enabled user is a Global Administrator. A group that is one may have others in it: then no."""
    others = {one.principal_id or "": one for one in assigned if _is_global(one)}
    others = {key: one for key, one in others.items() if key.casefold() not in mine or one.is_group}
    if any(one.is_group for one in others.values()) or len(others) > MOST_ADMINISTRATORS:
        return False
    return not any(await asyncio.gather(*(_enabled(graph, key) for key in others)))


async def _enabled(graph: Graph, user_id: str) -> bool:
    try:
        return (await graph.user(user_id)).account_enabled is True
    except Missing:
        return False


def _is_global(one: RoleAssignment) -> bool:
    return (one.role_definition_id or "").casefold() == GLOBAL_ADMINISTRATOR


async def _risk(graph: Graph, user_id: str) -> tuple[str, str]:
    """The level and state of the user's risk; empty where the tenant's plan does not say."""
    try:
        found = await graph.risky_user(user_id)
    except NotInPlan:
        return "", ""
    return (found.risk_level or "", found.risk_state or "") if found else (NONE, NONE)


def _person(user: DirectoryUser | None) -> list[Fact]:
    if user is None:
        return [Fact(key="user-enabled")]
    enabled = "" if user.account_enabled is None else YES if user.account_enabled else NO
    texts = {
        "user-name": user.display_name or "",
        "user-job": ", ".join(filter(None, (user.job_title, user.department))),
        "user-type": user.user_type if (user.user_type or "").casefold() == "guest" else "",
    }
    facts = [Fact(key=key, value=text or "") for key, text in texts.items() if text]
    return [*facts, Fact(key="user-enabled", value=enabled)]


def _roles(power: Power | None) -> list[Fact]:
    return [Fact(key=ADMIN, value=", ".join(power.roles))] if power and power.roles else []


def _risk_facts(risk: tuple[str, str] | None) -> list[Fact]:
    """Nothing where the plan does not tell, unknown where it could not be read."""
    if risk == ("", ""):
        return []
    level, state = risk or ("", "")
    facts = [Fact(key="user-risk", value=level)]
    return facts if state in {"", NONE} else [*facts, Fact(key="user-risk-state", value=state)]


def _alerts(alerts: Sequence[GraphAlert] | None) -> list[Fact]:
    if not alerts:
        return [Fact(key="user-alerts", value="" if alerts is None else NONE)]
    shown = [Fact(key="user-alerts", value=_alert(one)) for one in alerts[:MOST_ALERTS]]
    left = len(alerts) - len(shown)
    return [*shown, Fact(key="user-more-alerts", value=str(left))] if left > 0 else shown


def _alert(one: GraphAlert) -> str:
    title = one.title or one.id
    return f"{title} (#{one.incident_id})" if one.incident_id else title


def _devices(devices: Sequence[ManagedDevice] | None) -> list[Fact]:
    """The devices that Intune knows of the user; nothing where the tenant has no Intune or it could not be read."""
    if not devices:
        return []
    names = [device.name for device in devices]
    more = f" +{len(names) - MOST_DEVICES}" if len(names) > MOST_DEVICES else ""
    return [Fact(key="user-devices", value=", ".join(names[:MOST_DEVICES]) + more)]


def _warnings(context: Context, target: Target, user: DirectoryUser | None, power: Power | None) -> list[Fact]:
    """What must not be overlooked, the gravest first."""
    said = {
        "user-last-admin": bool(power and power.last),
        "user-admin": bool(power and power.roles),
        "user-roles-unread": power is None,
        "user-priority": is_priority(context, target, user),
        "user-synced": bool(user and user.on_premises_sync_enabled),
        "user-asks": target.id.casefold() == context.actor.id.casefold(),
    }
    values = {"user-admin": ", ".join(power.roles) if power else ""}
    return [Fact(key=key, value=values.get(key, target.name)) for key, holds in said.items() if holds]


def is_priority(context: Context, target: Target, user: DirectoryUser | None) -> bool:
    """Whether the policy names the account as one that deserves more care than most."""
    return any(map(context.services.policy.is_priority, (target.name, *names_of((user,) if user else ()))))


AIM = Aim(
    kind=USER,
    hint="USER",
    find=find,
    gather=gather,
    needs=(
        Graph.user,
        Graph.users_by_mail,
        Graph.users_named,
        Graph.role_assignments,
        Graph.member_groups,
        Graph.user_alerts,
        Graph.risky_user,
        Graph.managed_devices,
    ),
    missing="error.no_user",
)
