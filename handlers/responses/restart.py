"""/restart DEVICE REASON: asks to restart a device through Intune; an approver decides."""

from bot.graph.client import Graph
from bot.responses.intune import remote_action
from handlers.intune_aim import AIM, through_intune
from handlers.proposing import command_for

RESPONSE = through_intune(
    name="restart",
    family="intune-restart",
    how=remote_action(lambda graph, request: graph.reboot_device(request.target.id), names=("rebootNow",)),
    calls=(Graph.reboot_device,),
    risk="medium",
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
