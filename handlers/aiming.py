"""What a response is aimed at: how its target is found in what people type, and what an approver is told of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.command import Context
from bot.defender.client import Defender
from bot.defender.models import DefenderAlert, LogonUser, Machine, MachineAction
from bot.devices import TO_FIND, device_of, find_device
from bot.incidents import SEVERITIES, rank
from bot.isolation import network_of
from bot.responses import requests
from bot.responses.declared import Call, Response
from bot.responses.models import DEVICE as DEVICE_KIND
from bot.responses.models import Evidence, Fact, Request, Target
from handlers import device_alerts
from handlers.reading import Sources

READ_SECONDS = 8.0
MOST_USERS = 8

Find = Callable[[Context, str, str, str], Awaitable[Target]]
Gather = Callable[[Context, Target, Response], Awaitable[Evidence]]
About = Callable[[Context, Target, Mapping[str, str]], Awaitable[tuple[Sequence[Fact], Sequence[Fact]]]]


@dataclass(frozen=True, kw_only=True)
class Aim:
    """A kind of target. `hint` stands for it in the usage of commands; `missing` is the text where none was named.

    `find(context, word, command, rest)` raises NotFound, Ambiguous, UsageError; `command` and `rest` make the line that
    a choice among several runs again. `gather(context, target, response)` leaves unknown what cannot be read in time.
    `about(context, target, parameters)` tells of what was typed beside the target: facts and warnings. `needs` are the
    client methods that they call.
    """

    kind: str
    hint: str
    find: Find
    gather: Gather
    needs: tuple[Call, ...] = ()
    missing: str = "error.no_target"
    about: About | None = None

    async def told(self, context: Context, target: Target, response: Response, typed: Mapping[str, str]) -> Evidence:
        """All that an approver is told of the target and of what was typed beside it."""
        if self.about is None:
            return await self.gather(context, target, response)
        evidence, (facts, warnings) = await asyncio.gather(
            self.gather(context, target, response), self.about(context, target, typed)
        )
        more = {"facts": (*evidence.facts, *facts), "warnings": (*evidence.warnings, *warnings)}
        return evidence.model_copy(update=more)


async def _find_device(context: Context, word: str, command: str, rest: str) -> Target:
    machine = await find_device(context, word, command, rest)
    return Target(id=machine.id, name=machine.name)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What Defender tells of a machine; None could not be read."""

    machine: Machine | None
    users: Sequence[LogonUser] | None = None
    alerts: Sequence[DefenderAlert] | None = None
    actions: Sequence[MachineAction] | None = None

    @property
    def severity(self) -> str:
        """The highest of the open alerts, "none" where there is none; empty where it cannot be told."""
        return _highest(self.alerts)


async def read_machine(context: Context, sources: Sources, machine_id: str) -> Reading:
    """All that a decision asks of a machine, whatever the device is called where somebody asks for something."""
    defender = context.defender
    machine, users, alerts, actions = await asyncio.gather(
        sources.read("device", device_of(context, machine_id)),
        sources.read("users", defender.logon_users(machine_id)),
        sources.read("alerts", defender.machine_alerts(machine_id)),
        sources.read("actions", defender.machine_actions(machine_id=machine_id, top=50)),
    )
    return Reading(machine=machine, users=users, alerts=alerts, actions=actions)


async def evidence_of(context: Context, sources: Sources, read: Reading) -> Evidence:
    """What an approver is told of a machine, and what the policy asks of it."""
    machine, alerts, actions = read.machine, read.alerts, read.actions
    names = None if read.users is None else logged_on(context, read.users)
    return Evidence(
        read_at=context.now,
        users=names,
        tags=machine.machine_tags if machine else None,
        severity=read.severity,
        warnings=called_out(context, names or ()),
        device_value=(machine.device_value if machine else None) or "",
        risk=(machine.risk_score if machine else None) or "",
        exposure=(machine.exposure_level if machine else None) or "",
        health=(machine.health_status if machine else None) or "",
        os=" ".join(filter(None, (machine.os_platform, machine.version))) if machine else "",
        last_seen=machine.last_seen if machine else None,
        open_alerts=None if alerts is None else device_alerts.titles(alerts),
        facts=await device_alerts.evidence(context, sources, alerts or ()),
        running=None if actions is None else tuple(f"{a.type} ({a.status})" for a in actions if a.is_active)[:6],
        isolation="" if actions is None else network_of(actions).state,
    )


async def _gather_device(context: Context, target: Target, response: Response) -> Evidence:
    sources = Sources(READ_SECONDS, context)
    read = await read_machine(context, sources, target.id)
    before = _last_action(read.actions or [], response)
    last, last_at = (before.status or "", before.updated or before.created) if before else ("", None)
    if not response.how.types:
        last, last_at = await last_time(context, target, response)
    evidence = await evidence_of(context, sources, read)
    return evidence.model_copy(update={"last_time": last, "last_time_at": last_at})


def logged_on(context: Context, users: Sequence[LogonUser]) -> tuple[str, ...]:
    """At most eight of the accounts; those whom the policy names come first: many users must not hide one of them."""
    priority = context.services.policy.is_priority
    return tuple(sorted((u.account_name or u.id for u in users), key=lambda name: not priority(name)))[:MOST_USERS]


def called_out(context: Context, names: Sequence[str]) -> tuple[Fact, ...]:
    """A warning for each of these accounts that the policy lists as a priority account."""
    return tuple(Fact(key="user-priority", value=name) for name in names if context.services.policy.is_priority(name))


def _highest(alerts: Sequence[DefenderAlert] | None) -> str:
    """The highest severity of the open alerts, "none" where there is none; empty where it cannot be told."""
    if alerts is None:
        return ""
    highest = max((alert.level for alert in alerts if alert.is_open), key=rank, default="none")
    return highest if highest in (*SEVERITIES, "none") else ""


def _last_action(actions: Sequence[MachineAction], response: Response) -> MachineAction | None:
    return next((a for a in actions if a.is_final and (a.type or "") in response.how.types), None)


async def last_time(context: Context, target: Target, response: Response) -> tuple[str, datetime | None]:
    """How the same response ended on the same target before, by our own requests: the state's word, and when."""
    earlier = await requests.latest(context.services, context.customer, target.id)
    done: Request | None = next((r for r in earlier if r.final and r.attempts and r.response == response.name), None)
    return (done.state.value, done.ended) if done else ("", None)


ABOUT_MACHINES = (Defender.logon_users, Defender.machine_alerts, Defender.machine_actions, *device_alerts.NEEDS)
"""What is called to tell of a machine, beside what finds it."""
DEVICE = Aim(
    kind=DEVICE_KIND,
    hint="DEVICE",
    find=_find_device,
    gather=_gather_device,
    needs=(*TO_FIND, *ABOUT_MACHINES),
    missing="error.no_device",
)
