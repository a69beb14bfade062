"""The daily digest as the bot keeps it: when it is due, what was read for it, and where its card stands. A leaf."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot.figures import HIGHER_IS_BETTER
from bot.history import Day
from bot.posts import DAY, Place, Shownable
from bot.schedule import Daily
from bot.sources import SourceState

KIND = "digest"
SCHEDULE = "schedule"
FRESH = timedelta(minutes=2)
"""What a digest is made of was read within this time: some of it is read once a minute for all who ask."""


class Part(BaseModel):
    """A part of what a digest says, kept so that it can be shown again as it was."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Figure(Part):
    """A score: `name` and `unit` as in `bot.figures`; `before` is None where no earlier figure is known."""

    name: str
    unit: str
    now: float
    before: float | None = None

    @property
    def change(self) -> float | None:
        """How much it grew; None: not known."""
        return None if self.before is None else round(self.now - self.before, 1)

    @property
    def worse(self) -> bool:
        """Whether it changed, and not for the better."""
        change = self.change or 0.0
        return change != 0 and (change > 0) != HIGHER_IS_BETTER.get(self.name, True)


class IncidentLine(Part):
    """An open incident: `news` is why it is named now (`new`, `worse`, `reopened`, empty: it was there before)."""

    id: str
    title: str
    severity: str
    news: Literal["", "new", "worse", "reopened"] = ""
    assigned: bool = False


class Incidents(Part):
    """How incidents stand and what changed. Merged ones are not counted, for they live on in another.

    They were read at `at` and cover what happened since `since`. `open` is None where it could not be counted. `exact`:
    it is known what was open at `since`, so `closed` are those that were open then (or came since) and are no more;
    else those that changed in the time and are over. `whole`: all changes were read; else the counts are lower bounds.

    For the next digest: `standing` is what is open now, id to severity, `recent` are the ids of those created lately,
    for an incident can be created before a digest and be readable after it.
    """

    at: datetime
    since: datetime
    open: int | None
    open_before: int | None = None
    new: int = 0
    worse: int = 0
    closed: int = 0
    exact: bool = False
    whole: bool = True
    rows: tuple[IncidentLine, ...] = ()
    standing: Mapping[str, str] = {}
    recent: tuple[str, ...] = ()


class RequestLine(Part):
    """A request that is not over: `since` it was asked for (or, where stuck, since it has been so), `until` it ends.

    `runs`: it runs by itself then, unless an approver rejects it before.
    """

    id: str
    response: str
    device: str
    state: str
    since: datetime
    until: datetime | None = None
    runs: bool = False


class Requests(Part):
    """Requests of this bot that wait for a decision, oldest first, and those that are stuck, with both totals."""

    waiting: int = 0
    stuck: int = 0
    rows: tuple[RequestLine, ...] = ()
    stuck_rows: tuple[RequestLine, ...] = ()


class ActionCenter(Part):
    """What waits for approval in the Action center. None: could not be read.

    `investigations` are those that name no thing. `oldest` is since when the first of all waits, `until` when its seven
    days are over.
    """

    investigations: int | None = None
    items: int | None = None
    oldest: datetime | None = None
    until: datetime | None = None


class RiskyDevice(Part):
    """A device at high risk; `alerts` are its open ones (None: not read), `scanned`: a scan was started lately."""

    id: str
    name: str
    exposure: str = ""
    alerts: int | None = None
    scanned: bool | None = None


class AtRisk(Part):
    """The devices at high risk: how many, how many at the last digest, and the first few."""

    total: int
    before: int | None = None
    rows: tuple[RiskyDevice, ...] = ()


class OffDevice(Part):
    """A device that is isolated, or of which that is unknown after a time-out; `since` where it is known."""

    id: str
    name: str
    state: str
    since: datetime | None = None


class Isolated(Part):
    """How many devices are isolated, and of how many that is unknown; the first few, the longest isolated first."""

    total: int
    unknown: int = 0
    rows: tuple[OffDevice, ...] = ()


class Trail(Part):
    """How the audit trail ends: the newest entry's hash (empty: none), how many there are, and whether it is broken."""

    head: str = ""
    entries: int = 0
    broken: bool = False


class Upkeep(Part):
    """The auditor's last comparison: when, whether all was well, the parts it could not compare, what it left alone.

    `repaired` counts what was put right since the last digest.
    """

    at: datetime
    well: bool = True
    unread: tuple[str, ...] = ()
    repaired: int = 0
    alarms: int = 0


class NextStep(Part):
    """Something to do next: `key` names the rule and its texts, which `values` and `times` fill.

    `line` is the command of its button (empty: none).
    """

    key: str
    line: str = ""
    values: Mapping[str, str] = {}
    times: Mapping[str, datetime] = {}


class Snapshot(Part):
    """All that a digest says, as it was read at `at`; it covers what happened since `since`.

    `first`: there was no digest before, so it is the last 24 hours. A part that is None could not be read. `sources`
    tell what it is made of, `failed` names those that did not answer, `day` holds the figures that the next one
    compares with. `carried` is what an earlier digest read of incidents, where this one could not.
    """

    at: datetime
    since: datetime
    first: bool = False
    figures: tuple[Figure, ...] = ()
    day: Day | None = None
    incidents: Incidents | None = None
    carried: Incidents | None = None
    requests: Requests | None = None
    center: ActionCenter | None = None
    at_risk: AtRisk | None = None
    isolated: Isolated | None = None
    ambiguous: int | None = None
    trail: Trail | None = None
    upkeep: Upkeep | None = None
    sources: tuple[SourceState, ...] = ()
    failed: tuple[str, ...] = ()
    steps: tuple[NextStep, ...] = ()

    @property
    def last_incidents(self) -> Incidents | None:
        """What was read of incidents last, for this digest or an earlier one."""
        return self.incidents or self.carried

    @property
    def read(self) -> tuple[SourceState, ...]:
        """The sources that were read for it."""
        return tuple(s for s in self.sources if not s.trouble and s.good and self.at - s.good < FRESH)

    @property
    def skipped(self) -> tuple[SourceState, ...]:
        """The sources that were not."""
        return tuple(source for source in self.sources if source not in self.read)

    @property
    def unread(self) -> bool:
        """Whether nothing at all was read of Microsoft's services."""
        return not self.read

    @property
    def partial(self) -> bool:
        """Whether something could not be read."""
        parts = (self.incidents, self.requests, self.center, self.at_risk, self.isolated, self.ambiguous, self.trail)
        return bool(self.failed or self.skipped) or None in parts


class Digest(Shownable):
    """One digest of one conversation; `id` is the conversation's with the date that it is for.

    `meant_for` is when it should have come (the first of those that an outage swallowed). What it says is read when it
    is made, and kept in `snapshot`; until then nothing is shown. `basis` is the digest that it compares with (empty:
    none).
    """

    content: int = 0
    conversation: str
    day: date
    meant_for: datetime
    basis: str = ""
    snapshot: Snapshot | None = None

    @property
    def keep(self) -> float | None:
        """For a month: as long as one may be compared with after an outage."""
        return 30 * DAY

    def step_due(self) -> datetime | None:
        """It wants to be filled as soon as it is made."""
        alive = any(post.state == "wanted" for post in self.posts)
        return self.meant_for if self.snapshot is None and alive else None

    @property
    def seen(self) -> bool:
        """Whether it certainly stands in the conversation."""
        return any(post.message for post in self.posts)

    def dropped(self) -> "Digest":
        """The same, never to be shown where it is not yet."""
        posts = (p.model_copy(update={"state": "gone"}) if p.state == "wanted" else p for p in self.posts)
        return self.model_copy(update={"posts": tuple(posts)})


class Schedule(Shownable):
    """When a conversation's digest comes: at `at` (HH:MM) on the clocks of `zone`. It has no card of its own.

    `next` is the next moment (None: no more) and `day` the date that it is for; `last` is the newest date that had one,
    `latest` that digest's id.
    """

    at: str
    zone: str
    place: Place
    locale: str = ""
    next: datetime | None = None
    day: date | None = None
    last: date | None = None
    latest: str = ""

    @property
    def keep(self) -> float | None:
        """For good while it goes on; half a year after its end, for a digest that is asked for by hand."""
        return None if self.next else 180 * DAY

    def step_due(self) -> datetime | None:
        """At the next digest."""
        return self.next

    @property
    def daily(self) -> Daily:
        """The time of day and its zone."""
        return Daily.read(self.at, self.zone)
