"""What incidents are about: each kind of case as data, and how its alerts and their evidence are made from it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from bot.simulator import names
from bot.simulator.incidents import Alert, alert_id
from bot.simulator.moments import show
from bot.simulator.world import Customer, Device

_TYPE = "#microsoft.graph.security."
ENDPOINT = "microsoftDefenderForEndpoint"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A kind of incident: its words, the product that sees it, and which evidence its alerts carry.

    `waiting` is the remediation status of the entity a person has to decide about.
    """

    title: str
    severity: str
    category: str
    description: str
    evidence: tuple[str, ...]
    source: str = ENDPOINT
    detection: str = ENDPOINT
    product: str = "Microsoft Defender for Endpoint"
    prefix: str = "da"
    techniques: tuple[str, ...] = ()
    threat_family: str | None = None
    waiting: str = "none"
    tags: tuple[str, ...] = ()
    roles: tuple[str, ...] = field(default=("suspicious",))


CASES = (
    Case(
        title="Multi-stage incident involving Initial access & Command and control on multiple endpoints",
        severity="high",
        category="CommandAndControl",
        description="A device contacted an address known for command and control after a *document* was opened.",
        evidence=("device", "user", "file", "process", "ip", "url"),
        techniques=("T1071", "T1566.001"),
    ),
    Case(
        title="'Meterpreter' malware was detected on one endpoint",
        severity="medium",
        category="Malware",
        description="Malware was found and stopped before it ran.",
        evidence=("device", "file"),
        detection="antivirus",
        threat_family="Meterpreter",
        waiting="prevented",
    ),
    Case(
        title="Suspicious PowerShell command line [encoded]",
        severity="medium",
        category="Execution",
        description="A PowerShell process ran an encoded command_line that nobody_else in the organisation uses.",
        evidence=("device", "user", "process"),
        techniques=("T1059.001",),
        waiting="pendingApproval",
    ),
    Case(
        title="Email messages containing malicious URL removed after delivery",
        severity="informational",
        category="InitialAccess",
        description="Messages with a harmful link were taken out of mailboxes after delivery.",
        evidence=("mail", "mailbox", "url", "cluster"),
        source="microsoftDefenderForOffice365",
        detection="microsoftDefenderForOffice365",
        product="Microsoft Defender for Office 365",
        prefix="fa",
        techniques=("T1566.002",),
        waiting="pendingApproval",
    ),
    Case(
        title="Ransomware-linked behaviour & lateral movement by <svc_backup>",
        severity="high",
        category="Ransomware",
        description="Many files were renamed in a short time, and shadow copies were deleted.",
        evidence=("device", "user", "file", "process", "registry"),
        techniques=("T1486", "T1490"),
        waiting="active",
        tags=("Ransomware",),
    ),
    Case(
        title="Atypical travel of p.o'brien",
        severity="low",
        category="InitialAccess",
        description="Two sign-ins of one person from places too far apart.",
        evidence=("user", "ip"),
        source="azureAdIdentityProtection",
        detection="azureAdIdentityProtection",
        product="Microsoft Entra ID Protection",
        prefix="ca",
        techniques=("T1078",),
    ),
    Case(
        title="Suspicious inbox rule_was_created",
        severity="medium",
        category="Persistence",
        description="A rule that hides messages was made in a mailbox.",
        evidence=("user", "mailbox"),
        source="microsoftDefenderForCloudApps",
        detection="cloudAppSecurity",
        product="Microsoft Defender for Cloud Apps",
        prefix="ca",
        waiting="unremediated",
    ),
    Case(
        title="Unwanted software was installed",
        severity="low",
        category="UnwantedSoftware",
        description="A program that shows advertising was installed.",
        evidence=("device", "file", "agent"),
        detection="antivirus",
        waiting="remediated",
    ),
    Case(
        title="Rule match: sign-in outside office hours",
        severity="informational",
        category="SuspiciousActivity",
        description="A rule of a connected workspace matched.",
        evidence=("user",),
        source="microsoftSentinel",
        detection="scheduledAlerts",
        product="Microsoft Sentinel",
        prefix="ca",
    ),
)


@dataclass(frozen=True)
class Scene:
    """Where a case happens: the customer, the device (if any), the person's account, and when."""

    customer: Customer
    device: Device
    account: str
    at: datetime
    random: Random


def make_alert(case: Case, scene: Scene, incident: str, *, severity: str = "") -> Alert:
    """An alert of a case."""
    rng, at = scene.random, scene.at
    endpoint = case.source == ENDPOINT
    began = at - timedelta(minutes=rng.randint(1, 90), microseconds=rng.randint(1, 999_999))
    return Alert(
        id=alert_id(at, rng.randint(-(2**31), 2**31 - 1), case.prefix),
        incident_id=incident,
        title=case.title,
        severity=severity or case.severity,
        created=at,
        updated=at,
        first_activity=began,
        last_activity=began + timedelta(seconds=rng.randint(1, 50)),
        category=case.category,
        description=case.description,
        recommended="Check the device's timeline.\nScan the device.\nIsolate it where the threat is active.",
        source=case.source,
        detection=case.detection,
        product=case.product,
        detector=str(UUID(int=rng.getrandbits(128), version=4)),
        techniques=list(case.techniques),
        threat_family=case.threat_family,
        threat=f"Trojan:Win32/{case.threat_family}.A!cl" if case.threat_family else None,
        investigation_state="pendingApproval" if case.waiting == "pendingApproval" else "unsupportedAlertType",
        machine_id=scene.device.id if endpoint else None,
        evidence=[_EVIDENCE[kind](case, scene) for kind in case.evidence],
    )


def _base(kind: str, case: Case, scene: Scene, status: str = "none") -> dict[str, Any]:
    return {
        "@odata.type": f"{_TYPE}{kind}Evidence",
        "createdDateTime": show(scene.at),
        "verdict": "suspicious" if status == "none" else "malicious",
        "remediationStatus": status,
        "remediationStatusDetails": None,
        "roles": list(case.roles),
        "detailedRoles": [],
        "tags": [],
    }


def _device(case: Case, scene: Scene) -> dict[str, Any]:
    device = scene.device
    return _base("device", case, scene) | {
        "firstSeenDateTime": show(device.first_seen),
        "mdeDeviceId": device.id,
        "azureAdDeviceId": device.entra_id,
        "deviceDnsName": device.name,
        "hostName": device.name.partition(".")[0],
        "osPlatform": device.os,
        "osBuild": device.build,
        "version": device.version or "Other",
        "healthStatus": device.health[:1].lower() + device.health[1:],
        "riskScore": (device.risk or "none").lower(),
        "rbacGroupId": device.group_id,
        "rbacGroupName": device.group_name,
        "onboardingStatus": "onboarded",
        "defenderAvStatus": "unknown",
        "ipInterfaces": [device.ip],
        "lastIpAddress": device.ip,
        "lastExternalIpAddress": device.external_ip,
        "loggedOnUsers": [{"accountName": scene.account, "domainName": scene.customer.name}],
        "vmMetadata": None,
    }


def _account(scene: Scene) -> dict[str, Any]:
    upn = f"{scene.account}@{scene.customer.domain}"
    person = scene.customer.directory.find(upn)
    return {
        "accountName": scene.account,
        "domainName": scene.customer.name,
        "userSid": "S-1-5-21-1000000001-1000000002-1000000003-1104",
        "azureAdUserId": person.id if person else None,
        "userPrincipalName": upn,
        "displayName": person.name if person else scene.account,
    }


def _user(case: Case, scene: Scene) -> dict[str, Any]:
    return _base("user", case, scene) | {"userAccount": _account(scene), "stream": None}


def _details(scene: Scene) -> dict[str, Any]:
    name, path = scene.random.choice(names.FILES)
    return {
        "sha1": f"{scene.random.getrandbits(160):040x}",
        "sha256": f"{scene.random.getrandbits(256):064x}",
        "fileName": name,
        "filePath": path,
        "fileSize": scene.random.randint(2_000, 9_000_000),
        "filePublisher": None,
        "signer": None,
        "issuer": None,
    }


def _file(case: Case, scene: Scene) -> dict[str, Any]:
    more = {"detectionStatus": "detected", "mdeDeviceId": scene.device.id, "fileDetails": _details(scene)}
    return _base("file", case, scene, case.waiting) | more


def _process(case: Case, scene: Scene) -> dict[str, Any]:
    image = _details(scene)
    status = case.waiting if "file" not in case.evidence else "none"
    return _base("process", case, scene, status) | {
        "processId": scene.random.randint(100, 30_000),
        "parentProcessId": scene.random.randint(100, 30_000),
        "processCommandLine": f'"{image["fileName"]}" -enc SQBFAFgA_*{scene.random.getrandbits(32):x}*',
        "processCreationDateTime": show(scene.at - timedelta(seconds=75, microseconds=123)),
        "parentProcessCreationDateTime": show(scene.at - timedelta(hours=2)),
        "detectionStatus": "detected",
        "mdeDeviceId": scene.device.id,
        "imageFile": image,
        "parentProcessImageFile": {**_details(scene), "sha1": None, "sha256": None},
        "userAccount": _account(scene),
    }


def _ip(case: Case, scene: Scene) -> dict[str, Any]:
    address = f"198.51.100.{scene.random.randint(1, 254)}"
    return _base("ip", case, scene) | {"ipAddress": address, "countryLetterCode": "NL"}


def _url(case: Case, scene: Scene) -> dict[str, Any]:
    return _base("url", case, scene) | {"url": f"https://login.example.test/a_b*c?id={scene.random.randint(1, 999)}"}


def _registry(case: Case, scene: Scene) -> dict[str, Any]:
    key = "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run"
    return _base("registryKey", case, scene) | {"registryKey": key, "registryHive": "HKEY_LOCAL_MACHINE"}


def _mailbox(case: Case, scene: Scene) -> dict[str, Any]:
    upn = f"{scene.account}@{scene.customer.domain}"
    return _base("mailbox", case, scene, case.waiting) | {
        "primaryAddress": upn,
        "displayName": scene.account,
        "upn": upn,
        "userAccount": _account(scene),
    }


def _mail(case: Case, scene: Scene) -> dict[str, Any]:
    sender = {"displayName": "Billing", "emailAddress": "billing@example.test", "domainName": "example.test"}
    return _base("analyzedMessage", case, scene, case.waiting) | {
        "networkMessageId": str(UUID(int=scene.random.getrandbits(128), version=4)),
        "internetMessageId": f"<{scene.random.getrandbits(64):x}@example.test>",
        "subject": scene.random.choice(names.SUBJECTS),
        "p1Sender": sender,
        "p2Sender": sender,
        "recipientEmailAddress": f"{scene.account}@{scene.customer.domain}",
        "senderIp": "198.51.100.7",
        "receivedDateTime": show(scene.at - timedelta(minutes=12)),
        "deliveryAction": "Delivered",
        "deliveryLocation": "Inbox",
        "urls": ["https://login.example.test/a_b*c"],
        "urlCount": 1,
        "attachmentsCount": 0,
        "threats": ["Phish"],
        "threatDetectionMethods": ["UrlReputation"],
        "language": "en",
        "antiSpamDirection": "Inbound",
    }


def _cluster(case: Case, scene: Scene) -> dict[str, Any]:
    return _base("mailCluster", case, scene, case.waiting) | {
        "clusterBy": "Subject;P2SenderDomain",
        "clusterByValue": "unpaid_invoice;example.test",
        "emailCount": scene.random.randint(2, 40),
        "networkMessageIds": [],
        "query": "",
    }


def _agent(case: Case, scene: Scene) -> dict[str, Any]:
    """A kind of evidence that a client does not know: only what all evidence has."""
    return _base("aiAgent", case, scene)


_EVIDENCE = {
    "device": _device,
    "user": _user,
    "file": _file,
    "process": _process,
    "ip": _ip,
    "url": _url,
    "registry": _registry,
    "mailbox": _mailbox,
    "mail": _mail,
    "cluster": _cluster,
    "agent": _agent,
}
