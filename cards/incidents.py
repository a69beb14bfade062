"""A list of incidents."""

from dataclasses import dataclass

from bot.graph.models import Incident
from bot.turn import Look, Shown
from cards import parts
from cards.elements import Colour, Container, TextBlock
from cards.text import Safe, count, escape, plain, plain_word, say, sentence


@dataclass(frozen=True, kw_only=True)
class IncidentList:
    """The incidents that match, newest first. `total` is None where it is unknown; `more`: `rows` are not all."""

    filter: str = ""
    total: int | None
    rows: tuple[Incident, ...] = ()
    more: bool = False
    unread: tuple[str, ...] = ()
    tenant: str = ""


def incidents_card(look: Look, listed: IncidentList) -> Shown:
    """Show incidents; tapping a row shows the incident."""
    number = plain(look, "incidents.count.unknown")
    if listed.total is not None:
        number = count(look, "incidents.count", listed.total)
    body = [
        parts.heading(escape(_title(look, listed)), escape(number)),
        parts.unread(look, listed.unread),
        parts.note(say(look, "incidents.tap")) if listed.rows else _none(look, listed),
        *parts.rows(look, listed.rows, lambda incident: _row(look, incident), 20),
        parts.note(say(look, "incidents.more")) if listed.more else None,
        parts.as_of(look),
    ]
    summary = plain(look, "incidents.summary", title=_title(look, listed), count=number)
    page = parts.link(plain(look, "incidents.portal"), parts.portal(parts.INCIDENTS_PAGE, listed.tenant))
    return parts.shown(body, summary, [page])


def _none(look: Look, listed: IncidentList) -> TextBlock | None:
    """Nothing is only said to match where everything was read."""
    return None if listed.unread else parts.line(say(look, "incidents.none"))


def _title(look: Look, listed: IncidentList) -> str:
    if not listed.filter:
        return plain(look, "incidents.title")
    return plain(look, "incidents.title.filter", filter=plain_word(look, "filter", listed.filter))


def _row(look: Look, incident: Incident) -> Container:
    title = escape(incident.display_name) if incident.display_name else say(look, "incident.untitled")
    items = [TextBlock(title, bold=True), TextBlock(_line(look, incident), spacing="None", color=_color(incident))]
    return Container(items, separator=True, spacing="Small", select=parts.incident_run(look, incident.id))


def _color(incident: Incident) -> Colour:
    return parts.level_color(incident.level) if incident.is_open else "Default"


def _line(look: Look, incident: Incident) -> Safe:
    return say(
        look,
        "incidents.row",
        severity=sentence(parts.severity(look, incident.level)),
        status=plain_word(look, "incidentstatus", incident.status),
        at=parts.moment(look, incident.last_update_date_time),
        id=incident.id,
    )
