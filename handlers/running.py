"""The button "run": a line as if it had been typed, through the same checks. Pages replace the card they are on."""

from dataclasses import replace

from bot.command import Button, Context, Reply
from bot.errors import NotAllowed
from bot.line import Commands
from bot.roles import Role
from bot.turn import Click
from handlers.paging import PAGE


async def _run(context: Context, click: Click) -> Reply:
    command, words = Commands(context.features.commands).find(click.id)
    context.require(command.role, NotAllowed("error.role", role=command.role.word, command=command.name))
    reply = await command.run(context, command.parse(words))
    return replace(reply, beside=not PAGE.search(click.id))


BUTTON = Button(verb="run", role=Role.NONE, run=_run, slow=True, typed=True)
