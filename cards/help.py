"""What the bot can do: the everyday commands, the responses by what they are done to, and one command in detail."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.roles import Role
from bot.turn import Look, Shown
from cards import button, parts
from cards.elements import Container, TextBlock
from cards.policy import Decided, decided_by
from cards.text import Safe, count, escape, join, known, plain, say, word

GROUPS = {
    Role.NONE: "help.group.everyone",
    Role.READER: "help.group.reader",
    Role.OPERATOR: "help.group.operator",
    Role.APPROVER: "help.group.approver",
    Role.ADMIN: "help.group.admin",
}
NAMED = 4
"""So many responses of a group are named on the card of all; the rest is counted."""


@dataclass(frozen=True, kw_only=True)
class ResponseHelp:
    """What help tells of a response besides: how it is decided, what undoes it, and what stands in its way.

    `lacks` is empty, `plan`, `permission` or `refused`; `needs` the permission that is not granted.
    """

    decided: Decided
    inverse: str = ""
    lacks: str = ""
    needs: str = ""

    @property
    def group(self) -> str:
        """What it is done to."""
        return self.decided.group


@dataclass(frozen=True, kw_only=True)
class CommandHelp:
    """What help tells of a command; its summary is the text `help.<name>.summary`."""

    name: str
    usage: str
    examples: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    role: Role = Role.NONE
    response: ResponseHelp | None = None


def help_card(look: Look, role: Role, commands: Sequence[CommandHelp], *, unread: bool = False) -> Shown:
    """Show the everyday commands by the role they need, and the responses by their groups, each on one line.

    Commands that need more than the person's role are marked. `unread`: the person's role could not be read.
    """
    held = say(look, "word.unread") if unread else word(look, "role", role.word)
    body = [
        parts.heading(say(look, "help.title"), say(look, "help.how")),
        parts.note(say(look, "help.role", role=held)),
        parts.note(say(look, "help.tap")),
    ]
    for needed, key in GROUPS.items():
        group = [command for command in commands if command.role is needed and command.response is None]
        if group:
            body.append(parts.section(say(look, key), *[_row(look, role, command) for command in group]))
        if needed is Role.OPERATOR and (lines := _groups(look, commands)):
            body.append(parts.section(say(look, "help.responses"), *lines))
    return parts.shown(body, plain(look, "help.summary"))


def _groups(look: Look, commands: Sequence[CommandHelp]) -> list[Container]:
    """Each group of responses with its first few names; a tap opens it."""
    names: dict[str, list[str]] = {}
    for command in commands:
        if command.response:
            names.setdefault(command.response.group, []).append(command.name)
    return [_group_row(look, group, of) for group, of in names.items()]


def _group_row(look: Look, group: str, names: Sequence[str]) -> Container:
    title = say(look, f"policy.group.{group}")
    listed = [escape(name) for name in names[:NAMED]]
    if len(names) > NAMED:
        listed.append(escape(count(look, "part.more", len(names) - NAMED)))
    opens = button.run(plain(look, "help.command", name=group), f"help {group}")
    text = say(look, "help.group-row", group=group, title=title, names=join(listed))
    return Container([TextBlock(text)], spacing="Small", select=opens)


def help_group_card(look: Look, role: Role, group: str, commands: Sequence[CommandHelp]) -> Shown:
    """Show the responses of a group with their forms and what stands in the way of each; others of that name after."""
    responses = [command for command in commands if command.response]
    others = [command for command in commands if command.response is None]
    title = say(look, f"policy.group.{group}")
    body = [
        parts.heading(title, say(look, "help.how")),
        parts.note(say(look, "help.tap")),
        *[_row(look, role, command) for command in responses],
        parts.section(say(look, "help.also"), *[_row(look, role, one) for one in others]) if others else None,
    ]
    summary = plain(look, "help.group.summary", name=group)
    return parts.shown([part for part in body if part], summary, [button.run(plain(look, "help.all"), "help")])


def command_help_card(look: Look, command: CommandHelp) -> Shown:
    """Show one command: form, examples, other names, role; of a response also what it does and who decides."""
    needs = word(look, "role", command.role.word) if command.role else say(look, "help.anyone")
    facts = [
        (say(look, "help.usage"), escape(command.usage, 300)),
        (say(look, "help.aliases"), join(escape(a) for a in command.aliases) if command.aliases else None),
        (say(look, "help.needs"), needs),
        *(_of_response(look, command.name, command.response) if command.response else ()),
    ]
    lacks = _lacks(look, command.response)
    body = [
        parts.heading(escape(f"/{command.name}"), _summary(look, command)),
        parts.line(lacks, "Attention") if lacks else None,
        parts.facts(facts),
    ]
    if command.examples:
        examples = [parts.line(escape(example, 300)) for example in command.examples]
        body.append(parts.section(say(look, "help.examples"), *examples))
    summary = plain(look, "help.command.summary", name=command.name, usage=command.usage)
    return parts.shown([part for part in body if part], summary, [button.run(plain(look, "help.all"), "help")])


def _of_response(look: Look, name: str, response: ResponseHelp) -> list[tuple[Safe, Safe | None]]:
    """What it does, what undoes it, who decides."""
    effect, undo = f"response.{name}.effect", f"response.{name}.undo"
    inverse = escape(f"/{response.inverse}") if response.inverse else None
    return [
        (say(look, "help.effect"), say(look, effect) if known(effect) else None),
        (say(look, "help.undo"), say(look, undo) if known(undo) else inverse),
        (say(look, "help.decided"), decided_by(look, response.decided)),
    ]


def _lacks(look: Look, response: ResponseHelp | None) -> Safe | None:
    if response is None or not response.lacks:
        return None
    return say(look, f"help.lacks.{response.lacks}", **({"permission": response.needs} if response.needs else {}))


def _brief(usage: str) -> str:
    """A form without what stands in brackets within brackets: `/actions [pending|history ...]`."""
    depth, kept = 0, ""
    for character in usage:
        depth += character == "["
        if depth <= 1 or not kept.endswith("..."):
            kept += character if depth <= 1 else "..."
        depth -= character == "]"
    return re.sub(r"\.\.\.( \.\.\.)+", "...", kept)


def _row(look: Look, role: Role, command: CommandHelp) -> Container:
    usage, summary = escape(_brief(command.usage), 300), _summary(look, command)
    text = say(look, "help.row", usage=usage, summary=summary)
    if command.role > role:
        needed = word(look, "role", command.role.word)
        text = say(look, "help.row.needs", usage=usage, summary=summary, role=needed)
    elif lacks := _lacks(look, command.response):
        text = say(look, "help.row.lacks", usage=usage, summary=summary, lacks=lacks)
    opens = button.run(plain(look, "help.command", name=command.name), f"help /{command.name}")
    return Container([TextBlock(text)], spacing="Small", select=opens)


def _summary(look: Look, command: CommandHelp) -> Safe:
    key = f"help.{command.name}.summary"
    return say(look, key) if known(key) else escape("")
