"""An incident as the bot remembers it: what Graph said last, and where its card stands. A leaf."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.posts import DAY, Shownable

OVER = ("resolved", "redirected")
SEVERITIES = ("informational", "low", "medium", "high")


def rank(severity: str) -> int:
    """How grave a severity is: informational 0 to high 3; one that we do not know counts as high, not to be missed."""
    word = severity.casefold()
    if word == "unknown":
        return 0
    return SEVERITIES.index(word) if word in SEVERITIES else len(SEVERITIES) - 1


class Asset(BaseModel):
    """Something an incident touches: `kind` is device, user, mailbox, file ...; `id` the service's, if it has one."""

    model_config = ConfigDict(frozen=True)

    kind: str
    name: str
    id: str = ""
    verdict: str = ""
    remediation: str = ""


class IncidentRecord(Shownable):
    """One incident, one card. Times are the service's; words (`severity`, `status`) are Graph's, in lower-camel case.

    `alerts` counts its alerts, -1 where they could not be read. `merged_into` is the surviving incident's id.
    `again` says why it needed eyes again the last time (`severity`, `reopened`; empty: it never did, or is over), and
    `again_at` when. `summarised`: since when it stands in a summary of many, by the conversation's id.
    """

    title: str
    severity: str
    status: str
    created: datetime
    updated: datetime
    url: str = ""
    assigned_to: str = ""
    classification: str = ""
    determination: str = ""
    merged_into: str = ""
    alerts: int = -1
    alert_titles: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    assets: tuple[Asset, ...] = ()
    pending_approvals: int = 0
    again: str = ""
    again_at: datetime | None = None
    summarised: Mapping[str, datetime] = Field(default_factory=dict)

    @property
    def keep(self) -> float | None:
        """An open one is kept for longer than Defender keeps incidents (180 days), lest it be shown a second time."""
        return 400 * DAY if self.status.casefold() not in OVER else 180 * DAY

    def told_in(self, conversation: str, since: datetime) -> bool:
        """Whether it stands in a summary there, and nothing has happened since that needs a card of its own.

        `since` is when the conversation subscribed: what was made before stands in its first summary.
        """
        told = self.summarised.get(conversation) or (since if self.created < since else None)
        return told is not None and not (self.again_at and self.again_at > told)


class BriefIncident(BaseModel):
    """One line of a summary card."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    severity: str
    url: str = ""


class SummaryRecord(Shownable):
    """One card for many incidents: `reason` is `open` (open when a subscription begins) or `burst` (many at once).

    `total` counts all of them, `rows` are the gravest few. `counts` are by severity.
    """

    reason: Literal["open", "burst"]
    at: datetime
    total: int
    counts: Mapping[str, int] = Field(default_factory=dict)
    rows: tuple[BriefIncident, ...] = ()
