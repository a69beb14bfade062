"""What investigations propose begins to wait in the Action center, and somebody in the portal decides, or nobody."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta
from random import Random
from typing import Any

from bot.simulator import proposals
from bot.simulator.proposals import PROPOSALS, Plan
from bot.simulator.server import Simulator
from tests.soak.center_seen import PENDING, Center
from tests.soak.trouble import Tally
from tests.soak.world import DEVICES

MANY = 14
"""So many begin to wait in the same moment, more than get a card each."""
NEVER, APPROVED, AGAIN = 0.2, 0.7, 0.1
"""How often nobody decides; how often it is approved; how often what was decided waits again."""


class Proposals:
    """Lets things begin to wait and be decided; everything by chance comes from `dice`."""

    def __init__(self, sim: Simulator, center: Center, dice: Random, tally: Tally) -> None:
        self.sim, self.center, self.dice, self.counts = sim, center, dice, tally.counts

    async def play(self, wanted: int, bursts: int, seconds: float) -> None:
        """So many proposals within about that time, and so many times many at once, in the second half of it."""
        at_once = set(self.dice.sample(range(wanted // 2, wanted), bursts))
        for number in range(wanted):
            await asyncio.sleep(self.dice.expovariate(wanted / seconds))
            if number in at_once:
                self._many()
            else:
                self._one()
            if self.dice.random() < AGAIN:
                self._again()

    def _one(self) -> None:
        dice = self.dice
        decided = None if dice.random() < NEVER else timedelta(seconds=dice.uniform(60, 1500))
        begins = timedelta(seconds=dice.uniform(0, 120))
        plan = Plan(begins=begins, decided_after=decided, approve=dice.random() < APPROVED)
        self._propose(plan, dice.choice(tuple(PROPOSALS)))

    def _many(self) -> None:
        """In one moment, so that no look can see a part of them."""
        tenant = self._tenant()
        found = [self._propose(Plan(), self.dice.choice(("file", "process")), tenant) for _ in range(MANY)]
        self.center.bursts.append({alert for alert in found if alert})
        self.counts["Action center: many at once"] += 1

    def _propose(self, plan: Plan, kind: str, tenant: str = "") -> str:
        customer = self.sim.world.customers[tenant or self._tenant()]
        self.sim.tick(customer)
        self.counts["Action center: proposals"] += 1
        return str(self.sim.scenario.propose(customer, plan, kind)["alert"])

    def _again(self) -> None:
        """A remediation did not hold; in an alert that is open, for whoever lists those sees no others."""
        customer = self.sim.world.customers[self._tenant()]
        over = [
            alert
            for alert in customer.alerts.values()
            if alert.status != "resolved"
            and any(item["remediationStatus"] in {"remediated", "declined"} for item in alert.evidence)
            and any(alert.id in item.alerts for item in self.center.items.values())
        ]
        if over:
            proposals.wait_again(customer, self.dice.choice(over), self.sim.clock.now())
            self.counts["Action center: waits again"] += 1

    def decide_for(self, records: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """At the end somebody decides what those investigations wait for that a request follows: it ends with them."""
        for tenant, record in records:
            customer = self.sim.world.customers[tenant]
            if record["response"] != "investigate" or record["state"] != "sent" or not record["attempts"]:
                continue
            one = customer.investigations.get(record["attempts"][-1]["action"])
            alert = customer.alerts.get(one.alert_id) if one else None
            if alert and any(item["remediationStatus"] == PENDING for item in alert.evidence):
                proposals.decide(customer, alert, self.sim.clock.now(), approve=True)

    def _tenant(self) -> str:
        return self.dice.choices(list(DEVICES), list(DEVICES.values()))[0]
