"""A request that is not let in, and with which status. A leaf."""

from typing import Any


class Refused(Exception):  # noqa: N818 - reads as what happened, like bot.errors
    """The caller gets `status` with an empty body; `reason` and `details` go to the log only and hold no token."""

    def __init__(self, status: int, reason: str, **details: Any) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason
        self.details = details
