"""What the bot keeps of an incident that Graph told it of."""

from bot.graph.models import Incident
from bot.incidents import BriefIncident, IncidentRecord

KIND = "incident"
WATERMARK = "watermark"
"""The kind of the record that says up to which moment incidents were read; its id is `KIND`."""


def brief(incident: Incident) -> BriefIncident:
    """One line of a summary."""
    return BriefIncident(
        id=incident.id,
        title=incident.display_name or "",
        severity=incident.level,
        url=incident.incident_web_url or "",
    )


def record_of(incident: Incident, customer: str, before: IncidentRecord | None) -> IncidentRecord:
    """The record of an incident as Graph tells it now, with what is known of it from before."""
    facts = {
        "id": incident.id,
        "customer": customer,
        "title": incident.display_name or "",
        "severity": incident.level,
        "status": incident.status or "",
        "created": incident.created_date_time or incident.last_update_date_time,
        "updated": incident.last_update_date_time,
        "url": incident.incident_web_url or "",
        "assigned_to": incident.assigned_to or "",
        "classification": incident.classification or "",
        "determination": incident.determination or "",
        "merged_into": incident.survivor,
    }
    return before.model_copy(update=facts) if before else IncidentRecord(**facts)
