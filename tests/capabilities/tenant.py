"""A tenant for the tests of this folder: what it bought, what our tokens carry, and services that know only that."""

from dataclasses import dataclass, field

from bot.audit import Ledger
from bot.clock import ManualClock
from bot.errors import ServiceError
from bot.graph.models import SubscribedSku
from bot.services import Services
from bot.simulator.world import PLANS
from bot.state.memory import MemoryStore
from tests.responses.people import START, TENANT

CUSTOMER = TENANT


@dataclass
class Tenant:
    """Stands in for Graph and for the token source."""

    plans: tuple[str, ...] = PLANS["premium"]
    status: str = "Success"
    roles: dict[str, frozenset[str]] = field(default_factory=dict)
    trouble: ServiceError | None = None
    asked: int = 0

    async def subscribed_skus(self) -> list[SubscribedSku]:
        self.asked += 1
        if self.trouble:
            raise self.trouble
        plans = [{"servicePlanName": name, "provisioningStatus": self.status} for name in self.plans]
        return [SubscribedSku.model_validate({"id": "sku", "servicePlans": plans})]

    async def granted(self, _customer: str) -> dict[str, frozenset[str]]:
        return self.roles


class World:
    """A tenant, its store and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.tenant = Tenant()
        self.store = MemoryStore(self.clock)
        self.services = Services(
            defender=lambda _customer: None,
            graph=lambda _customer: self.tenant,
            teams=None,
            ledger=Ledger(self.store, "key", pause=lambda _tried: 0.0),
            clock=self.clock,
            wake=None,
            worker="worker",
            responses={},
            memory=None,
            granted=self.tenant.granted,
        )
