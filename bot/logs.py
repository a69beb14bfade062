"""Logs: one JSON object a line, which follow one correlation id from a click to the machine action.

Ids only. A text from outside (a name, a title, a message of a service) and a secret never stand in a log; an exception
is written as its classes and places, because its text may quote what it met.
"""

import logging
import secrets
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import structlog
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode
from structlog.typing import EventDict, WrappedLogger

from bot.errors import BotError

_tracer = trace.get_tracer("watchkeeper")


def log_as_lines(stream: TextIO) -> None:
    """Write structured logs to the stream from now on; other libraries' warnings too."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainFormatter("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            exceptions_without_text,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )


class PlainFormatter(logging.Formatter):
    """Other libraries' lines, their exceptions without text as well."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the standard library's name
        """The exception's places."""
        return "\n".join(places(ei[1]))


def exceptions_without_text(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """A processor of structlog for `exc_info`: what was raised, and where."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()[1]
    elif isinstance(info, tuple):
        info = info[1]
    if isinstance(info, BaseException):
        event["raised"] = places(info)
    return event


def places(error: BaseException | None) -> list[str]:
    """An exception and its causes, each as its class and the places it came through, innermost last."""
    lines: list[str] = []
    while error is not None:
        said = f": {error}" if isinstance(error, BotError) else ""
        frames = traceback.extract_tb(error.__traceback__)
        lines.append(type(error).__name__ + said)
        lines += [f"  {frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return lines


def new_correlation(kind: str) -> str:
    """A fresh id for what does not begin with a record: a turn, a poll."""
    return f"{kind}-{secrets.token_hex(6)}"


@contextmanager
def followed(name: str, correlation: str, **ids: str) -> Iterator[None]:
    """Every line logged inside carries the correlation id and these ids, and a span of that name covers it."""
    with (
        structlog.contextvars.bound_contextvars(correlation=correlation, **ids),
        spanned(name, correlation=correlation, **ids),
    ):
        yield


@contextmanager
def spanned(name: str, **ids: str) -> Iterator[None]:
    """A span around the work inside, for whoever set up an exporter. A failure is told by its class alone."""
    attributes = {f"watchkeeper.{key}": value for key, value in ids.items()}
    with _tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
