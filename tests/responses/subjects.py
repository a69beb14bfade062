"""What each response can be asked for in a simulated company, and how one sees in it whether it came about; as data.

A response is taken from the registry. Where a new one has a kind of target, a parameter or a name that is not here, the
tests that go by this name it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.defender.indicators.values import recognise
from bot.library.catalogue import SCRIPTS
from bot.responses.declared import Response
from bot.responses.models import Request, Target
from bot.simulator.actions import Order
from bot.simulator.live_sessions import LibraryFile
from bot.simulator.mailroom import Letter
from bot.simulator.world import Customer
from bot.uploads import keep
from handlers.scripts import SUBJECTS, WHAT
from tests.responses.stage import Stage

LISTED = ("bad-one.example", "bad-two.example")
OWN_SCRIPT, OTHER_FILE = "own.ps1", "tool.exe"
UPLOADED = b"a newer tool"
NETWORK = "3b3ad1b6-2b0f-4a4e-9d3c-0d9a54a8a001"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a response is asked for: `values` where it is a list of them."""

    target: Target
    parameters: Mapping[str, str]
    values: tuple[str, ...] = ()


def furnish(stage: Stage) -> None:
    """Put into the company what responses are about: files of the library, a delivered message."""
    customer, now = stage.sim.first, stage.clock.now()
    for name in (OWN_SCRIPT, OTHER_FILE, *(script.file for script in SCRIPTS.values())):
        customer.library[name.casefold()] = LibraryFile(
            name=name, content=name.encode(), created=now, updated=now, by="admin"
        )
    for device in list(customer.devices.values())[-1:]:
        device.onboarding = "CanBeOnboarded"
    person = people(customer)[0]
    letter = Letter(
        id="letter-1",
        network_id=NETWORK,
        internet_id="<1@example>",
        recipient=person.upn,
        subject="Invoice",
        sender="x@bad.example",
        received=now - timedelta(hours=2),
    )
    customer.mailroom.letters.setdefault(f"{NETWORK}/{person.upn}", letter)


def people(customer: Customer) -> list:
    """Those whom no directory role protects."""
    return sorted((one for one in customer.directory.people.values() if not one.roles), key=lambda person: person.id)


def _devices(stage: Stage) -> list[Target]:
    return [Target(id=device.id, name=device.name) for device in stage.devices]


def _users(stage: Stage) -> list[Target]:
    return [Target(id=person.id, name=person.upn, kind="user") for person in people(stage.sim.first)[:2]]


def _managed(stage: Stage) -> list[Target]:
    found = [one for one in stage.sim.first.intune.devices.values() if one.system == "Windows" and one.agent == "mdm"]
    return [Target(id=one.id, name=one.name, kind="managed") for one in found[:2]]


def _indicators(stage: Stage) -> list[Target]:
    return [Target(id=recognise(text).id, name=text, kind="indicator") for text in LISTED]


def _library(stage: Stage) -> list[Target]:
    return [Target(id=name.casefold(), name=name, kind="library") for name in (OTHER_FILE, OWN_SCRIPT)]


def _values(stage: Stage) -> list[Target]:
    return [Target(id="list:1", name="2 values", kind="values")]


def _actions(stage: Stage) -> list[Target]:
    """Somebody's collecting of a package, which waits for the device."""
    customer = stage.sim.first
    found = [one for one in customer.actions.values() if one.comment == "to be cancelled"]
    if not found:
        order = Order(type="CollectInvestigationPackage", scope=None, comment="to be cancelled", requestor="admin")
        found = [stage.sim.dispatcher.submit(customer, stage.devices[0], order)]
        found[0].stuck_until = stage.clock.now() + timedelta(hours=2)
    return [Target(id=found[0].id, name="a package", kind="action")]


def _mail(stage: Stage) -> list[Target]:
    person = people(stage.sim.first)[0]
    return [Target(id=f"{NETWORK}/{person.upn}", name="Invoice", kind="mail")]


def _urls(stage: Stage) -> list[Target]:
    return [Target(id=f"https://{text}/", name=text, kind="submission") for text in LISTED]


TARGETS: Mapping[str, Callable[[Stage], list[Target]]] = {
    "device": _devices,
    "user": _users,
    "managed": _managed,
    "indicator": _indicators,
    "library": _library,
    "values": _values,
    "action": _actions,
    "mail": _mail,
    "submission": _urls,
}
"""By the kind of target that a response declares."""


def _message(stage: Stage) -> list[Target]:
    person = people(stage.sim.first)[0]
    return [Target(id=f"{person.id}/AAMkADU3", name=person.upn, kind="mail")]


def _file(stage: Stage) -> list[Target]:
    """A file that live response has fetched."""
    customer = stage.sim.first
    done = next((one for one in customer.actions.values() if one.session and one.final), None)
    return [Target(id=f"{done.id if done else 'none'}/invoice.exe", name="invoice.exe", kind="submission")]


def _unmanaged(stage: Stage) -> list[Target]:
    """A device that Defender has seen and does not manage."""
    found = [one for one in stage.sim.first.devices.values() if one.onboarding != "onboarded"]
    return [Target(id=one.id, name=one.name) for one in found[:1]]


OF_THEIR_OWN: Mapping[str, Callable[[Stage], list[Target]]] = {
    "contain": _unmanaged,
    "library-upload": lambda _stage: [Target(id="new.ps1", name="new.ps1", kind="library")],
    "submit-mail": _message,
    "submit-file": _file,
}
"""By name, where the kind does not say enough."""
TYPED = {
    "Tag": "finance",
    "DeviceValue": "High",
    "Sha1": "ab" * 20,
    "Path": "c:\\users\\public\\invoice.exe",
    "FileName": OTHER_FILE,
    "ScriptName": OWN_SCRIPT,
    "Driver": "invoicedrv",
    "Process": "invoice.exe",
    "Key": "hklm\\software\\classes\\clsid\\invoice",
    "Task": "\\invoice update",
    "Service": "invoicesvc",
    "recipientEmailAddress": "",
    "message": "AAMkADU3",
}
"""What is typed for a parameter that has no choices."""


async def asked_for(stage: Stage, response: Response, which: int = 0) -> Subject:
    """One of the things that it can be asked for. Raises KeyError with the kind or the parameter that is not here."""
    targets = OF_THEIR_OWN.get(response.name) or TARGETS[response.target]
    found = [await _list_made(stage)] if response.name == "unblock-list" else targets(stage)
    parameters = {p.name: _value(p.name, p.choices, which) for p in response.parameters if not p.optional}
    if response.group == "investigation" and response.family == "live":
        work = parameters.get(WHAT) or SCRIPT_OF.get(response.name, response.name)
        content = stage.sim.first.library[SCRIPTS[work].file.casefold()]
        parameters |= {p.name: TYPED[p.name] for p in SUBJECTS[work].parameters if not p.optional}
        parameters |= {"ScriptName": SCRIPTS[work].file, "Sha256": content.sha256}
    if response.name == "library-upload":
        parameters |= {"Sha256": await keep(stage.store, stage.sim.first.id, UPLOADED, now=stage.clock.now())}
    values = tuple(recognise(text).id for text in LISTED) if response.name == "block-list" else ()
    return Subject(target=found[which % len(found)], parameters=parameters, values=values)


async def _list_made(stage: Stage) -> Target:
    """The newest list of indicators that was made."""
    made = [one for one in await stage.requests() if one.response == "block-list" and one.attempts]
    return Target(id=made[-1].id if made else "WK-NONE", name="2 values", kind="values")


def _value(name: str, choices: Mapping[str, str], which: int) -> str:
    values = list(choices.values())
    return values[which % len(values)] if values else TYPED[name]


SCRIPT_OF = {
    "restore-file": "quarantine-file",
    "restore-registry-key": "remove-registry-key",
    "start-service": "stop-service",
    "enable-driver": "disable-driver",
    "restore-task": "remove-task",
}
"""Which script undoes."""

Holds = Callable[[Customer, Request], bool]


def _device(look: Callable[..., bool]) -> Holds:
    return lambda customer, request: look(customer.devices[request.target.id], request)


def _person(look: Callable[..., bool]) -> Holds:
    return lambda customer, request: look(customer.directory.people[request.target.id], request)


def _indicator(customer: Customer, request: Request) -> bool:
    found = _entries(customer, request.target.id)
    return bool(found) and (found[0].title.startswith(f"[{request.id}/") or request.attempts[-1].adopted)


def _entries(customer: Customer, text: str) -> list:
    value = recognise(text)
    return [one for one in customer.entries.held.values() if one.about(value.type, value.text)]


def _intune(name: str) -> Holds:
    return lambda customer, request: any(
        one.device == request.target.id and one.name == name for one in customer.intune.accepted
    )


def _left(customer: Customer, request: Request) -> bool:
    return request.target.id in customer.intune.gone


EFFECTS: Mapping[str, Holds] = {
    "isolate": _device(lambda device, _: device.isolated),
    "release": _device(lambda device, _: not device.isolated),
    "restrict": _device(lambda device, _: device.restricted),
    "unrestrict": _device(lambda device, _: not device.restricted),
    "tag": _device(lambda device, request: request.parameters["Tag"] in device.tags),
    "untag": _device(lambda device, request: request.parameters["Tag"] not in device.tags),
    "value": _device(lambda device, request: device.value == request.parameters["DeviceValue"]),
    "offboard": _device(lambda device, _: device.offboarded),
    "contain": _device(lambda device, _: device.contained),
    "quarantine": _device(lambda device, request: request.parameters["Sha1"] in device.quarantined),
    "block": _indicator,
    "warn": _indicator,
    "monitor": _indicator,
    "allow": _indicator,
    "unblock": lambda customer, request: not _entries(customer, request.target.id),
    "block-list": lambda customer, request: all(_entries(customer, text) for text in request.values),
    "unblock-list": lambda customer, request: (
        not any(one.title.startswith(f"[{request.target.id}/") for one in customer.entries.held.values())
    ),
    "block-signin": _person(lambda person, _: not person.enabled),
    "unblock-signin": _person(lambda person, _: person.enabled),
    "confirm-compromised": _person(lambda person, _: person.risk.state == "confirmedCompromised"),
    "dismiss-risk": _person(lambda person, _: person.risk.state == "dismissed"),
    "reset-password": _person(lambda person, _: person.passwords > 0),
    "revoke-sessions": _person(lambda person, _: person.valid_from is not None),
    "sync": _intune("syncDevice"),
    "intune-scan": _intune("windowsDefenderScan"),
    "update-signatures": _intune("windowsDefenderUpdateSignatures"),
    "restart": _intune("rebootNow"),
    "lock": _intune("remoteLock"),
    "retire": _left,
    "wipe": _left,
    "submit-url": lambda customer, _: bool(customer.mailroom.handed),
    "submit-file": lambda customer, _: bool(customer.mailroom.handed),
    "submit-mail": lambda customer, _: bool(customer.mailroom.handed),
    "library-upload": lambda customer, request: customer.library[request.target.id].content == UPLOADED,
    "library-delete": lambda customer, request: request.target.id not in customer.library,
    "remediate-mail": lambda customer, _: bool(customer.mailroom.remedies),
}
"""Whether what a request that is shown as done asked for is there. Machine actions are judged by their own end, too."""
NOTHING_LASTS = frozenset(
    {"scan", "collect", "investigate", "cancel", "get-file", "put-file", "run-script", "preview"}
    | set(SCRIPT_OF)
    | set(SCRIPTS)
)
"""Of these the machine action (the investigation) is all that can be looked at."""
