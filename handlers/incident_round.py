"""What is done about incidents that changed: a record, a card, an edit, a reply (design section 4).

The watcher makes a round of what changed lately, the auditor of what it found missing; cards are made nowhere else.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

import structlog

from bot.errors import Conflict, ServiceError
from bot.graph.models import Incident
from bot.incidents import SEVERITIES, IncidentRecord, SummaryRecord, rank
from bot.posts import Post
from bot.records import mutate, read, write
from bot.services import Services
from bot.subscriptions import Subscription
from cards.incident import assets_of
from handlers.incident_records import KIND, brief, record_of
from handlers.summaries import SUMMARY

log = structlog.get_logger()

MOST_AT_ONCE = 10
MOST_DETAILS = 20
MOST_TRIES = 5
AT_ONCE = 500
BEGINNING = datetime.min.replace(tzinfo=UTC)


class Round:
    """One poll: the incidents that changed, and what to do about each.

    `again` are those whose details could not be read, with how often that was tried. `untold` are conversations that
    never got their summary of what was open when they subscribed.
    """

    def __init__(
        self,
        services: Services,
        customer: str,
        wanted: Sequence[Subscription],
        untold: Collection[str] = (),
    ) -> None:
        self.services = services
        self.customer = customer
        self.wanted = wanted
        self.untold = untold
        self.details_left = MOST_DETAILS
        self.again: dict[str, int] = {}
        self._read: set[str] = set()
        self.now = services.clock.now()

    async def take(self, incidents: Sequence[Incident]) -> None:
        """Write each change; many new ones at once share one summary card."""
        records = await self.known(incidents)
        fresh = [incident for incident in incidents if incident.id not in records]
        known = [i for i in incidents if i.id in records and records[i.id].updated < i.last_update_date_time]
        shown = [incident for incident in fresh if not incident.survivor and self._concerns(incident)]
        if len(shown) > MOST_AT_ONCE:
            await self._many(fresh, shown)
        else:
            for incident in fresh:
                await self._first(incident, post=incident in shown)
        for incident in known:
            await self._changed(incident)

    async def known(self, incidents: Sequence[Incident]) -> dict[str, IncidentRecord]:
        """The records of those that are known, by id."""
        found: dict[str, IncidentRecord] = {}
        for first in range(0, len(incidents), AT_ONCE):
            keys = [incident.id for incident in incidents[first : first + AT_ONCE]]
            stored = await self.services.store.get_many(self.customer, KIND, keys)
            found |= {record.id: IncidentRecord.model_validate(record.data) for record in stored}
        return found

    def _concerns(self, incident: Incident) -> bool:
        """Open, or made since somebody subscribed: one that was over before has no card."""
        created = incident.created_date_time or incident.last_update_date_time
        return incident.is_open or any(created >= s.since for s in self.wanted)

    def _posts(self, incident: Incident, key: str = "card") -> tuple[Post, ...]:
        return tuple(
            Post(key=key, place=s.place, locale=s.locale, zone=s.zone)
            for s in self.wanted
            if rank(incident.level) >= rank(s.incidents)
        )

    async def _first(self, incident: Incident, *, post: bool) -> None:
        posts = self._posts(incident) if post else ()
        record = record_of(incident, self.customer, None)
        if posts:
            record = record.model_copy(update=await self._details(incident.id))
        await self._write(record.model_copy(update={"posts": posts}))

    async def _many(self, fresh: Sequence[Incident], shown: Sequence[Incident]) -> None:
        """One card instead of many: the summaries and all the records in one commit, so that none is left without."""
        summaries = [s for s in (self._summary(subscription, shown) for subscription in self.wanted) if s]
        counted = {incident.id for incident in shown}
        records = [self._counted(incident, told=incident.id in counted) for incident in fresh]
        changes = [write(SUMMARY, summary, self.now) for summary in summaries]
        changes += [write(KIND, record, self.now) for record in records]
        try:
            await self.services.ledger.commit(self.customer, changes)
        except Conflict:
            log.info("incidents_written_by_another", customer=self.customer)
            raise
        for summary in summaries:
            await self.services.wake(self.customer, SUMMARY, summary.id)

    def _counted(self, incident: Incident, *, told: bool) -> IncidentRecord:
        """The record of one of many, with the conversations whose summary counts it."""
        places = [post.place.id for post in self._posts(incident)] if told else []
        record = record_of(incident, self.customer, None)
        return record.model_copy(update={"summarised": dict.fromkeys(places, self.now)})

    def _summary(self, subscription: Subscription, incidents: Sequence[Incident]) -> SummaryRecord | None:
        """The summary for one conversation, of those incidents that it wants."""
        mine = [i for i in incidents if rank(i.level) >= rank(subscription.incidents)]
        if not mine:
            return None
        gravest = sorted(mine, key=lambda incident: -rank(incident.level))
        post = Post(key="card", place=subscription.place, locale=subscription.locale, zone=subscription.zone)
        return SummaryRecord(
            id=secrets.token_hex(8),
            customer=self.customer,
            posts=(post,),
            reason="burst",
            at=self.now,
            total=len(mine),
            counts={level: sum(1 for i in mine if i.level == level) for level in SEVERITIES},
            rows=tuple(brief(incident) for incident in gravest[:MOST_AT_ONCE]),
        )

    async def _changed(self, incident: Incident) -> None:
        """The card follows the incident; what needs eyes again is said in its thread, too."""
        for _ in range(10):
            found = await read(self.services.store, self.customer, KIND, incident.id, IncidentRecord)
            if found is None or found[0].updated >= incident.last_update_date_time:
                return
            before, stored = found
            posts = (*before.posts, *self.missing(incident, before), *self._nudges(before, incident))
            more = await self._details(incident.id) if posts and not incident.survivor else {}
            base = record_of(incident, self.customer, before)
            after = _again(before, incident, base.model_copy(update=more))
            if _visible(before) == _visible(after) and posts == before.posts:
                content = before.content
            else:
                content = before.content + 1
            change = write(KIND, after.model_copy(update={"posts": posts, "content": content}), self.now, stored)
            try:
                await self.services.ledger.commit(self.customer, [change])
            except Conflict:
                continue
            await self.services.wake(self.customer, KIND, incident.id)
            return

    def missing(self, incident: Incident, before: IncidentRecord) -> list[Post]:
        """Cards for conversations that have none of it yet.

        What stands in a summary there gets a card of its own when it needs eyes.
        """
        if incident.survivor or not incident.is_open:
            return []
        have = {post.place.id for post in before.posts if post.key == "card"}
        urgent = bool(_needs_eyes(before, incident))
        begun = {s.place.id for s in self.wanted if urgent or not self._told(before, s)}
        return [post for post in self._posts(incident) if post.place.id in begun - have]

    def _told(self, record: IncidentRecord, subscription: Subscription) -> bool:
        here = subscription.place.id
        return record.told_in(here, BEGINNING if here in self.untold else subscription.since)

    def _nudges(self, before: IncidentRecord, incident: Incident) -> list[Post]:
        """Replies below the cards of conversations that still subscribe: severity up, reopened."""
        key = _needs_eyes(before, incident)
        if not key or any(post.key == key for post in before.posts):
            return []
        here = {s.place.id for s in self.wanted}
        cards = [p for p in before.posts if p.key == "card" and p.state == "live" and p.place.id in here]
        return [Post(key=key, place=post.in_thread(), locale=post.locale, zone=post.zone) for post in cards]

    async def _details(self, number: str, tries: int = 0) -> dict[str, object]:
        """What an incident's alerts add to its record; nothing where this round may not or cannot read them."""
        if self.details_left <= 0:
            self.again[number] = tries
            return {}
        self.details_left -= 1
        try:
            whole = await self.services.graph(self.customer).incident(number)
        except ServiceError as error:
            log.info("incident_details_not_read", incident=number, error=str(error))
            self.again[number] = tries + 1
            return {}
        self._read.add(number)
        evidence = [item for alert in whole.alerts for item in alert.evidence]
        return {
            "alerts": len(whole.alerts),
            "alert_titles": tuple(dict.fromkeys(a.title or "" for a in whole.alerts if a.title))[:5],
            "sources": tuple(sorted({a.product_name or a.service_source or "" for a in whole.alerts} - {""}))[:5],
            "assets": assets_of(evidence)[:12],
            "pending_approvals": sum(1 for item in evidence if item.waits_for_approval),
        }

    async def complete(self, again: Mapping[str, int]) -> None:
        """Read what earlier rounds could not read of an incident's alerts, so that its card does not stay without."""
        for number, tries in again.items():
            if number in self.again or number in self._read or tries >= MOST_TRIES:
                continue
            found = await read(self.services.store, self.customer, KIND, number, IncidentRecord)
            if not found:
                continue
            before, stored = found
            after = before.model_copy(update=await self._details(number, tries))
            if _visible(after) == _visible(before):
                continue
            change = write(KIND, after.model_copy(update={"content": before.content + 1}), self.now, stored)
            try:
                await self.services.ledger.commit(self.customer, [change])
            except Conflict:
                self.again[number] = tries
                continue
            await self.services.wake(self.customer, KIND, number)

    async def remember(self, incidents: Sequence[Incident]) -> None:
        """Records without cards, for incidents whose record is lost and which a summary may have told of."""
        for first in range(0, len(incidents), AT_ONCE):
            records = [record_of(incident, self.customer, None) for incident in incidents[first : first + AT_ONCE]]
            try:
                await self.services.ledger.commit(self.customer, [write(KIND, one, self.now) for one in records])
            except Conflict:
                log.info("incidents_written_by_another", customer=self.customer)

    async def cover(self, incidents: Sequence[Incident]) -> None:
        """The cards that known incidents lack; many at once in one conversation share one summary."""
        records = await self.known(incidents)
        lacking = [(i, self.missing(i, records[i.id])) for i in incidents if i.id in records]
        for subscription in self.wanted:
            here = subscription.place.id
            mine = [incident for incident, posts in lacking if any(post.place.id == here for post in posts)]
            if len(mine) > MOST_AT_ONCE:
                await self._summarise(subscription, mine)
        for incident, posts in lacking:
            if posts:
                await self._show(incident)

    async def _summarise(self, subscription: Subscription, incidents: Sequence[Incident]) -> None:
        """One card for many known incidents, and in the same commit that they stand in it."""
        summary = self._summary(subscription, incidents)
        if summary is None:
            return
        changes = [write(SUMMARY, summary, self.now)]
        stored = await self.services.store.get_many(self.customer, KIND, [incident.id for incident in incidents])
        for one in stored:
            record = IncidentRecord.model_validate(one.data)
            told = {**record.summarised, subscription.place.id: self.now}
            changes.append(write(KIND, record.model_copy(update={"summarised": told}), self.now, one))
        await self.services.ledger.commit(self.customer, changes)
        await self.services.wake(self.customer, SUMMARY, summary.id)

    async def _show(self, incident: Incident) -> None:
        """The cards that one known incident lacks, if it still does."""
        details = await self._details(incident.id)

        def shown(record: IncidentRecord) -> IncidentRecord:
            posts = (*record.posts, *self.missing(incident, record))
            if posts == record.posts:
                return record
            after = record.model_copy(update={"posts": posts, **details})
            grown = _visible(after) != _visible(record)
            return after.model_copy(update={"content": record.content + grown})

        store = (self.services.ledger, self.customer, KIND, incident.id, IncidentRecord, self.now)
        if await mutate(*store, shown):
            await self.services.wake(self.customer, KIND, incident.id)

    async def _write(self, record: IncidentRecord) -> None:
        try:
            await self.services.ledger.commit(self.customer, [write(KIND, record, self.now)])
        except Conflict:
            log.info("incident_written_by_another", incident=record.id)
            return
        if record.posts:
            await self.services.wake(self.customer, KIND, record.id)


def _again(before: IncidentRecord, incident: Incident, after: IncidentRecord) -> IncidentRecord:
    """Keep on the card why the incident must be looked at again, until it is over."""
    if key := _needs_eyes(before, incident):
        return after.model_copy(update={"again": key.partition(":")[0], "again_at": incident.last_update_date_time})
    return after if incident.is_open else after.model_copy(update={"again": "", "again_at": None})


def _needs_eyes(before: IncidentRecord, incident: Incident) -> str:
    """Why an incident must be looked at again, as the key of the reply that says so; empty if it need not."""
    if rank(incident.level) > rank(before.severity):
        return f"severity:{incident.level}"
    if before.status.casefold() == "resolved" and incident.state in ("active", "inprogress"):
        return f"reopened:{incident.last_update_date_time.isoformat()}"
    return ""


def _visible(record: IncidentRecord) -> dict[str, object]:
    """What a reader of the card would see change; the time of the last change alone is not worth an edit."""
    return record.model_dump(exclude={"posts", "content", "updated", "summarised"})
