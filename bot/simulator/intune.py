"""The devices that Intune manages, and what becomes of the actions on them (reference/graph-api.md section 5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from bot.simulator.world import Customer, Device

POLLS = 2
"""How many looks at a device it takes until it has done what it was told (section 10, 8)."""
CLIENTS: Mapping[str, str] = {"Windows10": "Windows", "Windows11": "Windows", "macOS": "macOS"}
WINDOWS_ONLY = frozenset({"windowsDefenderScan", "windowsDefenderUpdateSignatures"})
PHONES = (("iOS", "iPhone 15"), ("Android", "Pixel 8"))
GONE: Mapping[str, str] = {"retire": "retirePending", "wipe": "wipePending"}
"""What takes a device out of Intune, and the management state until then."""


@dataclass(kw_only=True)
class RemoteAction:
    """One entry of `deviceActionResults`; `polls` counts the looks since it was asked for."""

    name: str
    started: datetime
    updated: datetime
    state: str = "pending"
    scan_type: str = ""
    polls: int = 0


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A POST that was answered with 204. Nothing is ever taken out of the list of these."""

    device: str
    name: str
    at: datetime
    body: Mapping[str, object] = field(default_factory=dict)


@dataclass(kw_only=True)
class Managed:
    """A device in Intune. `machine` is its id in Defender, empty where Defender does not know it.

    `online` counts where Defender does not know the device; `wiped` is the truth that no API shows.
    """

    id: str
    name: str
    entra_id: str
    system: str
    version: str
    last_sync: datetime
    machine: str = ""
    user: str = ""
    user_name: str = ""
    serial: str = ""
    model: str = "Model 7"
    compliance: str = "compliant"
    owner: str = "company"
    agent: str = "mdm"
    management: str = "managed"
    encrypted: bool = True
    online: bool = True
    wiped: bool = False
    results: list[RemoteAction] = field(default_factory=list)


@dataclass
class Tenant:
    """One customer's Intune: devices by id, what was accepted, and those that were taken out."""

    devices: dict[str, Managed] = field(default_factory=dict)
    accepted: list[Accepted] = field(default_factory=list)
    gone: dict[str, Managed] = field(default_factory=dict)

    def of(self, machine: str) -> Managed | None:
        """The device that Defender knows under that id."""
        return next((one for one in self.devices.values() if one.machine == machine), None)


def submit(tenant: Tenant, device: Managed, name: str, body: Mapping[str, object], now: datetime) -> None:
    """Take an action in. What the system of the device does not know is not supported at once."""
    supported = name not in WINDOWS_ONLY or device.system == "Windows"
    scan = ("quick" if body.get("quickScan") else "full") if name == "windowsDefenderScan" else ""
    state = "pending" if supported else "notSupported"
    device.results.append(RemoteAction(name=name, started=now, updated=now, state=state, scan_type=scan))
    device.management = GONE.get(name, device.management)
    tenant.accepted.append(Accepted(device=device.id, name=name, at=now, body=dict(body)))


def look(customer: "Customer", device: Managed, now: datetime) -> None:
    """Somebody looks at the device: if it is on, what waits goes on; after `POLLS` looks it is done."""
    machine = customer.devices.get(device.machine)
    if not (machine.online if machine else device.online):
        return
    for action in device.results:
        if action.state in {"pending", "active"}:
            action.polls += 1
            action.updated = now
            action.state = "done" if action.polls >= POLLS else "active"
            if action.state == "done":
                _done(customer.intune, device, action, now)


def _done(tenant: Tenant, device: Managed, action: RemoteAction, now: datetime) -> None:
    device.last_sync = now
    if action.name in GONE:
        device.wiped = action.name == "wipe"
        device.management = "wipeIssued" if device.wiped else "retireIssued"
        tenant.gone[device.id] = tenant.devices.pop(device.id)


def enroll(customer: "Customer", seed: int, now: datetime) -> Tenant:
    """Most clients with an Entra id are in Intune, a few through Defender alone, and two phones beside them."""
    random = Random(f"{seed}:{customer.id}:intune")
    tenant = Tenant()
    for number, device in enumerate(_joined(customer.devices.values())):
        if number % 9 == 8:  # noqa: PLR2004 - a few are not enrolled
            continue
        one = _computer(customer, device, random)
        if number % 7 == 5:  # noqa: PLR2004 - a few are known through Defender alone
            one.agent = "msSense"
        tenant.devices[one.id] = one
    if customer.devices:
        for system, model in PHONES:
            phone = _phone(customer, system, model, random, now)
            tenant.devices[phone.id] = phone
    return tenant


def _joined(devices: Iterable["Device"]) -> list["Device"]:
    return [device for device in devices if device.entra_id and device.os in CLIENTS]


def _guid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def _computer(customer: "Customer", device: "Device", random: Random) -> Managed:
    account = device.users[0].account if device.users else ""
    return Managed(
        id=_guid(random),
        name=device.name.partition(".")[0],
        entra_id=device.entra_id or "",
        machine=device.id,
        system=CLIENTS[device.os],
        version=f"10.0.{device.build}" if device.build else device.version or "",
        last_sync=device.last_seen - timedelta(minutes=random.randint(1, 400)),
        user=f"{account}@{customer.domain}" if account else "",
        user_name=account,
        serial=f"{random.getrandbits(40):010X}",
        compliance=random.choice(("compliant", "compliant", "compliant", "noncompliant", "inGracePeriod", "unknown")),
        owner=random.choice(("company", "company", "company", "personal", "unknown")),
        encrypted=random.choice((True, True, False)),
    )


def _phone(customer: "Customer", system: str, model: str, random: Random, now: datetime) -> Managed:
    return Managed(
        id=_guid(random),
        name=f"{customer.name.casefold()}-{system.casefold()}",
        entra_id=_guid(random),
        system=system,
        version="17.5" if system == "iOS" else "14",
        last_sync=now - timedelta(hours=random.randint(1, 30)),
        user=f"l.harbor@{customer.domain}",
        user_name="l.harbor",
        serial=f"{random.getrandbits(40):010X}",
        model=model,
        owner="personal",
    )
