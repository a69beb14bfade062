"""/get-file DEVICE PATH REASON: asks to fetch a file from a device; an approver decides."""

from collections.abc import Sequence

from bot.defender.client import Defender
from bot.defender.live.models import LiveCommand, get_file
from bot.library.values import file_path
from bot.responses.declared import Parameter, Response
from bot.responses.live import session
from bot.responses.models import Request
from bot.roles import Role
from handlers.live import LIVE_DEVICE, PLANS, UNSURE
from handlers.proposing import command_for

PATH = "Path"


def _commands(request: Request) -> Sequence[LiveCommand]:
    return [get_file(request.parameters[PATH])]


RESPONSE = Response(
    name="get-file",
    family="live",
    group="live",
    how=session(_commands),
    calls=(Defender.run_live_response,),
    risk="medium",
    asks=Role.OPERATOR,
    parameters=(Parameter(name=PATH, hint="PATH", check=file_path),),
    plans=PLANS,
    unsure=UNSURE,
    each=True,
)

COMMAND = command_for(
    RESPONSE, aim=LIVE_DEVICE, examples=(r'/get-file LAPTOP-042 "C:\Users\Public\invoice.exe" to be looked at',)
)

TEXTS = {
    "help.get-file.summary": "asks to fetch a file from a device",
    "response.get-file.name": "Fetched file",
    "response.get-file.title": "Fetch a file from {device}",
    "response.get-file.button": "Fetch file",
    "response.get-file.effect": "Defender copies the file from the device. Only who asked or decided is handed it, in"
    " the personal chat. It may be dangerous, or hold what is private.",
    "response.get-file.undo": "Nothing to undo.",
}
