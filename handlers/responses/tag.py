"""/tag DEVICE TAG: gives a device a tag; harmless, so it runs without a decision."""

from bot.defender.client import Defender
from bot.responses.declared import Response
from bot.roles import Role
from handlers.aiming import DEVICE
from handlers.device_settings import TAG, tagging, the_same
from handlers.proposing import command_for

RESPONSE = Response(
    name="tag",
    family="tags",
    how=tagging("Add"),
    calls=(Defender.change_tag,),
    risk="low",
    asks=Role.OPERATOR,
    approvals=0,
    needs_reason=False,
    parameters=(TAG,),
    inverse="untag",
    each=True,
    back=the_same,
    many=True,
    steers="tags",
)

COMMAND = command_for(RESPONSE, aim=DEVICE, examples=("/tag LAPTOP-042 finance", '/tag it "to be replaced"'))

TEXTS = {
    "help.tag.summary": "gives a device a tag",
    "response.tag.name": "Tag",
    "response.tag.title": "Tag {device}",
    "response.tag.button": "Tag",
    "response.tag.effect": "The device gets this tag and keeps the others. Device groups may go by tags.",
    "response.tag.undo": "Untag takes it away again.",
    "parameter.tag": "Tag",
}
