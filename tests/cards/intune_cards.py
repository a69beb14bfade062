"""Cards of what is done through Intune; what comes from outside goes through `x`."""

from typing import Any

from bot.graph.intune.models import ManagedDevice
from bot.responses.models import Attempt, Decision, Evidence, Fact, Request, State, Target, Twin
from bot.turn import Shown
from cards.request import request_card
from handlers.intune_aim import facts_of, warnings_of
from tests.cards.samples import LOOK, NOW, X, ago, person, request, step


def wipe(x: X, **more: Any) -> Request:
    """A wipe of somebody's own phone."""
    phone = ManagedDevice.model_validate(
        {
            "id": "705c034c-034c-705c-4c03-5c704c035c70",
            "deviceName": x("anna-iphone"),
            "userPrincipalName": x("anna@contoso.com"),
            "managedDeviceOwnerType": "personal",
            "complianceState": "noncompliant",
            "isEncrypted": True,
            "operatingSystem": "iOS",
            "osVersion": "17.5",
            "model": x("iPhone 15"),
            "serialNumber": x("C02XG2JHJGH5"),
            "lastSyncDateTime": ago(hours=5),
            "managementState": "managed",
            "deviceActionResults": [{"actionName": x("remoteLock"), "actionState": "pending"}],
        }
    )
    evidence = Evidence(
        read_at=ago(minutes=10), facts=tuple(facts_of(phone)), warnings=tuple(warnings_of(phone, "wipe"))
    )
    values: dict[str, Any] = {
        "response": "wipe",
        "family": "intune-removal",
        "target": Target(id=phone.id, name=phone.name, kind="managed"),
        "parameters": {"keepUserData": "false", "keepEnrollmentData": "false"},
        "reason": x("It was stolen on a train."),
        "approvals_needed": 2,
        "inverse": "",
        "evidence": evidence,
    }
    return request(x, **(values | more))


PC = Target(id="805c034c-034c-805c-4c03-5c804c035c80", name="", kind="managed")


def restart(x: X, **more: Any) -> Request:
    """A restart of a computer that Defender knows as well, and lists once more under the name of an earlier time."""
    evidence = Evidence(
        read_at=ago(minutes=10),
        users=(x("bob@contoso.com"), "bob", "svc-backup"),
        tags=(x("Server"), "Berlin"),
        severity="high",
        device_value="High",
        risk="Medium",
        exposure="Low",
        health="Active",
        os="Windows11 23H2",
        last_seen=ago(hours=2),
        open_alerts=(x("Suspicious PowerShell"),),
        running=(),
        isolation="not isolated",
        twins=(
            Twin(
                id="a" * 40, name=x("pc-berlin-old"), tags=(x("Lab"),), device_value="Low", risk="None", severity="none"
            ),
            Twin(id="b" * 40, name="pc-berlin-older"),
        ),
        facts=(
            Fact(key="intune-user", value=x("bob@contoso.com")),
            Fact(key="intune-system", value="Windows 10.0.22631"),
            Fact(key="intune-last-sync", at=ago(hours=5)),
            Fact(key="alert-evidence", value=x("powershell.exe")),
        ),
    )
    values: dict[str, Any] = {
        "response": "restart",
        "family": "intune-restart",
        "target": PC.model_copy(update={"name": x("pc-berlin")}),
        "parameters": {},
        "reason": x("The update needs it."),
        "inverse": "",
        "evidence": evidence,
    }
    return request(x, **(values | more))


def unlisted(x: X) -> Evidence:
    """Defender lists no machine with the device's Entra id."""
    user = Fact(key="intune-user", value=x("bob@contoso.com"))
    return Evidence(read_at=ago(minutes=10), facts=(user, Fact(key="in-defender", value="none")))


def sent(x: X, **more: Any) -> Request:
    decided = tuple(
        Decision(what="approved", who=person(x, name), at=ago(minutes=8)) for name in ("Omar Haddad", "Lena Voss")
    )
    story = (step(ago(minutes=10), "proposed", who=x("Anna Fischer")), step(ago(minutes=7), "accepted", action=""))
    values: dict[str, Any] = {
        "state": State.SENT,
        "decisions": decided,
        "attempts": (Attempt(number=1, began=ago(minutes=7)),),
        "sent_at": ago(minutes=7),
        "checked": ago(minutes=1),
        "status": "wipePending",
        "story": story,
    }
    return wipe(x, **(values | more))


def every(x: X) -> dict[str, Shown]:
    over = {"state": State.HANDED_OVER, "status": "notInIntune", "ended": ago(minutes=1)}
    lacking = {
        "state": State.FAILED,
        "status": "",
        "trouble": "trouble.permission",
        "trouble_values": {
            "service": "graph",
            "permission": "DeviceManagementManagedDevices.PrivilegedOperations.All",
            "code": "Forbidden",
            "message": "",
        },
        "ended": NOW,
        "attempts": (),
        "story": (step(ago(minutes=10), "proposed", who=x("Anna Fischer")), step(ago(minutes=7), "refused")),
    }
    states = {
        "wipe": wipe(x),
        "wipe-pending": sent(x),
        "restart-pc": restart(x),
        "restart-unlisted": restart(x, evidence=unlisted(x)),
        "wipe-gone": sent(x, **over),
        "wipe-denied": sent(x, **lacking),
        "sync-done": sent(
            x,
            response="sync",
            parameters={},
            state=State.SUCCEEDED,
            status="synced",
            approvals_needed=0,
            decisions=(),
            ended=NOW,
        ),
    }
    return {f"intune-{name}": request_card(LOOK, made) for name, made in states.items()}
