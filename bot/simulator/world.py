"""What exists in the simulated tenants: devices, what was done to them, scores, people, the ledger of actions.

This is the truth behind the API. Some of it no API shows (`Device.isolated`, `Device.online`): tests may look.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from uuid import UUID

from bot.clock import Clock
from bot.simulator.entries import Entries
from bot.simulator.incidents import Alert, Incident
from bot.simulator.intune import Tenant
from bot.simulator.live_inside import Inside
from bot.simulator.live_sessions import LibraryFile, Session
from bot.simulator.mailroom import Mailroom

FINAL = frozenset({"Succeeded", "Failed", "TimeOut", "Cancelled"})
FAMILIES: Mapping[str, str] = {
    "Isolate": "isolation",
    "Unisolate": "isolation",
    "RestrictCodeExecution": "restriction",
    "UnrestrictCodeExecution": "restriction",
}
PLANS: Mapping[str, tuple[str, ...]] = {
    "business": ("MDE_SMB",),
    "premium": ("MDE_SMB", "AAD_PREMIUM", "INTUNE_A", "ATP_ENTERPRISE"),
    "plan2": ("WINDEFATP", "AAD_PREMIUM_P2", "INTUNE_A", "THREAT_INTELLIGENCE"),
}
"""The service plans of each profile, under the names of graph-api.md section 1.9."""


@dataclass(kw_only=True)
class LogonUser:
    """A person who signed in at a device: `api:get-machine-log-on-users`."""

    account: str
    domain: str
    first_seen: datetime
    last_seen: datetime
    sid: str = ""
    logon_types: str = "Interactive"
    domain_admin: bool = False
    network_only: bool = False


@dataclass(kw_only=True)
class Device:
    """A device: what `api:machine` shows, and below `isolated` the truth that no API shows."""

    id: str
    name: str
    first_seen: datetime
    last_seen: datetime
    os: str = "Windows11"
    version: str | None = "23H2"
    build: int | None = 22631
    health: str = "Active"
    risk: str | None = "None"
    exposure: str | None = "Low"
    value: str | None = "Normal"
    onboarding: str = "onboarded"
    tags: list[str] = field(default_factory=list)
    group_id: int = 0
    group_name: str | None = None
    entra_id: str | None = None
    ip: str = "10.0.0.10"
    external_ip: str = "203.0.113.10"
    mac: str = "00155D000001"
    users: list[LogonUser] = field(default_factory=list)
    isolated: bool = False
    inside: Inside = field(default_factory=Inside)
    online: bool = True
    online_since: datetime | None = None
    scans: int = 0
    restricted: bool = False
    contained: bool = False
    offboarded: bool = False
    quarantined: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Action:
    """A machine action: `api:machineaction`, with what decides its life.

    It can be listed from `listed_from`; with `stuck_until` it stays Pending till then; `fate` is how it ends.
    """

    id: str
    type: str
    scope: str | None
    requestor: str
    comment: str
    machine_id: str
    computer_name: str
    created: datetime
    updated: datetime
    listed_from: datetime
    status: str = "Pending"
    source: str = "PublicApi"
    cancelled_by: str | None = None
    cancel_comment: str | None = None
    cancelled: datetime | None = None
    file_sha1: str = ""
    started: datetime | None = None
    stuck_until: datetime | None = None
    fate: str = "Succeeded"
    session: Session | None = None

    @property
    def family(self) -> str:
        """What it may not run beside: isolate and release are one family."""
        return FAMILIES.get(self.type, self.type)

    @property
    def final(self) -> bool:
        """Whether it has ended."""
        return self.status in FINAL


@dataclass(kw_only=True)
class Investigation:
    """An automated investigation: `api:investigation`.

    One that was begun by hand was `asked` for then and ends as `fate`; it is listed from `listed_from`.
    """

    id: str
    state: str
    started: datetime | None
    machine_id: str
    computer_name: str
    alert_id: str
    ended: datetime | None = None
    cancelled_by: str | None = None
    details: str | None = None
    asked: datetime | None = None
    fate: str = ""
    listed_from: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PortalStep:
    """What was arranged to happen in the portal's Action center, at an alert: see `bot.simulator.proposals`."""

    at: datetime
    alert: str
    what: str


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """A device action's POST that was accepted. `created` is false where it was answered with an older action."""

    tenant: str
    machine_id: str
    type: str
    comment: str
    requestor: str
    at: datetime
    action_id: str
    created: bool = True


@dataclass
class Ledger:
    """Every accepted POST of a device action, in order. The service's own memory: nothing is ever taken out."""

    entries: list[LedgerEntry] = field(default_factory=list)

    def created(self, machine_id: str = "", type_: str = "", comment: str = "") -> list[LedgerEntry]:
        """The POSTs that made an action: of one device, of one type, whose comment holds a text."""
        return [
            entry
            for entry in self.entries
            if entry.created
            and machine_id in {"", entry.machine_id}
            and type_ in {"", entry.type}
            and comment in entry.comment
        ]


@dataclass(kw_only=True)
class Risk:
    """What Identity Protection thinks of a person; until `settles` it shows what it thought before (`was`)."""

    level: str = "none"
    state: str = "none"
    detail: str = "none"
    updated: datetime | None = None
    settles: datetime | None = None
    was: tuple[str, str, str] = ("none", "none", "none")


@dataclass(kw_only=True)
class Person:
    """A user of the directory.

    `roles` are the template ids of the directory roles held. `valid_from`: sessions begun before it are refused.
    `passwords` counts how often an app set the password; of what it was set to only a hash is kept (`password`).
    """

    id: str
    name: str
    upn: str
    mail: str | None = None
    enabled: bool = True
    user_type: str = "Member"
    title: str | None = None
    department: str | None = None
    synced: bool | None = None
    created: datetime | None = None
    roles: set[str] = field(default_factory=set)
    valid_from: datetime | None = None
    passwords: int = 0
    password: str = ""
    must_change: bool = False
    risk: Risk | None = None


@dataclass(kw_only=True)
class Group:
    """A security group; `members` are ids of people and of groups, `roles` the directory roles that it holds."""

    id: str
    name: str
    members: set[str] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)


@dataclass
class Directory:
    """People and groups of one tenant."""

    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)

    def find(self, name: str) -> Person | None:
        """A person by object id or user principal name."""
        upn = name.casefold()
        found = self.people.get(name)
        return found or next((person for person in self.people.values() if person.upn.casefold() == upn), None)

    def member_of(self, person: str, groups: Iterable[str]) -> list[str]:
        """Those of the groups the person is in, also through groups within groups."""
        return [group for group in dict.fromkeys(groups) if person in self._within(group, set())]

    def _within(self, group: str, seen: set[str]) -> set[str]:
        if group in seen or group not in self.groups:
            return set()
        seen.add(group)
        members = self.groups[group].members
        return members.union(*(self._within(member, seen) for member in members))


@dataclass(kw_only=True)
class Score:
    """A figure at a time."""

    time: datetime
    score: float


@dataclass(kw_only=True)
class SecureScoreDay:
    """One day of Microsoft Secure Score."""

    time: datetime
    current: float
    maximum: float
    controls: list[tuple[str, str, str, float]]


@dataclass(kw_only=True)
class Customer:
    """One customer tenant and all that is in it.

    `plan` is `business` (Defender for Business), `premium` (Business Premium) or `plan2`. `roles` maps an audience to
    the application permissions that its administrator has granted; a token carries those of when it was issued.
    `app_roles` are the directory roles (template ids) that the app itself holds there.
    """

    id: str
    name: str
    domain: str
    plan: str = "premium"
    seats: int = 100
    apps: set[str] = field(default_factory=set)
    roles: dict[str, set[str]] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    actions: dict[str, Action] = field(default_factory=dict)
    investigations: dict[str, Investigation] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    library: dict[str, LibraryFile] = field(default_factory=dict)
    directory: Directory = field(default_factory=Directory)
    exposure: Score | None = None
    configuration: Score | None = None
    secure_scores: list[SecureScoreDay] = field(default_factory=list)
    entries: Entries = field(default_factory=Entries)
    intune: Tenant = field(default_factory=Tenant)
    mailroom: Mailroom = field(default_factory=Mailroom)
    app_roles: set[str] = field(default_factory=set)
    next_incident: int = 1
    portal: list[PortalStep] = field(default_factory=list)

    @property
    def service_plans(self) -> frozenset[str]:
        """What its plan consists of: MDE_SMB, WINDEFATP, AAD_PREMIUM, AAD_PREMIUM_P2, INTUNE_A ..."""
        return frozenset(PLANS[self.plan])

    def device(self, name: str) -> Device | None:
        """A device by id or computer name; of several with one name the one seen last."""
        if name in self.devices:
            return self.devices[name]
        wanted = name.casefold()
        named = [device for device in self.devices.values() if device.name.casefold() == wanted]
        return max(named, key=lambda device: device.last_seen, default=None)

    def alerts_of(self, incident: Incident) -> list[Alert]:
        """An incident's alerts, oldest first."""
        found = [alert for alert in self.alerts.values() if alert.incident_id == incident.id]
        return sorted(found, key=lambda alert: alert.created)

    def set_online(self, device: Device, now: datetime, *, online: bool) -> None:
        """Let a device come online or go offline; its health and last contact follow."""
        online = online and not device.offboarded
        device.online = online
        device.online_since = now if online else None
        device.health = "Active" if online else "Inactive"
        if online:
            device.last_seen = now


class World:
    """All customers, the clock, the ledger and the chance that decides what is not given."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self.clock = clock
        self.seed = seed
        self.random = Random(f"{seed}:{clock.now().isoformat()}")
        self.customers: dict[str, Customer] = {}
        self.ledger = Ledger()

    def guid(self) -> str:
        """A new id. Two worlds that start at another time never share one."""
        return str(UUID(int=self.random.getrandbits(128), version=4))
