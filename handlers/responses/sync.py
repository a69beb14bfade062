"""/sync DEVICE: lets a device report to Intune and fetch its policies; harmless, so it runs without a decision."""

from bot.graph.client import Graph
from bot.responses.declared import Response
from bot.responses.intune import came_by, remote_action
from bot.responses.models import Request
from bot.roles import Role
from handlers.intune_aim import AIM, MANAGED
from handlers.proposing import command_for


async def _send(graph: Graph, request: Request) -> None:
    await graph.sync_device(request.target.id)


RESPONSE = Response(
    name="sync",
    family="intune-sync",
    how=remote_action(_send, names=("syncDevice",), proof=came_by),
    calls=(Graph.sync_device,),
    group="intune",
    target=MANAGED,
    risk="low",
    asks=Role.OPERATOR,
    approvals=0,
    needs_reason=False,
    plans=frozenset({"INTUNE_A"}),
)

COMMAND = command_for(RESPONSE, aim=AIM, examples=("/sync LAPTOP-042", "/sync anna@contoso.com"))

TEXTS = {
    "help.sync.summary": "lets a device report to Intune and fetch its policies",
    "response.sync.name": "Sync with Intune",
    "response.sync.title": "Sync {device} with Intune",
    "response.sync.button": "Sync",
    "response.sync.effect": "The device reports to Intune and fetches its policies and apps.",
    "response.sync.undo": "Nothing to undo.",
}
