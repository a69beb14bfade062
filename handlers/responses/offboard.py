"""/offboard DEVICE DEVICE REASON: asks to take a device out of Defender; typed twice, and an approver decides."""

from bot.defender.client import Defender
from bot.responses.declared import Response
from bot.responses.how import machine_action
from bot.roles import Role
from handlers.device_aim import MANAGED_WINDOWS
from handlers.proposing import command_for

RESPONSE = Response(
    name="offboard",
    family="offboarding",
    how=machine_action(
        lambda defender, request, comment: defender.offboard(request.target.id, comment=comment),
        types={"Offboard"},
    ),
    calls=(Defender.offboard,),
    risk="high",
    asks=Role.OPERATOR,
    typed=True,
)

COMMAND = command_for(RESPONSE, aim=MANAGED_WINDOWS, examples=("/offboard LAPTOP-042 LAPTOP-042 goes to the recycler",))

TEXTS = {
    "help.offboard.summary": "asks to take a device out of Defender",
    "response.offboard.name": "Offboarding",
    "response.offboard.title": "Offboard {device}",
    "response.offboard.button": "Offboard",
    "response.offboard.effect": "Defender's sensor stops on the device: it reports nothing more and takes no more"
    " actions. What Defender knows of it stays for as long as it keeps data.",
    "response.offboard.undo": "No call undoes it. The device has to be onboarded again, with Intune or the onboarding"
    " package from the portal.",
}
