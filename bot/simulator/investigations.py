"""Automated investigations: each belongs to an alert at a device; what they propose waits seven days for a person."""

from datetime import datetime, timedelta

from bot.simulator.incidents import Alert
from bot.simulator.world import Customer, Investigation

PROPOSAL_LIFE = timedelta(days=7)
FIRST_NUMBER = 63_000


def investigate(customer: Customer, alert: Alert, state: str) -> Investigation | None:
    """Investigate an alert; None where it is at no device. A state that is neither running nor waiting has ended."""
    device = customer.devices.get(alert.machine_id or "")
    if device is None:
        return None
    number = str(max((int(one) for one in customer.investigations), default=FIRST_NUMBER) + 1)
    alert.investigation_id = number
    alert.investigation_state = state[:1].lower() + state[1:]
    one = Investigation(
        id=number,
        state=state,
        started=alert.created,
        ended=None if state in {"Running", "PendingApproval"} else alert.updated,
        machine_id=device.id,
        computer_name=device.name,
        alert_id=alert.id,
    )
    customer.investigations[number] = one
    return one


def expire_proposals(customer: Customer, now: datetime) -> None:
    """End what has waited for a decision longer than seven days: that counts as a rejection."""
    for alert in customer.alerts.values():
        if alert.investigation_state == "pendingApproval" and now - alert.created > PROPOSAL_LIFE:
            settle(customer, alert, alert.created + PROPOSAL_LIFE)


def settle(customer: Customer, alert: Alert, at: datetime) -> None:
    """End what waits at an alert without its having been approved."""
    for item in alert.evidence:
        if item["remediationStatus"] == "pendingApproval":
            item["remediationStatus"] = "declined"
    if alert.investigation_state != "pendingApproval":
        return
    alert.investigation_state = "terminatedBySystem"
    alert.updated = max(alert.updated, at)
    one = customer.investigations.get(alert.investigation_id or "")
    if one:
        one.state, one.ended = "TerminatedBySystem", at
