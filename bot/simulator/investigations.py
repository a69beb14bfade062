"""Automated investigations: of an alert at a device, or begun by hand; what they propose waits seven days."""

from datetime import datetime, timedelta

from bot.simulator.incidents import Alert
from bot.simulator.world import Customer, Device, Investigation

PROPOSAL_LIFE = timedelta(days=7)
FIRST_NUMBER = 63_000
QUEUED = timedelta(seconds=5)
RUNNING = timedelta(seconds=90)
SYSTEMS = frozenset({"Windows10", "Windows11", "WindowsServer2019", "WindowsServer2022"})
"""Where automated investigation works."""


def start(customer: Customer, device: Device, now: datetime, fate: str = "") -> Investigation:
    """Begin one by hand. Nothing in it tells who asked; some have no start time until they run."""
    number = str(max((int(one) for one in customer.investigations), default=FIRST_NUMBER) + 1)
    one = Investigation(
        id=number,
        state="Queued",
        started=now if int(number) % 2 else None,
        machine_id=device.id,
        computer_name=device.name,
        alert_id="",
        asked=now,
        fate=fate or ("SuccessfullyRemediated" if device.risk in {"Medium", "High"} else "Benign"),
    )
    customer.investigations[number] = one
    return one


def go_on(customer: Customer, now: datetime) -> None:
    """Let those that were begun by hand go on: Queued, Running, an end; PendingResource while the device is away."""
    for one in customer.investigations.values():
        if one.asked is None or one.ended is not None or now < one.asked + QUEUED:
            continue
        device = customer.devices.get(one.machine_id)
        if device is None or not device.online:
            one.state = "PendingResource"
            continue
        begins = max(one.asked + QUEUED, device.online_since or one.asked)
        one.state, one.started = "Running", one.started or begins
        if now >= begins + RUNNING:
            one.state, one.ended = one.fate, begins + RUNNING


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
        since = alert.waits_since or alert.created
        if alert.investigation_state == "pendingApproval" and now - since > PROPOSAL_LIFE:
            settle(customer, alert, since + PROPOSAL_LIFE)


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
    if one and one.ended is None:
        one.state, one.ended = "TerminatedBySystem", at
