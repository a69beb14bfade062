"""Incidents, alerts and Secure Scores in the words of Microsoft Graph v1.0 (reference/graph-api.md 3.1 to 3.4)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from bot.simulator.incidents import Alert, Comment, Incident
from bot.simulator.moments import show
from bot.simulator.world import PLANS, Customer, SecureScoreDay

PORTAL = "https://security.microsoft.com"
UNKNOWN = "unknownFutureValue"
GATED: Mapping[str, frozenset[str]] = {
    "remediationStatus": frozenset(
        {"active", "pendingApproval", "declined", "unremediated", "running", "partiallyRemediated"}
    ),
    "status": frozenset({"awaitingAction"}),
    "serviceSource": frozenset(
        {
            "microsoftDefenderForCloud",
            "microsoftSentinel",
            "microsoftInsiderRiskManagement",
            "microsoftThreatIntelligence",
            "microsoftSecurityForAI",
        }
    ),
    "detectionSource": frozenset(
        {
            "microsoftDefenderForCloud",
            "microsoftSentinel",
            "nrtAlerts",
            "scheduledAlerts",
            "builtInMl",
            "securityCopilot",
        }
    ),
}


def mask(form: Any) -> Any:
    """Gated enum members become `unknownFutureValue`: what a request without the `Prefer` header gets."""
    if isinstance(form, list):
        return [mask(part) for part in form]
    if not isinstance(form, dict):
        return form
    return {
        name: UNKNOWN if isinstance(value, str) and value in GATED.get(name, ()) else mask(value)
        for name, value in form.items()
    }


def _time(moment: datetime | None) -> str | None:
    return show(moment) if moment else None


def _comment(said: Comment) -> dict[str, Any]:
    return {"comment": said.text, "createdByDisplayName": said.by, "createdDateTime": show(said.at)}


def incident(one: Incident, customer: Customer) -> dict[str, Any]:
    """`microsoft.graph.security.incident` without its alerts."""
    return {
        "id": one.id,
        "tenantId": customer.id,
        "status": one.status,
        "incidentWebUrl": f"{PORTAL}/incidents/{one.id}?tid={customer.id}",
        "redirectIncidentId": one.redirect,
        "displayName": one.title,
        "createdDateTime": show(one.created),
        "lastUpdateDateTime": show(one.updated),
        "assignedTo": one.assigned_to,
        "classification": one.classification,
        "determination": one.determination,
        "severity": one.severity,
        "customTags": list(one.tags),
        "systemTags": list(one.system_tags),
        "description": one.description or None,
        "summary": one.summary,
        "lastModifiedBy": one.modified_by,
        "resolvingComment": one.resolving_comment,
        "priorityScore": one.priority,
        "comments": [_comment(said) for said in one.comments],
    }


def alert(one: Alert, customer: Customer) -> dict[str, Any]:
    """`microsoft.graph.security.alert`."""
    return {
        "id": one.id,
        "providerAlertId": one.id,
        "incidentId": one.incident_id,
        "tenantId": customer.id,
        "status": one.status,
        "severity": one.severity,
        "classification": one.classification,
        "determination": one.determination,
        "serviceSource": one.source,
        "detectionSource": one.detection,
        "productName": one.product,
        "detectorId": one.detector,
        "title": one.title,
        "description": one.description,
        "recommendedActions": one.recommended,
        "category": one.category,
        "categories": [one.category],
        "assignedTo": one.assigned_to,
        "alertWebUrl": f"{PORTAL}/alerts/{one.id}?tid={customer.id}",
        "incidentWebUrl": f"{PORTAL}/incidents/{one.incident_id}?tid={customer.id}",
        "actorDisplayName": None,
        "alertPolicyId": None,
        "threatDisplayName": one.threat,
        "threatFamilyName": one.threat_family,
        "mitreTechniques": list(one.techniques),
        "createdDateTime": show(one.created),
        "lastUpdateDateTime": show(one.updated),
        "resolvedDateTime": _time(one.resolved),
        "firstActivityDateTime": show(one.first_activity),
        "lastActivityDateTime": show(one.last_activity),
        "investigationState": one.investigation_state,
        "comments": [_comment(said) for said in one.comments],
        "systemTags": [],
        "additionalData": None,
        "customDetails": {},
        "evidence": list(one.evidence),
    }


def secure_score(day: SecureScoreDay, customer: Customer) -> dict[str, Any]:
    """`secureScore`: one day. Its percentage is currentScore / maxScore * 100."""
    return {
        "id": f"{customer.id}_{day.time:%Y-%m-%d}",
        "azureTenantId": customer.id,
        "activeUserCount": customer.seats - 7,
        "createdDateTime": show(day.time),
        "currentScore": day.current,
        "enabledServices": ["HasExchange", "HasSharePoint", "HasInTune"],
        "licensedUserCount": customer.seats,
        "maxScore": day.maximum,
        "averageComparativeScores": [
            {"basis": "AllTenants", "averageScore": 37.0},
            {"basis": "TotalSeats", "averageScore": 46.0},
        ],
        "controlScores": [
            {"controlCategory": category, "controlName": name, "description": text, "score": score}
            for category, name, text, score in day.controls
        ],
        "vendorInformation": {
            "provider": "SecureScore",
            "providerVersion": None,
            "subProvider": None,
            "vendor": "Microsoft",
        },
    }


_BUSINESS_PREMIUM = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"


def skus(customer: Customer) -> list[dict[str, Any]]:
    """What the tenant subscribed to (section 6.3): one subscription. Of ids only that of Business Premium is true."""
    premium = customer.plan == "premium"
    sku = _BUSINESS_PREMIUM if premium else str(uuid5(NAMESPACE_URL, customer.plan))
    plans = [
        {
            "servicePlanId": str(uuid5(NAMESPACE_URL, name)),
            "servicePlanName": name,
            "provisioningStatus": "Success",
            "appliesTo": "User",
        }
        for name in PLANS[customer.plan]
    ]
    return [
        {
            "id": f"{customer.id}_{sku}",
            "skuId": sku,
            "skuPartNumber": "SPB" if premium else customer.plan.upper(),
            "accountName": customer.name,
            "appliesTo": "User",
            "capabilityStatus": "Enabled",
            "consumedUnits": customer.seats - 7,
            "prepaidUnits": {"enabled": customer.seats, "warning": 0, "suspended": 0, "lockedOut": 0},
            "servicePlans": plans,
        }
    ]
