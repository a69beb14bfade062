"""What the verdict is made from: the service's own ledger, what stands in Teams, what people were told, and Redis.

Redis is read as plain JSON, for decisions and for the ids of messages alone; nothing here imports the bot's code.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import redis

from bot.simulator.server import Simulator
from tests.soak.board import Board
from tests.soak.center_seen import Center
from tests.soak.talking import Press
from tests.soak.truth import Taken
from tests.soak.wishes import Wish
from tests.soak.world import TENANTS

WINDOWS = {"fault": (0.5, 0.5), "kill": (4.0, 1.0), "redis": (4.0, 8.0), "slow call": (0.0, 30.0)}
"""Seconds of the machine's time around what may leave a message behind that the bot cannot know of.

A "slow call" explains no message: it was told to wait, so that what it does was decided up to 30 seconds before.
"""
Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A moment (by the soak's clock) at which a posted message may have become unknown to the bot, and why."""

    at: datetime
    kind: str
    speed: float

    def explains(self, posted: datetime) -> bool:
        """Whether a message posted then may have been lost track of by this."""
        before, after = (timedelta(seconds=seconds * self.speed) for seconds in WINDOWS[self.kind])
        return self.at - before <= posted <= self.at + after


@dataclass(kw_only=True)
class Evidence:
    """All of it; `center` is what waited in the Action center.

    `records` are requests by customer and id, `incidents` the bot's records of incidents likewise, `audits` the audit
    streams as (entry as text, hash) with the head that Redis names. `known` are the messages that the bot knows of,
    `taken` what the services took from the bot, `looks` when a customer's alerts were read, `wishes` what people typed,
    by the word that stands in the reason.
    """

    sim: Simulator
    board: Board
    center: Center
    presses: list[Press]
    doubts: list[Doubt] = field(default_factory=list)
    records: dict[str, dict[str, Record]] = field(default_factory=dict)
    incidents: dict[str, dict[str, Record]] = field(default_factory=dict)
    audits: dict[str, tuple[list[tuple[str, str]], str]] = field(default_factory=dict)
    key: str = ""
    known: set[str] = field(default_factory=set)
    wishes: Mapping[str, Wish] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    looks: list[tuple[str, datetime]] = field(default_factory=list)

    def take_redis(self, client: "redis.Redis[str]") -> None:
        """Read what the bot remembers."""
        for tenant in TENANTS:
            self.records[tenant] = _records(client, tenant, "request")
            self.incidents[tenant] = _records(client, tenant, "incident")
            center = [_records(client, tenant, kind).values() for kind in ("center", "centersummary")]
            for record in (*self.records[tenant].values(), *self.incidents[tenant].values(), *chain(*center)):
                self.known |= {post["message"] for post in record["posts"] if post["message"]}
            rows = client.xrange(f"wk:{{{tenant}}}:audit")
            head = client.get(f"wk:{{{tenant}}}:head") or ""
            self.audits[tenant] = ([(row["entry"], row["hash"]) for _, row in rows], head)

    def all_records(self) -> Iterable[tuple[str, Record]]:
        """Every request with its customer."""
        return [(tenant, record) for tenant, found in self.records.items() for record in found.values()]

    def unknown(self, message: str) -> bool:
        """Whether the bot has lost track of a message, with a reason: no answer to its posting ever came."""
        posted = self.board.posted.get(message)
        return (
            message not in self.known
            and posted is not None
            and any(d.kind != "slow call" and d.explains(posted) for d in self.doubts)
        )

    def was_slow(self, called: datetime) -> bool:
        """Whether a call may have been decided on long before it was accepted."""
        return any(d.kind == "slow call" and d.explains(called) for d in self.doubts)


def _records(client: "redis.Redis[str]", tenant: str, kind: str) -> dict[str, Record]:
    prefix = f"wk:{{{tenant}}}:{kind}:"
    keys = sorted(client.scan_iter(match=prefix.replace("{", "[{]").replace("}", "[}]") + "*", count=1000))
    return {key.removeprefix(prefix): json.loads(client.hget(key, "data") or "{}") for key in keys}
