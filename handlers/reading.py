"""Several sources read at once for one card: what one of them does not give is named on the card, the rest is shown."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import structlog

from bot.errors import MissingPermission, ServiceError

log = structlog.get_logger()

T = TypeVar("T")


class Sources:
    """Reads sources, each for at most `seconds`, and remembers what failed by the source's name in the catalogue."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.failed: dict[str, Exception] = {}

    async def read(self, name: str, reading: Awaitable[T]) -> T | None:
        """What the source answers, or None where it fails or takes too long: unknown, not empty."""
        try:
            async with asyncio.timeout(self._seconds):
                return await reading
        except (ServiceError, TimeoutError) as error:
            log.info("source_not_read", source=name, error=str(error) or type(error).__name__)
            self.failed[name] = error
            return None

    @property
    def unread(self) -> tuple[str, ...]:
        """The names of those that could not be read."""
        return tuple(self.failed)

    @property
    def lacking(self) -> tuple[str, ...]:
        """The permissions that are not granted, as far as the services named them."""
        errors = self.failed.values()
        return tuple(dict.fromkeys(e.permission for e in errors if isinstance(e, MissingPermission) and e.permission))
