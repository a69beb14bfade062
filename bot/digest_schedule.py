"""When digests come: a schedule beside each subscription that wants one, and the step that makes the digest.

The step writes the digest and its own next time in one commit, and a digest's id is its conversation and date: however
many replicas make it, however often they are killed, there is one for each date. After an outage there is one for all.
"""

from datetime import datetime
from itertools import islice

import structlog

from bot.digests import KIND, SCHEDULE, Digest, Schedule
from bot.errors import Conflict
from bot.posts import Post
from bot.records import read, write
from bot.services import Services
from bot.state.store import Change, Record, Store
from bot.subscriptions import Subscription

log = structlog.get_logger()


async def schedule_changes(store: Store, subscription: Subscription, now: datetime) -> list[Change]:
    """What to write beside a subscription so that its schedule fits it; nothing where it does."""
    found = await read(store, subscription.customer, SCHEDULE, subscription.id, Schedule)
    before, record = found or (None, None)
    if subscription.ended or not subscription.digest:
        return await _ended(store, found, now) if found and found[0].next else []
    after = planned(before, subscription, now)
    return [] if after == before else [write(SCHEDULE, after, now, record)]


def planned(before: Schedule | None, subscription: Subscription, now: datetime) -> Schedule:
    """The schedule that a subscription asks for: its next time is kept unless the time of day changes.

    A date that had its digest gets no second one, whatever the new time is.
    """
    wanted = {
        "at": subscription.digest,
        "zone": subscription.digest_zone,
        "place": subscription.place,
        "locale": subscription.locale,
    }
    base = {"id": subscription.id, "customer": subscription.customer}
    after = before.model_copy(update=wanted) if before else Schedule(**base, **wanted)
    if before and before.next and (before.at, before.zone) == (after.at, after.zone):
        return after
    day, moment = after.daily.next(now, after.last)
    return after.model_copy(update={"day": day, "next": moment})


async def step(services: Services, customer: str, key: str) -> None:
    """Make the digest that is due, once, and go on to the next date."""
    found = await read(services.store, customer, SCHEDULE, key, Schedule)
    now = services.clock.now()
    if not found or found[0].next is None or found[0].next > now:
        return
    schedule, record = found
    after, digest = _made(schedule, now)
    changes = [write(SCHEDULE, after, now, record)]
    if await services.store.get(customer, KIND, digest.id) is None:
        earlier = await read(services.store, customer, KIND, schedule.latest, Digest) if schedule.latest else None
        digest = digest.model_copy(update={"basis": _basis(earlier[0])}) if earlier else digest
        changes += [write(KIND, digest, now), *_superseded(earlier, now)]
    try:
        await services.ledger.commit(customer, changes)
    except Conflict:
        log.info("digest_made_by_another", customer=customer, digest=digest.id)
        return
    await services.wake(customer, KIND, digest.id)


def _made(schedule: Schedule, now: datetime) -> tuple[Schedule, Digest]:
    """The digest that is due, and the schedule after it. ValueError: it has none."""
    if schedule.next is None or schedule.day is None:
        raise ValueError(schedule.id)
    day = schedule.daily.reached(schedule.day, now)
    digest = Digest(
        id=f"{schedule.id}:{day.isoformat()}",
        customer=schedule.customer,
        posts=(Post(key="card", place=schedule.place, locale=schedule.locale, zone=schedule.zone),),
        conversation=schedule.id,
        day=day,
        meant_for=schedule.next,
    )
    following, moment = schedule.daily.next(now, day)
    after = {"last": day, "latest": digest.id, "day": following, "next": moment}
    return schedule.model_copy(update=after), digest


def _basis(earlier: Digest) -> str:
    """What to compare with: the digest before, or, where nobody saw that one, what it was compared with itself."""
    return earlier.id if earlier.seen else earlier.basis


def _superseded(earlier: tuple[Digest, Record] | None, now: datetime) -> list[Change]:
    """The digest before is not shown any more where nobody saw it: this one covers its time, too."""
    if earlier is None or earlier[0].seen or earlier[0].dropped() == earlier[0]:
        return []
    return [write(KIND, earlier[0].dropped(), now, earlier[1])]


async def _ended(store: Store, found: tuple[Schedule, Record], now: datetime) -> list[Change]:
    """The schedule without a next time, and the newest digest not shown where it is not yet."""
    schedule, record = found
    over = schedule.model_copy(update={"next": None, "day": None})
    latest = await read(store, schedule.customer, KIND, schedule.latest, Digest) if schedule.latest else None
    return [write(SCHEDULE, over, now, record), *_superseded(latest, now)]


async def upcoming(services: Services, subscription: Subscription, count: int = 3) -> tuple[datetime, ...]:
    """The next times at which the digest comes; none where it is not subscribed."""
    found = await read(services.store, subscription.customer, SCHEDULE, subscription.id, Schedule)
    if not found or found[0].next is None:
        return ()
    days = found[0].daily.days(services.clock.now(), found[0].last)
    return tuple(moment for _, moment in islice(days, count))
