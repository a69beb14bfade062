"""Responses by live response: what their commands have in common, above all that a file of the library is there."""

import difflib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from bot.command import Command, Context, Reply
from bot.defender.client import Defender
from bot.defender.live.models import LibraryFile
from bot.errors import NotFound
from bot.library import catalogue
from bot.library.catalogue import Script
from bot.responses.declared import Response
from bot.responses.live import FILE_NAME, HASH, SCRIPT_NAME
from bot.responses.models import Evidence, Fact, Target
from handlers.aiming import Aim, last_time
from handlers.device_aim import MANAGED
from handlers.proposing import Asked, command_for, propose
from handlers.standing import admit

PLANS, UNSURE = frozenset({"WINDEFATP"}), frozenset({"MDE_SMB"})
"""The API page names Plan 2; the page of Defender for Business lists live response, in the portal (defender-api 5)."""

More = Callable[[Context, Target, Asked], Awaitable[tuple[Fact, ...]]]
Pick = Callable[[Sequence[LibraryFile], Asked], LibraryFile]


async def _gather(context: Context, target: Target, response: Response) -> Evidence:
    """What is known of the device. The last time is that of this response: one session is not like another."""
    read = await MANAGED.gather(context, target, response)
    ended, at = await last_time(context, target, response)
    return read.model_copy(update={"last_time": ended, "last_time_at": at})


LIVE_DEVICE = replace(MANAGED, gather=_gather)


def with_library(
    response: Response, pick: Pick, *, examples: tuple[str, ...], more: More | None = None
) -> Command[Asked]:
    """The command of a response that needs a file of the library: what it was is noted, and shown to who decides.

    `more` is what else is told of it.
    """
    command = command_for(response, aim=LIVE_DEVICE, examples=examples)

    async def run(context: Context, asked: Asked) -> Reply:
        await admit(context, response)
        target = await MANAGED.find(context, asked.target, response.name, asked.rest)
        file = pick(await context.defender.library_files(), asked)
        name = FILE_NAME if FILE_NAME in asked.parameters else SCRIPT_NAME
        parameters = {**asked.parameters, name: file.file_name, HASH: file.sha256 or ""}
        facts = (*facts_of(file), *(await more(context, target, asked) if more else ()))
        return await propose(context, response, _told(facts), target, replace(asked, parameters=parameters))

    return replace(command, run=run, needs=(*command.needs, Defender.library_files))


def _told(facts: tuple[Fact, ...]) -> Aim:
    """The device, and what is known of what is to be run on it."""

    async def gather(context: Context, target: Target, response: Response) -> Evidence:
        read = await LIVE_DEVICE.gather(context, target, response)
        return read.model_copy(update={"facts": (*read.facts, *facts)})

    return replace(LIVE_DEVICE, gather=gather)


def facts_of(file: LibraryFile) -> tuple[Fact, ...]:
    """What is known of a file without running it."""
    listed = (
        Fact(key="library-file", value=file.file_name),
        Fact(key="library-about", value=file.description or ""),
        Fact(key="library-by", value=file.created_by or ""),
        Fact(key="library-changed", at=file.last_updated_time),
        Fact(key="library-sha256", value=file.sha256 or ""),
    )
    return tuple(fact for fact in listed if fact.value or fact.at)


def by_name(files: Sequence[LibraryFile], name: str) -> LibraryFile:
    """The file of that name, in any case. Raises NotFound with the nearest names."""
    found = next((one for one in files if one.file_name.casefold() == name.casefold()), None)
    if found:
        return found
    near = difflib.get_close_matches(name.casefold(), [one.file_name.casefold() for one in files], 3)
    named = [one.file_name for one in files if one.file_name.casefold() in near]
    raise NotFound("error.live.no_such_file", name=name, near=", ".join(named) or "-")


def ours(files: Sequence[LibraryFile], script: Script) -> LibraryFile:
    """Our script in the wording that ships with this bot. Raises NotFound where it must be brought there first."""
    found = next((one for one in files if one.file_name.casefold() == script.file), None)
    said = catalogue.described(found.description) if found else None
    if found is None or said is None:
        raise NotFound("error.live.script_missing", name=script.file)
    if (said.name, said.mark) != (script.name, catalogue.mark(catalogue.content(script))):
        raise NotFound("error.live.script_outdated", name=script.file)
    return found
