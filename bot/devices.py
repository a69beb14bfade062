"""Finding the device that somebody means: by id, by name, by part of a name, or "it"."""

from collections.abc import Sequence

from bot.command import Context
from bot.defender.client import Defender
from bot.defender.models import Machine
from bot.errors import Ambiguous, Missing, NotFound, UsageError
from bot.wire import MACHINE_ID

IT = "it"
MOST_CHOICES = 8
TO_FIND = (Defender.machines, Defender.machine)
"""What `find_device` calls."""


def first_word(words: str) -> tuple[str, str]:
    """The first word, or what stands in quotes at the beginning, and the rest."""
    words = words.strip()
    if words[:1] in {'"', "'"} and words.find(words[0], 1) > 0:
        end = words.find(words[0], 1)
        return words[1:end].strip(), words[end + 1 :].strip()
    head, _, rest = words.partition(" ")
    return head, rest.strip()


async def find_device(context: Context, name: str, command: str, rest: str = "") -> Machine:
    """The one device that is meant, remembered as "it" for this person and conversation.

    `command` and `rest` make the line that a choice runs again. Raises NotFound, Ambiguous, ServiceError.
    """
    machine = await _find(context, name, command, rest)
    context.machines[machine.id] = machine
    await context.services.memory.remember(context.conversation, context.actor, machine.id)
    return machine


async def device_of(context: Context, machine_id: str) -> Machine:
    """A device by its id, read once in a turn. Raises ServiceError.

    It tells people what they decide on; before anything is sent the device is looked at again (`bot.responses.still`).
    """
    if machine_id not in context.machines:
        context.machines[machine_id] = await context.defender.machine(machine_id)
    return context.machines[machine_id]


async def _find(context: Context, name: str, command: str, rest: str) -> Machine:
    if not name:
        raise UsageError("error.no_device", usage=f"/{command}")
    if name.casefold() == IT:
        return await _by_id(context, await _it(context))
    if MACHINE_ID.fullmatch(name):
        return await _by_id(context, name.lower())
    found = matches(await context.defender.machines(), name)
    if not found:
        raise NotFound("error.no_such_device", name=name)
    if len(found) > 1:
        choices = [(" ".join(filter(None, (command, m.id, rest))), m.name, _told_apart(m)) for m in found]
        raise Ambiguous("error.several_devices", choices, command, name=name, count=len(found))
    return found[0]


def _told_apart(machine: Machine) -> str:
    """What tells devices of one name apart: the system and the beginning of the id."""
    system = " ".join(filter(None, (machine.os_platform, machine.version)))
    return ", ".join(filter(None, (system, machine.id[:8])))


async def _it(context: Context) -> str:
    remembered = await context.services.memory.recall(context.conversation, context.actor)
    if not MACHINE_ID.fullmatch(remembered):
        raise NotFound("error.no_it")
    return remembered


async def _by_id(context: Context, machine_id: str) -> Machine:
    try:
        return await device_of(context, machine_id)
    except Missing as error:
        raise NotFound("error.no_such_device", name=machine_id) from error


def matches(machines: Sequence[Machine], name: str) -> list[Machine]:
    """The devices of exactly that name (whole or without the domain), else that begin so, else that contain it."""
    wanted = name.casefold()
    for fits in (
        lambda m: wanted in (m.name.casefold(), m.name.casefold().partition(".")[0]),
        lambda m: m.name.casefold().startswith(wanted),
        lambda m: wanted in m.name.casefold(),
    ):
        found = [machine for machine in machines if fits(machine)]
        if found:
            return sorted(found, key=lambda machine: machine.name.casefold())
    return []
