"""/isolate DEVICE [full|selective] REASON: asks to cut a device off the network; an approver decides."""

from bot.defender.client import Defender, IsolationType
from bot.defender.models import MachineAction
from bot.responses.models import Parameter, Request, Response
from bot.roles import Role
from handlers.proposing import command_for


async def _send(defender: Defender, request: Request, comment: str) -> MachineAction:
    kind: IsolationType = "Selective" if request.parameters["IsolationType"] == "Selective" else "Full"
    return await defender.isolate(request.target.id, comment=comment, isolation_type=kind)


RESPONSE = Response(
    name="isolate",
    family="isolation",
    types=frozenset({"Isolate"}),
    family_types=frozenset({"Isolate", "Unisolate"}),
    send=_send,
    call=Defender.isolate,
    risk="high",
    asks=Role.OPERATOR,
    parameters=(Parameter(name="IsolationType", choices={"full": "Full", "selective": "Selective"}),),
    inverse="release",
)

COMMAND = command_for(
    RESPONSE,
    examples=("/isolate LAPTOP-042 beacon to a known bad host", "/isolate it selective suspected phishing"),
    menu=True,
)
