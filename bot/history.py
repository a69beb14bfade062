"""What was measured on one day, kept so that a trend can be shown. A leaf.

Secure Score has a history of its own in Graph; the exposure score and the Secure Score for Devices have none, so the
bot keeps one figure a day of each.
"""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

KIND = "day"
KEPT_DAYS = 400


class Day(BaseModel):
    """The figures of one day (UTC); `id` is its ISO date. None: not read that day. The last read of the day stands."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: int = 1
    id: str
    at: datetime
    secure: float | None = None
    secure_max: float | None = None
    devices: float | None = None
    exposure: float | None = None
    high_risk: int | None = None
    machines: int | None = None
    open_incidents: int | None = None

    @property
    def day(self) -> date:
        """The day."""
        return date.fromisoformat(self.id)
