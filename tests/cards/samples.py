"""Sample models; what comes from outside goes through `x`, so that it can be made hostile."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.defender.models import DefenderAlert, LogonUser, Machine, MachineAction
from bot.graph.models import Evidence, GraphAlert, Incident
from bot.incidents import Asset, IncidentRecord
from bot.posts import Place
from bot.responses.declared import Parameter
from bot.responses.models import Attempt, Decision, Fact, Person, Request, State, Step, Target
from bot.responses.models import Evidence as Facts
from bot.roles import Role
from bot.turn import Look
from cards.device import DeviceView, Isolation, Offer, OpenRequest, isolation_line
from cards.devices import DeviceList, DeviceRow
from cards.help import CommandHelp
from tests.cards.several import several

X = Callable[[str], str]
NOW = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)
LOOK = Look(now=NOW, locale="en-GB", zone="Europe/Berlin")
TENANT = "0f0e0d0c-0000-4000-8000-00000000000a"
MACHINE = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07"
ACTION = "5382f7ea-7557-4ab7-9782-d50480024a4e"
URL = f"https://security.microsoft.com/incidents/2972?tid={TENANT}"


def ago(**distance: float) -> datetime:
    return NOW - timedelta(**distance)


def machine(x: X, **changes: Any) -> Machine:
    values: dict[str, Any] = {
        "id": MACHINE,
        "computer_dns_name": x("laptop-042.contoso.com"),
        "last_seen": ago(hours=3),
        "os_platform": x("Windows11"),
        "version": x("23H2"),
        "health_status": "Active",
        "risk_score": "High",
        "exposure_level": "Medium",
        "device_value": "High",
        "machine_tags": (x("finance"), x("board")),
        "last_ip_address": x("10.1.2.3"),
    }
    return Machine(**{**values, **changes})


def action(x: X, **changes: Any) -> MachineAction:
    values: dict[str, Any] = {
        "id": ACTION,
        "type": "Isolate",
        "status": "Pending",
        "scope": "Full",
        "requestor": x("anna@contoso.com"),
        "machine_id": MACHINE,
        "computer_dns_name": x("laptop-042.contoso.com"),
        "creation_date_time_utc": ago(hours=2),
        "last_update_date_time_utc": ago(hours=1),
    }
    return MachineAction(**{**values, **changes})


def person(x: X, name: str) -> Person:
    return Person(id="a0000000-0000-4000-8000-000000000001", tenant=TENANT, name=x(name))


def facts(x: X, **changes: Any) -> Facts:
    values: dict[str, Any] = {
        "read_at": ago(minutes=10),
        "users": (x("CONTOSO\\ben.wolf"), x("CONTOSO\\carla")),
        "device_value": "High",
        "risk": "High",
        "exposure": "Medium",
        "health": "Active",
        "os": x("Windows11 23H2"),
        "last_seen": ago(hours=3),
        "open_alerts": (x("Ransomware behaviour detected in the file system"), x("Suspicious PowerShell command line")),
        "severity": "high",
        "facts": (Fact(key="alert-evidence", value=x("invoice.docm, powershell.exe, ben.wolf")),),
        "running": (x("RunAntiVirusScan (InProgress)"),),
        "isolation": "not isolated",
        "last_time": "Succeeded",
        "last_time_at": ago(days=40),
    }
    return Facts(**{**values, **changes})


def request(x: X, **changes: Any) -> Request:
    values: dict[str, Any] = {
        "id": "WK-7F3K9QXZ2M",
        "customer": TENANT,
        "content": 4,
        "response": "isolate",
        "family": "isolation",
        "target": Target(id=MACHINE, name=x("laptop-042.contoso.com")),
        "parameters": {"IsolationType": "Full"},
        "reason": x("Ben opened an attachment and files are being renamed. I have called him, he is not touching it."),
        "requester": person(x, "Anna Fischer"),
        "created": ago(minutes=10),
        "expires": NOW + timedelta(minutes=50),
        "evidence": facts(x),
        "inverse": "release",
        "story": (step(ago(minutes=10), "proposed", who=x("Anna Fischer")),),
    }
    return Request(**{**values, **changes})


def step(at: datetime, key: str, **values: str) -> Step:
    return Step(at=at, key=f"story.{key}", values=values)


def story(x: X, *more: Step) -> tuple[Step, ...]:
    first = step(ago(minutes=10), "proposed", who=x("Anna Fischer"))
    return (first, step(ago(minutes=8), "approved", who=x("Omar Haddad")), *more)


def approved(x: X, **changes: Any) -> Request:
    values: dict[str, Any] = {
        "state": State.APPROVED,
        "decisions": (
            Decision(what="approved", who=person(x, "Omar Haddad"), at=ago(minutes=8), reason=x("Ben confirmed it.")),
        ),
        "story": story(x),
        "send_by": NOW + timedelta(minutes=52),
    }
    return request(x, **{**values, **changes})


def sent(x: X, **changes: Any) -> Request:
    values: dict[str, Any] = {
        "state": State.SENT,
        "attempts": (Attempt(number=1, began=ago(minutes=8), action=ACTION),),
        "status": "Pending",
        "status_at": ago(minutes=7),
        "sent_at": ago(minutes=8),
        "checked": ago(minutes=1),
        "story": story(x, step(ago(minutes=7), "accepted", action=ACTION, who=x("Watchkeeper"))),
    }
    return approved(x, **{**values, **changes})


def unknown(x: X, **changes: Any) -> Request:
    values: dict[str, Any] = {
        "state": State.UNKNOWN,
        "attempts": (Attempt(number=1, began=ago(minutes=8)),),
        "unknown_since": ago(minutes=2),
        "checked": ago(minutes=1),
        "story": story(x, step(ago(minutes=7), "unknown")),
    }
    return approved(x, **{**values, **changes})


def ended(x: X, state: State, status: str, **changes: Any) -> Request:
    told = story(
        x,
        step(ago(minutes=7), "accepted", action=ACTION, who=x("Watchkeeper")),
        step(ago(minutes=5), "status", status="InProgress"),
        step(ago(minutes=3), "ended", status=status),
    )
    return sent(x, state=state, status=status, ended=ago(minutes=3), story=told, **changes)


def requests(x: X) -> dict[str, Request]:
    why = x("We need the laptop for the audit; please scan first.")
    rejected = Decision(what="rejected", who=person(x, "Omar Haddad"), at=ago(minutes=8), reason=why)
    scan = {"response": "scan", "family": "scan", "parameters": {"ScanType": "Quick"}, "approvals_needed": 0}
    scan |= {"inverse": "", "reason": "", "decisions": ()}
    return {
        "proposed": request(x),
        "proposed-selective": request(x, parameters={"IsolationType": "Selective"}, four_eyes=False),
        "proposed-two-approvers": request(x, approvals_needed=2),
        "proposed-unread": request(
            x, evidence=facts(x, users=None, open_alerts=None, running=None, last_seen=None, risk="", last_time="")
        ),
        "proposed-no-evidence": request(x, evidence=None, reason=""),
        "proposed-undeclared": request(x, response=x("reboot"), parameters={x("Kind"): x("Hard")}),
        "approved": approved(x),
        "approved-troubled": approved(
            x,
            trouble="trouble.other_action",
            trouble_values={"type": "Isolate", "who": x("portal@contoso.com"), "id": x(ACTION)},
        ),
        "sending": approved(x, state=State.SENDING),
        "sent-pending": sent(x),
        "sent-in-progress": sent(x, status="InProgress"),
        "unknown": unknown(x),
        "unknown-stays": unknown(x, unknown_since=ago(minutes=7), trouble="trouble.not_found"),
        "succeeded": ended(x, State.SUCCEEDED, "Succeeded"),
        "failed": ended(x, State.FAILED, "Failed"),
        "refused": approved(
            x,
            state=State.FAILED,
            ended=ago(minutes=7),
            trouble="trouble.permission",
            trouble_values={"service": "defender", "permission": x("Machine.Isolate")},
            story=story(x, step(ago(minutes=7), "refused")),
        ),
        "timed-out": ended(x, State.TIMED_OUT, "TimeOut"),
        "cancelled": ended(x, State.CANCELLED, "Cancelled"),
        "rejected": request(
            x,
            state=State.REJECTED,
            ended=ago(minutes=8),
            decisions=(rejected,),
            story=(*request(x).story, step(ago(minutes=8), "rejected", who=x("Omar Haddad"), reason=why)),
        ),
        "expired": request(x, state=State.EXPIRED, ended=NOW, story=(*request(x).story, step(NOW, "expired"))),
        "expired-unsent": approved(x, state=State.EXPIRED, ended=NOW, story=story(x, step(NOW, "send_by_passed"))),
        "withdrawn": request(x, state=State.WITHDRAWN, ended=ago(minutes=2)),
        "given-up": unknown(x, state=State.GIVEN_UP, ended=NOW, story=story(x, step(NOW, "given_up", who=x("Omar")))),
        "scan-approved": approved(x, **scan),
        "scan-succeeded": ended(x, State.SUCCEEDED, "Succeeded", **scan),
        "long-story": sent(
            x, story=tuple(step(ago(minutes=60 - n), "status", status=x("InProgress")) for n in range(40))
        ),
        "old-story": sent(x, story=(step(ago(minutes=9), "retired", who=x("Anna")),)),
        **several(x, request, NOW),
    }


def place() -> Place:
    return Place(id="19:abc@thread.tacv2", kind="channel", tenant=TENANT, service_url="https://s.example/", bot_id="b")


def incident_record(x: X, **changes: Any) -> IncidentRecord:
    values: dict[str, Any] = {
        "id": "2972",
        "customer": TENANT,
        "title": x("Multi-stage incident involving Execution & Lateral movement on multiple endpoints"),
        "severity": "high",
        "status": "active",
        "created": ago(hours=5),
        "updated": ago(minutes=4),
        "url": URL,
        "alerts": 4,
        "alert_titles": tuple(x(t) for t in ("Ransomware behaviour detected", "Suspicious PowerShell", "C2", "Fourth")),
        "sources": (x("Microsoft Defender for Endpoint"), x("Microsoft Defender for Office 365")),
        "assets": (
            Asset(kind="device", name=x("laptop-042.contoso.com"), id=MACHINE),
            Asset(kind="user", name=x("ben.wolf@contoso.com"), verdict="suspicious"),
            Asset(kind="file", name=x("invoice_2026.pdf.exe"), verdict="malicious", remediation="pendingApproval"),
        ),
        "pending_approvals": 1,
    }
    return IncidentRecord(**{**values, **changes})


def graph_alert(x: X, number: int) -> GraphAlert:
    evidence: tuple[Evidence, ...] = (
        thing(x, "device", mde_device_id=MACHINE, device_dns_name=x("laptop-042.contoso.com"), verdict="suspicious"),
        thing(x, "user", user_account={"user_principal_name": x("ben.wolf@contoso.com")}, verdict="unknown"),
        thing(
            x,
            "file",
            file_details={"file_name": x(f"invoice_{number}.pdf.exe")},
            verdict="malicious",
            remediation_status="pendingApproval" if number == 0 else "remediated",
        ),
        thing(x, "url", url=x("https://evil.example/[login](x)")),
        thing(x, x("newThing"), display_name=x("something new")),
    )
    return GraphAlert(
        id=f"da{number}",
        title=x(f"Suspicious PowerShell command line #{number}"),
        severity="high" if number == 0 else "low",
        status="new",
        created_date_time=ago(hours=5),
        evidence=evidence,
    )


def thing(_x: X, kind: str, **fields: Any) -> Evidence:
    return Evidence(odata_type=f"#microsoft.graph.security.{kind}Evidence", **fields)


def incident(x: X, **changes: Any) -> Incident:
    values: dict[str, Any] = {
        "id": "2972",
        "display_name": x("Multi-stage incident involving Execution on multiple endpoints"),
        "description": x("A device ran a file that a mail brought."),
        "severity": "high",
        "status": "active",
        "created_date_time": ago(hours=5),
        "last_update_date_time": ago(minutes=4),
        "assigned_to": x("anna@contoso.com"),
        "classification": "truePositive",
        "incident_web_url": URL,
    }
    return Incident(**{**values, **changes})


def device_view(x: X, **changes: Any) -> DeviceView:
    kinds = Parameter(name="IsolationType", choices={"full": "Full", "selective": "Selective"})
    values: dict[str, Any] = {
        "machine": machine(x),
        "isolation": Isolation(state="isolated", since=ago(days=1)),
        "users": (
            LogonUser(id=x("contoso\\ben.wolf"), last_seen=ago(hours=4)),
            LogonUser(id=x("contoso\\adm_kim"), last_seen=ago(days=9), is_domain_admin=True),
        ),
        "alerts": (
            DefenderAlert(
                id="1", title=x("Ransomware behaviour"), severity="High", status="New", alert_creation_time=ago(hours=5)
            ),
            DefenderAlert(id="2", title=x("Old one"), severity="Low", status="Resolved"),
            DefenderAlert(id="3", title=x("Unwanted software"), severity="Low", status="InProgress"),
        ),
        "actions": (
            action(x, status="Succeeded"),
            action(x, type="RunAntiVirusScan", status="InProgress", scope="Quick"),
        ),
        "requests": (OpenRequest(id="WK-7F3K9QXZ2M", response="release", state="proposed"),),
        "offers": (
            Offer(
                response="scan",
                needs_reason=False,
                needs_approval=False,
                choices=(Parameter(name="ScanType", choices={"quick": "Quick", "full": "Full"}),),
            ),
            Offer(response="isolate", choices=(kinds,)),
            Offer(response="release"),
        ),
        "tenant": TENANT,
    }
    return DeviceView(**{**values, **changes})


def device_list(x: X, rows: int, **changes: Any) -> DeviceList:
    levels = ("High", "Medium", "Low", "None", None)
    made = tuple(
        DeviceRow(
            machine=machine(x, computer_dns_name=x(f"laptop-{n:03}.contoso.com"), risk_score=levels[n % 5]),
            label=isolation_line(LOOK, Isolation(state="isolated", since=ago(days=n + 1))) if n == 1 else None,
        )
        for n in range(rows)
    )
    return DeviceList(
        **{"filter": "high-risk", "total": 23, "page": 2, "pages": 3, "rows": made, "tenant": TENANT, **changes}
    )


COMMANDS = (
    CommandHelp(name="help", usage="/help [COMMAND]", examples=("/help", "/help isolate")),
    CommandHelp(name="whoami", usage="/whoami"),
    CommandHelp(name="devices", usage="/devices [high-risk|inactive|isolated|all] [TEXT]", role=Role.READER),
    CommandHelp(name="device", usage="/device NAME", role=Role.READER),
    CommandHelp(name="incidents", usage="/incidents [open|high|all]", role=Role.READER),
    CommandHelp(name="incident", usage="/incident NUMBER", role=Role.READER),
    CommandHelp(name="actions", usage="/actions [history]", role=Role.READER),
    CommandHelp(name="score", usage="/score", role=Role.READER),
    CommandHelp(name="scan", usage="/scan DEVICE [quick|full]", role=Role.OPERATOR),
    CommandHelp(
        name="isolate",
        usage="/isolate DEVICE [full|selective] REASON",
        examples=("/isolate LAPTOP-042 ransomware, files are being renamed",),
        aliases=("quarantine", "contain"),
        role=Role.OPERATOR,
    ),
    CommandHelp(name="release", usage="/release DEVICE REASON", role=Role.OPERATOR),
    CommandHelp(name="subscribe", usage="/subscribe [SEVERITY]", role=Role.ADMIN),
    CommandHelp(name="unsubscribe", usage="/unsubscribe", role=Role.ADMIN),
)
