"""What stands in the conversations: every card of the bot, found by request, incident or what was asked."""

import re
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from bot.simulator.connector import Connector
from tests.soak.cards_read import Seen, read, rows_of

TAG = re.compile(r"soak-\d{4}")


class Board:
    """Follows the connector's record of what it accepted."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._next = 0
        self.shown: dict[str, Seen] = {}
        self.first: dict[str, Seen] = {}
        self.posted: dict[str, datetime] = {}
        self.where: dict[str, str] = {}
        self.of: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.tagged: dict[str, set[str]] = defaultdict(set)
        self.named: dict[tuple[str, str], datetime] = {}

    def look(self) -> "Board":
        """Take in what came since."""
        records = self._connector.records
        while self._next < len(records):
            record = records[self._next]
            self._next += 1
            if record.operation in {"post", "edit"} and not self._connector.all[record.message].thread:
                self._take(record.operation, record.message, record.conversation, record.at, read(record.activity))
                for id_ in rows_of(record.activity) if record.operation == "post" else ():
                    self.named.setdefault((record.conversation, id_), record.at)
        return self

    def _take(self, operation: str, message: str, conversation: str, at: datetime, seen: Seen) -> None:
        self.shown[message] = seen
        self.where[message] = conversation
        if operation == "post":
            self.posted[message] = at
            self.first[message] = seen
        if seen.id and message not in self.of[seen.kind, seen.id]:
            self.of[seen.kind, seen.id].append(message)
        if seen.kind == "request":
            for tag in TAG.findall(seen.facts.get("Reason", "")):
                self.tagged[tag].add(seen.id)

    def cards(self, kind: str, id_: str, conversation: str = "") -> list[str]:
        """The messages that show a request or an incident, oldest first; pointers are none."""
        found = self.of.get((kind, id_), [])
        live = [m for m in found if self.shown[m].kind == kind]
        return [m for m in live if conversation in {"", self.where[m]}]

    def requests(self) -> list[str]:
        """Every request that was ever shown."""
        return [id_ for kind, id_ in self.of if kind == "request"]

    def told(self, stand: str, title: str, places: Collection[str]) -> dict[str, Seen]:
        """The requests whose newest card in those conversations begins so and says that they stand so."""
        found = {}
        for id_ in self.requests():
            card = self.newest(id_)
            if card and card[1].stand == stand and self.where[card[0]] in places and re.match(title, card[1].title):
                found[id_] = card[1]
        return found

    def newest(self, id_: str) -> tuple[str, Seen] | None:
        """The newest card of a request."""
        found = self.cards("request", id_)
        return (found[-1], self.shown[found[-1]]) if found else None
