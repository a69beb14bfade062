"""The argument lines of our scripts. Nothing in a line needs quoting, whatever takes it apart on the device."""

import re
from collections.abc import Mapping

from bot.library.catalogue import Script
from bot.library.values import coded

_NUMBER = re.compile(r"\d{1,10}")


def line(script: Script, values: Mapping[str, str], *, apply: bool, undo: bool = False) -> str:
    """The arguments of one run. Raises ValueError for what the script does not declare; empty values are left out."""
    if unknown := sorted(set(values) - {*script.texts, *script.numbers}):
        raise ValueError(f"{script.name} takes no {unknown[0]}")
    if undo and not script.undoes:
        raise ValueError(f"{script.name} undoes nothing")
    words: list[str] = []
    for name, value in values.items():
        if not value:
            continue
        if name in script.numbers and not _NUMBER.fullmatch(value):
            raise ValueError(f"{name} is a number")
        words += [f"-{name}", value if name in script.numbers else coded(value)]
    return " ".join([*words, *(["-Undo"] if undo else []), *(["-Apply"] if apply else [])])
