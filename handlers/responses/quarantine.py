"""/quarantine DEVICE SHA1 REASON: asks to stop a file on a device and lock it away; an approver decides."""

import re
from collections.abc import Mapping
from dataclasses import replace

from bot.command import Context
from bot.defender.client import Defender
from bot.defender.models import MachineAction
from bot.errors import UsageError
from bot.responses.declared import Parameter, Response
from bot.responses.how import machine_action
from bot.responses.models import Request, Target
from bot.roles import Role
from handlers.aiming import Aim
from handlers.device_aim import MANAGED_WINDOWS
from handlers.indicator_facts import FILE_NEEDS, Told, told_of_file
from handlers.proposing import command_for

SHA1 = re.compile(r"[0-9a-f]{40}")


def _sha1(text: str) -> str:
    if not SHA1.fullmatch(text.lower()):
        raise UsageError("error.no_sha1")
    return text.lower()


async def _send(defender: Defender, request: Request, comment: str) -> MachineAction:
    return await defender.quarantine_file(request.target.id, comment=comment, sha1=request.parameters["Sha1"])


def _same(request: Request, action: MachineAction) -> bool:
    """The same file; of one that the action does not name, nobody knows."""
    file = action.related_file_info
    return (file.file_identifier or "").lower() == request.parameters["Sha1"] if file else False


async def _about(context: Context, _target: Target, typed: Mapping[str, str]) -> Told:
    return await told_of_file(context, typed["Sha1"])


_AIM: Aim = replace(MANAGED_WINDOWS, about=_about, needs=(*MANAGED_WINDOWS.needs, *FILE_NEEDS))

RESPONSE = Response(
    name="quarantine",
    family="quarantine",
    group="file",
    how=machine_action(_send, types={"StopAndQuarantineFile"}, same=_same),
    calls=(Defender.quarantine_file,),
    risk="medium",
    asks=Role.OPERATOR,
    parameters=(Parameter(name="Sha1", hint="SHA1", check=_sha1),),
    plans=frozenset({"WINDEFATP"}),
    each=True,
)

COMMAND = command_for(
    RESPONSE,
    aim=_AIM,
    examples=("/quarantine LAPTOP-042 1f8b5c0e9d7a6b4c3d2e1f0a9b8c7d6e5f4a3b2c dropped by a mail",),
)

TEXTS = {
    "help.quarantine.summary": "asks to stop a file on a device and lock it away",
    "response.quarantine.name": "Quarantine of a file",
    "response.quarantine.title": "Quarantine a file on {device}",
    "response.quarantine.button": "Quarantine a file",
    "response.quarantine.effect": "What runs of the file is stopped, and the file is locked away, on this device. It"
    " does not work for files signed by Microsoft or by a trusted publisher.",
    "response.quarantine.undo": "No call undoes it. The file can be restored on its page in the Defender portal.",
    "parameter.sha1": "SHA-1",
    "error.no_sha1": "Please give the file's SHA-1, which has 40 digits from 0 to f.",
}
