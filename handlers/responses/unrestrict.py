"""/unrestrict DEVICE REASON: asks to let all programs run again; an approver decides."""

from bot.defender.client import Defender
from bot.responses.declared import Response
from bot.responses.how import machine_action
from bot.roles import Role
from handlers.device_aim import MANAGED_WINDOWS
from handlers.proposing import command_for

RESPONSE = Response(
    name="unrestrict",
    family="execution",
    how=machine_action(
        lambda defender, request, comment: defender.unrestrict(request.target.id, comment=comment),
        types={"UnrestrictCodeExecution"},
        family_types={"RestrictCodeExecution", "UnrestrictCodeExecution"},
    ),
    calls=(Defender.unrestrict,),
    risk="high",
    asks=Role.OPERATOR,
    inverse="restrict",
    plans=frozenset({"WINDEFATP"}),
    many=True,
)

COMMAND = command_for(RESPONSE, aim=MANAGED_WINDOWS, examples=("/unrestrict LAPTOP-042 reinstalled and scanned",))

TEXTS = {
    "help.unrestrict.summary": "asks to let all programs run on a restricted device again",
    "response.unrestrict.name": "Removal of the app restriction",
    "response.unrestrict.title": "Let all apps run on {device}",
    "response.unrestrict.button": "Unrestrict apps",
    "response.unrestrict.effect": "All programs can run on the device again.",
    "response.unrestrict.undo": "Restrict lets only programs signed by Microsoft run.",
}
