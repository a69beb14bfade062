"""The responses: one module each, found by itself. A module has a `RESPONSE`, its `COMMAND` and its own `TEXTS`."""

import pkgutil
from importlib import import_module
from typing import Any, get_args

from bot.command import Command
from bot.responses.declared import Group, Response
from cards.text import add_texts

_GROUPS: tuple[str, ...] = get_args(Group)
_MODULES = sorted(
    (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)),
    key=lambda module: (_GROUPS.index(module.RESPONSE.group), module.__name__),
)

for _module in _MODULES:
    add_texts(_module.TEXTS)

RESPONSES: tuple[Response, ...] = tuple(module.RESPONSE for module in _MODULES)
COMMANDS: tuple[Command[Any], ...] = tuple(module.COMMAND for module in _MODULES)
