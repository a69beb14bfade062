"""/actions [pending|history ...]: what waits and what is over: our requests, the service's queue, the Action center."""

import asyncio

from bot.command import Button, Command, Context, Reply
from bot.defender.client import Defender
from bot.devices import TO_FIND
from bot.errors import UsageError
from bot.graph.client import Graph
from bot.responses import requests
from bot.responses.models import Request, State
from bot.roles import Role
from bot.turn import Click
from cards.actions import ActionsView, actions_card
from handlers.asking import ask_for
from handlers.center_look import MOST_ALERTS
from handlers.center_pending import waiting_now
from handlers.past import show
from handlers.past_words import USAGE, Wanted, parse
from handlers.proposing import Asked
from handlers.reading import Sources

ACTIVE = ("Pending", "InProgress")
MOST = 100
READ_SECONDS = 12.0
PENDING = (Defender.machine_actions, Defender.investigations, Graph.alerts)


def _parse(words: str) -> Wanted | None:
    """What of the history is wanted; None: what waits or runs now."""
    name, _, rest = words.strip().partition(" ")
    if name.casefold() == "history":
        return parse(rest)
    if words.strip().casefold() not in ("", "pending"):
        raise UsageError("error.unknown_filter", said=words, known="pending, history")
    return None


async def _run(context: Context, wanted: Wanted | None) -> Reply:
    return await show(context, wanted) if wanted else await _pending(context)


async def _pending(context: Context) -> Reply:
    open_requests = await requests.still_open(context.services, context.customer)
    sources = Sources(READ_SECONDS, context)
    queued, investigations, alerts = await asyncio.gather(
        sources.read("actions", context.defender.machine_actions(statuses=ACTIVE, top=MOST)),
        sources.read("investigations", context.defender.investigations(state="PendingApproval")),
        sources.read("evidence", context.graph.alerts(top=MOST_ALERTS)),
    )
    view = ActionsView(
        requests=tuple(sorted((one for one in open_requests if one.told_apart), key=_decided)),
        queued=None if queued is None else tuple(queued),
        center=await waiting_now(context.services, context.customer, alerts, investigations, context.now),
        center_unread=tuple(name for name in sources.unread if name != "actions"),
        center_cut=len(alerts or ()) >= MOST_ALERTS,
        cancel=context.role >= Role.APPROVER,
        tenant=context.customer,
        lacking=sources.lacking,
    )
    return Reply(shown=actions_card(context.look, view))


def _decided(request: Request) -> bool:
    """What waits for a person comes before what goes its way."""
    return request.state not in (State.PROPOSED, State.UNKNOWN)


async def _cancel(context: Context, click: Click) -> Reply:
    """Cancel a machine action that waits at the service: the same as typing /cancel with its id."""
    return await ask_for(context, "cancel", Asked(target=click.id, parameters={}, reason="", rest=""))


COMMAND = Command(
    name="actions",
    usage=USAGE,
    examples=(
        "/actions",
        "/actions history",
        "/actions history device LAPTOP-042 outcome failed 90 days",
        "/actions history by Megan Bowen response isolate",
    ),
    role=Role.READER,
    parse=_parse,
    run=_run,
    menu=True,
    needs=(*PENDING, *TO_FIND),
)

BUTTON = Button(
    verb="cancel",
    role=Role.APPROVER,
    run=_cancel,
    slow=True,
    once=True,
)
