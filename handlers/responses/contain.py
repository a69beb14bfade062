"""/contain DEVICE REASON: asks to keep a device away that does not report to Defender; an approver decides."""

from dataclasses import replace

from bot.defender.client import Defender, IsolationType
from bot.defender.models import MachineAction
from bot.errors import Missing
from bot.responses.declared import Remote, Response
from bot.responses.how import machine_action
from bot.responses.models import Request
from bot.responses.still import SAME, Changed, same_device
from bot.roles import Role
from bot.wire import folded
from handlers.device_aim import UNMANAGED
from handlers.proposing import command_for

SCOPE: IsolationType = "UnManagedDevice"


async def _send(defender: Defender, request: Request, comment: str) -> MachineAction:
    return await defender.isolate(request.target.id, comment=comment, isolation_type=SCOPE)


def _same(_request: Request, action: MachineAction) -> bool:
    return folded(action.scope) == folded(SCOPE)


async def _still(remote: Remote, request: Request) -> Changed:
    """The same device, and one that still does not report."""
    changed = await same_device(remote, request)
    if changed != SAME:
        return changed
    try:
        machine = await remote.defender.machine(request.target.id)
    except Missing:
        return SAME
    return ("trouble.device_onboarded", {"was": request.target.name}) if machine.is_onboarded else SAME


_HOW = machine_action(_send, types={"Isolate"}, family_types={"Isolate", "Unisolate"}, same=_same)

RESPONSE = Response(
    name="contain",
    family="isolation",
    how=replace(_HOW, still=_still),
    calls=(Defender.isolate,),
    risk="high",
    asks=Role.OPERATOR,
    lasting=True,
)

COMMAND = command_for(
    RESPONSE, aim=UNMANAGED, examples=("/contain UNKNOWN-LAPTOP scans the network, nobody knows whose it is",)
)

TEXTS = {
    "help.contain.summary": "asks to keep a device away that is not onboarded",
    "response.contain.name": "Containment",
    "response.contain.title": "Contain {device}",
    "response.contain.button": "Contain",
    "response.contain.effect": "Devices that are onboarded to Defender block what comes from this one and what goes to"
    " it. The device itself is not changed.",
    "response.contain.undo": "Microsoft's pages name no call that lifts it. It can be lifted on the device's page in"
    " the Defender portal.",
    "trouble.device_onboarded": "{was} reports to Defender by now. Nothing was sent: please isolate it instead.",
}
