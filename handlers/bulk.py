"""Several devices meant at once: `high-risk` (or `all:high-risk`), `incident:42`, `list:kiosks`, or `one,other`."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from bot.command import Context
from bot.defender.client import Defender
from bot.defender.models import Machine
from bot.devices import matches
from bot.errors import Missing, NotFound, UsageError
from bot.graph.client import Graph
from bot.responses.batch import MOST
from bot.responses.models import DEVICES, Evidence, Fact, Member, Target
from bot.wire import MACHINE_ID
from handlers import device_lists
from handlers.device_filters import FILTERS

SELECTOR = re.compile(r"(all|incident|list):(.+)", re.IGNORECASE)
NEEDS = (Defender.machines, Graph.incident)
SERVER = "server"
SILENT = timedelta(days=7)
"""Who has not been seen for so long is called inactive by Defender, too."""
BARE = frozenset(FILTERS) - {"all"}


@dataclass(frozen=True, kw_only=True)
class Several:
    """The devices that were meant, ready to be asked for together; `began` is when they were looked for (loop time)."""

    target: Target
    members: tuple[Member, ...]
    evidence: Evidence
    began: float


def names_several(word: str) -> bool:
    """Whether the word means several devices; no device's name has a comma or such a beginning.

    A device that is called like a filter is named by its id. `all` alone is no filter: it is said in full, `all:all`.
    """
    return "," in word or bool(SELECTOR.fullmatch(word)) or word.casefold() in BARE


async def several(context: Context, word: str) -> Several:
    """The devices that are meant, by name, at most 50. Raises NotFound, UsageError, ServiceError."""
    began = asyncio.get_running_loop().time()
    machines = await context.defender.machines()
    meant, missing = await _meant(context, word, machines)
    found = {machine.id: machine for machine in meant}
    if not found:
        raise NotFound("error.no_devices_meant", said=word)
    if len(found) > MOST:
        raise UsageError("error.too_many_devices", count=len(found), most=MOST)
    ordered = sorted(found.values(), key=lambda machine: machine.name.casefold())
    digest = sha256("\n".join(sorted(found)).encode()).hexdigest()[:24]
    return Several(
        target=Target(id=f"devices-{digest}", name=_said(word, ordered), kind=DEVICES),
        members=tuple(_member(machine, context.now) for machine in ordered),
        evidence=Evidence(read_at=context.now, warnings=_left_out(missing)),
        began=began,
    )


def _said(word: str, machines: Sequence[Machine]) -> str:
    """What a card calls them: the word that means them, or their names where each was named, be it by its id."""
    return word if SELECTOR.fullmatch(word) else ", ".join(machine.name for machine in machines)


async def _meant(context: Context, word: str, machines: Sequence[Machine]) -> tuple[list[Machine], int]:
    """The devices, and how many more are meant that Defender does not list."""
    selector = SELECTOR.fullmatch(f"all:{word}" if word.casefold() in BARE else word)
    if selector is None:
        return [one_named(machines, name.strip()) for name in word.split(",") if name.strip()], 0
    kind, name = selector[1].casefold(), selector[2].strip()
    if kind == "all":
        if name.casefold() not in FILTERS:
            raise UsageError("error.unknown_filter", said=name, known=", ".join(FILTERS), usage="all:FILTER")
        return [one for one in machines if one.is_onboarded and FILTERS[name.casefold()](one)], 0
    wanted = await (_of_incident(context, name) if kind == "incident" else device_lists.ids(context, name))
    found = [one for one in machines if one.id in wanted]
    return found, len(wanted - {one.id for one in found})


def one_named(machines: Sequence[Machine], name: str) -> Machine:
    """The one device of that name; a list is no place to choose among several."""
    by_id = [one for one in machines if one.id == name.lower()]
    found = by_id if MACHINE_ID.fullmatch(name) else matches(machines, name)
    if len(found) != 1:
        raise NotFound("error.not_one_device" if found else "error.no_such_device", name=name)
    return found[0]


async def _of_incident(context: Context, number: str) -> set[str]:
    try:
        incident = await context.graph.incident(number)
    except Missing as error:
        raise NotFound("error.no_such_incident", id=number) from error
    evidence = [item for alert in incident.alerts for item in alert.evidence]
    known = [item for item in evidence if item.mde_device_id]
    others = {item.device_dns_name or "" for item in evidence if item.is_device and not item.mde_device_id}
    lost = others - {item.device_dns_name for item in known}
    # no device has such an id, so they are counted among those that Defender does not list
    return {item.mde_device_id or "" for item in known} | {f"without an id: {name}" for name in lost}


def _member(machine: Machine, now: datetime) -> Member:
    return Member(
        target=Target(id=machine.id, name=machine.name),
        risk=machine.risk_score or "",
        value=machine.device_value or "",
        tags=machine.machine_tags,
        last_seen=machine.last_seen,
        warnings=tuple(Fact(key=key) for key in _grave(machine, now)),
    )


def _grave(machine: Machine, now: datetime) -> Iterator[str]:
    """What must not be overlooked of a device, as far as the list of devices tells."""
    if machine.value == "high":
        yield "devices-of-value"
    if SERVER in (machine.os_platform or "").casefold():
        yield "devices-servers"
    if machine.last_seen is None:
        yield "devices-unseen"
    elif now - machine.last_seen >= SILENT:
        yield "devices-silent"


def _left_out(missing: int) -> tuple[Fact, ...]:
    return (Fact(key="devices-missing", value=str(missing)),) if missing else ()
