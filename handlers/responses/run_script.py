"""/run-script DEVICE SCRIPT ["ARGUMENTS"] REASON: asks to run a script of the library; an approver decides."""

from collections.abc import Sequence

from bot.defender.client import Defender
from bot.defender.live.models import LiveCommand, run_script
from bot.library.values import library_name, script_arguments
from bot.responses.declared import Parameter, Response
from bot.responses.live import SCRIPT_NAME, read_exit_code, session
from bot.responses.models import Request
from bot.roles import Role
from handlers.live import PLANS, UNSURE, by_name, with_library

ARGS = "Args"


def _commands(request: Request) -> Sequence[LiveCommand]:
    return [run_script(request.parameters[SCRIPT_NAME], request.parameters.get(ARGS, ""))]


RESPONSE = Response(
    name="run-script",
    family="live",
    group="live",
    how=session(_commands, read_exit_code, library=True),
    calls=(Defender.run_live_response,),
    risk="high",
    asks=Role.OPERATOR,
    parameters=(
        Parameter(name=SCRIPT_NAME, hint="SCRIPT", check=library_name),
        Parameter(name=ARGS, hint='"ARGUMENTS"', check=script_arguments, optional=True),
    ),
    plans=PLANS,
    unsure=UNSURE,
    each=True,
)

COMMAND = with_library(
    RESPONSE,
    lambda files, asked: by_name(files, asked.parameters[SCRIPT_NAME]),
    examples=(
        "/run-script LAPTOP-042 list-autostart.ps1 what starts there",
        '/run-script LAPTOP-042 memdump.ps1 "-ProcessId 4711" memory of the suspect process',
    ),
)

TEXTS = {
    "help.run-script.summary": "asks to run a script of the live response library",
    "response.run-script.name": "Script",
    "response.run-script.title": "Run a script on {device}",
    "response.run-script.button": "Run script",
    "response.run-script.effect": "The script runs on the device with the rights of the system, for ten minutes at"
    " most. What it does, only the script itself says.",
    "response.run-script.undo": "The bot cannot undo what a script does.",
}
