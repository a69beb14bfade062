"""/subscribe [incidents [from SEVERITY]] [requests] [actions] [digest at HH:MM [ZONE]]: what is posted here."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from bot.audit import Entry
from bot.command import Button, Command, Context, Reply
from bot.digest_schedule import upcoming
from bot.errors import Conflict, ServiceError, UsageError
from bot.graph.client import Graph
from bot.graph.models import Incident
from bot.incidents import SEVERITIES, SummaryRecord, rank
from bot.posts import Place, Post
from bot.records import write
from bot.responses import requests
from bot.responses.desk import Desk
from bot.responses.models import State
from bot.roles import Role
from bot.services import Services
from bot.subscribers import find, save
from bot.subscriptions import Subscription
from bot.turn import Click, Turn
from bot.zones import find_zone, names
from cards.subscription import subscribed_card
from handlers.incident_records import KIND, brief, record_of
from handlers.subscription_words import EVERYTHING, USAGE, Asked, parse
from handlers.summaries import SUMMARY

log = structlog.get_logger()

OPEN = ("active", "inProgress")
MOST = 1000
ROWS = 10
AT_ONCE = 200
FIRST_DIGEST = timedelta(minutes=2)
OPEN_NOW = (Graph.open_incident_count, Graph.incidents)


async def _run(context: Context, asked: Asked) -> Reply:
    asked = with_zone(asked, context.turn.zone)
    subscription, follow = await begin(
        context.services, context.customer, context.turn, asked, f"{context.actor.tenant}/{context.actor.id}"
    )
    times = await upcoming(context.services, subscription)
    return Reply(shown=subscribed_card(context.look, subscription, times), follow=follow)


def with_zone(asked: Asked, own: str) -> Asked:
    """The same with the person's own zone where none was named. Raises UsageError where that is not known."""
    if not asked.digest or asked.zone:
        return asked
    try:
        return replace(asked, zone=find_zone(own))
    except UsageError:
        raise UsageError("error.no_zone", usage=USAGE) from None


async def begin(
    services: Services, customer: str, turn: Turn, asked: Asked, who: str
) -> tuple[Subscription, tuple[str, str] | None]:
    """Subscribe a turn's conversation; returns the subscription and the record of what is open, for a first one.

    Incidents of a first subscription begin with now.
    """
    now = services.clock.now()
    before = await find(services, customer, turn.conversation.id)
    place = Place.of(turn.conversation).model_copy(update={"thread": ""})
    standing = before or Subscription(
        id=place.id, customer=customer, place=place, incidents="", requests=False, since=now
    )
    subscription = Subscription(
        id=place.id,
        customer=customer,
        place=place,
        incidents=standing.incidents if asked.incidents is None else asked.incidents,
        requests=standing.requests if asked.requests is None else asked.requests,
        actions=standing.actions if asked.actions is None else asked.actions,
        digest=asked.digest or standing.digest,
        digest_zone=asked.zone if asked.digest else standing.digest_zone,
        since=standing.since if standing.incidents else now,
        by=who.rpartition("/")[2],
        locale=turn.locale,
        zone=turn.zone,
    )
    more: dict[str, object] = {"incidents": subscription.incidents, "requests": subscription.requests}
    more |= {"actions": True} if subscription.actions else {}
    if subscription.digest:
        more |= {"digest": subscription.digest, "zone": subscription.digest_zone}
    entry = Entry(at=now, what="subscribed", who=who, subject=f"conversation:{place.id}", more=more)
    await save(services, subscription, entry)
    if asked.requests:
        await _show_open_requests(services, subscription)
    first = subscription.incidents and not standing.incidents
    return subscription, await _what_is_open(services, subscription, now) if first else None


async def _show_open_requests(services: Services, subscription: Subscription) -> None:
    """Requests that wait for a decision are shown where they can be decided from now on."""
    for request in await requests.still_open(services, subscription.customer):
        if request.state is State.PROPOSED and not request.in_conversation(subscription.id):
            post = Post(key="card", place=subscription.place, locale=subscription.locale, zone=subscription.zone)
            await Desk(services, subscription.customer).show_here(request.id, post)
            await services.wake(subscription.customer, requests.KIND, request.id)


async def _what_is_open(services: Services, subscription: Subscription, now: datetime) -> tuple[str, str] | None:
    """A first subscription gets one card of what is open now. If that cannot be read, the watcher goes on from now."""
    graph = services.graph(subscription.customer)
    try:
        total = await graph.open_incident_count()
        found = await graph.incidents(statuses=OPEN, top=MOST)
    except ServiceError as error:
        log.warning("open_incidents_not_read", error=str(error))
        return None
    gravest = sorted(found, key=lambda incident: -rank(incident.level))
    record = SummaryRecord(
        id=secrets.token_hex(8),
        customer=subscription.customer,
        posts=(Post(key="card", place=subscription.place, locale=subscription.locale, zone=subscription.zone),),
        reason="open",
        at=now,
        total=total,
        counts={level: sum(1 for i in found if i.level == level) for level in SEVERITIES} if total <= MOST else {},
        rows=tuple(brief(incident) for incident in gravest[:ROWS]),
    )
    await services.ledger.commit(subscription.customer, [write(SUMMARY, record, now)])
    await _remember(services, subscription.customer, found, now)
    return SUMMARY, record.id


async def _remember(services: Services, customer: str, found: Sequence[Incident], now: datetime) -> None:
    """Keep what is open, without a card, so that the watcher sees what changes from here on."""
    known = {record.id for record in await services.store.get_many(customer, KIND, [i.id for i in found])}
    changes = [write(KIND, record_of(i, customer, None), now) for i in found if i.id not in known]
    for first in range(0, len(changes), AT_ONCE):
        try:
            await services.ledger.commit(customer, changes[first : first + AT_ONCE])
        except Conflict:
            log.info("incidents_written_by_another", customer=customer)


async def when_installed(services: Services, customer: str, turn: Turn) -> None:
    """For the demonstration alone: a conversation is subscribed when the bot comes in.

    A group chat gets requests, a channel a digest too, whose first one comes in two minutes.
    """
    if await find(services, customer, turn.conversation.id):
        return
    asked = EVERYTHING
    if turn.conversation.kind == "groupChat":
        asked = replace(asked, incidents="")
    elif turn.conversation.kind == "channel":
        zone = turn.zone if turn.zone in names().values() else "UTC"
        soon = services.clock.now().astimezone(ZoneInfo(zone)) + FIRST_DIGEST
        asked = replace(asked, digest=f"{soon:%H:%M}", zone=zone)
    _, follow = await begin(services, customer, turn, asked, "demonstration")
    if follow:
        await services.wake(customer, *follow)


async def _click(context: Context, _click: Click) -> Reply:
    return await _run(context, EVERYTHING)


COMMAND = Command(
    name="subscribe",
    usage=USAGE,
    examples=(
        "/subscribe",
        "/subscribe incidents from medium requests",
        "/subscribe actions",
        "/subscribe digest at 08:00",
        "/subscribe digest at 7:30 Europe/Berlin",
    ),
    role=Role.ADMIN,
    parse=parse,
    run=_run,
    needs=OPEN_NOW,
)

BUTTON = Button(verb="subscribe", role=Role.ADMIN, run=_click, slow=True, needs=OPEN_NOW)
