"""The machine in Defender that is the same device as one in Intune; the Entra device id is what both name it by.

What a decision asks of a device hangs on the machine: nobody gets round it by going through another service.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from bot.command import Context
from bot.defender.client import Defender
from bot.defender.models import Machine
from bot.responses.models import Evidence, Fact, Twin
from handlers.aiming import ABOUT_MACHINES, Reading, called_out, evidence_of, logged_on, read_machine
from handlers.reading import Sources

MOST_READ = 4
"""Of so many machines of one device the users and alerts are read; those of more count as unread."""
IN_DEFENDER = "in-defender"
NONE, UNREAD = "none", "unread"
NEEDS = (Defender.machines_joined, *ABOUT_MACHINES)
_BEGINNING = datetime.min.replace(tzinfo=UTC)


async def evidence_by_entra_id(context: Context, sources: Sources, entra_id: str) -> Evidence:
    """What Defender knows of the device; all of it unknown where it lists none or does not answer, and said so.

    One that was installed anew is listed several times: the machine that reported last is told of, the others are its
    twins, and who uses any of them uses the device.
    """
    machines = await _machines(context, sources, entra_id)
    if not machines:
        return unknown(context, UNREAD if machines is None else NONE)
    newest_first = sorted(machines, key=lambda one: one.last_seen or _BEGINNING, reverse=True)
    context.machines.update({one.id: one for one in newest_first})
    looked_into = newest_first[:MOST_READ]
    first, *others = await asyncio.gather(*(read_machine(context, sources, one.id) for one in looked_into))
    others += [Reading(machine=one) for one in newest_first[MOST_READ:]]
    evidence = await evidence_of(context, sources, first)
    users = _users(context, (first, *others))
    more = {"twins": tuple(map(_twin, others)), "users": users, "warnings": called_out(context, users or ())}
    return evidence.model_copy(update=more)


def unknown(context: Context, why: str) -> Evidence:
    """Nothing is known of it in Defender, and the card says why."""
    return Evidence(read_at=context.now, facts=(Fact(key=IN_DEFENDER, value=why),))


async def _machines(context: Context, sources: Sources, entra_id: str) -> list[Machine] | None:
    try:
        named = UUID(entra_id).int  # all zeros stand for none, as Intune writes it of what is not registered
    except ValueError:
        named = 0
    return await sources.read("device", context.defender.machines_joined(entra_id)) if named else []


def _users(context: Context, readings: Sequence[Reading]) -> tuple[str, ...] | None:
    """Who uses any of them; None where that of one could not be read, for it may be anybody."""
    known = [reading.users for reading in readings if reading.users is not None]
    if len(known) < len(readings):
        return None
    return tuple(dict.fromkeys(logged_on(context, [user for users in known for user in users])))


def _twin(read: Reading) -> Twin:
    machine = read.machine
    return Twin(
        id=machine.id if machine else "",
        name=machine.name if machine else "",
        tags=machine.machine_tags if machine else None,
        device_value=(machine.device_value if machine else None) or "",
        risk=(machine.risk_score if machine else None) or "",
        severity=read.severity,
    )
