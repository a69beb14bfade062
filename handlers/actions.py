"""/actions [pending|history]: what waits and what was done: our requests, the service's queue, the Action center."""

import asyncio
from collections.abc import Sequence

from bot.audit import Entry
from bot.command import Button, Command, Context, Reply
from bot.defender.client import Defender
from bot.defender.models import MachineAction
from bot.errors import Stale, UsageError
from bot.graph.client import Graph
from bot.graph.models import GraphAlert
from bot.responses import requests
from bot.roles import Role
from bot.turn import Click
from cards.actions import ActionsView, HistoryView, PendingEvidence, actions_card, history_card
from cards.incident import assets_of
from handlers.reading import Sources

USAGE = "/actions [pending|history]"
ACTIVE = ("Pending", "InProgress")
MOST = 100
READ_SECONDS = 12.0
PENDING = (Defender.machine_actions, Defender.investigations, Graph.alerts)


def _parse(words: str) -> str:
    name = words.casefold() or "pending"
    if name not in ("pending", "history"):
        raise UsageError("error.unknown_filter", said=words, known="pending, history", usage=USAGE)
    return name


async def _run(context: Context, name: str) -> Reply:
    return await _pending(context) if name == "pending" else await _history(context)


async def _pending(context: Context) -> Reply:
    open_requests = await requests.still_open(context.services, context.customer)
    sources = Sources(READ_SECONDS, context)
    queued, investigations, alerts = await asyncio.gather(
        sources.read("actions", context.defender.machine_actions(statuses=ACTIVE, top=MOST)),
        sources.read("investigations", context.defender.investigations(state="PendingApproval")),
        sources.read("evidence", context.graph.alerts(top=1000)),
    )
    view = ActionsView(
        requests=tuple(open_requests),
        queued=None if queued is None else tuple(queued),
        investigations=None if investigations is None else tuple(investigations),
        evidence=None if alerts is None else _waiting(alerts),
        cancel=context.role >= Role.APPROVER,
        tenant=context.customer,
        lacking=sources.lacking,
    )
    return Reply(shown=actions_card(context.look, view))


def _waiting(alerts: Sequence[GraphAlert]) -> tuple[PendingEvidence, ...]:
    """The things in open alerts whose remediation waits in the Action center (graph-api 1.1)."""
    return tuple(
        PendingEvidence(
            kind=item.kind,
            name=assets_of([item])[0].name,
            device=item.device_name,
            incident=str(alert.incident_id or ""),
        )
        for alert in alerts
        for item in alert.evidence
        if item.waits_for_approval
    )


async def _history(context: Context) -> Reply:
    finished = [r for r in await requests.latest(context.services, context.customer) if r.final]
    sources = Sources(READ_SECONDS, context)
    actions = await sources.read("actions", context.defender.machine_actions(top=MOST))
    ours = {attempt.action for request in finished for attempt in request.attempts}
    elsewhere = None
    if actions is not None:
        elsewhere = tuple(a for a in actions if a.id not in ours and not (a.requestor_comment or "").startswith("[WK-"))
    ended = tuple(finished[:MOST])
    view = HistoryView(requests=ended, outside=elsewhere, tenant=context.customer, lacking=sources.lacking)
    return Reply(shown=history_card(context.look, view))


async def _cancel(context: Context, click: Click) -> Reply:
    """Cancel a machine action that waits at the service (api:cancel-machine-action); written down before and after."""
    action = await context.defender.machine_action(click.id)
    if not action.is_active:
        raise Stale("error.action_is_over", status=action.status or "")
    await _note(context, "cancelling", action)
    comment = f"cancelled by {context.actor.name} through Watchkeeper"
    cancelled = await context.defender.cancel_machine_action(click.id, comment=comment)
    await _note(context, "cancelled", action, cancelled.status or "")
    reply = await _pending(context)
    return Reply(shown=reply.shown, beside=False)


async def _note(context: Context, what: str, action: MachineAction, status: str = "") -> None:
    more = {"device": action.machine_id or "", "status": status}
    entry = Entry(
        at=context.now,
        what=what,
        who=f"{context.actor.tenant}/{context.actor.id}",
        subject=f"action:{action.id}",
        more={name: value for name, value in more.items() if value},
    )
    await context.services.ledger.commit(context.customer, [], [entry])


COMMAND = Command(
    name="actions",
    usage=USAGE,
    examples=("/actions", "/actions history"),
    role=Role.READER,
    parse=_parse,
    run=_run,
    menu=True,
    needs=PENDING,
)

BUTTON = Button(
    verb="cancel",
    role=Role.APPROVER,
    run=_cancel,
    slow=True,
    once=True,
    needs=(Defender.machine_action, Defender.cancel_machine_action, *PENDING),
)
