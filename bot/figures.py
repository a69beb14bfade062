"""The figures of a customer as they were read, and how they compare with those of an earlier day. A leaf.

`bot.measures` reads them. Names of single figures are the fields of `bot.history.Day`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.errors import ServiceError
from bot.history import Day

SCORES = ("secure-score", "device-score", "exposure-score")
EVERYTHING = (*SCORES, "devices", "incidents")
"""The sources (`bot.sources`) that figures are read of."""

FIELDS: Mapping[str, str] = {
    "secure-score": "secure",
    "device-score": "devices",
    "exposure-score": "exposure",
    "devices": "estate",
    "incidents": "incidents",
}
"""Which part of `Figures` is read of which source."""

Verdict = Literal["better", "worse", "same", "unknown"]
Unit = Literal["percent", "points", "count"]

HIGHER_IS_BETTER: Mapping[str, bool] = {
    "secure": True,
    "devices": True,
    "exposure": False,
    "high_risk": False,
    "open_incidents": False,
}
"""The figures that are compared, in the order in which they are shown."""
COUNTS = ("high_risk", "open_incidents")


class Part(BaseModel):
    """What is kept as JSON for a short time or as a part of a record."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SecureDay(Part):
    """Microsoft Secure Score of one day (UTC)."""

    day: date
    current: float
    maximum: float | None = None

    @property
    def percent(self) -> float | None:
        """The share of the maximum, 0 to 100; None where the service named no maximum."""
        return share(self.current, self.maximum)


class ControlChange(Part):
    """What one recommended control earned before and earns now; None: it was not among that day's controls."""

    name: str
    text: str = ""
    before: float | None = None
    now: float | None = None

    @property
    def change(self) -> float:
        """The points it gained; negative: lost."""
        return (self.now or 0.0) - (self.before or 0.0)


class ControlChanges(Part):
    """The controls that changed most since a day, and how many more did."""

    since: date
    most: tuple[ControlChange, ...] = ()
    more: int = 0


class Reading(Part):
    """Something that was read, at that moment."""

    at: datetime


class SecureReading(Reading):
    """Secure Score as Graph has it; `scored` is the moment that the score names as its own.

    `days` is Graph's own history, oldest first; `controls` compares the newest day with the day and the week before,
    where Graph has those days.
    """

    scored: datetime | None = None
    current: float | None = None
    maximum: float | None = None
    days: tuple[SecureDay, ...] = ()
    controls: tuple[ControlChanges, ...] = ()


class ScoreReading(Reading):
    """One of Defender's scores; `scored` is the moment that it names as its own."""

    score: float
    scored: datetime | None = None


class DevicesReading(Reading):
    """How many devices there are, and how many at high risk."""

    machines: int
    high_risk: int


class IncidentsReading(Reading):
    """How many incidents are neither resolved nor merged away."""

    open: int


class Figures(Part):
    """What was last read of one customer. None: not asked for, or not read; `failures` then says why, by source.

    `days` are the bot's own daily records of the last 30 days and today, oldest first; a day may be missing. `tried` is
    when something was read last, be it in vain. A reading equals itself alone, so that its card can be remembered.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    v: int = 1
    secure: SecureReading | None = None
    devices: ScoreReading | None = None
    exposure: ScoreReading | None = None
    estate: DevicesReading | None = None
    incidents: IncidentsReading | None = None
    days: tuple[Day, ...] = ()
    tried: datetime | None = None
    failures: Mapping[str, ServiceError] = Field(default_factory=dict, exclude=True)

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def at(self) -> datetime | None:
        """When the oldest of these figures was read; None where there is none."""
        return min((part.at for part in self.parts().values()), default=None)

    def parts(self) -> dict[str, Reading]:
        """What was read, by its source."""
        found = {source: getattr(self, name) for source, name in FIELDS.items()}
        return {source: part for source, part in found.items() if part}

    def only(self, sources: Collection[str]) -> "Figures":
        """The same without what was read of other sources."""
        others = {name: None for source, name in FIELDS.items() if source not in sources and getattr(self, name)}
        return self.model_copy(update=others) if others else self

    def values(self) -> dict[str, float | int]:
        """The figures that are known, by their names in `Day`."""
        found: dict[str, float | int | None] = {}
        if self.secure:
            found |= {"secure": self.secure.current, "secure_max": self.secure.maximum}
        if self.devices:
            found["devices"] = self.devices.score
        if self.exposure:
            found["exposure"] = self.exposure.score
        if self.estate:
            found |= {"high_risk": self.estate.high_risk, "machines": self.estate.machines}
        if self.incidents:
            found["open_incidents"] = self.incidents.open
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Delta:
    """One figure then and now, rounded as it is shown. `unit` of Secure Score is `percent` where both maxima are known.

    None: not known of that time.
    """

    name: str
    unit: Unit
    before: float | None
    now: float | None

    @property
    def change(self) -> float | None:
        """How much it grew, of the rounded figures, so that it fits what a reader sees; None: not known."""
        if self.before is None or self.now is None:
            return None
        return round(self.now - self.before, 1)

    @property
    def verdict(self) -> Verdict:
        """Whether that is good."""
        if self.change is None:
            return "unknown"
        if self.change == 0:
            return "same"
        return "better" if (self.change > 0) == HIGHER_IS_BETTER[self.name] else "worse"


def share(current: float | None, maximum: float | None) -> float | None:
    """The share of the maximum, 0 to 100; None where one of them is not known."""
    return None if current is None or not maximum else current / maximum * 100


def delta(name: str, before: float | None, now: float | None, unit: Unit | None = None) -> Delta:
    """One figure then and now."""
    return Delta(
        name=name,
        unit=unit or ("count" if name in COUNTS else "points"),
        before=None if before is None else round(before, 1),
        now=None if now is None else round(now, 1),
    )


def secure_delta(before: tuple[float | None, float | None], now: tuple[float | None, float | None]) -> Delta:
    """Secure Score then and now, each as (points, maximum): in percent of the maximum where both maxima are known."""
    shares, points = (share(*before), share(*now)), (before[0], now[0])
    if None not in shares or (None in points and shares != (None, None)):
        return delta("secure", *shares, "percent")
    return delta("secure", *points)


def changes(before: Day, now: Figures) -> tuple[Delta, ...]:
    """What changed since a day, for each figure of `HIGHER_IS_BETTER`; one that is not known has no change."""
    values = now.values()
    found = []
    for name in HIGHER_IS_BETTER:
        if name == "secure":
            current = (values.get("secure"), values.get("secure_max"))
            found.append(secure_delta((before.secure, before.secure_max), current))
        else:
            found.append(delta(name, getattr(before, name), values.get(name)))
    return tuple(found)
