"""/library-upload [replace] REASON, with a file: asks to put it into the library; an approver decides.

A script of the library runs with all rights on any device, so a second person must agree. The file comes along with the
message, which Teams does in the personal chat alone; it is kept as long as the request may still be sent, and what is
sent has its hash.
"""

from dataclasses import replace
from datetime import timedelta

from bot.command import Context, Reply
from bot.defender.client import Defender
from bot.download import TOO_LARGE
from bot.errors import NotFound, Rejected, UsageError
from bot.library.catalogue import is_signed
from bot.library.values import library_name
from bot.responses.declared import Parameter, Response
from bot.responses.library import REPLACE, upload
from bot.responses.live import HASH
from bot.responses.models import Evidence, Fact, Target
from bot.responses.ruling import ruled
from bot.roles import Role
from bot.uploads import MOST_BYTES, keep
from handlers.library_aim import LIBRARY, LIBRARY_FILE, gather, target_of
from handlers.live import PLANS, UNSURE
from handlers.proposing import Asked, check_reason, command_for, propose
from handlers.standing import admit

USAGE = "/library-upload [replace] REASON"
REPLACING = "replace"

RESPONSE = Response(
    name="library-upload",
    family="library",
    group="live",
    target=LIBRARY,
    how=upload(),
    calls=(Defender.upload_library_file,),
    risk="high",
    asks=Role.OPERATOR,
    parameters=(Parameter(name=REPLACE, choices={"new": "false", REPLACING: "true"}),),
    plans=PLANS,
    unsure=UNSURE,
    each=True,
)


def _parse(words: str) -> Asked:
    first, _, rest = words.strip().partition(" ")
    replacing = first.casefold() == REPLACING
    reason = rest.strip() if replacing else words.strip()
    check_reason(RESPONSE, reason, USAGE)
    return Asked(target="", parameters={REPLACE: "true" if replacing else "false"}, reason=reason, rest=words)


async def _run(context: Context, asked: Asked) -> Reply:
    if context.conversation.kind != "personal" or len(context.turn.files) != 1:
        raise UsageError("error.live.no_upload", usage=USAGE)
    await admit(context, RESPONSE)
    file = context.turn.files[0]
    name, content = library_name(file.name), await _read(context, file.url)
    listed = await context.defender.library_files()
    there = any(one.file_name.casefold() == name.casefold() for one in listed)
    if there and asked.parameters[REPLACE] != "true":
        raise NotFound("error.live.upload_taken", name=name)
    sha256 = await keep(context.services.store, context.customer, content, now=context.now, wait=_wait(context, name))
    asked = replace(asked, parameters={**asked.parameters, HASH: sha256})

    async def told(context: Context, target: Target, response: Response) -> Evidence:
        read = await gather(context, target, response)
        return read.model_copy(update={"facts": (*_facts(content, sha256), *_before(read.facts))})

    aim = replace(LIBRARY_FILE, gather=told)
    return await propose(context, RESPONSE, aim, target_of(name), asked)


def _wait(context: Context, name: str) -> timedelta:
    """How long the request may wait for a decision, and then to be sent."""
    ruling = ruled(
        context.services, RESPONSE, role=context.role, now=context.now, target=target_of(name), evidence=None
    )
    return ruling.time_to_live + ruling.send_within


async def _read(context: Context, url: str) -> bytes:
    """The file that came along. Raises UsageError for one that is empty or too large."""
    try:
        content = await context.services.teams.read_file(url, most=MOST_BYTES)
    except Rejected as error:
        if error.code == TOO_LARGE:
            raise UsageError("error.live.upload_large", most=MOST_BYTES // (1024 * 1024)) from None
        raise
    if not content:
        raise UsageError("error.live.upload_large", most=MOST_BYTES // (1024 * 1024))
    return content


def _facts(content: bytes, sha256: str) -> tuple[Fact, ...]:
    return (
        Fact(key="library-size", value=f"{len(content):,}"),
        Fact(key="library-sha256", value=sha256),
        Fact(key="library-signed", value="yes" if is_signed(content) else "no"),
    )


def _before(facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """Of the file that it replaces: since when it is as it is."""
    return tuple(Fact(key="library-replaces", at=fact.at) for fact in facts if fact.key == "library-changed")


COMMAND = replace(
    command_for(RESPONSE, aim=LIBRARY_FILE, examples=("/library-upload finds what starts by itself",)),
    usage=USAGE,
    parse=_parse,
    run=_run,
)

TEXTS = {
    "help.library-upload.summary": "asks to put the file sent along into the live response library",
    "response.library-upload.name": "File put into the library",
    "response.library-upload.title": "Put {device} into the live response library",
    "response.library-upload.button": "Put into library",
    "response.library-upload.effect": "The file can then be put on any device, and a script be run on it with the"
    " rights of the system.",
    "response.library-upload.undo": "It can be deleted again. A file that it replaced is lost.",
    "error.live.no_upload": "Please send one file along with this command, in the personal chat with me.",
    "error.live.upload_large": "I take files up to {most} MB that are not empty. Larger ones go into the library in the"
    " Defender portal.",
    "error.live.upload_taken": "**{name}** is in the library already. To replace it: **library-upload replace**, with a"
    " reason and the file.",
}
