"""Customers whose figures are read: Microsoft's services as documented samples at the transport, the bot's clients."""

import asyncio
import copy
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bot.audit import Ledger
from bot.clock import ManualClock
from bot.defender.http import HttpDefender
from bot.graph.http import HttpGraph
from bot.history import KIND, Day
from bot.http import Api, new_client
from bot.services import Services
from bot.state.memory import MemoryStore
from tests.bot.wire_help import FixedToken, error_body

SAMPLES = Path(__file__).parent / "samples"
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CONTOSO, LITWARE = "contoso", "litware"
SECURE, DEVICES, EXPOSURE = "/v1.0/security/secureScores", "/api/configurationScore", "/api/exposureScore"
MACHINES, INCIDENTS = "/api/machines", "/v1.0/security/incidents"
EVERY_PATH = (SECURE, DEVICES, EXPOSURE, MACHINES, INCIDENTS)


def sample(name: str) -> Any:
    """A documented sample."""
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


@dataclass
class Cloud:
    """What one customer's services answer; `broken` maps a path to what it answers instead, `hanging` never answer."""

    exposure: float = 33.5
    devices: float = 340.0
    risks: tuple[str, ...] = ("High", "Low")
    open: int = 4
    days: dict[date, dict[str, Any]] = field(default_factory=dict)
    broken: dict[str, httpx.Response] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def score(self, day: date, current: float, maximum: float | None = 697.0, **controls: float) -> None:
        """A Secure Score of that day, as the documented sample is made."""
        made = copy.deepcopy(sample("graph/securescores-list")["value"][0])
        made |= {"id": f"t_{day}", "createdDateTime": f"{day}T01:21:00Z", "currentScore": current, "maxScore": maximum}
        made["controlScores"] = [
            {"controlCategory": "Identity", "controlName": name, "description": f"About {name}", "score": points}
            for name, points in controls.items()
        ]
        self.days[day] = made

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer as the documented pages say."""
        path = request.url.path
        self.asked.append(path)
        if path in self.hanging:
            await asyncio.Event().wait()
        if path in self.broken:
            return self.broken[path]
        return httpx.Response(200, json=self._body(path, request.url.params))

    def _body(self, path: str, params: httpx.QueryParams) -> Any:
        if path == SECURE:
            newest = sorted(self.days.items(), reverse=True)[: int(params["$top"])]
            return {"value": [score for _, score in newest]}
        if path == MACHINES:
            one = sample("defender/machines-list")["value"][0]
            return {"value": [one | {"id": str(n), "riskScore": risk} for n, risk in enumerate(self.risks)]}
        if path == INCIDENTS:
            return {"@odata.count": self.open, "value": []}
        if path == DEVICES:
            return sample("defender/configuration-score") | {"score": self.devices}
        return sample("defender/exposure-score") | {"score": self.exposure}

    def count(self, path: str) -> int:
        """How often it was asked for that."""
        return self.asked.count(path)


def outage() -> httpx.Response:
    """The service is in trouble."""
    return httpx.Response(503, json=error_body("ServiceUnavailable"))


def refused(code: str = "Forbidden") -> httpx.Response:
    """A permission (or with `DisabledFeature` the plan) is lacking."""
    return httpx.Response(403, json=error_body(code))


class Estate:
    """Two customers with their services, one store and a clock that is moved."""

    def __init__(self, store: type[MemoryStore] = MemoryStore) -> None:
        self.clock = ManualClock(START)
        self.store = store(self.clock)
        self.clouds = {CONTOSO: Cloud(), LITWARE: Cloud(exposure=71.0, devices=120.0, risks=(), open=0)}
        self.services = Services(
            defender=lambda customer: HttpDefender(self._api(customer, "https://defender.test")),
            graph=lambda customer: HttpGraph(self._api(customer, "https://graph.test/v1.0")),
            teams=None,  # type: ignore[arg-type]
            ledger=Ledger(self.store, "key"),
            clock=self.clock,
            wake=None,  # type: ignore[arg-type]
            worker="one",
            responses={},
            memory=None,  # type: ignore[arg-type]
        )

    @property
    def cloud(self) -> Cloud:
        """The first customer's."""
        return self.clouds[CONTOSO]

    def _api(self, customer: str, base: str) -> Api:
        client = new_client(httpx.MockTransport(self.clouds[customer]))
        return Api(client, base_url=base, auth=FixedToken(), customer=customer)

    def month(self, end: date, current: float = 400.0, back: int = 30) -> None:
        """A Secure Score for each day up to `end`: the newest is `current`, each day before it one point less."""
        for n in range(back, -1, -1):
            self.cloud.score(end - timedelta(days=n), current - n)

    async def day(self, back: int = 0, customer: str = CONTOSO) -> Day | None:
        """The record of so many days before today."""
        key = (self.clock.now().date() - timedelta(days=back)).isoformat()
        record = await self.store.get(customer, KIND, key)
        return Day.model_validate(record.data) if record else None
