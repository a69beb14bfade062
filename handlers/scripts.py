"""What automated investigations do, as responses: each runs one of the project's own scripts on the device.

A script runs twice in one session: first it only looks, then it acts, and it says what was before and after.
`/preview` does the first half alone, without approval, so that whoever asks and decides can see it beforehand.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.command import Command, Context
from bot.defender.client import Defender
from bot.library.catalogue import SCRIPTS
from bot.library.values import (
    file_path,
    process,
    program,
    registry_key,
    registry_value,
    split_process,
    task,
)
from bot.responses import requests
from bot.responses.declared import Parameter, Response, Risk
from bot.responses.live import Job, scripted
from bot.responses.models import Fact, State, Target
from bot.roles import Role
from handlers.live import PLANS, UNSURE, ours, with_library
from handlers.proposing import Asked

FAMILY = "live"
PREVIEW, WHAT = "preview", "What"
Values = Callable[[Mapping[str, str]], Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a script works on: its parameters in a command, and how they become the script's arguments."""

    parameters: tuple[Parameter, ...]
    values: Values


def _process_values(given: Mapping[str, str]) -> Mapping[str, str]:
    name, number = split_process(given["Process"])
    return {"Name": name, "ProcessId": number}


SUBJECTS: Mapping[str, Subject] = {
    "quarantine-file": Subject(
        parameters=(Parameter(name="Path", hint="PATH", check=file_path),),
        values=lambda given: {"Path": given["Path"]},
    ),
    "remove-registry-key": Subject(
        parameters=(
            Parameter(name="Key", hint="KEY", check=registry_key),
            Parameter(name="Value", hint='"VALUE"', check=registry_value, optional=True),
        ),
        values=lambda given: {"Key": given["Key"], "Value": given.get("Value", "")},
    ),
    "kill-process": Subject(
        parameters=(Parameter(name="Process", hint="PROCESS", check=process),),
        values=_process_values,
    ),
    "stop-service": Subject(
        parameters=(Parameter(name="Service", hint="SERVICE", check=program),),
        values=lambda given: {"Name": given["Service"]},
    ),
    "disable-driver": Subject(
        parameters=(Parameter(name="Driver", hint="DRIVER", check=program),),
        values=lambda given: {"Name": given["Driver"]},
    ),
    "remove-task": Subject(
        parameters=(Parameter(name="Task", hint="TASK", check=task),),
        values=lambda given: {"Task": given["Task"]},
    ),
}


def response_for(script: str, *, name: str = "", inverse: str = "", risk: Risk = "medium") -> Response:
    """The response that a script carries out; under another `name` than the script's it is the one that undoes."""
    subject = SUBJECTS[script]
    undo = name not in {"", script}
    job = Job(script=SCRIPTS[script], values=subject.values, undo=undo)
    return Response(
        name=name or script,
        family=FAMILY,
        group="investigation",
        how=scripted(job),
        calls=(Defender.run_live_response,),
        risk=risk,
        asks=Role.OPERATOR,
        parameters=subject.parameters,
        inverse=inverse,
        back=(lambda given, _read: _typed(subject, given)) if inverse else None,
        plans=PLANS,
        unsure=UNSURE,
        each=True,
    )


def _typed(subject: Subject, given: Mapping[str, str]) -> dict[str, str]:
    """What was typed of a request's parameters; the script's file is looked up anew."""
    return {one.name: given[one.name] for one in subject.parameters if one.name in given}


def command_of(response: Response, script: str, *examples: str) -> Command[Asked]:
    """Its command: it is refused where the library lacks the script."""

    async def looked(context: Context, target: Target, asked: Asked) -> tuple[Fact, ...]:
        return await previewed(context, target, {WHAT: response.name, **asked.parameters})

    return with_library(response, lambda files, _asked: ours(files, SCRIPTS[script]), examples=examples, more=looked)


async def previewed(context: Context, target: Target, wanted: Mapping[str, str]) -> tuple[Fact, ...]:
    """What the newest look at the same thing found, if there was one."""
    for one in await requests.latest(context.services, context.customer, target.id):
        same = one.response == PREVIEW and all(one.parameters.get(name, "") == value for name, value in wanted.items())
        if not same or one.state is not State.SUCCEEDED:
            continue
        found = ((f"previewed-{key}", one.result.get(f"script-{key}", "")) for key in ("before", "would"))
        return (Fact(key="previewed", at=one.ended), *(Fact(key=key, value=value) for key, value in found if value))
    return ()
