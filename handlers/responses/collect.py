"""/collect DEVICE REASON: asks for the investigation package of a device; an approver decides. See /package."""

from bot.defender.client import Defender
from bot.responses.declared import Response
from bot.responses.how import machine_action
from bot.roles import Role
from handlers.device_aim import MANAGED
from handlers.proposing import command_for

RESPONSE = Response(
    name="collect",
    family="package",
    how=machine_action(
        lambda defender, request, comment: defender.collect_package(request.target.id, comment=comment),
        types={"CollectInvestigationPackage"},
    ),
    calls=(Defender.collect_package,),
    risk="medium",
    asks=Role.OPERATOR,
    plans=frozenset({"WINDEFATP"}),
    many=True,
)

COMMAND = command_for(RESPONSE, aim=MANAGED, examples=("/collect LAPTOP-042 what ran there before the alert",))

TEXTS = {
    "help.collect.summary": "asks for a device's investigation package",
    "response.collect.name": "Investigation package",
    "response.collect.title": "Collect the investigation package of {device}",
    "response.collect.button": "Collect package",
    "response.collect.effect": "The device puts together what ran, what starts by itself, its connections, events and"
    " users. Only who asked and who approved can fetch it, with **package** in the personal chat with me.",
    "response.collect.undo": "Nothing to undo.",
    "response.collect.stand.succeeded": "**The package is there.** Who asked or approved gets it with **package {id}**"
    " in the personal chat with me.",
}
