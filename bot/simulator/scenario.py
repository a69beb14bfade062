"""Something happens: incidents come, grow, are resolved, reopened and merged; devices go and return; scores move."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from random import Random
from typing import Any

from bot.simulator import names
from bot.simulator.cases import CASES, Scene, make_alert
from bot.simulator.company import merge
from bot.simulator.core import Core
from bot.simulator.incidents import SEVERITIES, Alert, Incident
from bot.simulator.investigations import investigate, settle
from bot.simulator.proposals import PROPOSALS, Plan, propose
from bot.simulator.world import Customer, Device

OPEN = frozenset({"active", "inProgress"})
PROPOSES_EVERY, PROPOSES_AT = 120, 9
"""Of so many events that happen by themselves, which one is a proposal in the Action center."""
SOON_DECIDED = Plan(begins=timedelta(seconds=30), decided_after=timedelta(minutes=3))


class Scenario:
    """Makes one thing happen at a time: `step` by a test, `run` for as long as it is let.

    `first` and `every` are seconds of the clock. An event returns what happened, or None where nothing fits.
    """

    def __init__(self, core: Core, *, first: float = 3, every: float = 5) -> None:
        self.first = first
        self.every = every
        self._core = core
        self._random = Random(f"scenario:{core.world.seed}")
        self._portal = Random(f"portal:{core.world.seed}")
        self._count = 0

    async def run(self) -> None:
        """Let things happen until cancelled."""
        await self._core.clock.sleep(self.first)
        while True:
            self.step("proposal" if self._count % PROPOSES_EVERY == PROPOSES_AT else None)
            await self._core.clock.sleep(self.every)

    def step(self, event: str | None = None, tenant: str = "") -> dict[str, Any] | None:
        """Let one thing happen: first a new incident, later by chance. Raises KeyError for an unknown event."""
        customers = [one for one in self._core.world.customers.values() if one.devices and tenant in {"", one.id}]
        if not customers:
            return None
        chance = self._random
        customer = customers[0] if chance.random() < 0.8 else chance.choice(customers)  # noqa: PLR2004 - mostly the first
        self._core.tick(customer)
        name = event or ("new_incident" if not self._count else chance.choices(_NAMES, _WEIGHTS)[0])
        self._count += 1
        happened = EVENTS[name](self, customer)
        return {"event": name, "tenant": customer.id, **happened} if happened else None

    def propose(
        self, customer: Customer, plan: Plan = SOON_DECIDED, kind: str = "", device: Device | None = None
    ) -> dict[str, Any]:
        """An investigation proposes something that waits in the portal, where somebody decides it (or nobody does)."""
        chance = self._portal
        where = device or chance.choice([one for one in customer.devices.values() if one.onboarding == "onboarded"])
        scene = Scene(customer, where, chance.choice(names.ACCOUNTS), self._core.clock.now(), chance)
        alert = propose(scene, plan, kind or chance.choice(tuple(PROPOSALS)))
        return {"incident": alert.incident_id, "alert": alert.id, "investigation": alert.investigation_id}

    def _open(self, customer: Customer) -> list[Incident]:
        return [one for one in customer.incidents.values() if one.status in OPEN]

    def _touch(self, incident: Incident) -> None:
        incident.updated = max(incident.updated, self._core.clock.now())

    def _device(self, customer: Customer) -> Device:
        managed = [one for one in customer.devices.values() if one.onboarding == "onboarded"]
        return self._random.choice(managed or list(customer.devices.values()))

    def _add(self, customer: Customer, alert: Alert) -> None:
        customer.alerts[alert.id] = alert
        investigate(customer, alert, "PendingApproval" if alert.investigation_state == "pendingApproval" else "Running")

    def new_incident(self, customer: Customer) -> dict[str, Any]:
        """A new incident with one alert at some device."""
        case, now = self._random.choice(CASES), self._core.clock.now()
        number, customer.next_incident = str(customer.next_incident), customer.next_incident + 1
        incident = Incident(
            id=number,
            title=case.title,
            severity=case.severity,
            created=now,
            updated=now,
            description=case.description,
            system_tags=list(case.tags),
        )
        customer.incidents[number] = incident
        scene = Scene(customer, self._device(customer), self._random.choice(names.ACCOUNTS), now, self._random)
        alert = make_alert(case, scene, number)
        self._add(customer, alert)
        return {"incident": number, "alert": alert.id}

    def new_alert(self, customer: Customer) -> dict[str, Any] | None:
        """Another alert at an open incident."""
        if not (found := self._open(customer)):
            return None
        incident, now = self._random.choice(found), self._core.clock.now()
        case = next((one for one in CASES if incident.title.startswith(one.title)), CASES[0])
        scene = Scene(customer, self._device(customer), self._random.choice(names.ACCOUNTS), now, self._random)
        alert = make_alert(case, scene, incident.id)
        self._add(customer, alert)
        self._touch(incident)
        return {"incident": incident.id, "alert": alert.id}

    def severity_up(self, customer: Customer) -> dict[str, Any] | None:
        """An open incident becomes one step more severe."""
        found = [one for one in self._open(customer) if one.severity != SEVERITIES[-1]]
        if not found:
            return None
        incident = self._random.choice(found)
        incident.severity = SEVERITIES[SEVERITIES.index(incident.severity) + 1]
        self._touch(incident)
        return {"incident": incident.id, "severity": incident.severity}

    def resolve(self, customer: Customer) -> dict[str, Any] | None:
        """Somebody resolves an open incident in the portal."""
        if not (found := self._open(customer)):
            return None
        incident = self._random.choice(found)
        incident.status, incident.classification, incident.determination = "resolved", "truePositive", "malware"
        incident.assigned_to = incident.modified_by = f"patti@{customer.domain}"
        self._touch(incident)
        for alert in customer.alerts_of(incident):
            alert.status, alert.resolved, alert.updated = "resolved", incident.updated, incident.updated
            settle(customer, alert, incident.updated)
        return {"incident": incident.id}

    def reopen(self, customer: Customer) -> dict[str, Any] | None:
        """A resolved incident becomes active again."""
        found = [one for one in customer.incidents.values() if one.status == "resolved"]
        if not found:
            return None
        incident = self._random.choice(found)
        incident.status = "active"
        self._touch(incident)
        return {"incident": incident.id}

    def merge(self, customer: Customer) -> dict[str, Any] | None:
        """The newest of the open incidents is merged into another one."""
        found = self._open(customer)
        if len(found) < 2:  # noqa: PLR2004 - it takes two
            return None
        *others, newest = sorted(found, key=lambda one: one.created)
        target = self._random.choice(others)
        merge(customer, newest.id, target.id, self._core.clock.now())
        return {"incident": newest.id, "into": target.id}

    def device_away(self, customer: Customer) -> dict[str, Any] | None:
        """A device goes offline."""
        return self._switch(customer, online=False)

    def device_back(self, customer: Customer) -> dict[str, Any] | None:
        """A device comes back; actions that waited for it begin."""
        return self._switch(customer, online=True)

    def _switch(self, customer: Customer, *, online: bool) -> dict[str, Any] | None:
        found = [one for one in customer.devices.values() if one.online != online]
        if not found:
            return None
        device = self._random.choice(found)
        customer.set_online(device, self._core.clock.now(), online=online)
        return {"device": device.id, "online": online}

    def scores(self, customer: Customer) -> dict[str, Any]:
        """Defender's scores move a little; Secure Score has one a day, which comes by itself."""
        now, chance = self._core.clock.now(), self._random
        for score in (customer.exposure, customer.configuration):
            if score:
                score.score, score.time = max(0.0, score.score + chance.uniform(-1.5, 1.5)), now
        return {"exposure": customer.exposure.score if customer.exposure else None}


EVENTS: Mapping[str, Callable[[Scenario, Customer], dict[str, Any] | None]] = {
    "new_incident": Scenario.new_incident,
    "new_alert": Scenario.new_alert,
    "severity_up": Scenario.severity_up,
    "resolve": Scenario.resolve,
    "reopen": Scenario.reopen,
    "merge": Scenario.merge,
    "device_away": Scenario.device_away,
    "device_back": Scenario.device_back,
    "scores": Scenario.scores,
}
_NAMES = tuple(EVENTS)
EVENTS = {**EVENTS, "proposal": Scenario.propose}
_WEIGHTS = (3, 5, 2, 3, 1, 1, 2, 3, 2)
