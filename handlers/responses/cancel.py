"""/cancel ACTION-ID [REASON]: takes back a machine action that waits or runs, whoever started it."""

from bot.defender.client import Defender
from bot.responses.cancelling import CANCEL
from bot.responses.declared import Response
from bot.roles import Role
from handlers.action_aim import ACTION
from handlers.proposing import command_for

RESPONSE = Response(
    name="cancel",
    family="cancel",
    how=CANCEL,
    calls=(Defender.cancel_machine_action,),
    risk="low",
    asks=Role.APPROVER,
    target="action",
    approvals=0,
    needs_reason=False,
)

COMMAND = command_for(
    RESPONSE, aim=ACTION, examples=("/cancel 5382f7ea-7557-4ab7-9782-d50480024a4e asked for by mistake",)
)

TEXTS = {
    "help.cancel.summary": "takes back a machine action that waits or runs",
    "response.cancel.name": "Cancelling",
    "response.cancel.title": "Cancel: {device}",
    "response.cancel.button": "Cancel it",
    "response.cancel.effect": "Defender takes the action back if the device has not done it by then.",
    "response.cancel.undo": "Ask for the action again.",
    "response.cancel.stand.sent": "**Defender was asked to cancel it.** The action stands at: {status}.",
    "response.cancel.stand.succeeded": "**Cancelled.** Defender reports: {status}.",
    "response.cancel.stand.failed": "**It could not be cancelled any more.** The action ended as: {status}.",
    "action.on": "{action} on {device}",
    "evidence.action": "Action",
    "evidence.device": "Device",
    "evidence.action-status": "Status",
    "evidence.started-by": "Started by",
    "evidence.comment": "Comment",
    "evidence.started": "Started",
    "error.no_action_id": "Please give the id of a machine action; **actions** shows those that wait or run.",
    "error.no_such_action": "Defender knows no action {id}.",
}
