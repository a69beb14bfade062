"""Every card in its main states, by name, made of the sample models."""

from dataclasses import replace

from bot import errors
from bot.graph.models import Incident
from bot.incidents import BriefIncident, SummaryRecord
from bot.roles import Role
from bot.subscriptions import Subscription
from bot.turn import Shown
from cards.actions import ActionsView, actions_card
from cards.audit import AuditList, AuditRow, Exported, audit_card, exported_card
from cards.choice import choice_card
from cards.device import Isolation, device_card
from cards.devices import devices_card
from cards.error import error_card
from cards.file import file_declined_card, file_handed_card
from cards.help import command_help_card, help_card
from cards.incident import IncidentDetails, incident_card, incident_details_card
from cards.incidents import IncidentList, incidents_card
from cards.pointer import pointer_card
from cards.request import request_card
from cards.subscription import subscribed_card, unsubscribed_card
from cards.summary import summary_card
from cards.text import say
from cards.welcome import welcome_card
from cards.whoami import WhoAmI, whoami_card
from cards.working import interrupted_card, working_card
from tests.cards import (
    centers,
    device_cards,
    digests,
    indicator_cards,
    intune_cards,
    live_cards,
    people,
    policies,
    scores,
    several,
    statuses,
)
from tests.cards.samples import (
    COMMANDS,
    LOOK,
    MACHINE,
    NOW,
    TENANT,
    Machine,
    X,
    action,
    ago,
    device_list,
    device_view,
    graph_alert,
    incident,
    incident_record,
    place,
    request,
    requests,
    sent,
)


def failures(x: X) -> dict[str, Exception]:
    service = ("defender", "isolate")
    return {
        "person": errors.NotFound("error.no_such_device", name=x("laptop-042")),
        "stale": errors.Stale("error.request_moved_on", state="timed out"),
        "usage": errors.UsageError(
            "error.unknown_filter", said=x("-x"), known="open, all", usage=x("/devices [FILTER]")
        ),
        "near": errors.UsageError("error.unknown_command_near", said=x("isolte"), near="isolate"),
        "not-allowed": errors.NotAllowed("error.role", role="approver", command="approve"),
        "uncatalogued": errors.PersonError("error.of_tomorrow", name=x("a")),
        "ambiguous": errors.Ambiguous(
            "error.several_devices",
            [(f"device {MACHINE}", x("laptop-042.contoso.com"), x("1e5bc9d7")), (MACHINE, x("laptop-043"), "")],
            "device",
            name=x("laptop"),
            count=2,
        ),
        "lacks-plan": errors.PersonError(
            "error.lacks-plan", command="wipe", has="Defender for Business, Entra ID P1", plans="Intune"
        ),
        "lacks-permission": errors.PersonError(
            "error.lacks-permission",
            command="wipe",
            permission="DeviceManagementManagedDevices.PrivilegedOperations.All",
            api="Microsoft Graph",
        ),
        "refused-lately": errors.PersonError(
            "error.refused-lately",
            command="wipe",
            service="Microsoft Graph",
            at=ago(hours=2),
            message=x("Tenant has no license for it"),
        ),
        "throttled": errors.Throttled(*service, retry_after=11.2),
        "throttled-open": errors.Throttled("graph", "incidents"),
        "unavailable": errors.Unavailable(*service, sent=False, status=503),
        "unavailable-sent": errors.Unavailable(*service, message=x("time-out")),
        "unauthorised": errors.Unauthorised("login", "token", status=401),
        "permission": errors.MissingPermission(*service, permission=x("Machine.Isolate"), status=403),
        "permission-unknown": errors.MissingPermission(*service, status=403),
        "plan": errors.NotInPlan(*service, status=403, message=x("Tenant has no license for it")),
        "barred": errors.Barred("teams", "post", status=403),
        "rejected": errors.Rejected(*service, status=400, code=x("ActionBlocked"), message=x("Device is [offline](x)")),
        "missing": errors.Missing(*service, status=404),
        "conflict": errors.Conflict("changed"),
        "store": errors.StoreDown(x("redis")),
        "unexpected": ValueError(x("secret detail")),
    }


def lists(x: X) -> dict[str, Shown]:
    view = ActionsView(
        requests=(request(x), sent(x)), queued=(action(x),), center=tuple(centers.items(x).values())[:4], tenant=TENANT
    )
    brief = tuple(
        BriefIncident(id=str(n), title=x(f"Incident {n}"), severity=s) for n, s in enumerate(("high", "medium", "odd"))
    )
    summary = SummaryRecord(
        id="s", customer=TENANT, reason="open", at=NOW, total=14, counts={"high": 2, "low": 12}, rows=brief
    )
    rows = (incident(x), incident(x, display_name=None, severity="medium", status="resolved"))
    nothing = ActionsView(requests=(), queued=())
    unread = ActionsView(requests=(), queued=None, center_unread=("investigations",), center_cut=True)
    return {
        "devices": devices_card(LOOK, device_list(x, 10)),
        "devices-none": devices_card(LOOK, device_list(x, 0, filter="", text=x("zzz"), total=0, page=1, pages=1)),
        "incidents": incidents_card(LOOK, IncidentList(filter="open", total=2, rows=rows, tenant=TENANT)),
        "incidents-unread": incidents_card(LOOK, IncidentList(total=None, unread=("incidents",))),
        "summary-open": summary_card(LOOK, summary),
        "summary-burst": summary_card(LOOK, summary.model_copy(update={"reason": "burst", "total": 3})),
        "summary-none": summary_card(LOOK, summary.model_copy(update={"total": 0, "counts": {}, "rows": ()})),
        "actions": actions_card(LOOK, view),
        "actions-none": actions_card(LOOK, nothing),
        "actions-unread": actions_card(LOOK, unread),
        **scores.every(x),
        **centers.every(x),
        **policies.every(x),
        **policies.helps(),
        **several.reminders(LOOK, x, request, NOW),
        **policies.requests(x),
    }


def conversation(x: X) -> dict[str, Shown]:
    subscription = Subscription(id="c", customer=TENANT, place=place(), since=NOW, incidents="medium")
    who = WhoAmI(
        name=x("Anna Fischer"),
        role=Role.OPERATOR,
        object_id=x("a0000000-0000-4000-8000-000000000001"),
        tenant=TENANT,
        customer=x("Contoso"),
        conversation_kind="channel",
    )
    nobody = WhoAmI(name=x("Zoe"), role=Role.NONE, object_id="z", tenant="t", customer="", conversation_kind="personal")
    choices = [(f"device {MACHINE}", x(f"laptop-{n:03}.contoso.com"), x("last seen yesterday")) for n in range(3)]
    return {
        "welcome": welcome_card(LOOK),
        "help": help_card(LOOK, Role.READER, COMMANDS),
        "help-isolate": command_help_card(LOOK, COMMANDS[9]),
        "whoami": whoami_card(LOOK, who),
        "whoami-none": whoami_card(LOOK, nobody),
        "choice": choice_card(LOOK, say(LOOK, "choice.which"), choices, 4),
        "subscribed": subscribed_card(LOOK, subscription),
        "subscribed-requests": subscribed_card(
            LOOK, subscription.model_copy(update={"incidents": "", "requests": True})
        ),
        "unsubscribed": unsubscribed_card(LOOK),
        "working": working_card(LOOK, x("devices high-risk")),
        "interrupted": interrupted_card(LOOK, x("devices high-risk")),
        "pointer": pointer_card(LOOK),
    }


def incidents(x: X) -> dict[str, Shown]:
    record = incident_record(x)
    resolved = incident_record(
        x, status="resolved", classification="falsePositive", alerts=-1, assets=(), alert_titles=(), pending_approvals=0
    )
    alerts = tuple(graph_alert(x, n) for n in range(3))
    return {
        "incident": incident_card(LOOK, record),
        "incident-resolved": incident_card(LOOK, resolved),
        "incident-merged": incident_card(LOOK, incident_record(x, status="redirected", merged_into="3001")),
        "incident-raised": incident_card(LOOK, record, "severity:high"),
        "incident-reopened": incident_card(LOOK, record, "reopened:2026-11-23T13:00:00Z"),
        "incident-changed": incident_card(LOOK, record, "other"),
        "incident-again": incident_card(LOOK, incident_record(x, again="reopened", again_at=ago(minutes=4))),
        "incident-severity-up": incident_card(LOOK, incident_record(x, again="severity", again_at=ago(minutes=4))),
        "incident-details": incident_details_card(LOOK, IncidentDetails(incident=incident(x), alerts=alerts)),
        "incident-details-blockable": incident_details_card(
            LOOK, IncidentDetails(incident=incident(x), alerts=alerts, blockable=indicator_cards.blockable(x))
        ),
        "incident-details-unread": incident_details_card(
            LOOK, IncidentDetails(incident=incident(x), alerts=None, unread=("alerts",))
        ),
        "incident-details-bare": incident_details_card(
            LOOK, IncidentDetails(incident=Incident(id="7", last_update_date_time=NOW), alerts=())
        ),
    }


def audits(x: X) -> dict[str, Shown]:
    rows = (
        AuditRow(
            position="1-0",
            at=NOW,
            what="sent",
            who="watchkeeper",
            kind="request",
            id="WK-7Q2M4KX9PA",
            response="isolate",
            device=x("laptop-042.contoso.com"),
        ),
        AuditRow(
            position="2-0",
            at=ago(minutes=2),
            what="approved",
            who=x("Megan Bowen"),
            kind="request",
            id="WK-7Q2M4KX9PA",
            response="isolate",
            device=x("laptop-042.contoso.com"),
        ),
        AuditRow(
            position="3-0",
            at=ago(hours=3),
            what="subscribed",
            who=x("Patti Fernandez"),
            kind="conversation",
            id=x("Security duty"),
        ),
        AuditRow(
            position="4-0",
            at=ago(days=1),
            what=x("of tomorrow"),
            who=x("a0000000-0000-4000-8000-000000000001"),
            kind="thing",
            id=x("7"),
        ),
        AuditRow(position="5-0", at=None, what="", who=""),
    )
    listed = AuditList(
        line="audit 7 days",
        days=7,
        rows=rows,
        page=2,
        pages=3,
        found=25,
        read=25,
        count=412,
        head="4bc060b7704fb96780d06db6e3d36dc4de5c3f9260fdf9509e8bdfcd616cda40",
    )
    filters = (("device", x("laptop-042")), ("user", x("Megan Bowen")), ("request", x("WK-7")))
    made = Exported(name=x("audit-2026-11-23.csv"), entries=412, cut=False)
    return {
        "audit": audit_card(LOOK, listed),
        "audit-broken": audit_card(
            LOOK, replace(listed, page=1, pages=1, broken="inserted", broken_at="3-0", cut=True)
        ),
        "audit-none": audit_card(LOOK, AuditList(line="audit 1 days", days=1, filters=filters, broken="head")),
        "audit-exported": exported_card(LOOK, made),
        "audit-exported-broken": exported_card(LOOK, replace(made, cut=True, broken="head", verifiable=True)),
        "file-handed": file_handed_card(LOOK, x("audit-2026-11-23.csv")),
        "file-declined": file_declined_card(LOOK, x("audit-2026-11-23.csv")),
    }


def devices(x: X) -> dict[str, Shown]:
    bare = device_view(
        x,
        machine=Machine(id=MACHINE),
        isolation=Isolation(state="unknown"),
        users=None,
        alerts=None,
        actions=None,
        requests=(),
        offers=(),
        unread=("users", "alerts", "actions"),
    )
    quiet = device_view(
        x, isolation=Isolation(state="not isolated"), users=(), alerts=(), actions=(), requests=(), offers=()
    )
    return {
        "device": device_card(LOOK, device_view(x)),
        "device-unread": device_card(LOOK, bare),
        "device-quiet": device_card(LOOK, quiet),
    }


def every(x: X = str) -> dict[str, Shown]:
    """All cards by name; `x` makes each outside text."""
    return {
        **conversation(x),
        **audits(x),
        **devices(x),
        **statuses.every(x),
        **lists(x),
        **incidents(x),
        **digests.digests(x),
        **people.every(x),
        **indicator_cards.every(x),
        **device_cards.every(x),
        **live_cards.every(x),
        **intune_cards.every(x),
        **{f"request-{name}": request_card(LOOK, made) for name, made in requests(x).items()},
        **{f"error-{name}": error_card(LOOK, error, "R-4F2A") for name, error in failures(x).items()},
    }
