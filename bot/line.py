"""A line that somebody typed, as a command's name and its words (teams-platform 6.4)."""

from collections.abc import Mapping, Sequence
from typing import Any

from rapidfuzz import fuzz, process

from bot.command import Command
from bot.errors import UsageError

REPLACED = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " ", "\u2013": "-", "\u2014": "--"}
)
BOT_NAME = "watchkeeper"
ALIKE = 70.0
LONGEST = 2000
"""So many characters has a line that is no command's; a command says its own number."""


class Commands:
    """The registered commands by every name they answer to."""

    def __init__(self, commands: Sequence[Command[Any]]) -> None:
        self.all = tuple(commands)
        self._named: Mapping[str, Command[Any]] = {name: c for c in commands for name in (c.name, *c.aliases)}

    def find(self, line: str) -> tuple[Command[Any], str]:
        """The command and the words after its name. Raises UsageError, with the nearest name where there is one."""
        words = line.translate(REPLACED).strip()
        name, _, rest = words.partition(" ")
        name = name.removeprefix("/").casefold()
        if name == BOT_NAME and rest.strip():  # Teams lets people write "/Watchkeeper score"
            name, _, rest = rest.strip().partition(" ")
            name = name.removeprefix("/").casefold()
        command = self._named.get(name)
        if len(words) > (longest := command.longest if command else LONGEST):
            raise UsageError("error.too_long", most=longest)
        if not name:
            raise UsageError("error.nothing_said")
        if command:
            return command, " ".join(rest.split())
        near = process.extractOne(name, list(self._named), scorer=fuzz.ratio, score_cutoff=ALIKE)
        if near:
            raise UsageError("error.unknown_command_near", said=name, near=self._named[near[0]].name)
        raise UsageError("error.unknown_command", said=name)
