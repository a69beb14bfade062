"""One card for many incidents: what is open when a subscription begins, or a burst."""

from bot.incidents import SEVERITIES, BriefIncident, SummaryRecord
from bot.turn import Look, Shown
from cards import button, parts
from cards.elements import Container, TextBlock
from cards.text import Safe, count, escape, join, plain, say, sentence


def summary_card(look: Look, record: SummaryRecord) -> Shown:
    """Say how many there are, by severity, and show the gravest."""
    number = count(look, "incidents.count", record.total)
    title = plain(look, f"summary.{record.reason}")
    body = [
        parts.heading(escape(title), escape(number), _counts(look, record)),
        parts.line(say(look, "summary.none")) if not record.total else None,
        *parts.rows(look, record.rows, lambda row: _row(look, row), total=record.total),
        parts.note(say(look, "summary.next")) if record.reason == "open" else None,
        parts.note(say(look, "part.as-of", at=record.at)),
    ]
    lists = button.run(plain(look, "welcome.try-incidents"), "incidents")
    page = parts.link(plain(look, "incidents.portal"), parts.portal(parts.INCIDENTS_PAGE, record.customer))
    actions = parts.bar([lists], page)
    return parts.shown(body, plain(look, "summary.line", title=title, count=number), actions)


def _counts(look: Look, record: SummaryRecord) -> Safe | None:
    """How many of each severity, gravest first; severities we do not know are counted too."""
    order = [*reversed(SEVERITIES), *sorted(set(record.counts) - set(SEVERITIES))]
    present = [(level, record.counts[level]) for level in order if record.counts.get(level)]
    words = [say(look, "summary.severity", n=n, severity=parts.severity(look, level)) for level, n in present[:8]]
    return join(words) if words else None


def _row(look: Look, row: BriefIncident) -> Container:
    severity = sentence(parts.severity(look, row.severity))
    items = [
        TextBlock(escape(row.title) if row.title else say(look, "incident.untitled")),
        TextBlock(escape(severity), bold=True, spacing="None", color=parts.level_color(row.severity)),
    ]
    return Container(items, separator=True, spacing="Small", select=parts.incident_run(look, row.id))
