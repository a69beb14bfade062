"""/preview DEVICE WHAT VALUE: what a script would change on a device. It only looks, so nobody needs to approve."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.defender.client import Defender
from bot.defender.live.models import LibraryFile, LiveCommand
from bot.defender.models import MachineAction
from bot.devices import first_word
from bot.errors import UsageError
from bot.library.catalogue import SCRIPTS
from bot.responses.declared import Parameter, Remote, Response
from bot.responses.live import Job, session
from bot.responses.models import Request, Work
from bot.roles import Role
from handlers.device_aim import MANAGED
from handlers.live import PLANS, UNSURE, ours, with_library
from handlers.proposing import Asked, parse_for
from handlers.scripts import FAMILY, PREVIEW, SUBJECTS, WHAT, response_for

USAGE = f"/preview DEVICE {'|'.join(SUBJECTS)} VALUE"


def _job(given: Mapping[str, str]) -> Job:
    what = given[WHAT]
    return Job(script=SCRIPTS[what], values=SUBJECTS[what].values, apply=False)


def _commands(request: Request) -> Sequence[LiveCommand]:
    return _job(request.parameters).commands(request)


async def _read(remote: Remote, request: Request, action: MachineAction, work: Work) -> Work:
    return await _job(request.parameters).read(remote, request, action, work)


RESPONSE = Response(
    name=PREVIEW,
    family=FAMILY,
    group="investigation",
    how=session(_commands, _read, library=True),
    calls=(Defender.run_live_response,),
    risk="low",
    asks=Role.OPERATOR,
    approvals=0,
    needs_reason=False,
    parameters=(Parameter(name=WHAT, choices={name: name for name in SUBJECTS}),),
    plans=PLANS,
    unsure=UNSURE,
    each=True,
)


def _parse(words: str) -> Asked:
    device, rest = first_word(words)
    what, after = first_word(rest)
    if not device or what.casefold() not in SUBJECTS:
        raise UsageError("error.live.no_preview", usage=USAGE)
    name = what.casefold()
    kind = replace(response_for(name), needs_reason=False)
    asked = parse_for(kind, MANAGED)(f'"{device}" {after}')
    return replace(asked, target=device, parameters={WHAT: name, **asked.parameters}, rest=rest)


def _script(files: Sequence[LibraryFile], asked: Asked) -> LibraryFile:
    """The script that looks. Raises UsageError where a press does not say at what, which only a typed line does."""
    what = asked.parameters[WHAT]
    if any(one.name not in asked.parameters for one in SUBJECTS[what].parameters if not one.optional):
        raise UsageError("error.live.no_preview", usage=USAGE)
    return ours(files, SCRIPTS[what])


COMMAND = replace(
    with_library(
        RESPONSE,
        _script,
        examples=(
            r'/preview LAPTOP-042 quarantine-file "C:\Users\Public\invoice.exe"',
            "/preview it stop-service InvoiceSvc",
        ),
    ),
    usage=USAGE,
    parse=_parse,
)

TEXTS = {
    "help.preview.summary": "has a script look at what it would change on a device; it changes nothing",
    "response.preview.name": "Preview",
    "response.preview.title": "Look at what would change on {device}",
    "response.preview.button": "Preview",
    "response.preview.effect": "A script looks, and changes nothing.",
    "response.preview.undo": "Nothing to undo.",
    "error.live.no_preview": "Please name a device, what would be done to it, and what it would be done to.",
}
