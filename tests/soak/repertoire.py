"""What the soak's people ask for, and how one sees at the services whether it came about. Uses no code of the bot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.simulator.world import Customer

Holds = Callable[[Customer, str, str], bool]
"""Whether it is so: the customer, the target's id and what was asked along with it."""


@dataclass(frozen=True, kw_only=True)
class Act:
    """A response as people type it.

    `line` has {name} for its target (of the kind `on`) and {tag} for the word by which its request is found again.
    `operation` is what the service calls it, `family` of what one at a time is under way. `back` undoes it. `holds`:
    whether it is in force; without it the machine action tells. `alone`: it runs without a decision.
    """

    name: str
    line: str
    on: str
    operation: str
    family: str
    back: str = ""
    holds: Holds | None = None
    alone: bool = False
    many: bool = False
    often: int = 1


def _device(look: Callable[..., bool]) -> Holds:
    return lambda customer, target, _: look(customer.devices[target])


def _person(look: Callable[..., bool]) -> Holds:
    return lambda customer, target, _: look(customer.directory.people[target])


def _intune(name: str) -> Holds:
    return lambda customer, target, _: any((a.device, a.name) == (target, name) for a in customer.intune.accepted)


def _blocked(customer: Customer, target: str, _: str) -> bool:
    return any(entry.value.casefold() == target and entry.action == "Block" for entry in customer.entries.held.values())


def _free(customer: Customer, target: str, _: str) -> bool:
    return not any(entry.value.casefold() == target for entry in customer.entries.held.values())


WHY = "{tag} looks bad"
ACTS = (
    Act(
        name="isolate",
        line=f"/isolate {{name}} {{choice}}{WHY}",
        on="device",
        operation="defender.machines.isolate",
        family="isolation",
        back="release",
        holds=_device(lambda device: device.isolated),
        many=True,
        often=6,
    ),
    Act(
        name="release",
        line=f"/release {{name}} {WHY}",
        on="device",
        operation="defender.machines.unisolate",
        family="isolation",
        back="isolate",
        holds=_device(lambda device: not device.isolated),
        many=True,
        often=3,
    ),
    Act(
        name="scan",
        line=f"/scan {{name}} {{scan}}{WHY}",
        on="device",
        operation="defender.machines.runAntiVirusScan",
        family="scan",
        alone=True,
        many=True,
        often=3,
    ),
    Act(
        name="restrict",
        line=f"/restrict {{name}} {WHY}",
        on="device",
        operation="defender.machines.restrictCodeExecution",
        family="execution",
        back="unrestrict",
        holds=_device(lambda device: device.restricted),
        many=True,
        often=2,
    ),
    Act(
        name="unrestrict",
        line=f"/unrestrict {{name}} {WHY}",
        on="device",
        operation="defender.machines.unrestrictCodeExecution",
        family="execution",
        back="restrict",
        holds=_device(lambda device: not device.restricted),
        many=True,
    ),
    Act(
        name="collect",
        line=f"/collect {{name}} {WHY}",
        on="device",
        operation="defender.machines.collectInvestigationPackage",
        family="package",
        many=True,
    ),
    Act(
        name="quarantine",
        line=f"/quarantine {{name}} {'ab' * 20} {WHY}",
        on="device",
        operation="defender.machines.StopAndQuarantineFile",
        family="quarantine",
    ),
    Act(
        name="run-script",
        line=f"/run-script {{name}} own.ps1 {WHY}",
        on="device",
        operation="defender.machines.runliveresponse",
        family="live",
        often=2,
    ),
    Act(
        name="block",
        line=f"/block {{name}} {WHY}",
        on="host",
        operation="defender.indicators.submit",
        family="indicator",
        back="unblock",
        holds=_blocked,
        often=3,
    ),
    Act(
        name="unblock",
        line=f"/unblock {{name}} {WHY}",
        on="host",
        operation="defender.indicators.delete",
        family="indicator",
        back="block",
        holds=_free,
    ),
    Act(
        name="block-signin",
        line=f"/block-signin {{name}} {WHY}",
        on="user",
        operation="graph.users.update",
        family="sign-in",
        back="unblock-signin",
        holds=_person(lambda person: not person.enabled),
        often=2,
    ),
    Act(
        name="unblock-signin",
        line=f"/unblock-signin {{name}} {WHY}",
        on="user",
        operation="graph.users.update",
        family="sign-in",
        back="block-signin",
        holds=_person(lambda person: person.enabled),
    ),
    Act(
        name="revoke-sessions",
        line=f"/revoke-sessions {{name}} {WHY}",
        on="user",
        operation="graph.users.revoke",
        family="sessions",
        holds=_person(lambda person: person.valid_from is not None),
    ),
    Act(
        name="lock",
        line=f"/lock {{name}} {WHY}",
        on="managed",
        operation="graph.intune.remoteLock",
        family="intune-lock",
        holds=_intune("remoteLock"),
    ),
    Act(
        name="restart",
        line=f"/restart {{name}} {WHY}",
        on="managed",
        operation="graph.intune.rebootNow",
        family="intune-restart",
        holds=_intune("rebootNow"),
    ),
)
BY_NAME: Mapping[str, Act] = {act.name: act for act in ACTS}
MARKED = frozenset({"device"})
"""Targets whose actions carry the request's mark in their comment: they are judged by it, one by one."""
BESIDE = {"tags", "value", "cancel", "investigation", "offboarding", "password", "user-risk", "mail", "submission"} | {
    *("library", "intune-sync", "intune-scan", "intune-signatures", "intune-removal")
}
"""Families of the bot that are not played here; `tests/responses/test_every_family.py` plays them all."""
