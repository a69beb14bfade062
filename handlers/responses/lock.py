"""/lock DEVICE REASON: asks to lock a device's screen through Intune; an approver decides."""

from bot.graph.client import Graph
from bot.responses.intune import remote_action
from handlers.intune_aim import AIM, through_intune
from handlers.proposing import command_for

RESPONSE = through_intune(
    name="lock",
    family="intune-lock",
    how=remote_action(lambda graph, request: graph.lock_device(request.target.id), names=("remoteLock",)),
    calls=(Graph.lock_device,),
    risk="medium",
)

COMMAND = command_for(RESPONSE, aim=AIM, examples=("/lock anna-iphone it was lost on a train",))

TEXTS = {
    "help.lock.summary": "asks to lock a device's screen through Intune",
    "response.lock.name": "Remote lock",
    "response.lock.title": "Lock {device}",
    "response.lock.button": "Lock",
    "response.lock.effect": "The screen locks, if the device's system can be locked from afar. Its passcode opens it.",
    "response.lock.undo": "Whoever knows the passcode unlocks the device.",
}
