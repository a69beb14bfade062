"""Who gets what: reading, writing and ending the subscriptions of a customer."""

import secrets
from collections.abc import Awaitable, Callable

import structlog

from bot import notices
from bot.audit import Entry
from bot.digest_schedule import schedule_changes
from bot.errors import Conflict
from bot.notices import Notice
from bot.posts import Place, Post
from bot.records import readable, write
from bot.services import Services
from bot.state.store import Change
from bot.subscriptions import Subscription

log = structlog.get_logger()

KIND = "subscription"


async def active(services: Services, customer: str) -> list[Subscription]:
    """The customer's subscriptions that have not ended."""
    records = await services.store.newest(customer, KIND)
    return [subscription for subscription in readable(records, Subscription) if not subscription.ended]


async def find(services: Services, customer: str, conversation: str) -> Subscription | None:
    """The conversation's subscription, if it has one."""
    record = await services.store.get(customer, KIND, conversation)
    subscription = Subscription.model_validate(record.data) if record else None
    return subscription if subscription and not subscription.ended else None


async def save(services: Services, subscription: Subscription, entry: Entry) -> None:
    """Write a subscription over whatever stood there, and the schedule of its digest with it."""
    for _ in range(10):
        record = await services.store.get(subscription.customer, KIND, subscription.id)
        change = Change(
            kind=KIND,
            id=subscription.id,
            rev=record.rev if record else 0,
            data=subscription.model_dump(mode="json"),
        )
        schedule = await schedule_changes(services.store, subscription, services.clock.now())
        try:
            await services.ledger.commit(subscription.customer, [change, *schedule], [entry])
        except Conflict:
            continue
        return
    raise Conflict(f"subscription {subscription.id}")


def ended_by_teams(services: Callable[[], Services]) -> Callable[[str, Place], Awaitable[None]]:
    """What to do when Teams refuses a conversation: end its subscription, and say so.

    In the log, in the audit, and in the customer's other conversations, so that an admin learns of it.
    """

    async def end(customer: str, place: Place) -> None:
        subscription = await find(services(), customer, place.id)
        if subscription is None:
            return
        now = services().clock.now()
        entry = Entry(at=now, what="subscription ended", who="teams", subject=f"conversation:{place.id}")
        await save(services(), subscription.model_copy(update={"ended": "the bot may not write there"}), entry)
        log.warning("subscription_ended", customer=customer, conversation=place.id)
        await _tell_others(services(), customer, place)

    return end


async def _tell_others(services: Services, customer: str, lost: Place) -> None:
    posts = tuple(
        Post(key="card", place=s.place, locale=s.locale, zone=s.zone) for s in await active(services, customer)
    )
    if not posts:
        return
    now = services.clock.now()
    said = Notice(
        id=secrets.token_hex(8), customer=customer, posts=posts, about="conversation lost", name=lost.name, at=now
    )
    await services.ledger.commit(customer, [write(notices.KIND, said, now)])
    await services.wake(customer, notices.KIND, said.id)


async def request_posts(services: Services, customer: str, asked_in: Post) -> tuple[Post, ...]:
    """Where a request is shown: where it was asked, and each conversation that subscribed to requests."""
    others = [
        Post(key="card", place=s.place, locale=s.locale, zone=s.zone)
        for s in await active(services, customer)
        if s.requests and s.place.id != asked_in.place.id
    ]
    return (asked_in, *others)


async def request_watchers(services: Services, customer: str) -> tuple[str, ...]:
    """The conversations that subscribed to requests: where people are who can object to one."""
    return tuple(s.place.id for s in await active(services, customer) if s.requests)
