"""The Action center of the portal: what investigations propose waits there, and simulated people decide it.

No route of any API leads here (defender-api 1): a decision is made by `decide`, by a step that was arranged, or by
nobody within seven days (`investigations.expire_proposals`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.simulator.cases import Case, Scene, make_alert
from bot.simulator.incidents import Alert, Incident
from bot.simulator.investigations import investigate
from bot.simulator.world import Customer, PortalStep

What = Literal["begin", "approve", "decline", "end"]
RUNS = timedelta(seconds=20)
"""How long what was approved takes."""
PROPOSALS: Mapping[str, Case] = {
    "file": Case(
        title="An active 'Wacatac' malware was detected",
        severity="high",
        category="Malware",
        description="A file that belongs to a known family was found; its removal waits for a decision.",
        evidence=("device", "user", "file"),
        threat_family="Wacatac",
        waiting="pendingApproval",
    ),
    "process": Case(
        title="Suspicious process injection observed",
        severity="medium",
        category="DefenseEvasion",
        description="A process wrote into another one; ending it waits for a decision.",
        evidence=("device", "user", "process"),
        waiting="pendingApproval",
    ),
    "registry": Case(
        title="Anomaly detected in ASEP registry",
        severity="medium",
        category="Persistence",
        description="A program starts with the system; removing its registry key waits for a decision.",
        evidence=("device", "user", "registry"),
        waiting="pendingApproval",
    ),
    "url": Case(
        title="Connection to a custom network indicator",
        severity="medium",
        category="CommandAndControl",
        description="A device contacted an address that is known to be harmful; blocking it waits for a decision.",
        evidence=("device", "user", "url"),
        waiting="pendingApproval",
    ),
}
_WAITS = {"file": "file", "process": "process", "registry": "registryKey", "url": "url"}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """When the proposal begins to wait, and after how long somebody decides it (None: nobody does)."""

    begins: timedelta = timedelta(0)
    decided_after: timedelta | None = None
    approve: bool = True


def propose(scene: Scene, plan: Plan, kind: str = "file", incident: Incident | None = None) -> Alert:
    """An investigation at a device proposes something: a new incident (or another alert of one) with its evidence."""
    customer, case, now = scene.customer, PROPOSALS[kind], scene.at
    if incident is None:
        number, customer.next_incident = str(customer.next_incident), customer.next_incident + 1
        incident = Incident(id=number, title=case.title, severity=case.severity, created=now, updated=now)
        incident.description = case.description
        customer.incidents[number] = incident
    alert = make_alert(case, scene, incident.id)
    for item in alert.evidence:
        if item["@odata.type"].endswith(f".{_WAITS[kind]}Evidence"):
            item["remediationStatus"], item["verdict"] = "active", "malicious"
        else:
            item["remediationStatus"] = "none"
    customer.alerts[alert.id] = alert
    incident.updated = max(incident.updated, now)
    investigate(customer, alert, "Running")
    begins = now + plan.begins
    _arrange(customer, begins, alert, "begin")
    if plan.decided_after is not None:
        _arrange(customer, begins + plan.decided_after, alert, "approve" if plan.approve else "decline")
    go_on(customer, now)
    return alert


def _arrange(customer: Customer, at: datetime, alert: Alert, what: What) -> None:
    customer.portal.append(PortalStep(at=at, alert=alert.id, what=what))


def go_on(customer: Customer, now: datetime) -> None:
    """Let what was arranged happen, in its order."""
    for step in sorted((one for one in customer.portal if one.at <= now), key=lambda one: one.at):
        customer.portal.remove(step)
        alert = customer.alerts.get(step.alert)
        if alert is None:
            continue
        if step.what == "begin":
            _change(customer, alert, ("active", "pendingApproval"), "PendingApproval", step.at)
        elif step.what == "end":
            _change(customer, alert, ("running", "remediated"), "SuccessfullyRemediated", step.at)
        elif _waits(alert):
            decide(customer, alert, step.at, approve=step.what == "approve")


def _waits(alert: Alert) -> bool:
    return any(item["remediationStatus"] == "pendingApproval" for item in alert.evidence)


def decide(customer: Customer, alert: Alert, at: datetime, *, approve: bool) -> None:
    """Somebody approves or rejects in the portal. Raises ValueError where nothing waits."""
    if not _waits(alert):
        raise ValueError(f"nothing waits in {alert.id}")
    if approve:
        _change(customer, alert, ("pendingApproval", "running"), "Running", at)
        _arrange(customer, at + RUNS, alert, "end")
    else:
        _change(customer, alert, ("pendingApproval", "declined"), "PartiallyRemediated", at)


def wait_again(customer: Customer, alert: Alert, at: datetime) -> None:
    """What was decided waits again: a remediation that was undone, or did not hold."""
    for status in ("remediated", "declined"):
        _change(customer, alert, (status, "pendingApproval"), "PendingApproval", at)


def _change(customer: Customer, alert: Alert, status: tuple[str, str], state: str, at: datetime) -> None:
    before, after = status
    found = [item for item in alert.evidence if item["remediationStatus"] == before]
    if not found:
        return
    for item in found:
        item["remediationStatus"] = after
    alert.investigation_state = state[:1].lower() + state[1:]
    alert.waits_since = at if state == "PendingApproval" else None
    alert.updated = max(alert.updated, at)
    incident = customer.incidents.get(alert.incident_id)
    if incident:
        incident.updated = max(incident.updated, at)
    one = customer.investigations.get(alert.investigation_id or "")
    if one:
        one.state = state
        one.ended = None if state in {"Running", "PendingApproval"} else at


def waiting(customer: Customer) -> list[dict[str, str | None]]:
    """What waits now, for the control route."""
    return [
        {
            "alert": alert.id,
            "incident": alert.incident_id,
            "investigation": alert.investigation_id,
            "kind": item["@odata.type"].rpartition(".")[2].removesuffix("Evidence"),
        }
        for alert in customer.alerts.values()
        for item in alert.evidence
        if item["remediationStatus"] == "pendingApproval"
    ]
