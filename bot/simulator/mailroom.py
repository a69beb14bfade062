"""Delivered mail and what was submitted to Microsoft, as they are in a simulated tenant."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(kw_only=True)
class Letter:
    """One message to one recipient. `location` is where it lies; `remedies` move it when they are due."""

    id: str
    network_id: str
    internet_id: str
    recipient: str
    subject: str
    sender: str
    received: datetime
    location: str = "inbox_folder"
    threats: tuple[str, ...] = ("phish",)


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What an app asked to be done with a message; it is done at `due`, and no API says so."""

    bulk: str
    action: str
    letter: str
    name: str
    asked: datetime
    due: datetime


@dataclass(kw_only=True)
class Handed:
    """Something submitted to Microsoft: its `body` as it was posted, and how often it was asked about since."""

    id: str
    sort: str
    body: dict[str, Any]
    created: datetime
    by: str
    polls: int = 0
    ends: str = "succeeded"


@dataclass(kw_only=True)
class Mailroom:
    """All of it for one tenant; `letters` by network message id and recipient."""

    letters: dict[str, Letter] = field(default_factory=dict)
    remedies: list[Remedy] = field(default_factory=list)
    handed: dict[str, Handed] = field(default_factory=dict)

    def settle(self, now: datetime) -> None:
        """Let the remedies that are due have their effect."""
        for remedy in [one for one in self.remedies if one.due <= now]:
            letter = self.letters.get(remedy.letter)
            if letter:
                letter.location = PLACES[remedy.action]


PLACES = {
    "moveToJunk": "junkFolder",
    "moveToInbox": "inbox_folder",
    "moveToDeletedItems": "deletedFolder",
    "softDelete": "others",
    "hardDelete": "others",
}
"""Where a message is after a remedy; the pages name no place for what was deleted (graph-api 3.6)."""
