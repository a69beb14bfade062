"""/help, /help GROUP and /help NAME: what one may do here, from the registry."""

from typing import Any, get_args

from bot.command import Command, Context, Reply
from bot.errors import NotFound
from bot.responses.declared import Group, Response
from bot.roles import Role
from cards.help import CommandHelp, ResponseHelp, command_help_card, help_card, help_group_card
from cards.status_view import PlanView
from handlers.deciders import decided
from handlers.standing import plan_of

RESPONSE_GROUPS: tuple[str, ...] = get_args(Group)


def _parse(words: str) -> str:
    return " ".join(words.split()).casefold()


def described(command: Command[Any], response: ResponseHelp | None = None) -> CommandHelp:
    """A command as the help cards show it."""
    return CommandHelp(
        name=command.name,
        usage=command.usage,
        examples=command.examples,
        aliases=command.aliases,
        role=command.role,
        response=response,
    )


async def _run(context: Context, asked: str) -> Reply:
    """Show only what the person may do; a command they may not use does not exist for them.

    `/help device` is a group where there is one of that name, `/help /device` always the command.
    """
    mine = await _mine(context)
    name = asked.removeprefix("/")
    if not name:
        return Reply(shown=help_card(context.look, context.role, mine, unread=context.doubt is not None))
    of_group = [one for one in mine if one.response and one.response.group == name]
    found = next((one for one in mine if name in (one.name, *one.aliases)), None)
    if of_group and not asked.startswith("/"):
        listed = [*of_group, *([found] if found and not found.response else [])]
        return Reply(shown=help_group_card(context.look, context.role, name, listed))
    if found:
        return Reply(shown=command_help_card(context.look, found))
    raise NotFound("error.no_such_command", name=name)


async def _mine(context: Context) -> list[CommandHelp]:
    """The commands that the person may use; of responses also what the tenant's plan and permissions leave of them."""
    responses = context.services.responses
    plan = await plan_of(context) if context.role >= Role.OPERATOR else None
    return [
        described(command, _of(context, responses[command.name], plan) if command.name in responses else None)
        for command in context.features.commands
        if command.role <= context.role
    ]


def _of(context: Context, response: Response, plan: PlanView | None) -> ResponseHelp:
    how = decided(context, response)
    if plan is None:
        return ResponseHelp(decided=how, inverse=response.inverse)
    needs = next((permission for permission, names in plan.forbidden.items() if response.name in names), "")
    lacks = {
        "plan": response.name in plan.lacking,
        "refused": response.name in plan.refused,
        "permission": bool(needs),
    }
    first = next((name for name, holds in lacks.items() if holds), "")
    return ResponseHelp(
        decided=how, inverse=response.inverse, lacks=first, needs=needs if first == "permission" else ""
    )


COMMAND = Command(
    name="help",
    usage="/help [GROUP|COMMAND]",
    examples=("/help", "/help device", "/help isolate"),
    role=Role.NONE,
    parse=_parse,
    run=_run,
    aliases=("?", "hi", "hello", "start"),
    menu=True,
    slow=False,
)
