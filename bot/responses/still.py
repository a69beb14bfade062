"""Whether a device is still the one that a request was made for, asked right before anything is sent to it.

A device that was installed anew gets a new id under its old name, while the old id may stay listed for months. What
people decided was about the old one, so nothing is sent then: the card says what changed, and asks again.
"""

from collections.abc import Mapping
from dataclasses import replace

from bot.defender.client import Defender
from bot.defender.models import Machine
from bot.errors import Missing
from bot.responses.declared import How, Remote
from bot.responses.models import Request, Target

GONE, RENAMED, ANEW = "trouble.device_gone", "trouble.device_renamed", "trouble.device_anew"
CHANGED = (RENAMED, ANEW)
"""What a request can be made anew for; of one that is gone nothing is left to ask for."""
NEEDS = (Defender.machines_named, Defender.machine)
Changed = tuple[str, Mapping[str, str]]
SAME: Changed = ("", {})


def for_same_device(how: How) -> How:
    """The same, and nothing is sent where the device is no longer the one that was meant."""
    return replace(how, still=same_device, needs=(*how.needs, *NEEDS))


async def same_device(remote: Remote, request: Request) -> Changed:
    """What changed since the request was made, as a catalogue key and values (`id`: the device that it is now)."""
    target = request.target
    named = [one for one in await remote.defender.machines_named(target.name) if _is(one.name, target.name)]
    newer = [one for one in named if one.id != target.id and one.first_seen and one.first_seen > request.created]
    if newer:
        return _anew(target, max(newer, key=lambda one: one.first_seen or request.created))
    if any(one.id == target.id for one in named):
        return SAME
    return await _by_id(remote, target)


async def _by_id(remote: Remote, target: Target) -> Changed:
    """One that is not found by its name: gone, renamed, or never had one."""
    try:
        machine = await remote.defender.machine(target.id)
    except Missing:
        return GONE, {"was": target.name}
    nameless = target.name == target.id or not machine.computer_dns_name
    if nameless or _is(machine.name, target.name):
        return SAME
    return RENAMED, {"was": target.name, "name": machine.name, "id": machine.id}


def _anew(target: Target, machine: Machine) -> Changed:
    return ANEW, {"was": target.name, "old": target.id[:8], "new": machine.id[:8], "id": machine.id}


def _is(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
