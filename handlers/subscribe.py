"""/subscribe [incidents [from SEVERITY]] [requests]: what this conversation gets. A first one begins with now."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.audit import Entry
from bot.command import Button, Command, Context, Reply
from bot.errors import Conflict, ServiceError, UsageError
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
from cards.subscription import subscribed_card
from handlers.incident_records import KIND, brief, record_of
from handlers.summaries import SUMMARY

log = structlog.get_logger()

USAGE = "/subscribe [incidents [from SEVERITY]] [requests]"
OPEN = ("active", "inProgress")
MOST = 1000
ROWS = 10
AT_ONCE = 200


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The lowest severity of incidents ("" for none) and whether requests are wanted."""

    incidents: str
    requests: bool


def _parse(words: str) -> Asked:
    left = words.casefold().split()
    if not left:
        return Asked(incidents=SEVERITIES[0], requests=True)
    incidents, requests = "", False
    while left:
        word = left.pop(0)
        if word == "requests":
            requests = True
        elif word == "incidents":
            incidents = SEVERITIES[0]
            if left[:1] == ["from"]:
                incidents = left[1] if len(left) > 1 else ""
                left = left[2:]
                if incidents not in SEVERITIES:
                    raise UsageError("error.unknown_severity", said=incidents, known=", ".join(SEVERITIES))
        else:
            raise UsageError("error.usage", usage=USAGE)
    return Asked(incidents=incidents, requests=requests)


async def _run(context: Context, asked: Asked) -> Reply:
    subscription, follow = await begin(
        context.services, context.customer, context.turn, asked, f"{context.actor.tenant}/{context.actor.id}"
    )
    return Reply(shown=subscribed_card(context.look, subscription), follow=follow)


async def begin(
    services: Services, customer: str, turn: Turn, asked: Asked, who: str
) -> tuple[Subscription, tuple[str, str] | None]:
    """Subscribe a turn's conversation; returns the subscription and the record of what is open, for a first one."""
    now = services.clock.now()
    before = await find(services, customer, turn.conversation.id)
    place = Place.of(turn.conversation).model_copy(update={"thread": ""})
    subscription = Subscription(
        id=place.id,
        customer=customer,
        place=place,
        incidents=asked.incidents,
        requests=asked.requests,
        since=before.since if before and before.incidents else now,
        by=who.rpartition("/")[2],
        locale=turn.locale,
        zone=turn.zone,
    )
    more = {"incidents": asked.incidents, "requests": asked.requests}
    entry = Entry(at=now, what="subscribed", who=who, subject=f"conversation:{place.id}", more=more)
    await save(services, subscription, entry)
    if asked.requests:
        await _show_open_requests(services, subscription)
    first = asked.incidents and not (before and before.incidents)
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
    """For the demonstration alone: a conversation is subscribed when the bot comes in; a group chat gets requests."""
    incidents = "" if turn.conversation.kind == "groupChat" else SEVERITIES[0]
    if await find(services, customer, turn.conversation.id):
        return
    _, follow = await begin(services, customer, turn, Asked(incidents=incidents, requests=True), "demonstration")
    if follow:
        await services.wake(customer, *follow)


async def _click(context: Context, _click: Click) -> Reply:
    return await _run(context, Asked(incidents=SEVERITIES[0], requests=True))


COMMAND = Command(
    name="subscribe",
    usage=USAGE,
    examples=("/subscribe", "/subscribe incidents from medium requests"),
    role=Role.ADMIN,
    parse=_parse,
    run=_run,
    permissions=("SecurityIncident.Read.All",),
)

BUTTON = Button(verb="subscribe", role=Role.ADMIN, run=_click, slow=True)
