"""/output REQUEST-ID [file]: what a live response left, for who asked for it or decided on it, in the personal chat.

It is fetched when it is asked for and not kept. The answer to a press is kept for redeliveries, so for a press it is
posted as a message, and the answer is a sentence.
"""

import re
from dataclasses import dataclass

from bot import files
from bot.command import Command, Context, Reply
from bot.errors import NotFound, UsageError
from bot.turn import Shown
from cards.output import OutputView, offered_card, output_card
from cards.text import NAME, clean, plain
from handlers.outputs import NEEDS, ROLE, SOURCE, Left, left_by, note

ID = re.compile(r"WK-[0-9A-Z]{1,20}(-\d{1,3})?")
USAGE = "/output REQUEST-ID [file]"
SHOWN, HANDED = "output shown", "output offered"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A request's id, and whether all of it is wanted as a file."""

    name: str
    as_file: bool


def _parse(words: str) -> Wanted:
    name, _, rest = words.strip().partition(" ")
    if not ID.fullmatch(name.upper()) or rest.strip().casefold() not in {"", "file"}:
        raise UsageError("error.no_request_id", usage=USAGE)
    return Wanted(name=name.upper(), as_file=bool(rest.strip()))


async def _run(context: Context, wanted: Wanted) -> Reply:
    left = await left_by(context, wanted.name)
    script = left.script
    if wanted.as_file or left.command.command.type == "GetFile":
        return await _offered(context, left)
    if script is None:
        raise NotFound("error.live.output_unreadable", id=left.request.id)
    await note(context, left.request, SHOWN)
    view = OutputView(
        request=left.request.id,
        device=left.request.target.name,
        script=left.command.command.value("ScriptName"),
        exit_code=script.exit_code,
        output=(script.script_output or "").replace("\0", ""),
        errors=script.script_errors or "",
    )
    return await _beside(context, output_card(context.look, view))


async def _beside(context: Context, shown: Shown) -> Reply:
    """The card, on a way on which nothing of it is kept."""
    if context.turn.kind == "message":
        return Reply(shown=shown)
    await context.services.teams.post(context.conversation, shown)
    return Reply(note=plain(context.look, "output.below"))


async def _offered(context: Context, left: Left) -> Reply:
    name, content = left.as_file()
    if not content:
        raise NotFound("error.live.output_gone", id=left.request.id)
    if len(content) > files.MOST_BYTES:
        raise NotFound("error.live.output_large", most=files.MOST_BYTES // (1024 * 1024))
    await note(context, left.request, HANDED)
    device = clean(left.request.target.name, NAME)
    what = {"path": left.path, "device": device} if left.script is None else {"script": name, "device": device}
    described = plain(context.look, "output.file-described" if left.script is None else "output.described", **what)
    await files.offer(context, name, content, described, ROLE, source=f"{SOURCE}{left.request.id}")
    return Reply(shown=offered_card(context.look, described))


COMMAND = Command(
    name="output",
    usage=USAGE,
    examples=("/output WK-7QX2M", "/output WK-7QX2M file"),
    role=ROLE,
    parse=_parse,
    run=_run,
    needs=NEEDS,
)
