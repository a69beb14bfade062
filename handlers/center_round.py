"""What is done about what waits in the Action center: a record, a card, an edit, a reply; one commit for each look.

The watcher makes a round every time, and so does the auditor; cards are made nowhere else. A round compares all that
waits with all records, so whatever was lost before is made good by the next one.
"""

import secrets
from collections.abc import Mapping, Sequence

import structlog

from bot.center import KIND, SUMMARY, CenterIndex, CenterItem, CenterRow, CenterSummary
from bot.errors import Conflict
from bot.posts import Post
from bot.records import readable, write
from bot.services import Services
from bot.state.store import Change, Record
from bot.subscriptions import Subscription
from handlers.center_items import Seen
from handlers.center_look import Looked, Standings
from handlers.center_offers import Offers
from handlers.center_steps import GRACE, begun, stands, visible, waits
from handlers.incident_records import WATERMARK

log = structlog.get_logger()

MOST_AT_ONCE = 10
AT_ONCE = 500
TRIES = 5


async def index_of(services: Services, customer: str) -> tuple[CenterIndex, Record | None]:
    """Where the watcher goes on from."""
    record = await services.store.get(customer, WATERMARK, KIND)
    return (CenterIndex.model_validate(record.data) if record else CenterIndex()), record


async def known(services: Services, customer: str, keys: Sequence[str]) -> dict[str, tuple[CenterItem, Record]]:
    """The items of these keys that have a record this version can read."""
    found: dict[str, tuple[CenterItem, Record]] = {}
    for first in range(0, len(keys), AT_ONCE):
        stored = await services.store.get_many(customer, KIND, keys[first : first + AT_ONCE])
        for record in stored:
            found |= {item.id: (item, record) for item in readable([record], CenterItem)}
    return found


class CenterRound:
    """One look, and what to do about each item. `wanted` are the conversations that want to know."""

    def __init__(self, services: Services, customer: str, wanted: Sequence[Subscription], offers: Offers) -> None:
        self.services = services
        self.customer = customer
        self.wanted = wanted
        self.offers = offers
        self.now = services.clock.now()

    async def take(self, looked: Looked) -> None:
        """Write all that follows from a look; again where a card was posted meanwhile. Raises Conflict, StoreDown."""
        seen, standings = looked.waiting(), Standings(self.services, self.customer, looked)
        for _ in range(TRIES):
            index, stored_index = await index_of(self.services, self.customer)
            stored = await known(self.services, self.customer, sorted({*index.open, *seen}))
            before = {key: item for key, (item, _) in stored.items()}
            after = await self._after(index, before, seen, standings)
            places = [one for one in self.wanted if looked.tells or one.id in index.places]
            items, summaries = self.posted(index, after, places)
            changes = self._changes(items, stored) + [write(SUMMARY, one, self.now) for one in summaries]
            changes += self._index(stored_index, items, places)
            try:
                await self.services.ledger.commit(self.customer, changes)
            except Conflict:
                log.info("center_written_by_another", customer=self.customer)
                continue
            await self._wake(changes)
            return
        raise Conflict(f"what waits in the Action center of {self.customer}: too many writers")

    async def _after(
        self, index: CenterIndex, before: Mapping[str, CenterItem], seen: Mapping[str, Seen], standings: Standings
    ) -> dict[str, CenterItem]:
        """How each item stands by this look: those that wait, and those that did."""
        after = {}
        for key, one in seen.items():
            if key in before:
                after[key] = waits(before[key], one, standings.words(before[key]), self.now)
            else:
                after[key] = begun(self.customer, one, self.now, first_look=index.looked is None)
        for key in index.open:
            if key in before and key not in seen:
                after[key] = stands(before[key], await standings.of(before[key]), index.looked, self.now)
        return {key: item.model_copy(update={"offers": self.offers.of(item)}) for key, item in after.items()}

    def posted(
        self, index: CenterIndex, items: Mapping[str, CenterItem], places: Sequence[Subscription]
    ) -> tuple[dict[str, CenterItem], list[CenterSummary]]:
        """The items with the posts that they lack, and the summaries that stand for too many at once."""
        result, summaries = dict(items), []
        for place in places:
            lacking = [item for item in result.values() if self.lacks(item, place)]
            new_here = place.id not in index.places
            if lacking and (new_here or len(lacking) > MOST_AT_ONCE):
                summaries.append(self._summary(place, lacking, reason="open" if new_here else "burst"))
                for item in lacking:
                    told = {**item.summarised, place.id: self.now}
                    result[item.id] = item.model_copy(update={"summarised": told})
            else:
                for item in lacking:
                    result[item.id] = item.model_copy(update={"posts": (*item.posts, _post(place))})
        return {key: self._nudged(item) for key, item in result.items()}, summaries

    def lacks(self, item: CenterItem, place: Subscription) -> bool:
        """Whether it waits and stands nowhere in that conversation.

        An investigation that names nothing yet may be about to.
        """
        settled = item.shape == "entity" or (item.quiet_since is not None and self.now - item.quiet_since >= GRACE)
        have = any(post.key == "card" and post.place.id == place.id for post in item.posts)
        return item.told and settled and not have and not item.told_in(place.id)

    def _nudged(self, item: CenterItem) -> CenterItem:
        """With a reply below each card where it came back in this look."""
        if item.again_at != self.now:
            return item
        key = f"again:{self.now.isoformat()}"
        here = {place.id for place in self.wanted}
        cards = [post for post in item.posts if post.key == "card" and post.state == "live" and post.place.id in here]
        replies = [Post(key=key, place=post.in_thread(), locale=post.locale, zone=post.zone) for post in cards]
        return item.model_copy(update={"posts": (*item.posts, *replies)})

    def _summary(self, place: Subscription, items: Sequence[CenterItem], *, reason: str) -> CenterSummary:
        urgent = sorted(items, key=lambda item: item.deadline)
        return CenterSummary(
            id=secrets.token_hex(8),
            customer=self.customer,
            posts=(_post(place),),
            reason="open" if reason == "open" else "burst",
            at=self.now,
            total=len(items),
            rows=tuple(_row(item) for item in urgent[:MOST_AT_ONCE]),
        )

    def _changes(
        self, items: Mapping[str, CenterItem], stored: Mapping[str, tuple[CenterItem, Record]]
    ) -> list[Change]:
        """The items that differ from what is written down."""
        changes = []
        for key, item in items.items():
            before, record = stored.get(key, (None, None))
            if before is None:
                changes.append(write(KIND, item.model_copy(update={"left": item.days_left(self.now)}), self.now))
            elif item != before:
                grown = visible(item) != visible(before) or item.episode != before.episode
                news = {"content": before.content + 1, "left": item.days_left(self.now)} if grown else {}
                changes.append(write(KIND, item.model_copy(update=news), self.now, record))
        return changes

    def _index(
        self, stored: Record | None, items: Mapping[str, CenterItem], places: Sequence[Subscription]
    ) -> list[Change]:
        left = tuple(sorted(key for key, item in items.items() if item.state != "over"))
        told = tuple(sorted(place.id for place in places))
        after = CenterIndex(open=left, places=told, looked=self.now)
        rev = stored.rev if stored else 0
        return [Change(kind=WATERMARK, id=KIND, rev=rev, data=after.model_dump(mode="json"), keep=after.keep)]

    async def _wake(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.due is not None and change.due <= self.now:
                await self.services.wake(self.customer, change.kind, change.id)


def _post(place: Subscription) -> Post:
    return Post(key="card", place=place.place, locale=place.locale, zone=place.zone)


def _row(item: CenterItem) -> CenterRow:
    kept = ("shape", "kind", "name", "device_name", "deadline")
    return CenterRow(**{name: getattr(item, name) for name in kept})
