"""The target of Intune's responses: a device in Intune, found by its name, its user, or the device in Defender."""

import re
from collections.abc import Sequence
from functools import partial

from bot.command import Context
from bot.defender.models import Machine
from bot.devices import IT, MOST_CHOICES, TO_FIND, find_device
from bot.errors import Ambiguous, Missing, NotFound
from bot.graph.client import Graph
from bot.graph.intune.models import ManagedDevice
from bot.responses.declared import Response
from bot.responses.intune import USER
from bot.responses.models import Evidence, Fact, Target
from bot.roles import Role
from bot.wire import MACHINE_ID
from handlers.aiming import READ_SECONDS, Aim, called_out, last_time
from handlers.joined import NEEDS as IN_DEFENDER
from handlers.joined import UNREAD, evidence_by_entra_id, unknown
from handlers.reading import Sources

MANAGED = "managed"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
REMOVES = frozenset({"retire", "wipe"})
"""The responses after which a person's own device has lost something of theirs or of the company's."""
through_intune = partial(Response, group="intune", target=MANAGED, asks=Role.OPERATOR, plans=frozenset({"INTUNE_A"}))
"""A response that Intune carries out."""


async def find(context: Context, word: str, command: str, rest: str) -> Target:
    """The one device in Intune that is meant.

    Raises NotFound (also where Intune does not know the device, or only through Defender), Ambiguous, ServiceError.
    """
    device = await _meant(context, word, command, rest)
    if device.by_defender_only:
        raise NotFound("error.managed_by_defender", name=device.name)
    return Target(id=device.id, name=device.name, kind=MANAGED)


async def _meant(context: Context, word: str, command: str, rest: str) -> ManagedDevice:
    if GUID.fullmatch(word):
        return await _by_id(context, word)
    if word.casefold() == IT or MACHINE_ID.fullmatch(word):
        return await _of_machine(context, await find_device(context, word, command, rest), command, rest)
    if "@" in word:
        of_user = await context.graph.managed_devices(user_principal_name=word)
        return _one(of_user, word, command, rest) or _nobodys(word)
    named = matches(await context.graph.managed_devices(), word)
    if found := _one(named, word, command, rest):
        return found
    return await _of_machine(context, await find_device(context, word, command, rest), command, rest)


async def _by_id(context: Context, device_id: str) -> ManagedDevice:
    try:
        return await context.graph.managed_device(device_id)
    except Missing as error:
        raise NotFound("error.not_in_intune", name=device_id) from error


async def _of_machine(context: Context, machine: Machine, command: str, rest: str) -> ManagedDevice:
    """The device that Defender knows under another name; the Entra device id is what both name it by."""
    if not machine.aad_device_id:
        raise NotFound("error.not_joined", name=machine.name)
    found = await context.graph.managed_devices(entra_device_id=machine.aad_device_id)
    device = _one(found, machine.name, command, rest)
    if device is None:
        raise NotFound("error.not_in_intune", name=machine.name)
    return device


def _nobodys(user: str) -> ManagedDevice:
    raise NotFound("error.no_device_of_user", user=user)


def _one(found: Sequence[ManagedDevice], name: str, command: str, rest: str) -> ManagedDevice | None:
    """The only one, or None where there is none. Raises Ambiguous."""
    if len(found) > 1:
        choices = [
            (" ".join(filter(None, (command, d.id, rest))), d.name, _told_apart(d)) for d in found[:MOST_CHOICES]
        ]
        more = len(found) - len(choices)
        raise Ambiguous("error.several_devices", choices, command, name=name, count=len(found), more=more)
    return found[0] if found else None


def _told_apart(device: ManagedDevice) -> str:
    system = " ".join(filter(None, (device.operating_system, device.os_version)))
    return ", ".join(filter(None, (system, device.user_principal_name, device.serial_number)))


def matches(devices: Sequence[ManagedDevice], name: str) -> list[ManagedDevice]:
    """The devices of exactly that name (Intune knows it without the domain), else that begin so."""
    wanted = name.casefold()
    short = wanted.partition(".")[0]
    exact = [device for device in devices if device.name.casefold() in {wanted, short}]
    found = exact or [device for device in devices if device.name.casefold().startswith(wanted)]
    return sorted(found, key=lambda device: (device.name.casefold(), device.id))


async def gather(context: Context, target: Target, response: Response) -> Evidence:
    """Whose device it is, how it does, what waits in Intune, and all that Defender knows of the same machine."""
    sources = Sources(READ_SECONDS, context)
    device = await sources.read("intune", context.graph.managed_device(target.id))
    in_defender = await _in_defender(context, sources, device)
    last, last_at = await last_time(context, target, response)
    user = (device.user_principal_name if device else None) or ""
    own = (*called_out(context, (user,)), *warnings_of(device, response.name)) if device else ()
    return in_defender.model_copy(
        update={
            "users": _people(user, in_defender.users),
            "last_time": last,
            "last_time_at": last_at,
            "facts": (*(facts_of(device) if device else ()), *in_defender.facts),
            "warnings": tuple(dict.fromkeys((*own, *in_defender.warnings))),
        }
    )


async def _in_defender(context: Context, sources: Sources, device: ManagedDevice | None) -> Evidence:
    if device is None:
        return unknown(context, UNREAD)
    return await evidence_by_entra_id(context, sources, device.azure_ad_device_id or "")


def _people(user: str, others: Sequence[str] | None) -> tuple[str, ...] | None:
    """Who uses it: whom Intune names, and who logged on. Where Defender does not tell, it may be anybody as well."""
    return None if others is None else tuple(dict.fromkeys((*filter(None, (user,)), *others)))


def facts_of(device: ManagedDevice) -> list[Fact]:
    """What an approver is told of the device; what Intune does not say is left out."""
    waiting = ", ".join(action.action_name or "?" for action in device.device_action_results if action.waits)
    encrypted = "" if device.is_encrypted is None else "yes" if device.is_encrypted else "no"
    texts = {
        USER: device.user_principal_name,
        "intune-system": " ".join(filter(None, (device.operating_system, device.os_version))),
        "intune-model": " ".join(filter(None, (device.model, device.serial_number))),
        "intune-owner": device.managed_device_owner_type,
        "intune-compliance": device.compliance_state,
        "intune-encrypted": encrypted,
        "intune-pending": waiting or ("" if device.management == "managed" else device.management_state),
    }
    facts = [Fact(key=key, value=value) for key, value in texts.items() if value]
    return [*facts, Fact(key="intune-last-sync", at=device.last_sync)] if device.last_sync else facts


def warnings_of(device: ManagedDevice, response: str) -> list[Fact]:
    """What must not be overlooked before something is taken off a device."""
    if response not in REMOVES:
        return []
    return [Fact(key="intune-personal", value=device.user_principal_name or "")] if device.is_personal else []


AIM = Aim(
    kind=MANAGED,
    hint="DEVICE",
    find=find,
    gather=gather,
    needs=(*TO_FIND, Graph.managed_devices, Graph.managed_device, *IN_DEFENDER),
    missing="error.no_device",
)
