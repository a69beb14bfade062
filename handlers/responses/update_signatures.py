"""/update-signatures DEVICE: lets Defender Antivirus fetch its newest signatures; runs without a decision."""

from bot.graph.client import Graph
from bot.responses.declared import Response
from bot.responses.intune import remote_action
from bot.responses.models import Request
from bot.roles import Role
from handlers.intune_aim import AIM, MANAGED
from handlers.proposing import command_for


async def _send(graph: Graph, request: Request) -> None:
    await graph.update_signatures(request.target.id)


RESPONSE = Response(
    name="update-signatures",
    family="intune-signatures",
    how=remote_action(_send, names=("windowsDefenderUpdateSignatures", "signatureUpdate")),
    calls=(Graph.update_signatures,),
    group="intune",
    target=MANAGED,
    risk="low",
    asks=Role.OPERATOR,
    approvals=0,
    needs_reason=False,
    plans=frozenset({"INTUNE_A"}),
)

COMMAND = command_for(RESPONSE, aim=AIM, examples=("/update-signatures LAPTOP-042",))

TEXTS = {
    "help.update-signatures.summary": "has a Windows device fetch the newest antivirus signatures",
    "response.update-signatures.name": "Signature update",
    "response.update-signatures.title": "Update the antivirus signatures of {device}",
    "response.update-signatures.button": "Update signatures",
    "response.update-signatures.effect": "Defender Antivirus on the device fetches its newest signatures.",
    "response.update-signatures.undo": "Nothing to undo.",
}
