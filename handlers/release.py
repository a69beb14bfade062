"""/release DEVICE REASON: asks to let an isolated device back onto the network; an approver decides."""

from bot.defender.client import Defender
from bot.defender.models import MachineAction
from bot.responses.models import Request, Response
from bot.roles import Role
from handlers.proposing import command_for


async def _send(defender: Defender, request: Request, comment: str) -> MachineAction:
    return await defender.unisolate(request.target.id, comment=comment)


RESPONSE = Response(
    name="release",
    family="isolation",
    types=frozenset({"Unisolate"}),
    family_types=frozenset({"Isolate", "Unisolate"}),
    send=_send,
    call=Defender.unisolate,
    risk="high",
    asks=Role.OPERATOR,
    inverse="isolate",
)

COMMAND = command_for(RESPONSE, examples=("/release LAPTOP-042 reinstalled and scanned",), menu=True)
