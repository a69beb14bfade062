"""What waits for a person in Microsoft's Action center, as the bot remembers it. A leaf.

No public API lists it or decides it (defender-api 1): it is derived from the evidence of alerts and from
investigations, and a card about it can only tell, link, and offer a response of the bot's own with the same effect.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.posts import DAY, Shownable

KIND = "center"
SUMMARY = "centersummary"
LIFE = timedelta(days=7)
"""After this time what waits is over; on devices that counts as a rejection (defender-api 1.3)."""
ONE_DAY = timedelta(days=1)
PENDING = "pendingapproval"
UNLISTED = "unlisted"
"""Our own word beside the services' for what became of a thing: they do not list it any more."""
FOLLOWED = ONE_DAY
"""So long what was approved and still runs is followed to its end."""
State = Literal["waiting", "running", "over"]
Shape = Literal["entity", "investigation", "alert"]


class CenterPart(BaseModel):
    """A part of an item."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class CenterFact(CenterPart):
    """One thing that is known of what waits: `center.fact.<key>` is its label, the value came from outside."""

    key: str
    value: str


class CenterAlert(CenterPart):
    """An alert in which it waits, or waited: `word` is how the thing stands there, folded as the service says it."""

    id: str
    title: str = ""
    severity: str = ""
    incident: str = ""
    word: str = PENDING


class CenterOffer(CenterPart):
    """A response of the bot with the same effect: its name, and the line that asks for it."""

    response: str
    line: str


class CenterItem(Shownable):
    """One thing that waits for a decision in the portal, one card.

    `shape`: an `entity` of alerts' evidence (`kind`: file, process ...), or an `investigation` (or the investigation of
    an `alert`) that waits without naming a thing. `since` is when it began to wait: by the service's own time of the
    thing, or (`ours`) when the bot first saw it wait, for no time of the waiting itself is given. `seen`: first seen.
    `state` and `outcome` (the service's word, folded, or `UNLISTED`) say what became of it; it was still seen waiting
    at `waited_until` and no more at `ended`. `who` ended it, where the service says so. `again_at`: it came back.
    `missing_since`: the services do not list it now, which is not believed at once. `covered`: the things that an
    investigation waits for have cards of their own; `quiet_since` when none of them had. `summarised`: since when it
    stands in a summary of many, by the conversation's id. `episode` counts how often the thing waited.
    """

    shape: Shape = "entity"
    kind: str = ""
    name: str = ""
    facts: tuple[CenterFact, ...] = ()
    device: str = ""
    device_name: str = ""
    user: str = ""
    verdict: str = ""
    alerts: tuple[CenterAlert, ...] = ()
    investigation: str = ""
    since: datetime
    ours: bool = False
    seen: datetime
    state: State = "waiting"
    outcome: str = ""
    waited_until: datetime | None = None
    ended: datetime | None = None
    who: str = ""
    again_at: datetime | None = None
    missing_since: datetime | None = None
    covered: bool = False
    quiet_since: datetime | None = None
    summarised: Mapping[str, datetime] = Field(default_factory=dict)
    offers: tuple[CenterOffer, ...] = ()
    left: int = LIFE.days
    episode: int = 1

    @property
    def stage(self) -> str:
        """The state that the store compares with each write."""
        return self.state

    @property
    def deadline(self) -> datetime:
        """When the seven days are over, counted from `since`."""
        return self.since + LIFE

    def days_left(self, now: datetime) -> int:
        """Whole days until the deadline; -1 once it has passed."""
        return max(-1, (self.deadline - now) // ONE_DAY)

    def step_due(self) -> datetime | None:
        """When the days left on the card are one fewer."""
        shown = any(post.state in ("wanted", "live") for post in self.posts)
        return self.deadline - self.left * ONE_DAY if shown and self.state == "waiting" and self.left >= 0 else None

    @property
    def told(self) -> bool:
        """Whether it waits, and is told of by itself: not through the things that it waits for."""
        return self.state == "waiting" and not self.covered

    def told_in(self, conversation: str) -> bool:
        """Whether it stands in a summary there, and has not come back since."""
        told = self.summarised.get(conversation)
        return told is not None and not (self.again_at and self.again_at > told)


class CenterRow(CenterPart):
    """One line of a summary: what waits, where, and until when."""

    shape: Shape
    kind: str
    name: str
    device_name: str = ""
    deadline: datetime


class CenterSummary(Shownable):
    """One card for many: `reason` is `open` (what waits when a conversation subscribes) or `burst` (many at once)."""

    reason: Literal["open", "burst"]
    at: datetime
    total: int
    rows: tuple[CenterRow, ...] = ()


class CenterIndex(CenterPart):
    """What the watcher goes on from: the items that are not over, the conversations that were told, the last look."""

    v: int = 1
    open: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    looked: datetime | None = None

    @property
    def keep(self) -> float | None:
        """For as long as an item is kept."""
        return 180 * DAY
