"""/update-signatures DEVICE: lets Defender Antivirus fetch its newest signatures; runs without a decision."""

from bot.graph.client import Graph
from bot.responses.intune import remote_action
from handlers.intune_aim import AIM, through_intune
from handlers.proposing import command_for

RESPONSE = through_intune(
    name="update-signatures",
    family="intune-signatures",
    how=remote_action(
        lambda graph, request: graph.update_signatures(request.target.id),
        names=("windowsDefenderUpdateSignatures", "signatureUpdate"),
    ),
    calls=(Graph.update_signatures,),
    risk="low",
    approvals=0,
    needs_reason=False,
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
