"""/request ID: the card of one request, here: where its card is out of sight, or in another conversation."""

import re

from bot.command import Command, Context, Reply
from bot.errors import UsageError
from bot.posts import Place, Post
from bot.responses import requests
from bot.responses.desk import Desk
from bot.roles import Role

ID = re.compile(r"WK-[0-9A-Z]{1,20}(-\d{2})?")
USAGE = "/request ID"


def _parse(words: str) -> str:
    name = words.strip().upper()
    if not ID.fullmatch(name):
        raise UsageError("error.no_request_id", usage=USAGE)
    return name


async def _run(context: Context, name: str) -> Reply:
    """An older card of it here becomes a pointer to the new one."""
    await requests.get(context.services, context.customer, name)
    here = Post(key="card", place=Place.of(context.conversation), locale=context.turn.locale, zone=context.turn.zone)
    await Desk(context.services, context.customer).show_here(name, here)
    return Reply(follow=(requests.KIND, name))


COMMAND = Command(
    name="request",
    usage=USAGE,
    examples=("/request WK-7QX2M",),
    role=Role.READER,
    parse=_parse,
    run=_run,
    slow=False,
)
