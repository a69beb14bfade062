"""What the soak plays with: ten people and twenty devices of two customers, and where they talk to the bot."""

from dataclasses import dataclass
from datetime import timedelta

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
from bot.simulator.live_sessions import LibraryFile
from bot.simulator.server import Simulator
from bot.simulator.world import Device, Group
from bot.simulator.world import Person as Listed

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
DEVICES = {FIRST_TENANT: 12, SECOND_TENANT: 8}
USERS = 4
HOSTS = tuple(f"host-{number:02}.bad.example" for number in range(4))


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
    """What else something is done to: users, the devices as Intune knows them, and a script of the company's own."""
    customer, now, number = sim.world.customers[tenant], sim.clock.now(), TENANTS.index(tenant) + 1
    for which in range(USERS):
        id_ = f"c{number}000000-0000-4000-8000-{which:012d}"
        upn = f"user-{which:02}@soak-{number}.example"
        customer.directory.people[id_] = Listed(id=id_, name=f"User {number} {which:02}", upn=upn, mail=upn)
    for device in customer.devices.values():
        id_ = f"{device.id[:8]}-0000-4000-8000-{device.id[-12:]}"
        customer.intune.devices[id_] = Managed(
            id=id_, name=device.name, entra_id=id_, system="Windows", version="10.0", last_sync=now, machine=device.id
        )
    customer.library["own.ps1"] = LibraryFile(name="own.ps1", content=b"# signed", created=now, updated=now, by="admin")


def targets(sim: Simulator, tenant: str, kind: str) -> list[tuple[str, str]]:
    """The ids and names of what something of that kind can be done to."""
    customer = sim.world.customers[tenant]
    if kind == "user":
        return [(one.id, one.upn) for one in customer.directory.people.values() if one.upn.startswith("user-")]
    if kind == "managed":
        return [(one.id, one.name) for one in customer.intune.devices.values()]
    if kind == "host":
        return [(host, host) for host in HOSTS]
    return [(one.id, one.name) for one in customer.devices.values()]


def _devices(sim: Simulator, tenant: str) -> None:
    now = sim.clock.now()
    for number in range(DEVICES[tenant]):
        name = f"soak-{TENANTS.index(tenant) + 1}-pc-{number:02d}"
        id_ = f"{sim.world.random.getrandbits(160):040x}"
        device = Device(id=id_, name=name, first_seen=now - timedelta(days=90), last_seen=now)
        sim.world.customers[tenant].devices[id_] = device
