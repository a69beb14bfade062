"""/untag DEVICE TAG: takes a tag away from a device; harmless, so it runs without a decision."""

from bot.defender.client import Defender
from bot.responses.declared import Response
from bot.roles import Role
from handlers.aiming import DEVICE
from handlers.device_settings import TAG, tagging, the_same
from handlers.proposing import command_for

RESPONSE = Response(
    name="untag",
    family="tags",
    how=tagging("Remove"),
    calls=(Defender.change_tag,),
    risk="low",
    asks=Role.OPERATOR,
    approvals=0,
    needs_reason=False,
    parameters=(TAG,),
    inverse="tag",
    each=True,
    back=the_same,
    many=True,
    steers="tags",
)

COMMAND = command_for(RESPONSE, aim=DEVICE, examples=("/untag LAPTOP-042 finance",))

TEXTS = {
    "help.untag.summary": "takes a tag away from a device",
    "response.untag.name": "Removal of a tag",
    "response.untag.title": "Take a tag from {device}",
    "response.untag.button": "Untag",
    "response.untag.effect": "The device loses this tag and keeps the others. Device groups may go by tags.",
    "response.untag.undo": "Tag gives it back.",
}
