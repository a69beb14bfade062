"""Devices that a response can be done to: those that report to Defender, those that do not, those with Windows."""

from collections.abc import Callable
from dataclasses import replace

from bot.command import Context
from bot.defender.client import Defender
from bot.defender.models import Machine
from bot.devices import device_of
from bot.errors import UsageError
from bot.responses.models import Target
from handlers.aiming import DEVICE, Aim

Check = Callable[[Machine, str], None]
"""Raises UsageError where the response of that name cannot be done to the device."""


def managed(machine: Machine, response: str) -> None:
    """One that surely does not report to Defender takes no action of its own."""
    if machine.onboarding_status and not machine.is_onboarded:
        raise UsageError("error.device_unmanaged", name=machine.name, command=response)


def unmanaged(machine: Machine, response: str) -> None:
    """Only what does not report to Defender is kept away by the others."""
    if machine.is_onboarded:
        raise UsageError("error.device_managed", name=machine.name, command=response)


def windows(machine: Machine, response: str) -> None:
    """Some actions are for Windows alone; where the system is not known, Defender decides."""
    if machine.os_platform and not machine.os_platform.casefold().startswith("windows"):
        raise UsageError("error.device_not_windows", name=machine.name, os=machine.os_platform, command=response)


def devices_that(*checks: Check) -> Aim:
    """A device for which none of the checks complains."""

    async def find(context: Context, word: str, command: str, rest: str) -> Target:
        target = await DEVICE.find(context, word, command, rest)
        machine = await device_of(context, target.id)
        for check in checks:
            check(machine, command)
        return target

    return replace(DEVICE, find=find, needs=(*DEVICE.needs, Defender.machine))


MANAGED = devices_that(managed)
MANAGED_WINDOWS = devices_that(managed, windows)
UNMANAGED = devices_that(unmanaged)
