"""What the soak plays with: ten people and twenty devices of two customers, and where they talk to the bot.

Beside the twenty there are devices that are not onboarded, and some on which actions wait to be cancelled; whoever is
to leave Defender or Intune for good is made when it is needed (`things.py`).
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from bot.library.catalogue import SCRIPTS, content, describe
from bot.simulator.directory import (
    ADMINS,
    APPROVERS,
    FIRST_TENANT,
    OPERATORS,
    READERS,
    SECOND_APPROVERS,
    SECOND_READERS,
    SECOND_TENANT,
)
from bot.simulator.intune import Managed
from bot.simulator.live_inside import infected
from bot.simulator.live_sessions import LibraryFile
from bot.simulator.mailroom import Letter
from bot.simulator.server import Simulator
from bot.simulator.world import Customer, Device, Group
from bot.simulator.world import Person as Listed
from tests.soak.acts_scripted import OWN, TOOL

SECOND_OPERATORS = "b0000000-0000-4000-8000-000000000002"
SECOND_ADMINS = "b0000000-0000-4000-8000-000000000004"
GROUPS = {
    "reader": (READERS, SECOND_READERS),
    "operator": (OPERATORS, SECOND_OPERATORS),
    "approver": (APPROVERS, SECOND_APPROVERS),
    "admin": (ADMINS, SECOND_ADMINS),
}
ROLES = {f"ROLES_{role.upper()}": ",".join(groups) for role, groups in GROUPS.items()}
TENANTS = (FIRST_TENANT, SECOND_TENANT)
REQUESTS = {FIRST_TENANT: "19:requests1@thread.tacv2", SECOND_TENANT: "19:requests2@thread.tacv2"}
INCIDENTS = {FIRST_TENANT: "19:incidents1@thread.tacv2", SECOND_TENANT: "19:incidents2@thread.tacv2"}
BY_ITSELF = {"collect": timedelta(minutes=10), "restart": timedelta(minutes=10)}
"""What runs by itself unless somebody rejects it, by the soak's policy, and how long they have for that."""
POLICY = "".join(
    f"[response.{name}]\nveto_minutes = {int(time / timedelta(minutes=1))}\n" for name, time in BY_ITSELF.items()
)
DEVICES = {FIRST_TENANT: 12, SECOND_TENANT: 8}
USERS = 4
VALUES = (*(f"host-{number:02}.bad.example" for number in range(5)), "5e" * 32)
LISTS = tuple(tuple(f"list-{number}-{which}.bad.example" for which in range(3)) for number in range(3))
ADDRESSES = tuple(f"https://page-{number}.bad.example/login" for number in range(4))
UPLOADS = tuple(f"up-{number}.ps1" for number in range(3))
BESIDE = {"guest": 2, "queue": 2}
"""Devices beside the twenty: not onboarded ones, and such on which actions wait."""
LETTERS = 4


@dataclass(frozen=True, kw_only=True)
class Player:
    """One of the ten. `role` is the highest one that the directory gives."""

    name: str
    id: str
    tenant: str
    role: str

    @property
    def mri(self) -> str:
        return f"29:{self.id}"

    @property
    def chat(self) -> str:
        """The personal chat with the bot."""
        return f"a:{self.id}"

    @property
    def decides(self) -> bool:
        return self.role in {"approver", "admin"}

    @property
    def proposes(self) -> bool:
        return self.role in {"operator", "approver", "admin"}


def _players() -> tuple[Player, ...]:
    first = {
        "Olga Operator": "operator",
        "Omar Operator": "operator",
        "Oscar Operator": "operator",
        "Anna Approver": "approver",
        "Arne Approver": "approver",
        "Rita Reader": "reader",
        "Adam Admin": "admin",
    }
    second = {"Orla Operator": "operator", "Abel Approver": "approver", "Asta Admin": "admin"}
    rows = [(name, role, FIRST_TENANT) for name, role in first.items()]
    rows += [(name, role, SECOND_TENANT) for name, role in second.items()]
    return tuple(
        Player(name=name, id=f"00000000-0000-4000-8000-0000000005{number:02d}", tenant=tenant, role=role)
        for number, (name, role, tenant) in enumerate(rows)
    )


PLAYERS = _players()


def of(tenant: str) -> list[Player]:
    """The people of a customer."""
    return [player for player in PLAYERS if player.tenant == tenant]


def furnish(sim: Simulator) -> None:
    """Put people, devices and conversations into an empty simulator."""
    for tenant in TENANTS:
        directory = sim.world.customers[tenant].directory
        for role, groups in GROUPS.items():
            group = groups[TENANTS.index(tenant)]
            members = {player.id for player in of(tenant) if player.role == role}
            directory.groups[group] = Group(id=group, name=role, members=members)
        for player in of(tenant):
            upn = f"{player.name.replace(' ', '.').casefold()}@example.com"
            directory.people[player.id] = Listed(id=player.id, name=player.name, upn=upn)
        sim.world.customers[tenant].plan = "plan2"
        _devices(sim, tenant)
        _others(sim, tenant)
        for conversation in (REQUESTS[tenant], INCIDENTS[tenant]):
            _open(sim, conversation, tenant, of(tenant))
        for player in of(tenant):
            _open(sim, player.chat, tenant, [player], kind="personal")


def _open(sim: Simulator, conversation: str, tenant: str, people: list[Player], kind: str = "channel") -> None:
    sim.connector.open(conversation, tenant, kind=kind)
    for player in people:
        sim.connector.add_member(conversation, player.mri, player.id, player.name)


def _others(sim: Simulator, tenant: str) -> None:
    """What else something is done to: users, their mail, the devices as Intune knows them, and the library."""
    customer, now, number = sim.world.customers[tenant], sim.clock.now(), TENANTS.index(tenant) + 1
    for which in range(USERS):
        id_ = f"c{number}000000-0000-4000-8000-{which:012d}"
        upn = f"user-{which:02}@soak-{number}.example"
        customer.directory.people[id_] = Listed(id=id_, name=f"User {number} {which:02}", upn=upn, mail=upn)
    for which in range(LETTERS):
        network, upn = f"d{number}000000-0000-4000-8000-{which:012d}", f"user-{which % USERS:02}@soak-{number}.example"
        customer.mailroom.letters[f"{network}/{upn}"] = Letter(
            id=network,
            network_id=network,
            internet_id=f"<{which}@bad.example>",
            recipient=upn,
            subject=f"Soak {number} {which}",
            sender="x@bad.example",
            received=now - timedelta(hours=2),
        )
    for device in list(customer.devices.values()):
        if "-pc-" in device.name:
            enroll(sim, customer, device.name, device.id)
    texts = {OWN: (b"# signed", None), TOOL: (b"a tool", None)}
    texts |= {one.file: (content(one), describe(one, content(one))) for one in SCRIPTS.values()}
    for name, (text, about) in texts.items():
        customer.library[name.casefold()] = LibraryFile(
            name=name, content=text, description=about, created=now, updated=now, by="admin"
        )


def _devices(sim: Simulator, tenant: str) -> None:
    customer = sim.world.customers[tenant]
    for kind, count in {"pc": DEVICES[tenant], **BESIDE}.items():
        for number in range(count):
            device = made_device(sim, customer, named(customer, kind, number))
            device.onboarding = "CanBeOnboarded" if kind == "guest" else "onboarded"


def named(customer: Customer, kind: str, number: int) -> str:
    """What a device is called."""
    return f"soak-{TENANTS.index(customer.id) + 1}-{kind}-{number:02d}"


def made_device(sim: Simulator, customer: Customer, name: str) -> Device:
    """A new device in Defender, on which an attack left something for each of the scripts."""
    id_, now = f"{sim.world.random.getrandbits(160):040x}", sim.clock.now()
    device = Device(id=id_, name=name, first_seen=now - timedelta(days=90), last_seen=now, inside=infected())
    customer.devices[id_] = device
    return device


def enroll(sim: Simulator, customer: Customer, name: str, machine: str = "") -> Managed:
    """A new device in Intune; `machine` is its id in Defender."""
    digest, now = hashlib.sha256(f"{customer.id}/{name}".encode()).hexdigest(), sim.clock.now()
    id_ = f"{digest[:8]}-0000-4000-8000-{digest[8:20]}"
    one = Managed(id=id_, name=name, entra_id=id_, system="Windows", version="10.0", last_sync=now, machine=machine)
    customer.intune.devices[id_] = one
    return one
