"""A file of the live response library as the target of a response."""

from bot.command import Context
from bot.defender.client import Defender
from bot.library.values import library_name
from bot.responses.declared import Response
from bot.responses.models import Evidence, Fact, Target
from handlers.aiming import READ_SECONDS, Aim, last_time
from handlers.live import by_name, facts_of
from handlers.reading import Sources

LIBRARY = "library"
NEEDS = (Defender.library_files,)


def target_of(name: str) -> Target:
    """A file of that name; Defender tells names apart without regard to case."""
    return Target(id=name.casefold(), name=name, kind=LIBRARY)


async def _find(context: Context, word: str, _command: str, _rest: str) -> Target:
    file = by_name(await context.defender.library_files(), library_name(word))
    return target_of(file.file_name)


async def gather(context: Context, target: Target, response: Response) -> Evidence:
    """What the library says of the file, if it is there."""
    files = await Sources(READ_SECONDS, context).read("library", context.defender.library_files())
    found = next((one for one in files or () if one.file_name.casefold() == target.id), None)
    last, last_at = await last_time(context, target, response)
    unread = () if files is not None else (Fact(key="library-unread"),)
    facts = facts_of(found) if found else ()
    return Evidence(read_at=context.now, facts=facts, warnings=unread, last_time=last, last_time_at=last_at)


LIBRARY_FILE = Aim(
    kind=LIBRARY, hint="FILE", find=_find, gather=gather, needs=NEEDS, missing="error.live.bad_library_name"
)
