"""The command line: `python -m bot run|serve|simulate|manifest`. The only module that sees bot and handlers."""

import asyncio
import logging
import os
import signal
import sys
from contextlib import AbstractAsyncContextManager
from typing import Annotated, TextIO

import structlog
import typer

import handlers
from bot.app import serving
from bot.command import Features
from bot.errors import StoreError
from bot.run import RunError
from bot.run import run as run_everything
from bot.settings import Mode, Settings, SettingsError, load
from bot.simulator import Simulator
from manifest import build as package

cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


def _log_as_lines(stream: TextIO) -> None:
    """Structured logs, one JSON object a line. Tracebacks are plain: local variables could hold a token."""
    logging.basicConfig(stream=stream, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )


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
        _log_as_lines(log)
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
    _log_as_lines(sys.stderr)
    try:
        asyncio.run(serve_until_told(settings, handlers.features(settings.poll_seconds)))
    except StoreError:
        raise _stop(
            "Redis cannot be reached, or refuses the password. Please check REDIS_URL and that the server runs."
        ) from None
    except OSError as failure:
        raise _stop(f"{_port_trouble(failure)} Please check PORT, METRICS_HOST and METRICS_PORT.") from None


def _port_trouble(failure: OSError) -> str:
    what = (failure.strerror or "").removeprefix("error while attempting to bind on ")
    return f"A port cannot be opened ({what})."


async def serve_until_told(settings: Settings, features: Features) -> None:
    """Serve until a signal asks to stop; what is under way is finished first."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with serving(settings, features):
        await stop.wait()


@cli.command()
def manifest() -> None:
    """The Teams app package, from the registered commands; the README names its variables."""
    raise typer.Exit(package.main(os.environ))


@cli.command()
def simulate(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port on this machine to serve at.")] = 3979,
) -> None:
    """Only the simulated customers: login, Graph, Defender and a Bot Connector at one port."""
    _log_as_lines(sys.stderr)
    try:
        asyncio.run(_simulate(port))
    except OSError as failure:
        raise _stop(f"{_port_trouble(failure)} Please choose another with --port.") from None


async def _simulate(port: int) -> None:
    async with Simulator(size="company").running(port=port, scenario=True) as simulator:
        typer.echo(f"Simulated customers: {simulator.url}. Ctrl-C stops them.")
        await asyncio.Event().wait()


if __name__ == "__main__":
    cli()
