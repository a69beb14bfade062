"""A source of what the bot knows, and what stands in the way of reading it. A leaf; see `bot.coverage`."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

SOURCES = (
    "incidents",
    "alerts",
    "devices",
    "machine-actions",
    "investigations",
    "secure-score",
    "device-score",
    "exposure-score",
)
"""What is read of Microsoft's services, in the order in which it is shown."""


class SourceState(BaseModel):
    """One source of one customer. `good` is the last successful read, `tried` the last one of all.

    `trouble` is empty, or why the last read failed: `permission` (`detail` names it), `plan`, `busy` or `outage`
    (`detail` is the error's code), and `since` when that began.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: int = 1
    name: str
    good: datetime | None = None
    tried: datetime | None = None
    trouble: str = ""
    detail: str = ""
    since: datetime | None = None
