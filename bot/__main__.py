"""The command line: `python -m bot run|serve|simulate|manifest|doctor`. The only module that sees bot and handlers."""

import asyncio
import os
import signal
import sys

import structlog
import typer

import handlers
from bot.app import serving
from bot.errors import StoreError
from bot.settings import Settings, SettingsError, load

cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


def _log_as_lines() -> None:
    """Structured logs, one JSON object a line, on standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _stop(words: str) -> "typer.Exit":
    typer.echo(words, err=True)
    return typer.Exit(code=1)


@cli.command()
def serve() -> None:
    """Production: needs an app registration, tenants, roles, an audit key and a Redis."""
    _log_as_lines()
    try:
        settings = load("serve", os.environ)
    except SettingsError as error:
        raise _stop(str(error)) from None
    try:
        asyncio.run(_serve(settings))
    except StoreError:
        raise _stop("Redis cannot be reached. Please check REDIS_URL and that the server runs.") from None
    except OSError as error:
        raise _stop(f"A port cannot be opened ({error.strerror}). Please check PORT and METRICS_PORT.") from None


async def _serve(settings: Settings) -> None:
    """Serve until a signal asks to stop; what is under way is finished first."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with serving(settings, handlers.features(settings.poll_seconds)):
        await stop.wait()


if __name__ == "__main__":
    cli()
