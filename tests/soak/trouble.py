"""What goes wrong: faults at a share of the calls, devices and actions that misbehave, kills."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from bot.simulator.actions import AlreadyRunningError, Order
from bot.simulator.faults import Fault, Faults
from bot.simulator.limits import Limit, Limiter
from bot.simulator.server import Simulator
from bot.simulator.world import LedgerEntry
from tests.soak.repertoire import ACTS

SHARE = 0.05
BY_HAND = "done by hand"
ODD = 0.1
"""How often what was begun ends otherwise than it should."""
LOSES_ANSWERS = frozenset({"error", "html", "timeout", "reset", "empty", "garbage"})
SENDING = frozenset(act.operation for act in ACTS)
POSTING = ("connector.post", "connector.reply", "connector.edit")


@dataclass
class Tally:
    """What happened, counted by name, and when what may leave a message behind that the bot cannot know of."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    doubts: list[tuple[datetime, str]] = field(default_factory=list)


class Chance(Faults):
    """Faults by chance.

    Each call of any service meets one with the probability `share`, or `sending_share` where it starts an action. A 403
    of the Connector is left out: by design it ends the conversation's subscription for good.
    """

    def __init__(self, sim: Simulator, dice: Random, tally: Tally) -> None:
        super().__init__()
        self.share = 0.0
        self.sending_share = 0.0
        self._sim, self._dice, self._tally = sim, dice, tally

    def take(self, operation: str, tenant: str = "") -> Fault | None:
        self._tally.counts["calls"] += 1
        share = self.sending_share if operation in SENDING else self.share
        if self._dice.random() >= share:
            return super().take(operation, tenant)
        fault = self._fault(operation)
        name = f"{fault.kind}{', acted' if fault.acted else ''}{', listed late' if fault.unlisted else ''}"
        self._tally.faults[f"{operation.partition('.')[0]}: {name}"] += 1
        if fault.acted and operation in POSTING[:2]:
            self._tally.doubts.append((self._sim.clock.now(), "fault"))
        if fault.kind == "throttled" and operation in SENDING:
            self._tally.doubts.append((self._sim.clock.now(), "slow call"))
        return fault

    def _fault(self, operation: str) -> Fault:
        dice = self._dice
        service = operation.partition(".")[0]
        if operation in SENDING and dice.random() < 0.3:
            return Fault(kind=dice.choice(("timeout", "reset", "accept")), seconds=1, acted=True, unlisted=self._late())
        kinds = ["throttled", "error", "html", "timeout", "reset", "slow", "empty", "garbage", "expired"]
        if service == "graph":
            kinds.append("partial")
        if service in {"graph", "defender"}:
            kinds += ["forbidden", "plan"] if dice.random() < 0.3 else []
        kind = dice.choice(kinds)
        certain = operation == "connector.edit" and kind == "empty"  # a 200 that is no page is the service's word
        return Fault(
            kind=kind,
            status=dice.choice((500, 503)) if kind == "error" else 0,
            retry_after=dice.choice((None, 1, 3)) if kind == "throttled" else None,
            seconds=dice.choice((0.5, 1, 3)) if kind in {"timeout", "slow"} else 0,
            acted=certain or (kind in LOSES_ANSWERS and dice.random() < 0.5),
            unlisted=self._late() if kind in {"timeout", "reset"} else 0,
        )

    def _late(self) -> float:
        return self._dice.uniform(0, 180)


class ConnectorLimits(Limiter):
    """Counts what Teams counts; with `all_services` also what Defender and Graph count."""

    all_services = False

    def wait(self, key: tuple[str, ...], limits: tuple[Limit, ...], *, count_refused: bool = False) -> float:
        if self.all_services or key[0] == "connector":
            return super().wait(key, limits, count_refused=count_refused)
        return 0


class Mischief:
    """Odd ways of the service itself: actions that fail, time out or stick, devices that go away, repeats."""

    def __init__(self, sim: Simulator, dice: Random, tally: Tally) -> None:
        self.sim, self.dice, self.tally = sim, dice, tally
        self.by_hand = 0.01
        self._seen = 0

    def step(self) -> None:
        """Look at what was accepted since, and let something happen now and then."""
        entries = self.sim.world.ledger.entries
        while self._seen < len(entries):
            entry = entries[self._seen]
            self._seen += 1
            if not entry.created or self.dice.random() >= ODD:
                continue
            if entry.type == "StartInvestigation":
                self._odd_investigation(entry)
                continue
            action = self.sim.world.customers[entry.tenant].actions[entry.action_id]
            what = self.dice.choice(("Failed", "TimeOut", "stuck"))
            if what == "stuck":
                action.stuck_until = action.stuck_until or action.created + self._later(60, 600)
            else:
                action.fate = what
            self.tally.counts[f"actions that end as {what}" if what != "stuck" else "actions that stick"] += 1
        if self.dice.random() < self.by_hand:
            self._by_hand()
        if self.dice.random() < 0.02:
            self.sim.dispatcher.repeat = self.dice.choice(("refuse", "existing", "duplicate"))
        if self.dice.random() < 0.02:
            tenant = self.dice.choice(list(self.sim.world.customers))
            self.sim.scenario.step(self.dice.choice(("device_away", "device_back", "device_back")), tenant)

    def _odd_investigation(self, entry: LedgerEntry) -> None:
        what = self.dice.choice(("Failed", "PartiallyRemediated", "TerminatedByUser"))
        self.sim.world.customers[entry.tenant].investigations[entry.action_id].fate = what
        self.tally.counts[f"investigations that end as {what}"] += 1

    def _by_hand(self) -> None:
        """Somebody acts in the portal, beside the bot."""
        customer = self.dice.choice(list(self.sim.world.customers.values()))
        device = self.dice.choice([one for one in customer.devices.values() if "-pc-" in one.name])
        kind = self.dice.choice(("Isolate", "Unisolate", "RunAntiVirusScan"))
        scope = {"Isolate": "Full", "RunAntiVirusScan": "Quick"}.get(kind)
        order = Order(type=kind, scope=scope, comment=BY_HAND, requestor="patti@example.com")
        with suppress(AlreadyRunningError):
            action = self.sim.dispatcher.submit(customer, device, order)
            action.stuck_until = self.sim.clock.now() + self._later(30, 300)
            self.tally.counts["actions by hand in the portal"] += 1

    def _later(self, least: float, most: float) -> timedelta:
        return timedelta(seconds=self.dice.uniform(least, most))

    def end(self) -> None:
        """The service behaves again: what sticks begins, who is away comes back."""
        self.sim.dispatcher.repeat = "refuse"
        for customer in self.sim.world.customers.values():
            self.sim.tick(customer)
            self.sim.dispatcher.free_stuck(customer)
            for device in customer.devices.values():
                if not device.online:
                    customer.set_online(device, self.sim.clock.now(), online=True)
