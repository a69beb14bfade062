"""/sync DEVICE: lets a device report to Intune and fetch its policies; harmless, so it runs without a decision."""

from bot.graph.client import Graph
from bot.responses.intune import came_by, remote_action
from handlers.intune_aim import AIM, through_intune
from handlers.proposing import command_for

RESPONSE = through_intune(
    name="sync",
    family="intune-sync",
    how=remote_action(
        lambda graph, request: graph.sync_device(request.target.id), names=("syncDevice",), proof=came_by
    ),
    calls=(Graph.sync_device,),
    risk="low",
    approvals=0,
    needs_reason=False,
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
