"""Which fields of incidents and alerts Graph lets one filter and sort by (reference/graph-api.md 3.1 and 3.2)."""

from operator import attrgetter
from typing import Any

from bot.simulator.incidents import Alert
from bot.simulator.odata import Field, Fields

_NAMESPACE = "microsoft.graph.security."
CLASSIFICATIONS = frozenset({"unknown", "falsePositive", "truePositive", "informationalExpectedActivity"})
DETERMINATIONS = frozenset(
    {
        "unknown",
        "apt",
        "malware",
        "securityPersonnel",
        "securityTesting",
        "unwantedSoftware",
        "other",
        "multiStagedAttack",
        "compromisedAccount",
        "phishing",
        "maliciousUserActivity",
        "notMalicious",
        "notEnoughDataToValidate",
        "confirmedActivity",
        "lineOfBusinessApplication",
    }
)
INCIDENT_STATUSES = frozenset({"active", "resolved", "inProgress", "redirected", "awaitingAction"})
ALERT_STATUSES = frozenset({"unknown", "new", "inProgress", "resolved"})
GRAPH_SEVERITIES = frozenset({"unknown", "informational", "low", "medium", "high"})
SERVICE_SOURCES = frozenset(
    {
        "unknown",
        "microsoftDefenderForEndpoint",
        "microsoftDefenderForIdentity",
        "microsoftDefenderForCloudApps",
        "microsoftDefenderForOffice365",
        "microsoft365Defender",
        "azureAdIdentityProtection",
        "microsoftAppGovernance",
        "dataLossPrevention",
        "microsoftDefenderForCloud",
        "microsoftSentinel",
        "microsoftInsiderRiskManagement",
        "microsoftThreatIntelligence",
        "microsoftSecurityForAI",
    }
)


def _enum(name: str, members: frozenset[str]) -> Field:
    return Field(attrgetter(name), "enum", members)


_BOTH = {
    "assignedTo": Field(attrgetter("assigned_to")),
    "classification": _enum("classification", CLASSIFICATIONS),
    "determination": _enum("determination", DETERMINATIONS),
    "createdDateTime": Field(attrgetter("created"), "time"),
    "lastUpdateDateTime": Field(attrgetter("updated"), "time"),
    "severity": _enum("severity", GRAPH_SEVERITIES),
}


def _evidence(kind: str, *path: str) -> Field:
    def read(item: dict[str, Any]) -> Any:
        found: Any = item if item["@odata.type"] == f"#{_NAMESPACE}{kind}" else None
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    return Field(read)


def _evidence_of(one: Alert) -> list[Any]:
    return list(one.evidence)


_EVIDENCE = Fields(
    {
        f"{_NAMESPACE}deviceEvidence/deviceDnsName": _evidence("deviceEvidence", "deviceDnsName"),
        f"{_NAMESPACE}userEvidence/userAccount/userPrincipalName": _evidence(
            "userEvidence", "userAccount", "userPrincipalName"
        ),
    },
    {},
)
INCIDENTS = Fields({**_BOTH, "status": _enum("status", INCIDENT_STATUSES)}, {})
ALERTS = Fields(
    {**_BOTH, "status": _enum("status", ALERT_STATUSES), "serviceSource": _enum("source", SERVICE_SOURCES)},
    {"evidence": (_evidence_of, _EVIDENCE)},
)
SECURE_SCORES = Fields({"createdDateTime": Field(attrgetter("time"), "time")}, {})
