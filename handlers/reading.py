"""Several sources read at once for one card: what one of them does not give is named on the card, the rest is shown."""

import asyncio
import contextlib
from collections.abc import Awaitable, Mapping
from typing import TypeVar

import structlog

from bot.command import Context
from bot.coverage import note_read
from bot.errors import MissingPermission, ServiceError, StoreError, Unavailable

log = structlog.get_logger()

T = TypeVar("T")

COVERED: Mapping[str, str] = {
    "actions": "machine-actions",
    "investigations": "investigations",
    "evidence": "alerts",
}
"""What is read for cards, by its name in the catalogue -> the source (`bot.sources`) that it shows to work or not."""


async def noted(context: Context, source: str, reading: Awaitable[T]) -> T:
    """What the source answers; that it did, or why not, is written down for the coverage. Raises what it raises."""
    try:
        found = await reading
    except ServiceError as error:
        await _note(context, source, error)
        raise
    await _note(context, source, None)
    return found


async def _note(context: Context, source: str, error: Exception | None) -> None:
    """Write down what came of a reading; the person's answer does not hang on it."""
    if error is not None and not isinstance(error, ServiceError):
        error = Unavailable("graph" if source == "alerts" else "defender", source, sent=False, code="deadline")
    with contextlib.suppress(StoreError):
        await note_read(context.services, context.customer, source, error)


class Sources:
    """Reads sources, each for at most `seconds`, and remembers what failed by the source's name in the catalogue.

    With a `context`, what came of those in `COVERED` is written down for the coverage.
    """

    def __init__(self, seconds: float, context: Context | None = None) -> None:
        self._seconds = seconds
        self._context = context
        self.failed: dict[str, Exception] = {}

    async def read(self, name: str, reading: Awaitable[T]) -> T | None:
        """What the source answers, or None where it fails or takes too long: unknown, not empty."""
        found = None
        try:
            async with asyncio.timeout(self._seconds):
                found = await reading
        except (ServiceError, TimeoutError) as error:
            log.info("source_not_read", source=name, error=str(error) or type(error).__name__)
            self.failed[name] = error
        if self._context and name in COVERED:
            await _note(self._context, COVERED[name], self.failed.get(name))
        return found

    @property
    def unread(self) -> tuple[str, ...]:
        """The names of those that could not be read."""
        return tuple(self.failed)

    @property
    def lacking(self) -> tuple[str, ...]:
        """The permissions that are not granted, as far as the services named them."""
        errors = self.failed.values()
        return tuple(dict.fromkeys(e.permission for e in errors if isinstance(e, MissingPermission) and e.permission))
