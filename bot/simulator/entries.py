"""What an indicator is in a simulated tenant, and those that a company starts with. A leaf."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

MOST_ACTIVE = 15_000
FIRST_NUMBER = 900


@dataclass(kw_only=True)
class Entry:
    """An indicator: `api:ti-indicator`. `app` is the application that made it, empty for a person in the portal."""

    id: str
    value: str
    type: str
    action: str
    title: str
    description: str
    created: datetime
    updated: datetime
    created_by: str
    source: str
    app: str = ""
    severity: str = "Informational"
    expires: datetime | None = None
    application: str | None = None
    updated_by: str | None = None
    recommended: str | None = None
    groups: list[str] = field(default_factory=list)
    alerts: bool = False
    educate_url: str | None = None
    listed_from: datetime | None = None

    def active(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires is None or self.expires > now

    def about(self, type_: str, value: str) -> bool:
        """Whether it is for that value; the case of letters does not matter."""
        return (self.type, self.value.casefold()) == (type_, value.casefold())


@dataclass
class Entries:
    """A tenant's indicators by id, also those that expired; `most` may be active.

    `said` is every accepted call in order.
    """

    held: dict[str, Entry] = field(default_factory=dict)
    said: list[tuple[str, str, str]] = field(default_factory=list)
    last: int = FIRST_NUMBER
    most: int = MOST_ACTIVE

    def next_id(self) -> str:
        """A number that no indicator had."""
        self.last += 1
        return str(self.last)

    def active(self, now: datetime) -> list[Entry]:
        """Those that have not expired."""
        return [entry for entry in self.held.values() if entry.active(now)]

    def about(self, type_: str, value: str, now: datetime) -> Entry | None:
        """The active one for a value."""
        return next((entry for entry in self.active(now) if entry.about(type_, value)), None)

    def crowd(self, count: int, now: datetime) -> None:
        """Make other applications' indicators until there are so many active ones."""
        for _ in range(count - len(self.active(now))):
            name = self.next_id()
            self.held[name] = _by_feed(name, "DomainName", f"feed-{name}.example", now)


def _by_feed(name: str, kind: str, value: str, at: datetime, *, action: str = "Block", days: int = 0) -> Entry:
    return Entry(
        id=name,
        value=value,
        type=kind,
        action=action,
        title="feed_import *daily*",
        description="From a threat feed <daily>.",
        created=at,
        updated=at,
        created_by="45097602-1234-4678-8234-9f453233e62c",
        source="Feed importer",
        app="45097602-1234-4678-8234-9f453233e62c",
        application="feed-importer",
        severity="Medium",
        expires=at + timedelta(days=days) if days else None,
    )


def _by_person(name: str, domain: str, kind: str, value: str, at: datetime) -> Entry:
    return Entry(
        id=name,
        value=value,
        type=kind,
        action="Allowed",
        title="Needed by *finance* [ticket 4711]",
        description="Our own tool; do not block.",
        created=at,
        updated=at,
        created_by=f"patti@{domain}",
        source=f"patti@{domain}",
        recommended="Nothing.",
    )


def stocked(domain: str, hashes: Iterable[str], random: Random, now: datetime) -> Entries:
    """What a company starts with: `hashes` are SHA-1s that it has seen, the first of which a person allowed."""
    entries = Entries()

    def ids() -> Iterator[str]:
        while True:
            yield entries.next_id()

    names, seen = ids(), iter(hashes)
    before = now - timedelta(days=random.uniform(3, 60))
    made = [
        _by_feed(next(names), "IpAddress", "198.51.100.250", before, days=90),
        _by_feed(next(names), "Url", "https://login.example.test/gone", now - timedelta(days=40), days=30),
        _by_feed(next(names), "FileSha1", f"{random.getrandbits(160):040x}", before, action="AlertAndBlock"),
    ]
    if (allowed := next(seen, "")) != "":
        made.append(_by_person(next(names), domain, "FileSha1", allowed, before))
    entries.held = {entry.id: entry for entry in made}
    return entries
