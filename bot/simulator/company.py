"""The two simulated companies, made from a seed: devices, incidents, what was done before, scores and people."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from random import Random
from uuid import UUID

from bot.simulator import names, scores
from bot.simulator.cases import CASES, Scene, make_alert
from bot.simulator.core import CLIENT_ID
from bot.simulator.directory import FIRST_TENANT, SECOND_TENANT, first_directory, second_directory
from bot.simulator.entries import Entries, stocked
from bot.simulator.file_facts import files
from bot.simulator.incidents import Comment, Incident
from bot.simulator.intune import enroll
from bot.simulator.investigations import expire_proposals, investigate, settle
from bot.simulator.live_inside import infected
from bot.simulator.tokens import DEFENDER, GRAPH
from bot.simulator.world import (
    Action,
    Customer,
    Device,
    LogonUser,
    World,
)

_GRAPH_ROLES = (
    "SecurityIncident.Read.All",
    "SecurityAlert.Read.All",
    "SecurityEvents.Read.All",
    "User.Read.All",
    "GroupMember.Read.All",
    "LicenseAssignment.Read.All",
    "DeviceManagementManagedDevices.Read.All",
    "DeviceManagementManagedDevices.PrivilegedOperations.All",
    "RoleManagement.Read.Directory",
    "Domain.Read.All",
    "User.EnableDisableAccount.All",
    "User-PasswordProfile.ReadWrite.All",
    "User.RevokeSessions.All",
    "IdentityRiskyUser.Read.All",
    "IdentityRiskyUser.ReadWrite.All",
    "SecurityAnalyzedMessage.Read.All",
    "SecurityAnalyzedMessage.ReadWrite.All",
    "ThreatSubmission.Read.All",
    "ThreatSubmission.ReadWrite.All",
)
_DEFENDER_ROLES = (
    "Machine.Read.All",
    "Machine.ReadWrite.All",
    "Machine.Isolate",
    "Machine.Scan",
    "Machine.CollectForensics",
    "Machine.RestrictExecution",
    "Machine.StopAndQuarantine",
    "Machine.Offboard",
    "Machine.LiveResponse",
    "Library.Manage",
    "Alert.Read.All",
    "Alert.ReadWrite.All",
    "User.Read.All",
    "Score.Read.All",
    "File.Read.All",
    "Ip.Read.All",
    "URL.Read.All",
    "Ti.ReadWrite.All",
    "AdvancedQuery.Read.All",
)
_SERVERS = (("WindowsServer2019", "1809", 17763), ("WindowsServer2022", "21H2", 20348), ("Linux", "22.4", None))
_CLIENTS = (
    ("Windows11", "24H2", 26100),
    ("Windows11", "23H2", 22631),
    ("Windows10", "22H2", 19045),
    ("Windows10", "1803", 17134),
    ("macOS", "14.6", None),
    ("Windows11", None, 26100),
)
_RISKS = ("None", "None", "None", "Informational", "Low", "Low", "Medium", "High", None)
_EXPOSURES = ("None", "Low", "Low", "Medium", "Medium", "High", None)
_ASLEEP = ("Inactive", "ImpairedCommunication", "NoSensorData", "NoSensorDataImpairedCommunication", "Unknown")
_SHARED = frozenset({"frontdesk-01", "srv-file-01", "o'brien-pc"})
FIRST_INCIDENT_OF_2026 = datetime(2026, 1, 1)  # noqa: DTZ001 - only a difference of naive times is taken


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much there is in a company."""

    devices: int
    incidents: int
    history: int
    days: int
    crowd: int


SIZES = {
    "company": (
        Size(devices=120, incidents=60, history=60, days=90, crowd=40),
        Size(devices=15, incidents=8, history=6, days=90, crowd=0),
    ),
    "tiny": (
        Size(devices=6, incidents=4, history=3, days=3, crowd=0),
        Size(devices=3, incidents=2, history=1, days=3, crowd=0),
    ),
    "empty": (
        Size(devices=0, incidents=0, history=0, days=0, crowd=0),
        Size(devices=0, incidents=0, history=0, days=0, crowd=0),
    ),
}


def fill(world: World, size: str) -> None:
    """Put both companies into the world. The same seed, clock and size make the same companies."""
    first, second = SIZES[size]
    fabrikam = Customer(id=FIRST_TENANT, name="Fabrikam", domain="fabrikam.example", seats=100)
    litware = Customer(id=SECOND_TENANT, name="Litware", domain="litware.example", seats=12, plan="business")
    fabrikam.directory, litware.directory = first_directory(), second_directory()
    for customer, much in ((fabrikam, first), (litware, second)):
        customer.apps = {CLIENT_ID}
        customer.roles = {GRAPH: set(_GRAPH_ROLES), DEFENDER: set(_DEFENDER_ROLES)}
        world.customers[customer.id] = customer
        _Builder(world, customer, much).build()
        customer.intune = enroll(customer, world.seed, world.clock.now())


class _Builder:
    def __init__(self, world: World, customer: Customer, size: Size) -> None:
        self.world = world
        self.customer = customer
        self.size = size
        self.now = world.clock.now()
        self.random = Random(f"{world.seed}:{customer.id}")

    def build(self) -> None:
        for name in self._names():
            device = self._device(name)
            self.customer.devices[device.id] = device
        devices = list(self.customer.devices.values())
        self._one_unmanaged(devices)
        if devices:
            for number in range(self.size.incidents):
                self._incident(number, devices)
            self._merges()
            self._history(devices)
            self._investigations()
            self.customer.entries = self._indicators()
        scores.begin(self.customer, self.now, self.random, self.size.days)
        since = self.now.replace(tzinfo=None) - FIRST_INCIDENT_OF_2026
        self.customer.next_incident = 10_000 + max(0, int(since.total_seconds() // 60))

    def _indicators(self) -> Entries:
        """By chances of their own, so that nothing else in the company changes with them."""
        chance = Random(f"{self.world.seed}:{self.customer.id}:indicators")
        return stocked(self.customer.domain, files(self.customer), chance, self.now)

    def guid(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def ago(self, days: float) -> datetime:
        """A moment up to so many days back, to the microsecond."""
        return self.now - timedelta(seconds=self.random.uniform(60, days * 86_400))

    def _names(self) -> Iterator[str]:
        """Names: the awkward ones first (the second company shares some), then plain ones, then one name twice."""
        first = self.customer.id == FIRST_TENANT
        awkward = [name for name in names.AWKWARD_DEVICES if first or name in _SHARED]
        wanted = awkward[: self.size.devices]
        prefixes = cycle(names.PLAIN_DEVICES)
        prefix = "fab" if first else "lit"
        for number in range(self.size.devices - len(wanted)):
            wanted.append(next(prefixes).replace("fab", prefix) + f"-{number + 1:03d}.{self.customer.domain}")
        if self.size.devices > 2 * len(names.AWKWARD_DEVICES):
            wanted[-1] = wanted[-2]
        yield from wanted

    def _device(self, name: str) -> Device:
        rng = self.random
        system, version, build = rng.choice(_SERVERS if "srv" in name or "prod" in name else _CLIENTS)
        group, group_name = rng.choice(names.GROUPS)
        online = rng.random() < 0.85  # noqa: PLR2004 - about one device in seven is away
        seen = self.ago(0.8) if online else self.ago(40)
        if name in _SHARED:
            system, version, build, online, seen = "Windows11", "24H2", 26100, True, self.ago(0.1)
        managed = name in _SHARED or rng.random() < 0.96  # noqa: PLR2004 - a few are not onboarded
        return Device(
            id=f"{rng.getrandbits(160):040x}",
            name=name,
            first_seen=self.ago(400) - timedelta(days=40),
            last_seen=seen,
            os=system,
            version=version,
            build=build,
            health="Active" if online else rng.choice(_ASLEEP),
            risk=rng.choice(_RISKS),
            exposure=rng.choice(_EXPOSURES),
            value=rng.choice(("Normal", "Normal", "Low", "High", None)),
            onboarding="onboarded" if managed else rng.choice(("CanBeOnboarded", "Unsupported", "InsufficientInfo")),
            tags=rng.sample(names.TAGS, rng.choice((0, 0, 1, 2))),
            group_id=group,
            group_name=group_name,
            entra_id=self.guid() if rng.random() < 0.9 else None,  # noqa: PLR2004 - a few are not joined
            ip=f"10.{rng.randint(0, 9)}.{rng.randint(0, 254)}.{rng.randint(2, 254)}",
            external_ip=f"203.0.113.{rng.randint(1, 254)}",
            mac=f"00155D{rng.getrandbits(24):06X}",
            users=[self._logon(account) for account in rng.sample(names.ACCOUNTS, rng.choice((0, 1, 1, 2, 3)))],
            online=online,
            inside=infected(),
        )

    def _one_unmanaged(self, devices: list[Device]) -> None:
        """In a large company somebody always brought a device that could be onboarded and is not."""
        plain = devices[len(names.AWKWARD_DEVICES) * 3 :]
        if plain and not any(one.onboarding == "CanBeOnboarded" for one in plain):
            plain[0].onboarding = "CanBeOnboarded"

    def _logon(self, account: str) -> LogonUser:
        rng = self.random
        return LogonUser(
            account=account,
            domain=self.customer.name.casefold(),
            first_seen=self.ago(200) - timedelta(days=30),
            last_seen=self.ago(20),
            sid=f"S-1-5-21-1000000001-1000000002-1000000003-{rng.randint(1000, 9999)}" if rng.random() < 0.5 else "",  # noqa: PLR2004 - the id is not always there
            logon_types=rng.choice(("Interactive", "Network", "Interactive, RemoteInteractive")),
            domain_admin=account == "svc_backup",
            network_only=account == "svc_backup",
        )

    def _incident(self, number: int, devices: list[Device]) -> None:
        rng, case = self.random, CASES[number % len(CASES)]
        recent = number < len(CASES) + 3
        at = self.ago(6.5 if recent and case.waiting == "pendingApproval" else 45) if number else self.ago(0.2)
        incident = Incident(
            id=str(1001 + number),
            title=case.title if rng.random() < 0.8 else f"{case.title} reported by multiple sources",  # noqa: PLR2004 - some variety
            severity=case.severity,
            created=at,
            updated=at,
            description=case.description,
            system_tags=list(case.tags),
            priority=rng.choice((None, rng.randint(1, 100))),
        )
        alerts = self.size.crowd if number == 1 and self.size.crowd else rng.choice((1, 1, 2, 3, 4))
        device = rng.choice(devices)
        for place in range(alerts):
            moment = min(at + timedelta(seconds=37.5 * place, microseconds=rng.randint(1, 999_999)), self.now)
            scene = Scene(self.customer, device, rng.choice(names.ACCOUNTS), moment, rng)
            alert = make_alert(case, scene, incident.id)
            self.customer.alerts[alert.id] = alert
            incident.updated = max(incident.updated, moment)
        self.customer.incidents[incident.id] = incident
        self._handled(incident, number)

    def _handled(self, incident: Incident, number: int) -> None:
        """What people did: half are resolved, some are in work; the recent ones that wait are untouched."""
        case = CASES[number % len(CASES)]
        if case.waiting == "pendingApproval" and number < len(CASES) + 3:
            return
        status = ("active", "resolved", "inProgress", "resolved", "active", "resolved")[number % 6]
        if status == "active":
            return
        incident.status = status
        incident.updated = min(incident.updated + timedelta(hours=self.random.uniform(0.1, 30)), self.now)
        incident.assigned_to = incident.modified_by = f"patti@{self.customer.domain}"
        incident.comments.append(Comment(text="Looked at *it*; see <ticket_42>.", by="Patti", at=incident.updated))
        if status == "resolved":
            incident.classification, incident.determination = self.random.choice(
                (
                    ("truePositive", "malware"),
                    ("falsePositive", "notMalicious"),
                    ("informationalExpectedActivity", "securityTesting"),
                    ("truePositive", "compromisedAccount"),
                )
            )
            for alert in self.customer.alerts_of(incident):
                alert.status, alert.resolved = "resolved", incident.updated
                alert.updated = incident.updated
                alert.classification, alert.determination = incident.classification, incident.determination

    def _merges(self) -> None:
        """The third and the seventh incident were merged into older ones."""
        for merged, target in (("1003", "1001"), ("1007", "1002")):
            if merged in self.customer.incidents and self.size.incidents > 5:  # noqa: PLR2004 - a tiny company keeps all
                merge(self.customer, merged, target, self.customer.incidents[merged].updated)
        awaiting = self.customer.incidents.get("1018")
        if awaiting:
            awaiting.status = "awaitingAction"

    def _history(self, devices: list[Device]) -> None:
        """Past actions: some isolated, one of which failed, one was released, one is scanned."""
        windows = [one for one in devices if one.os.startswith("Windows") and one.onboarding == "onboarded"]
        managed = [one for one in reversed(windows) if one.name not in _SHARED]
        stories = cycle(
            (
                ("Isolate", "Full", "Succeeded"),
                ("RunAntiVirusScan", "Quick", "Succeeded"),
                ("Isolate", "Selective", "Failed"),
                ("RunAntiVirusScan", "Full", "TimeOut"),
                ("Isolate+Unisolate", "Full", "Succeeded"),
                ("RunAntiVirusScan", "Quick", "Cancelled"),
            )
        )
        for number, device in enumerate(managed[: self.size.history]):
            kinds, scope, status = next(stories)
            if number > 12 and kinds.startswith("Isolate"):  # noqa: PLR2004 - few devices stay isolated
                kinds, scope, status = "RunAntiVirusScan", "Quick", "Succeeded"
            at = self.ago(30)
            for kind in kinds.split("+"):
                self._past(device, kind, scope if kind != "Unisolate" else None, status, at)
                at = min(at + timedelta(hours=3, seconds=self.random.random()), self.now)

    def _past(self, device: Device, kind: str, scope: str | None, status: str, at: datetime) -> None:
        ended = min(at + timedelta(seconds=self.random.uniform(20, 900)), self.now)
        person = f"patti@{self.customer.domain}"
        action = Action(
            id=self.guid(),
            type=kind,
            scope=scope,
            requestor=person,
            comment="Isolated after *alert* [1002] <see ticket>" if kind == "Isolate" else "routine_check",
            machine_id=device.id,
            computer_name=device.name,
            created=at,
            updated=ended,
            listed_from=at,
            status=status,
            source="Portal",
            started=at,
            cancelled=ended if status == "Cancelled" else None,
            cancelled_by=person if status == "Cancelled" else None,
            cancel_comment="not needed" if status == "Cancelled" else None,
        )
        self.customer.actions[action.id] = action
        if kind in {"Isolate", "Unisolate"} and status == "Succeeded":
            device.isolated = kind == "Isolate"

    def _investigations(self) -> None:
        """One for each alert at a device. What waited for a decision longer than seven days has expired as declined."""
        states = cycle(("Running", "Benign", "SuccessfullyRemediated", "PartiallyRemediated", "TerminatedBySystem"))
        for alert in self.customer.alerts.values():
            waits = alert.investigation_state == "pendingApproval"
            if waits and alert.status == "resolved":
                settle(self.customer, alert, alert.updated)
                waits = False
            investigate(self.customer, alert, "PendingApproval" if waits else next(states))
        expire_proposals(self.customer, self.now)


def merge(customer: Customer, merged: str, target: str, at: datetime) -> None:
    """Merge an incident into another: its alerts move, it becomes `redirected` and names the survivor."""
    gone, kept = customer.incidents[merged], customer.incidents[target]
    for alert in customer.alerts_of(gone):
        alert.incident_id = kept.id
    gone.status, gone.redirect = "redirected", kept.id
    gone.updated = max(gone.updated, at)
    kept.updated = max(kept.updated, at)
