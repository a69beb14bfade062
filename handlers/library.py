"""/library: what is in the live response library, and which of the bot's own scripts are lacking there."""

from bot.command import Command, Context, Reply
from bot.defender.client import Defender
from bot.errors import NotFound, UsageError
from bot.library.catalogue import SCRIPTS
from bot.roles import Role
from cards.library import LibraryView, library_card
from handlers.live import ours

USAGE = "/library"


def _parse(words: str) -> None:
    if words.strip():
        raise UsageError("error.usage", usage=USAGE)


async def _run(context: Context, _nothing: None) -> Reply:
    files = await context.defender.library_files()
    lacking = []
    for script in SCRIPTS.values():
        try:
            ours(files, script)
        except NotFound:
            lacking.append(script.name)
    ordered = sorted(files, key=lambda file: file.file_name.casefold())
    return Reply(shown=library_card(context.look, LibraryView(files=ordered, lacking=lacking)))


COMMAND = Command(
    name="library",
    usage=USAGE,
    examples=("/library",),
    role=Role.READER,
    parse=_parse,
    run=_run,
    needs=(Defender.library_files,),
)
