"""The auditor's first part: each incident that Graph lists has its record, and stands where it is wanted.

Repairs are a round of the watcher's (`handlers.incident_round`), made while no watcher is at it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.coverage import note_read
from bot.errors import Conflict, ServiceError
from bot.graph.models import Incident
from bot.incidents import IncidentRecord, SummaryRecord
from bot.posting import holding
from bot.records import newest
from bot.services import Services
from bot.subscribers import active
from bot.subscriptions import Subscription
from handlers.findings import Findings
from handlers.incident_records import KIND
from handlers.incident_round import BEGINNING, Round
from handlers.summaries import SUMMARY

log = structlog.get_logger()

PART = "incidents"
OPEN = ("active", "inProgress")
CHANGED_WITHIN = timedelta(hours=24)
MOST = 1000
LEAST_GRACE = timedelta(seconds=60)
TRIES, PAUSE = 3, 2.0
BEGINS = timedelta(minutes=5)
YOUNG = timedelta(days=1)
SUMMARIES = 200


async def compare_incidents(
    services: Services, customer: str, findings: Findings, marks: Mapping[str, datetime], pace: float
) -> None:
    """Compare what is open, and what changed within a day, with the records; mend what is missing.

    At most `MOST` of each are read in a run (a page holds 50); `marks` say where the last one stopped. What changed
    within two rounds of the watcher (`pace` in seconds) is left to it. Raises ServiceError where Graph cannot be read.
    """
    wanted = [s for s in await active(services, customer) if s.incidents]
    if not wanted:
        return
    try:
        listed = await _listed(services, customer, findings, marks)
    except ServiceError as error:
        await note_read(services, customer, PART, error)
        raise
    await note_read(services, customer, PART)
    findings.count(PART, len(listed))
    settled = services.clock.now() - max(LEAST_GRACE, 2 * timedelta(seconds=pace))
    listed = [incident for incident in listed if incident.last_update_date_time <= settled]
    untold = await _untold(services, customer, wanted)
    before = await _compared(services, customer, wanted, untold, listed)
    findings.seen |= {(KIND, key): record for key, record in before.records.items()}
    after = before
    if before.found:
        after = await _mended(services, customer, wanted, untold, listed)
    for kind, missing in before.gaps().items():
        findings.gap(kind, missing)
        findings.mended(kind, missing - after.gaps()[kind])


async def _listed(
    services: Services, customer: str, findings: Findings, marks: Mapping[str, datetime]
) -> list[Incident]:
    """What is open and what changed lately, the oldest change first, each once in its newest form."""
    graph, day_ago = services.graph(customer), services.clock.now() - CHANGED_WITHIN
    found: dict[str, Incident] = {}
    for name, since, statuses in (
        ("open", marks.get("open", BEGINNING), OPEN),
        ("changed", max(marks.get("changed", day_ago), day_ago), ()),
    ):
        changes = await graph.incidents_changed_since(since, statuses=statuses, max_items=MOST)
        found |= {incident.id: incident for incident in changes.incidents}
        if changes.more and changes.until > since:
            findings.marks[name] = changes.until
            findings.later.append(PART)
    return sorted(found.values(), key=lambda incident: incident.last_update_date_time)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What a comparison found: incidents without a record, with an older one, without a card."""

    records: Mapping[str, IncidentRecord]
    lost: Sequence[Incident]
    behind: Sequence[Incident]
    cardless: Sequence[Incident]

    @property
    def found(self) -> bool:
        """Whether anything is to be mended."""
        return bool(self.lost or self.behind or self.cardless)

    def gaps(self) -> dict[str, int]:
        """How many of each kind."""
        return {"record": len(self.lost), "behind": len(self.behind), "card": len(self.cardless)}


async def _compared(
    services: Services,
    customer: str,
    wanted: Sequence[Subscription],
    untold: Sequence[str],
    listed: Sequence[Incident],
) -> Compared:
    this = Round(services, customer, wanted, untold)
    records = await this.known(listed)
    begun = min(s.since for s in wanted)
    known = [incident for incident in listed if incident.id in records]
    behind = [incident for incident in known if records[incident.id].updated < incident.last_update_date_time]
    late = {incident.id for incident in behind}
    return Compared(
        records=records,
        lost=[i for i in listed if i.id not in records and (i.is_open or i.last_update_date_time >= begun)],
        behind=behind,
        cardless=[i for i in known if i.id not in late and this.missing(i, records[i.id])],
    )


async def _mended(
    services: Services,
    customer: str,
    wanted: Sequence[Subscription],
    untold: Sequence[str],
    listed: Sequence[Incident],
) -> Compared:
    """Mend what a second look, while no watcher is at it, still finds; returns what a third look finds."""
    for _ in range(TRIES):
        async with holding(services, customer, f"poll:{PART}") as mine:
            if mine:
                try:
                    still = await _compared(services, customer, wanted, untold, listed)
                    await _mend(Round(services, customer, wanted, untold), still, listed)
                except Conflict as error:
                    log.info("audit_overtaken", customer=customer, error=str(error))
                break
        await services.clock.sleep(PAUSE)
    return await _compared(services, customer, wanted, untold, listed)


async def _mend(this: Round, found: Compared, listed: Sequence[Incident]) -> None:
    """What nobody has told of since the subscriptions began is taken as the watcher takes it.

    What has not changed since then stood in their first summaries: its record is enough.
    """
    begun = min(s.since for s in this.wanted)
    await this.remember([i for i in found.lost if i.last_update_date_time < begun])
    await this.take([*(i for i in found.lost if i.last_update_date_time >= begun), *found.behind])
    await this.cover(listed)


async def _untold(services: Services, customer: str, wanted: Sequence[Subscription]) -> list[str]:
    """Conversations that subscribed within a day and did not get their summary of what was open.

    It could not be read then. A subscription that is minutes old may still be about to get it.
    """
    now = services.clock.now()
    young = [s.place.id for s in wanted if BEGINS < now - s.since < YOUNG]
    if not young:
        return []
    summaries = await newest(services.store, customer, SUMMARY, SummaryRecord, limit=SUMMARIES)
    told = {post.place.id for summary in summaries if summary.reason == "open" for post in summary.posts}
    return [place for place in young if place not in told]
