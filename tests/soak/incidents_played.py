"""Part B: incidents arrive, grow, become more severe, are merged, resolved and reopened, at times many at once."""

import asyncio
from random import Random

from bot.simulator.server import Simulator
from tests.soak.trouble import Tally
from tests.soak.world import DEVICES

CHANGES = {"new_alert": 5, "severity_up": 2, "resolve": 3, "reopen": 1, "merge": 1}
PER_INCIDENT = 1.2
BURSTS = 0.02
"""How often, among all arrivals, many incidents arrive at once."""
BURST = (11, 30)


class Incidents:
    """Lets things happen at the simulated customers."""

    def __init__(self, sim: Simulator, dice: Random, tally: Tally) -> None:
        self.sim, self.dice, self.counts = sim, dice, tally.counts
        self.made = 0

    async def play(self, wanted: int, seconds: float) -> None:
        """Let so many incidents arrive within about that time."""
        pause = seconds / wanted
        while self.made < wanted:
            tenant = self.dice.choices(list(DEVICES), list(DEVICES.values()))[0]
            burst = self.dice.random() < BURSTS
            many = min(self.dice.randint(*BURST) if burst else 1, wanted - self.made)
            for _ in range(many):
                self._one("new_incident", tenant)
            self.made += many
            self.counts["bursts of incidents"] += burst
            for _ in range(many):
                await asyncio.sleep(self.dice.expovariate(1 / pause))
                if self.dice.random() < PER_INCIDENT / 2:
                    self._change()
                if self.dice.random() < PER_INCIDENT / 2:
                    self._change()

    def _change(self) -> None:
        event = self.dice.choices(list(CHANGES), list(CHANGES.values()))[0]
        tenant = self.dice.choices(list(DEVICES), list(DEVICES.values()))[0]
        self._one(event, tenant)

    def _one(self, event: str, tenant: str) -> None:
        if self.sim.scenario.step(event, tenant):
            self.counts[f"incidents: {event}"] += 1
