"""/wipe DEVICE REASON: asks to reset a device to how it left the factory; two approvers decide."""

from datetime import timedelta

from bot.graph.client import Graph
from bot.graph.intune.models import DeviceAction
from bot.responses.declared import Parameter
from bot.responses.intune import RETIRES, WIPES, leaving, remote_action
from bot.responses.models import Request
from handlers.intune_aim import AIM, through_intune
from handlers.proposing import command_for


async def _send(graph: Graph, request: Request) -> None:
    chosen = {name: request.parameters[name] == "true" for name in ("keepUserData", "keepEnrollmentData")}
    await graph.wipe_device(
        request.target.id, keep_user_data=chosen["keepUserData"], keep_enrollment_data=chosen["keepEnrollmentData"]
    )


def _same(_request: Request, _action: DeviceAction) -> bool:
    """Intune does not say what another's wipe keeps, so it is never taken for this one."""
    return False


RESPONSE = through_intune(
    name="wipe",
    family="intune-removal",
    how=remote_action(
        _send,
        names=WIPES,
        family=RETIRES,
        same=_same,
        proof=leaving("wipe", alone=False),
        leaves=True,
    ),
    calls=(Graph.wipe_device,),
    risk="high",
    approvals=2,
    typed=True,
    parameters=(
        Parameter(name="keepUserData", choices={"erase-data": "false", "keep-data": "true"}),
        Parameter(name="keepEnrollmentData", choices={"unenroll": "false", "stay-enrolled": "true"}),
    ),
    time_to_live=timedelta(hours=4),
)

COMMAND = command_for(
    RESPONSE,
    aim=AIM,
    examples=(
        "/wipe anna-iphone anna-iphone it was stolen",
        "/wipe LAPTOP-042 LAPTOP-042 keep-data stay-enrolled it gets a new user",
    ),
)

TEXTS = {
    "help.wipe.summary": "asks to reset a device to how it left the factory",
    "response.wipe.name": "Wipe",
    "response.wipe.title": "Wipe {device}",
    "response.wipe.button": "Wipe",
    "response.wipe.effect": "The device is reset to how it left the factory. All that is on it is lost, unless the"
    " choice says that the user's data stays.",
    "response.wipe.undo": "It cannot be undone.",
    "response.wipe.stand.handedover": "**Intune took it: {status}.** Whether the device is wiped only the device itself"
    " shows.",
    "parameter.keepuserdata": "The user's data",
    "choice.keepuserdata.false": "Erase it",
    "choice.keepuserdata.true": "Keep it (Windows)",
    "parameter.keepenrollmentdata": "Enrollment",
    "choice.keepenrollmentdata.false": "Leave Intune",
    "choice.keepenrollmentdata.true": "Stay in Intune",
}
