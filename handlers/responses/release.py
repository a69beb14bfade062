"""/release DEVICE REASON: asks to let an isolated device back onto the network; an approver decides."""

from bot.defender.client import Defender
from bot.defender.models import MachineAction
from bot.responses.declared import Response
from bot.responses.how import machine_action
from bot.responses.models import Request
from bot.roles import Role
from handlers.aiming import DEVICE
from handlers.proposing import command_for


async def _send(defender: Defender, request: Request, comment: str) -> MachineAction:
    return await defender.unisolate(request.target.id, comment=comment)


RESPONSE = Response(
    name="release",
    family="isolation",
    how=machine_action(_send, types={"Unisolate"}, family_types={"Isolate", "Unisolate"}),
    calls=(Defender.unisolate,),
    risk="high",
    asks=Role.OPERATOR,
    inverse="isolate",
    many=True,
)

COMMAND = command_for(RESPONSE, aim=DEVICE, examples=("/release LAPTOP-042 reinstalled and scanned",), menu=True)

TEXTS = {
    "help.release.summary": "asks to let an isolated device back on the network",
    "response.release.name": "Release",
    "response.release.title": "Release {device}",
    "response.release.button": "Release",
    "response.release.effect": "The device gets its network back.",
    "response.release.undo": "Isolate cuts it off again.",
}
