"""What an approver is told of several devices: who uses each and what goes on there, in bounded calls and time."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.budgets import POLLING, ranked
from bot.command import Context
from bot.defender.client import Defender
from bot.defender.models import MachineAction
from bot.errors import Missing, MissingPermission, NotInPlan, Throttled, Unauthorised
from bot.isolation import TYPES, network_of
from bot.responses.declared import Response
from bot.responses.models import Fact, Member
from handlers import bulk
from handlers.aiming import READ_SECONDS, called_out, logged_on
from handlers.bulk import Several
from handlers.reading import Sources

MOST_ACTIONS = 5000
HOPELESS = (MissingPermission, NotInPlan, Unauthorised, Throttled)
"""What one device is refused for, the others would be refused for as well."""
ELSEWHERE = frozenset(kind.casefold() for kind in TYPES)
"""Actions of which the state of the isolation tells."""
NEEDS = (*bulk.NEEDS, Defender.logon_users, Defender.machine_actions)


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How many devices are read `at_once`, and the seconds for it: `each` so that a mute one costs no other its turn.

    No device is begun with after `all` seconds, nor `latest` seconds after the devices were looked for: a command may
    take a minute as a whole.
    """

    at_once: int = 5
    each: float = 2.5
    all: float = 15.0
    latest: float = 40.0


BOUNDS = Bounds()


@dataclass(frozen=True)
class _Users:
    """Who logged on, by the device's id; `sources` knows why it is not known of the others, under the same name."""

    sources: Sources
    found: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def hopeless(self) -> bool:
        return any(isinstance(error, HOPELESS) for error in self.sources.failed.values())


async def looked_into(context: Context, response: Response, devices: Several, bounds: Bounds = BOUNDS) -> Several:
    """The same devices with what was read of each now; what was not read in time, or not at all, stays unknown."""
    sources = Sources(READ_SECONDS, context)
    reading = context.defender.machine_actions(top=MOST_ACTIONS)
    users, actions = await asyncio.gather(_users(context, devices, bounds), sources.read("actions", reading))
    of_device = _by_device(actions or ())
    whole = actions is not None and len(actions) < MOST_ACTIONS
    members = tuple(
        _told(context, response, one, users, of_device.get(one.target.id.casefold(), () if whole else None))
        for one in devices.members
    )
    unread = () if whole else (Fact(key="devices-actions-unread"),)
    lacking = tuple(Fact(key="devices-users-lacking", value=name) for name in users.sources.lacking)
    warnings = (*lacking, *unread, *devices.evidence.warnings)
    return replace(devices, members=members, evidence=devices.evidence.model_copy(update={"warnings": warnings}))


async def _users(context: Context, devices: Several, bounds: Bounds) -> _Users:
    """Who logged on to each, a few devices at a time; it leaves room in the API for people who look at one device."""
    clock = asyncio.get_running_loop()
    ends = min(clock.time() + bounds.all, devices.began + bounds.latest)
    users, waiting = _Users(Sources(bounds.each)), iter(devices.members)

    async def take_turns() -> None:
        for member in waiting:
            if clock.time() >= ends or users.hopeless:
                return
            found = await users.sources.read(member.target.id, context.defender.logon_users(member.target.id))
            if found is not None:
                users.found[member.target.id] = logged_on(context, found)

    with ranked(POLLING):
        await asyncio.gather(*(take_turns() for _ in range(bounds.at_once)))
    return users


def _told(
    context: Context, response: Response, member: Member, users: _Users, actions: Sequence[MachineAction] | None
) -> Member:
    """The member with who uses it and all that must not be overlooked; without `actions` nothing is said of those."""
    people = users.found.get(member.target.id)
    gone = isinstance(users.sources.failed.get(member.target.id), Missing)
    warnings = (
        *called_out(context, people or ()),
        *((Fact(key="devices-gone"),) if gone else ()),
        *member.warnings,
        *(() if actions is None else (*_network(response, actions), *_running(actions))),
    )
    return member.model_copy(update={"users": people, "warnings": warnings})


def _network(response: Response, actions: Sequence[MachineAction]) -> tuple[Fact, ...]:
    """How it stands on the network, where that is not what the response begins with."""
    state = network_of(actions).state
    usual = "isolated" if "Unisolate" in response.how.types else "not isolated"
    return () if state == usual else (Fact(key=f"devices-network-{state.replace(' ', '-')}"),)


def _running(actions: Sequence[MachineAction]) -> tuple[Fact, ...]:
    """What else is under way there, each kind once."""
    kinds = dict.fromkeys(a.type or "" for a in actions if a.is_active and a.kind not in ELSEWHERE)
    return tuple(Fact(key="devices-running", value=kind) for kind in kinds)


def _by_device(actions: Sequence[MachineAction]) -> Mapping[str, Sequence[MachineAction]]:
    found: dict[str, list[MachineAction]] = {}
    for action in actions:
        found.setdefault((action.machine_id or "").casefold(), []).append(action)
    return found
