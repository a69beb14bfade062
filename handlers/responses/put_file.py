"""/put-file DEVICE FILE REASON: asks to put a file of the library on a device; an approver decides."""

from collections.abc import Sequence

from bot.defender.client import Defender
from bot.defender.live.models import LiveCommand, put_file
from bot.library.values import library_name
from bot.responses.declared import Parameter, Response
from bot.responses.live import FILE_NAME, session
from bot.responses.models import Request
from bot.roles import Role
from handlers.live import PLANS, UNSURE, by_name, with_library


def _commands(request: Request) -> Sequence[LiveCommand]:
    return [put_file(request.parameters[FILE_NAME])]


RESPONSE = Response(
    name="put-file",
    family="live",
    group="live",
    how=session(_commands, library=True),
    calls=(Defender.run_live_response,),
    risk="medium",
    asks=Role.OPERATOR,
    parameters=(Parameter(name=FILE_NAME, hint="FILE", check=library_name),),
    plans=PLANS,
    unsure=UNSURE,
    each=True,
)

COMMAND = with_library(
    RESPONSE,
    lambda files, asked: by_name(files, asked.parameters[FILE_NAME]),
    examples=("/put-file LAPTOP-042 autoruns.exe for the next script",),
)

TEXTS = {
    "help.put-file.summary": "asks to put a file of the live response library on a device",
    "response.put-file.name": "File put on a device",
    "response.put-file.title": "Put a file on {device}",
    "response.put-file.button": "Put file",
    "response.put-file.effect": "Defender puts the file into its own folder on the device. It does not run by itself.",
    "response.put-file.undo": "The bot cannot take it away again.",
}
