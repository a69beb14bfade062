"""/help and /help NAME: what one may do here, from the registry."""

from typing import Any

from bot.command import Command, Context, Reply
from bot.errors import NotFound
from bot.roles import Role
from cards.help import CommandHelp, command_help_card, help_card


def _parse(words: str) -> str:
    return words.removeprefix("/").casefold()


def described(command: Command[Any]) -> CommandHelp:
    """A command as the help cards show it."""
    return CommandHelp(
        name=command.name,
        usage=command.usage,
        examples=command.examples,
        aliases=command.aliases,
        role=command.role,
    )


async def _run(context: Context, name: str) -> Reply:
    """Show only what the person may do; a command they may not use does not exist for them."""
    mine = [command for command in context.features.commands if command.role <= context.role]
    if not name:
        listed = [described(command) for command in mine]
        return Reply(shown=help_card(context.look, context.role, listed, unread=context.doubt is not None))
    for command in mine:
        if name in (command.name, *command.aliases):
            return Reply(shown=command_help_card(context.look, described(command)))
    raise NotFound("error.no_such_command", name=name)


COMMAND = Command(
    name="help",
    usage="/help [COMMAND]",
    examples=("/help", "/help isolate"),
    role=Role.NONE,
    parse=_parse,
    run=_run,
    aliases=("?", "hi", "hello", "start"),
    menu=True,
    slow=False,
)
