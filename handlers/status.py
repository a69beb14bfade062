"""/status: how the bot itself does, for this customer; what is bad comes first."""

import time
from datetime import datetime, timedelta

from bot import heart
from bot.auditor import last_report
from bot.budgets import used
from bot.capabilities.learning import learn_in_time
from bot.command import Command, Context, Reply
from bot.coverage import coverage
from bot.graph.client import Graph
from bot.posting import LAST_POST
from bot.pulse import Pulse
from bot.roles import Role
from bot.services import Services
from bot.subscribers import active
from bot.version import VERSION
from cards.status import status_card
from cards.status_view import Queue, StatusView
from handlers.incident_records import KIND, WATERMARK
from handlers.incident_watch import LAG, STRIDE
from handlers.standing import plan_of

OVERDUE = timedelta(minutes=2)
MOST_DUE = 1000


async def _run(context: Context, _words: str) -> Reply:
    if context.role >= Role.ADMIN:
        await learn_in_time(context.services, context.customer, forgive=True)
    return Reply(shown=status_card(context.look, await view_of(context)))


async def view_of(context: Context) -> StatusView:
    """All that the card shows, read from the store; no service is asked. Raises StoreDown."""
    services, customer = context.services, context.customer
    redis_ms = await _latency(services)
    replicas = await heart.replicas(services.store, context.now)
    subscriptions = await active(services, customer)
    standing = await services.store.standing(customer)
    return StatusView(
        version=VERSION,
        me=services.worker,
        started=_started(services, replicas),
        replicas=replicas,
        redis_ms=redis_ms,
        swept=await heart.swept(services.store),
        sources=await coverage(services, customer),
        watched=any(one.incidents for one in subscriptions),
        polled=await heart.polled(services.store, customer, "incidents"),
        behind=await _behind(services, customer, context.now),
        queue=await _queue(services, customer, context.now),
        last_post=await _last_post(services, customer),
        report=await last_report(services, customer),
        beat=await heart.last_beat(services.store),
        here=next((one for one in subscriptions if one.id == context.conversation.id), None),
        conversations=len(subscriptions),
        budgets=await used(services, customer),
        plan=await plan_of(context),
        head=standing.head,
        entries=standing.length,
        tenant=customer,
        admin=context.role >= Role.ADMIN,
    )


async def _latency(services: Services) -> float:
    """How many milliseconds a write takes."""
    began = time.perf_counter()
    await services.store.ping()
    return round((time.perf_counter() - began) * 1000, 1)


def _started(services: Services, replicas: list[Pulse]) -> datetime | None:
    return next((pulse.started for pulse in replicas if pulse.worker == services.worker), None)


async def _behind(services: Services, customer: str, now: datetime) -> float:
    """For how many seconds what Graph tells has not been read; the watermark itself is up to that far behind."""
    record = await services.store.get(customer, WATERMARK, KIND)
    if record is None:
        return 0.0
    until = datetime.fromisoformat(str(record.data["until"]))
    return max(0.0, (now - until - LAG - STRIDE).total_seconds())


async def _queue(services: Services, customer: str, now: datetime) -> Queue:
    due = await services.store.due(customer, now, limit=MOST_DUE)
    overdue = [one for one in due if now - one.at > OVERDUE]
    oldest = overdue[0].at if overdue else None
    return Queue(due=len(due), overdue=len(overdue), oldest=oldest, more=len(due) >= MOST_DUE)


async def _last_post(services: Services, customer: str) -> datetime | None:
    kept = await services.store.get_value(customer, LAST_POST)
    return datetime.fromisoformat(str(kept["at"])) if kept else None


COMMAND = Command(
    name="status",
    usage="/status",
    examples=("/status",),
    role=Role.READER,
    parse=str,
    run=_run,
    aliases=("health",),
    menu=True,
    slow=False,
    needs=(Graph.subscribed_skus,),
)
