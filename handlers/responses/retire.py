"""/retire DEVICE REASON: asks to take the company's data off a device and the device out of Intune."""

from bot.graph.client import Graph
from bot.responses.intune import RETIRES, WIPES, leaving, remote_action
from handlers.intune_aim import AIM, through_intune
from handlers.proposing import command_for

RESPONSE = through_intune(
    name="retire",
    family="intune-removal",
    how=remote_action(
        lambda graph, request: graph.retire_device(request.target.id),
        names=RETIRES,
        family=WIPES,
        proof=leaving("retire", alone=True),
        leaves=True,
    ),
    calls=(Graph.retire_device,),
    risk="high",
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
