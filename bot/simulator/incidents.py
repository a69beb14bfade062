"""Incidents and alerts as they are; `graph_forms` and `defender_forms` print them as each API does."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

SEVERITIES = ("informational", "low", "medium", "high")


@dataclass(kw_only=True)
class Comment:
    """A comment at an incident or an alert."""

    text: str
    by: str
    at: datetime


@dataclass(kw_only=True)
class Incident:
    """An incident. `redirect` is the surviving incident once this one is merged (status `redirected`)."""

    id: str
    title: str
    severity: str
    created: datetime
    updated: datetime
    status: str = "active"
    description: str = ""
    summary: str | None = None
    classification: str = "unknown"
    determination: str = "unknown"
    assigned_to: str | None = None
    modified_by: str | None = None
    redirect: str | None = None
    tags: list[str] = field(default_factory=list)
    system_tags: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    resolving_comment: str | None = None
    priority: int | None = None


@dataclass(kw_only=True)
class Alert:
    """An alert. Words of enums are Graph's; `machine_id` is set for alerts of Defender for Endpoint at a device.

    `waits_since`: when its investigation began to wait for a decision, where that was not at once. No API shows it.
    """

    id: str
    incident_id: str
    title: str
    severity: str
    created: datetime
    updated: datetime
    first_activity: datetime
    last_activity: datetime
    status: str = "new"
    category: str = "Execution"
    description: str = ""
    recommended: str = ""
    source: str = "microsoftDefenderForEndpoint"
    detection: str = "microsoftDefenderForEndpoint"
    product: str = "Microsoft Defender for Endpoint"
    detector: str = ""
    classification: str = "unknown"
    determination: str = "unknown"
    assigned_to: str | None = None
    threat: str | None = None
    threat_family: str | None = None
    techniques: list[str] = field(default_factory=list)
    resolved: datetime | None = None
    investigation_state: str = "unsupportedAlertType"
    investigation_id: str | None = None
    machine_id: str | None = None
    waits_since: datetime | None = None
    comments: list[Comment] = field(default_factory=list)
    evidence: list[dict[str, Any]] = field(default_factory=list)


def alert_id(created: datetime, number: int, prefix: str = "da") -> str:
    """An id of the documented form: letters of the product, 18 digits counted from the time, a signed number."""
    start = datetime(1, 1, 1, tzinfo=created.tzinfo)
    since = created - start
    count = (since.days * 86_400 + since.seconds) * 10_000_000 + since.microseconds * 10
    return f"{prefix}{count:018d}_{number}"
