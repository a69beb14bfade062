"""What the bot can do: all commands, and one in detail. Both derive from the registered commands."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.roles import Role
from bot.turn import Look, Shown
from cards import button, parts
from cards.elements import Container, TextBlock
from cards.text import Safe, escape, join, known, plain, say, word

GROUPS = {
    Role.NONE: "help.group.everyone",
    Role.READER: "help.group.reader",
    Role.OPERATOR: "help.group.operator",
    Role.APPROVER: "help.group.approver",
    Role.ADMIN: "help.group.admin",
}


@dataclass(frozen=True, kw_only=True)
class CommandHelp:
    """What help tells of a command; its summary is the text `help.<name>.summary`."""

    name: str
    usage: str
    examples: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    role: Role = Role.NONE


def help_card(look: Look, role: Role, commands: Sequence[CommandHelp], *, unread: bool = False) -> Shown:
    """Show all commands, by the role they need; those that need more than the person's are marked.

    `unread`: the person's role could not be read.
    """
    held = say(look, "word.unread") if unread else word(look, "role", role.word)
    body = [
        parts.heading(say(look, "help.title"), say(look, "help.how")),
        parts.note(say(look, "help.role", role=held)),
        parts.note(say(look, "help.tap")),
    ]
    for needed, key in GROUPS.items():
        group = [command for command in commands if command.role is needed]
        if group:
            body.append(parts.section(say(look, key), *[_row(look, role, command) for command in group]))
    return parts.shown(body, plain(look, "help.summary"))


def command_help_card(look: Look, command: CommandHelp) -> Shown:
    """Show one command: its form, examples, other names and the role it needs."""
    needs = word(look, "role", command.role.word) if command.role else say(look, "help.anyone")
    body = [
        parts.heading(escape(f"/{command.name}"), _summary(look, command)),
        parts.facts(
            [
                (say(look, "help.usage"), escape(command.usage)),
                (say(look, "help.aliases"), join(escape(a) for a in command.aliases) if command.aliases else None),
                (say(look, "help.needs"), needs),
            ]
        ),
    ]
    if command.examples:
        examples = [parts.line(escape(example)) for example in command.examples]
        body.append(parts.section(say(look, "help.examples"), *examples))
    summary = plain(look, "help.command.summary", name=command.name, usage=command.usage)
    return parts.shown(body, summary, [button.run(plain(look, "help.all"), "help")])


def _row(look: Look, role: Role, command: CommandHelp) -> Container:
    usage, summary = escape(command.usage), _summary(look, command)
    text = say(look, "help.row", usage=usage, summary=summary)
    if command.role > role:
        needed = word(look, "role", command.role.word)
        text = say(look, "help.row.needs", usage=usage, summary=summary, role=needed)
    opens = button.run(plain(look, "help.command", name=command.name), f"help {command.name}")
    return Container([TextBlock(text)], spacing="Small", select=opens)


def _summary(look: Look, command: CommandHelp) -> Safe:
    key = f"help.{command.name}.summary"
    return say(look, key) if known(key) else escape("")
