"""/subscribe [incidents [from SEVERITY]] [requests]: what this conversation gets. A first one begins with now."""

import secrets
from dataclasses import dataclass

import structlog

from bot.audit import Entry
from bot.command import Button, Command, Context, Reply
from bot.errors import ServiceError, UsageError
from bot.incidents import SEVERITIES, BriefIncident, SummaryRecord, rank
from bot.posts import Place, Post
from bot.records import write
from bot.roles import Role
from bot.subscribers import find, save
from bot.subscriptions import Subscription
from bot.turn import Click
from cards.subscription import subscribed_card
from handlers.summaries import SUMMARY

log = structlog.get_logger()

USAGE = "/subscribe [incidents [from SEVERITY]] [requests]"
OPEN = ("active", "inProgress")
ROWS = 50


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
    services, customer = context.services, context.customer
    before = await find(services, customer, context.conversation.id)
    place = Place.of(context.conversation).model_copy(update={"thread": ""})
    subscription = Subscription(
        id=place.id,
        customer=customer,
        place=place,
        incidents=asked.incidents,
        requests=asked.requests,
        since=before.since if before and before.incidents else context.now,
        by=context.actor.id,
        locale=context.turn.locale,
        zone=context.turn.zone,
    )
    entry = Entry(
        at=context.now,
        what="subscribed",
        who=f"{context.actor.tenant}/{context.actor.id}",
        subject=f"conversation:{place.id}",
        more={"incidents": asked.incidents, "requests": asked.requests},
    )
    await save(services, subscription, entry)
    first = asked.incidents and not (before and before.incidents)
    follow = await _what_is_open(context, subscription) if first else None
    return Reply(shown=subscribed_card(context.look, subscription), follow=follow, beside=False)


async def _what_is_open(context: Context, subscription: Subscription) -> tuple[str, str] | None:
    """A first subscription gets one card of what is open now. If that cannot be read, the watcher goes on from now."""
    try:
        total = await context.graph.open_incident_count()
        found = await context.graph.incidents(statuses=OPEN, top=ROWS)
    except ServiceError as error:
        log.warning("open_incidents_not_read", error=str(error))
        return None
    gravest = sorted(found, key=lambda incident: -rank(incident.level))
    record = SummaryRecord(
        id=secrets.token_hex(8),
        customer=context.customer,
        posts=(Post(key="card", place=subscription.place, locale=subscription.locale, zone=subscription.zone),),
        reason="open",
        at=context.now,
        total=total,
        counts={level: sum(1 for i in found if i.level == level) for level in SEVERITIES} if total <= ROWS else {},
        rows=tuple(
            BriefIncident(id=i.id, title=i.display_name or "", severity=i.level, url=i.incident_web_url or "")
            for i in gravest[:10]
        ),
    )
    await context.services.ledger.commit(context.customer, [write(SUMMARY, record, context.now)])
    return SUMMARY, record.id


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

BUTTON = Button(verb="subscribe", role=Role.ADMIN, run=_click, slow=True, once=True)
