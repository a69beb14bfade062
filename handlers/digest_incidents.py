"""The incidents of a digest: how many are open, what came, grew worse or was closed since the one before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from bot.digests import IncidentLine, Incidents
from bot.graph.client import IncidentChanges
from bot.graph.models import Incident
from bot.incidents import IncidentRecord, rank
from bot.records import readable
from handlers.digest_parts import Asked, Covered
from handlers.incident_records import KIND

News: TypeAlias = Literal["", "new", "worse", "reopened"]

LAG = timedelta(hours=1)
"""How much earlier than it can be read an incident may have been created or changed."""
OPEN = ("active", "inProgress")
MOST = 1000
ROWS = 4


async def incidents(asked: Asked, covered: Covered) -> Incidents | None:
    """How incidents stand since they were read last for a digest; None where Graph does not say. Raises StoreDown."""
    before = asked.basis.last_incidents if asked.basis else None
    since = before.at if before else asked.since
    found = await covered.read("incidents", _listed_then_changed(asked, since - LAG if before else since))
    if found is None:
        return None
    listed, changed = found
    standing = {one.id: one for one in (*listed, *changed.incidents) if one.is_open}
    for one in changed.incidents:
        if not one.is_open:
            standing.pop(one.id, None)
    total: int | None = len(standing)
    if len(listed) >= MOST:
        total = await covered.read("incidents", asked.graph.open_incident_count())
    base = Incidents(at=asked.at, since=since, open=total, whole=not changed.more)
    records = await _records(asked, changed.incidents)
    return _told(base, Before(since=since, told=before, records=records), standing, changed.incidents)


async def _listed_then_changed(asked: Asked, since: datetime) -> tuple[list[Incident], IncidentChanges]:
    """What is open, and what changed since: read after the other, so that it is the newest word on each."""
    listed = await asked.graph.incidents(statuses=OPEN, top=MOST)
    return listed, await asked.graph.incidents_changed_since(since, max_items=MOST)


async def _records(asked: Asked, changed: Sequence[Incident]) -> Mapping[str, IncidentRecord]:
    """What the bot itself remembers of those that changed."""
    keys = [one.id for one in changed]
    return {r.id: r for r in readable(await asked.services.store.get_many(asked.customer, KIND, keys), IncidentRecord)}


@dataclass(frozen=True, kw_only=True)
class Before:
    """What is known of the time before: what was `told` at `since` (None: nothing), and the bot's own records."""

    since: datetime
    told: Incidents | None
    records: Mapping[str, IncidentRecord]

    def stood(self, one: Incident) -> bool:
        """Whether it was open then."""
        return self.told is not None and one.id in self.told.standing

    def is_new(self, one: Incident) -> bool:
        """Whether it came since; one that was created a little earlier may have become readable only now."""
        if self.told is None:
            return _came(one) >= self.since
        return _came(one) >= self.since - LAG and not self.stood(one) and one.id not in self.told.recent

    def closed(self, one: Incident) -> bool:
        """Whether it was closed since; where it is not known what stood before, whether it changed and is over."""
        return one.state == "resolved" and (self.told is None or self.stood(one) or self.is_new(one))

    def news(self, one: Incident) -> News:
        """Why an open incident that changed is news; it need not be any."""
        if self.is_new(one):
            return "new"
        if self.told and self.stood(one) and rank(one.level) > rank(self.told.standing[one.id]):
            return "worse"
        record = self.records.get(one.id)
        if record and record.again_at and record.again_at >= self.since:
            return "reopened" if record.again == "reopened" else "worse"
        whole = self.told is not None and len(self.told.standing) < MOST
        return "reopened" if whole and not self.stood(one) else ""


def _told(base: Incidents, before: Before, standing: Mapping[str, Incident], changed: Sequence[Incident]) -> Incidents:
    news = {one.id: before.news(one) for one in changed if one.id in standing}
    first = sorted(standing.values(), key=lambda one: _place(one, news.get(one.id, "")))
    lately = {one.id: one for one in (*standing.values(), *changed) if _came(one) >= base.at - LAG}
    return base.model_copy(
        update={
            "open_before": before.told.open if before.told else None,
            "new": sum(1 for one in changed if before.is_new(one) and not one.survivor),
            "worse": sum(1 for why in news.values() if why in ("worse", "reopened")),
            "closed": sum(1 for one in changed if before.closed(one)),
            "exact": before.told is not None,
            "rows": tuple(_line(one, news.get(one.id, "")) for one in first[:ROWS]),
            "standing": {key: one.level for key, one in standing.items()},
            "recent": tuple(lately)[:MOST],
        }
    )


def _came(incident: Incident) -> datetime:
    return incident.created_date_time or incident.last_update_date_time


def _place(one: Incident, why: News) -> tuple[int, bool, bool, datetime]:
    """Where an incident stands among the open ones: the gravest first, then news, what nobody has, the oldest."""
    return (-rank(one.level), not why, bool(one.assigned_to), _came(one))


def _line(one: Incident, why: News) -> IncidentLine:
    return IncidentLine(
        id=one.id,
        title=one.display_name or "",
        severity=one.level,
        news=why,
        assigned=bool(one.assigned_to),
    )
