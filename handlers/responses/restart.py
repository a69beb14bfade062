"""/restart DEVICE REASON: asks to restart a device through Intune; an approver decides."""

from bot.graph.client import Graph
from bot.responses.declared import Response
from bot.responses.intune import remote_action
from bot.responses.models import Request
from bot.roles import Role
from handlers.intune_aim import AIM, MANAGED
from handlers.proposing import command_for


async def _send(graph: Graph, request: Request) -> None:
    await graph.reboot_device(request.target.id)


RESPONSE = Response(
    name="restart",
    family="intune-restart",
    how=remote_action(_send, names=("rebootNow",)),
    calls=(Graph.reboot_device,),
    group="intune",
    target=MANAGED,
    risk="medium",
    asks=Role.OPERATOR,
    plans=frozenset({"INTUNE_A"}),
)

COMMAND = command_for(RESPONSE, aim=AIM, examples=("/restart LAPTOP-042 the update needs it",))

TEXTS = {
    "help.restart.summary": "asks to restart a device through Intune",
    "response.restart.name": "Restart",
    "response.restart.title": "Restart {device}",
    "response.restart.button": "Restart",
    "response.restart.effect": "The device restarts. Whoever works on it may lose what is not saved.",
    "response.restart.undo": "A restart cannot be undone.",
}
