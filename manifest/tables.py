"""The README's tables of commands, responses and permissions, made from what is registered.

`python -m manifest.tables` writes them. Each stands between `<!-- name -->` and `<!-- /name -->`; a test fails when one
is stale.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import handlers
from bot.capabilities.models import names_of
from bot.command import Command
from bot.permissions import Grant, grants, operations_of
from bot.policy.load import EXAMPLE
from bot.responses.declared import Response
from cards.text import plain
from manifest.build import LOOK

README = Path(__file__).parent.parent / "README.md"
FEW = 2


def tables() -> dict[str, str]:
    """Each table's name and its Markdown."""
    return {
        "commands": _table(("Command", "What it does", "Role"), map(_command_row, handlers.COMMANDS)),
        "responses": _table(
            ("Response", "What it does", "Permission", "Plan", "Risk", "Decided by", "Undone by", "Page followed"),
            map(_response_row, handlers.RESPONSES),
        ),
        "policy": f"```toml\n{EXAMPLE.read_text(encoding='utf-8')}```",
        "permissions": _table(
            ("API", "Application permission", "Needed for", "Documented pages"),
            map(_permission_row, grants(handlers.features(1.0))),
        ),
    }


def renewed(text: str) -> str:
    """The README's text with each table made anew. Raises KeyError for a marker that names no table."""
    made = tables()
    return re.sub(
        r"<!-- (\w+) -->\n.*?<!-- /\1 -->",
        lambda found: f"<!-- {found.group(1)} -->\n{made[found.group(1)]}\n<!-- /{found.group(1)} -->",
        text,
        flags=re.DOTALL,
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _command_row(command: Command[Any]) -> tuple[str, ...]:
    role = plain(LOOK, f"role.{command.role.word}") if command.role else "everyone"
    return f"`{command.usage}`", plain(LOOK, f"help.{command.name}.summary"), role


def _response_row(response: Response) -> tuple[str, ...]:
    """One response, all of it from its declaration and from the calls that it declares."""
    operations = operations_of(response.calls)
    permissions = dict.fromkeys(name for operation in operations for name in operation.permissions)
    undo = plain(LOOK, f"response.{response.name}.undo")
    return (
        f"`{response.name}`",
        plain(LOOK, f"response.{response.name}.effect"),
        ", ".join(f"`{name}`" for name in permissions),
        _plans(response),
        response.risk,
        _decided(response),
        f"`{response.inverse}`" if response.inverse else undo,
        ", ".join(f"`{page}`" for page in dict.fromkeys(operation.page for operation in operations)),
    )


def _plans(response: Response) -> str:
    """The plans of which any one has it; those of which the pages do not tell are marked so."""
    sure, unsure = names_of(response.plans - response.unsure), names_of(response.unsure)
    listed = [*sure, *(f"{name} (not sure)" for name in unsure)]
    return " or ".join(listed) or "any"


def _decided(response: Response) -> str:
    if not response.approvals:
        return "nobody, it runs at once"
    people = "1 approver" if response.approvals == 1 else f"{response.approvals} approvers"
    return f"{people}, within {response.time_to_live.total_seconds() / 60:.0f} min"


def _permission_row(grant: Grant) -> tuple[str, ...]:
    kind = " (optional)" if grant.optional else " (responses)" if grant.for_responses else ""
    return grant.api, f"`{grant.name}`{kind}", _uses(grant.users), ", ".join(f"`{page}`" for page in grant.pages)


def _uses(users: Sequence[str]) -> str:
    """Who needs it; responses of which nearly a whole group does are named by that group, or no cell could be read."""
    left, groups = list(users), []
    for group in dict.fromkeys(response.group for response in handlers.RESPONSES):
        names = [f"/{response.name}" for response in handlers.RESPONSES if response.group == group]
        without = [f"`{name}`" for name in names if name not in users]
        if len(without) <= FEW < len(names) - len(without):
            left = [user for user in left if user not in names]
            groups.append(f"all of `{group}`" + (f" but {' and '.join(without)}" if without else ""))
    return ", ".join([*(f"`{user}`" if user.startswith("/") else user for user in left), *groups])


def main() -> None:
    """Write the tables into the README."""
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
