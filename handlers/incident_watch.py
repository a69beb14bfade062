"""The incident watcher: every incident has one card, edited as it changes (design section 4).

Each customer has a watermark. What changed since then is read with an overlap, compared with the record of each
incident, and written; the watermark moves only when all is written, so a crash repeats and never skips.
"""

import asyncio
from datetime import datetime, timedelta

import structlog

from bot.command import View, Watcher
from bot.coverage import note_read
from bot.errors import Conflict, ServiceError
from bot.graph.client import Graph
from bot.graph.models import Incident
from bot.incidents import IncidentRecord
from bot.metrics import SOURCE_READS
from bot.posts import Post
from bot.services import Services
from bot.state.store import Change
from bot.subscribers import active
from bot.turn import Look, Shown
from cards.incident import incident_card
from handlers.incident_records import KIND, WATERMARK
from handlers.incident_round import Round

log = structlog.get_logger()

OVERLAP = timedelta(minutes=2)
LAG = timedelta(minutes=5)
STRIDE = timedelta(minutes=2)
"""While nothing changes the watermark is written only so often: each write has to reach the disk."""
MOST_READ = 1000
MOST_IN_A_ROUND = 10_000
MOST_AGAIN = 500


async def poll(services: Services, customer: str) -> None:
    """Read what changed and bring the cards up to it. That it cannot be read is logged once, and its end once."""
    subscribed, record = await asyncio.gather(active(services, customer), services.store.get(customer, WATERMARK, KIND))
    wanted = [s for s in subscribed if s.incidents]
    if not wanted:
        return
    since = datetime.fromisoformat(record.data["until"]) if record else min(s.since for s in wanted)
    incidents, until, trouble = await _changes(services, customer, since - OVERLAP)
    SOURCE_READS.labels("incidents", type(trouble).__name__ if trouble else "ok").inc()
    await asyncio.gather(
        note_read(services, customer, "incidents", trouble), _log_once(services, customer, str(trouble or ""))
    )
    if trouble and not incidents:
        return
    this = Round(services, customer, wanted)
    await this.take(incidents)
    await this.complete(record.data.get("again", {}) if record else {})
    again, until = dict(list(this.again.items())[:MOST_AGAIN]), max(until, since)
    if record and again == record.data.get("again", {}) and until - since <= (timedelta(0) if incidents else STRIDE):
        return
    data = {"v": 1, "until": until.isoformat(), "again": again}
    mark = Change(kind=WATERMARK, id=KIND, rev=record.rev if record else 0, data=data)
    try:
        await services.ledger.commit(customer, [mark])
    except Conflict:
        log.info("watermark_moved_by_another", customer=customer)


async def _changes(
    services: Services, customer: str, since: datetime
) -> tuple[list[Incident], datetime, ServiceError | None]:
    """What changed since then, up to which moment, and what stood in the way of the rest.

    It is read in the order of its changes, so what was read before a failure is whole as far as it goes. Where all was
    read and nothing changed lately, the moment still moves on, `LAG` behind the clock: else a burst would be read over
    and over until something else happens.
    """
    graph, now = services.graph(customer), services.clock.now()
    found: dict[str, Incident] = {}
    until, more = since, True
    while more and len(found) < MOST_IN_A_ROUND:
        try:
            changes = await graph.incidents_changed_since(until, max_items=MOST_READ)
        except ServiceError as error:
            return list(found.values()), until, error
        found |= {incident.id: incident for incident in changes.incidents}
        until, more = changes.until, changes.more and changes.until > until
    return list(found.values()), until if more else max(until, now - LAG), None


async def _log_once(services: Services, customer: str, trouble: str) -> None:
    """A failure is logged when it begins and its end when it ends, not every round."""
    before = await services.store.get_value(customer, "incidents:trouble")
    was = str(before["trouble"]) if before else ""
    if bool(was) != bool(trouble):
        log.warning("incidents_not_read" if trouble else "incidents_read_again", customer=customer, error=trouble)
    if trouble or was:
        await services.store.put_value(customer, "incidents:trouble", {"trouble": trouble}, 3600.0)


def _render(record: IncidentRecord, post: Post, look: Look) -> Shown:
    return incident_card(look, record, post.key)


VIEW = View(kind=KIND, model=IncidentRecord, render=_render)


def watcher(seconds: float) -> Watcher:
    """The watcher at that pace."""
    needs = (Graph.incidents_changed_since, Graph.incident)
    return Watcher(name="incidents", every=seconds, poll=poll, needs=needs)
