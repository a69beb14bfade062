"""/retire DEVICE REASON: asks to take the company's data off a device and the device out of Intune."""

from bot.graph.client import Graph
from bot.responses.declared import Response
from bot.responses.intune import RETIRES, WIPES, leaving, remote_action
from bot.responses.models import Request
from bot.roles import Role
from handlers.intune_aim import AIM, MANAGED
from handlers.proposing import command_for


async def _send(graph: Graph, request: Request) -> None:
    await graph.retire_device(request.target.id)


RESPONSE = Response(
    name="retire",
    family="intune-removal",
    how=remote_action(_send, names=RETIRES, family=WIPES, proof=leaving("retire", alone=True), leaves=True),
    calls=(Graph.retire_device,),
    group="intune",
    target=MANAGED,
    risk="high",
    asks=Role.OPERATOR,
    plans=frozenset({"INTUNE_A"}),
)

COMMAND = command_for(RESPONSE, aim=AIM, examples=("/retire anna-iphone she left the company",))

TEXTS = {
    "help.retire.summary": "asks to take the company's data off a device and the device out of Intune",
    "response.retire.name": "Retirement",
    "response.retire.title": "Retire {device}",
    "response.retire.button": "Retire",
    "response.retire.effect": "The company's apps, settings and mail leave the device, and the device leaves Intune."
    " What is the user's own stays.",
    "response.retire.stand.handedover": "**Intune took it: {status}.** Whether the company's data is gone only the"
    " device itself shows.",
    "response.retire.undo": "It cannot be undone: the device must be enrolled anew.",
}
