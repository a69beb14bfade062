"""The command line: run, serve, doctor, simulate, manifest, audit, library, policy. Sees both bot and handlers."""

import asyncio
import os
import sys
from contextlib import AbstractAsyncContextManager
from enum import Enum
from pathlib import Path
from typing import Annotated, TextIO

import typer

import handlers
from bot.app import serving
from bot.audit.command_line import audit
from bot.clock import Clock
from bot.command import Features
from bot.doctor.command_line import Order
from bot.doctor.command_line import called as doctor_called
from bot.ending import Told
from bot.errors import StoreError
from bot.library.command_line import library
from bot.logs import log_as_lines
from bot.policy.command_line import policy_commands
from bot.run import RunError
from bot.run import run as run_everything
from bot.settings import Mode, Settings, SettingsError, load
from bot.simulator import Simulator
from bot.traces import export_traces
from manifest import build as package

cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
cli.add_typer(audit, name="audit")
cli.add_typer(library, name="library")
cli.add_typer(policy_commands(lambda: handlers.features(1.0).responses), name="policy")


class Plan(Enum):
    """A profile of the simulated company."""

    business = "business"
    premium = "premium"
    plan2 = "plan2"


def _stop(words: str) -> typer.Exit:
    typer.echo(words, err=True)
    return typer.Exit(code=1)


def _settings(mode: Mode) -> Settings:
    try:
        return load(mode, os.environ)
    except SettingsError as error:
        raise _stop(str(error)) from None


@cli.command()
def run() -> None:
    """The whole thing on this machine: Redis, simulated customers, the bot, and the Playground as a Teams client."""
    settings = _settings("run")
    with _log_file(settings) as log:
        log_as_lines(log)
        try:
            asyncio.run(run_everything(settings, _opened))
        except RunError as error:
            raise _stop(str(error)) from None


def _log_file(settings: Settings) -> TextIO:
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return (settings.data_dir / "bot.log").open("a", buffering=1)
    except OSError as failure:
        raise _stop(f"DATA_DIR cannot be used ({failure.strerror}): name a folder that you may write to.") from None


def _opened(settings: Settings) -> AbstractAsyncContextManager[object]:
    return serving(settings, handlers.features(settings.poll_seconds, demonstration=True))


@cli.command()
def serve() -> None:
    """Production: needs an app registration, tenants, roles, an audit key and a Redis."""
    settings = _settings("serve")
    log_as_lines(sys.stderr)
    try:
        asyncio.run(serve_until_told(settings, handlers.features(settings.poll_seconds)))
    except SettingsError as error:
        raise _stop(str(error)) from None
    except StoreError:
        raise _stop(
            "Redis cannot be reached, or refuses the password. Please check REDIS_URL and that the server runs."
        ) from None
    except OSError as failure:
        raise _stop(f"{_port_trouble(failure)} Please check PORT, METRICS_HOST and METRICS_PORT.") from None


def _port_trouble(failure: OSError) -> str:
    what = (failure.strerror or "").removeprefix("error while attempting to bind on ")
    return f"A port cannot be opened ({what})."


async def serve_until_told(settings: Settings, features: Features, clock: Clock | None = None) -> None:
    """Serve until a signal asks to stop; what is under way is finished first."""
    told = Told()
    flush = export_traces(os.environ)
    async with serving(settings, features, clock) as bot:
        linger = await told.wait()
        bot.end()
        await asyncio.sleep(linger)
    await asyncio.to_thread(flush)


@cli.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text.")] = False,  # noqa: FBT002 - a flag
    customer: Annotated[str, typer.Option(metavar="ID", help="Look at this customer's tenant only.")] = "",
    simulated: Annotated[bool, typer.Option("--simulated", help="Look at the `make run` that is up.")] = False,  # noqa: FBT002 - a flag
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for a warning, too.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Look at everything that `serve` needs: 0 is returned where there is no problem, else 1. It changes nothing."""
    order = Order(customer=customer.strip().lower(), simulated=simulated, as_json=as_json, strict=strict)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:  # the report says it all
        log_as_lines(nowhere)
        raise typer.Exit(doctor_called(order, handlers.features(1.0), os.environ, sys.stdout))


@cli.command()
def manifest() -> None:
    """The Teams app package, from the registered commands; the README names its variables."""
    raise typer.Exit(package.main(os.environ))


@cli.command()
def simulate(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port on this machine to serve at.")] = 3979,
    plan: Annotated[Plan, typer.Option(help="What the first company has.")] = Plan.premium,
) -> None:
    """Only the simulated customers: login, Graph, Defender and a Bot Connector at one port."""
    log_as_lines(sys.stderr)
    try:
        asyncio.run(_simulate(port, plan))
    except OSError as failure:
        raise _stop(f"{_port_trouble(failure)} Please choose another with --port.") from None


async def _simulate(port: int, plan: Plan) -> None:
    company = Simulator(size="company")
    company.first.plan = plan.value
    async with company.running(port=port, scenario=True) as simulator:
        typer.echo(f"Simulated customers: {simulator.url}. Ctrl-C stops them.")
        await asyncio.Event().wait()


if __name__ == "__main__":
    cli()
