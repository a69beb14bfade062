"""/restrict DEVICE REASON: asks to let only programs signed by Microsoft run; an approver decides."""

from bot.defender.client import Defender
from bot.responses.declared import Response
from bot.responses.how import machine_action
from bot.roles import Role
from handlers.device_aim import MANAGED_WINDOWS
from handlers.proposing import command_for

RESPONSE = Response(
    name="restrict",
    family="execution",
    how=machine_action(
        lambda defender, request, comment: defender.restrict(request.target.id, comment=comment),
        types={"RestrictCodeExecution"},
        family_types={"RestrictCodeExecution", "UnrestrictCodeExecution"},
    ),
    calls=(Defender.restrict,),
    risk="high",
    asks=Role.OPERATOR,
    inverse="unrestrict",
    plans=frozenset({"WINDEFATP"}),
    many=True,
    lasting=True,
)

COMMAND = command_for(
    RESPONSE, aim=MANAGED_WINDOWS, examples=("/restrict LAPTOP-042 unknown program keeps coming back",)
)

TEXTS = {
    "help.restrict.summary": "asks to let only programs signed by Microsoft run",
    "response.restrict.name": "App restriction",
    "response.restrict.title": "Restrict apps on {device}",
    "response.restrict.button": "Restrict apps",
    "response.restrict.effect": "Only programs that Microsoft has signed can run on the device. Whoever works on it is"
    " told so by Windows, and cannot start anything else.",
    "response.restrict.undo": "Unrestrict lets all programs run again.",
}
