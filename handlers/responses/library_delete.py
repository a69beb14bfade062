"""/library-delete FILE REASON: asks to take a file out of the live response library; an approver decides."""

from bot.defender.client import Defender
from bot.responses.declared import Response
from bot.responses.library import deletion
from bot.roles import Role
from handlers.library_aim import LIBRARY, LIBRARY_FILE
from handlers.live import PLANS, UNSURE
from handlers.proposing import command_for

RESPONSE = Response(
    name="library-delete",
    family="library",
    group="live",
    target=LIBRARY,
    how=deletion(),
    calls=(Defender.delete_library_file,),
    risk="medium",
    asks=Role.OPERATOR,
    plans=PLANS,
    unsure=UNSURE,
)

COMMAND = command_for(RESPONSE, aim=LIBRARY_FILE, examples=("/library-delete old-tool.ps1 nobody needs it any more",))

TEXTS = {
    "help.library-delete.summary": "asks to delete a file of the live response library",
    "response.library-delete.name": "File deleted from the library",
    "response.library-delete.title": "Delete {device} from the live response library",
    "response.library-delete.button": "Delete from library",
    "response.library-delete.effect": "The file can no longer be run or put on a device.",
    "response.library-delete.undo": "Only somebody who has the file can upload it again.",
}
