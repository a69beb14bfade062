"""`python -m bot policy example|check`: a file to begin with, and whether a file would be taken."""

import os
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from bot.policy.load import EXAMPLE, PolicyError, load_policy
from bot.responses.declared import Response

File = Annotated[str, typer.Argument(help="The file; without it, the one that POLICY_FILE names.")]


def policy_commands(responses: Callable[[], Sequence[Response]]) -> typer.Typer:
    """The group of commands; `responses` gives what is declared, whose names the file may use."""
    policy = typer.Typer(no_args_is_help=True, help="The policy: an example, and whether a file would be taken.")

    @policy.command()
    def example() -> None:
        """Print a commented policy to begin with."""
        typer.echo(EXAMPLE.read_text(encoding="utf-8"), nl=False)

    @policy.command()
    def check(file: File = "") -> None:
        """Say all that is wrong with a policy file: 0 is returned where the bot would start with it, else 1."""
        path = file or os.environ.get("POLICY_FILE", "").strip()
        if not path:
            typer.echo("No file: name one, or set POLICY_FILE. Without one, each response is decided as it declares.")
            raise typer.Exit(code=1)
        try:
            found = load_policy(path, {response.name: response for response in responses()}).file
        except PolicyError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(code=1) from None
        typer.echo(f"{path} can be used: {len(found.rule)} rules, {len(found.response)} responses by name.")
        typer.echo("A running bot takes it at its next start.")

    return policy
