"""What waits for approval in the portal's Action center, as the simulated company knows it, and since when.

No API tells this history, so it is written down while it happens.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.simulator.server import Simulator
from bot.simulator.world import Customer

PENDING = "pendingApproval"
Evidence = Mapping[str, Any]


@dataclass
class Spell:
    """A time in which something waited, and in which alerts; `until` is when it was seen not to wait any more."""

    since: datetime
    alerts: set[str] = field(default_factory=set)
    until: datetime | None = None


@dataclass
class Item:
    """One thing that waited: `texts` are the words by which its card is known, `kind` how the card's title begins."""

    tenant: str
    kind: str
    texts: tuple[str, ...]
    spells: list[Spell] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        return self.spells[-1].until is None

    @property
    def alerts(self) -> set[str]:
        return {alert for spell in self.spells for alert in spell.alerts}

    @property
    def episodes(self) -> int:
        """How often it may have been taken for something new: it waited again, and not in an alert as before."""
        before: set[str] = set()
        count = 0
        for spell in self.spells:
            count += not spell.alerts & before
            before |= spell.alerts
        return count


Key = tuple[str, ...]


def _file(item: Evidence) -> tuple[str, ...]:
    return (str(item["fileDetails"]["sha256"]),)


def _mail(item: Evidence) -> tuple[str, ...]:
    return (str(item["networkMessageId"]), str(item["recipientEmailAddress"]))


_KINDS: Mapping[str, tuple[str, Callable[[Evidence], tuple[str, ...]]]] = {
    "file": ("File", _file),
    "process": ("Process", lambda item: (str(item["processCommandLine"]),)),
    "registryKey": ("Registry key", lambda item: (f"{item['registryHive']}\\{item['registryKey']}",)),
    "url": ("URL", lambda item: (str(item["url"]),)),
    "analyzedMessage": ("Mail", _mail),
    "mailbox": ("Mailbox", lambda item: (str(item["primaryAddress"]),)),
    "mailCluster": ("Mail cluster", lambda item: (str(item["clusterByValue"]),)),
}
"""By the service's word: how a card calls it, and which words tell one from another."""
ON_A_DEVICE = frozenset({"File", "Process", "Registry key"})


def plain(text: str) -> str:
    """A text without what Markdown and line ends make of it."""
    return re.sub(r"[\\*\s]", "", text).casefold()


class Center:
    """Everything that ever waited."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.items: dict[Key, Item] = {}
        self.bursts: list[set[str]] = []

    def look(self, now: datetime) -> None:
        """Write down what began to wait, and what waits no more."""
        for tenant, customer in self.sim.world.customers.items():
            waiting = self._waiting(customer)
            for key, alerts in waiting.items():
                item = self.items.setdefault(key, Item(tenant=tenant, kind=key[1], texts=key[2:]))
                if not item.spells or item.spells[-1].until:
                    item.spells.append(Spell(since=now))
                item.spells[-1].alerts |= alerts
            for key, item in self.items.items():
                if item.tenant == tenant and item.waits and key not in waiting:
                    item.spells[-1].until = now

    def _waiting(self, customer: Customer) -> dict[Key, set[str]]:
        """What waits in open alerts: what begins to wait in a resolved one, no list of the open ones shows."""
        found: dict[Key, set[str]] = {}
        for alert in customer.alerts.values():
            for item in alert.evidence if alert.status != "resolved" else ():
                if item["remediationStatus"] == PENDING:
                    found.setdefault(self.key(customer, item, alert.machine_id), set()).add(alert.id)
        return found

    def key(self, customer: Customer, item: Evidence, machine: str | None) -> Key:
        """What tells a thing from every other: the customer, its kind and its words, and the device it is on."""
        kind, texts = _KINDS[str(item["@odata.type"]).rpartition(".")[2].removesuffix("Evidence")]
        where = (customer.devices[machine].name,) if machine and kind in ON_A_DEVICE else ()
        return (customer.id, kind, *map(plain, (*texts(item), *where)))

    def words(self, key: Key) -> set[str]:
        """How the thing stands now in the alerts in which it waited."""
        customer = self.sim.world.customers[key[0]]
        alerts = [customer.alerts[alert] for alert in self.items[key].alerts]
        return {
            str(item["remediationStatus"])
            for alert in alerts
            for item in alert.evidence
            if str(item["@odata.type"]).rpartition(".")[2].removesuffix("Evidence") in _KINDS
            and self.key(customer, item, alert.machine_id) == key
        }
