"""/isolate DEVICE [full|selective] REASON: asks to cut a device off the network; an approver decides."""

from bot.defender.client import Defender, IsolationType
from bot.defender.models import MachineAction
from bot.responses.declared import Parameter, Response
from bot.responses.how import machine_action
from bot.responses.models import Request
from bot.roles import Role
from handlers.aiming import DEVICE
from handlers.proposing import command_for


async def _send(defender: Defender, request: Request, comment: str) -> MachineAction:
    kind: IsolationType = "Selective" if request.parameters["IsolationType"] == "Selective" else "Full"
    return await defender.isolate(request.target.id, comment=comment, isolation_type=kind)


RESPONSE = Response(
    name="isolate",
    family="isolation",
    how=machine_action(_send, types={"Isolate"}, family_types={"Isolate", "Unisolate"}),
    calls=(Defender.isolate,),
    risk="high",
    asks=Role.OPERATOR,
    parameters=(Parameter(name="IsolationType", choices={"full": "Full", "selective": "Selective"}),),
    inverse="release",
    many=True,
    lasting=True,
)

COMMAND = command_for(
    RESPONSE,
    aim=DEVICE,
    examples=("/isolate LAPTOP-042 beacon to a known bad host", "/isolate it selective suspected phishing"),
    menu=True,
)

TEXTS = {
    "help.isolate.summary": "asks to cut a device off the network",
    "response.isolate.name": "Isolation",
    "response.isolate.title": "Isolate {device}",
    "response.isolate.button": "Isolate",
    "response.isolate.effect": "The device loses its network but keeps its link to Defender. Whoever works on it is"
    " interrupted. Behind a full-tunnel VPN it may lose that link too.",
    "response.isolate.effect.selective": "The device loses its network, except for Outlook, Teams, Skype and its link"
    " to Defender. Behind a full-tunnel VPN it may lose that link too.",
    "response.isolate.undo": "Release lets it back on the network.",
}
