"""The company of `stage.py` with the real clients and the simulator over HTTP, for responses of every kind."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import stamina

from bot.audit import Ledger
from bot.auth import DEFENDER_SCOPE, GRAPH_SCOPE, BearerAuth, Secret, TokenSource
from bot.clock import ManualClock
from bot.defender.http import HttpDefender
from bot.graph.http import HttpGraph, headers
from bot.http import Api, new_client
from bot.responses.declared import Response
from bot.responses.models import Request, Target
from bot.services import Services
from bot.simulator import Simulator
from bot.simulator.core import CLIENT_ID, CLIENT_SECRET
from bot.state.memory import MemoryStore
from tests.responses.people import ADELE, START, TENANT
from tests.responses.processes import Process
from tests.responses.stage import Stage


class HttpStage(Stage):
    """A stage whose services are asked over HTTP."""

    def __init__(self, sim: Simulator, clock: ManualClock, responses: Iterable[Response]) -> None:
        super().__init__(responses={response.name: response for response in responses})
        self.sim, self.clock = sim, clock
        self.store = MemoryStore(clock)
        self.ledger = Ledger(self.store, "audit key")
        windows = [d for d in sim.first.devices.values() if d.os == "Windows11" and d.onboarding == "onboarded"]
        self.devices = windows[:2]
        for device in self.devices:
            sim.first.set_online(device, START, online=True)
        self.clients: dict[str, Any] = {}

    def services(self, process: Process | None = None) -> Services:
        """What a process works with."""
        clients = self.clients
        return replace(
            super().services(process), defender=lambda _: clients["defender"], graph=lambda _: clients["graph"]
        )

    async def asked(self, response: str, device: int = 0, target: Target | None = None, **parameters: str) -> str:
        """The id of a request that was asked for, and approved where that is needed."""
        more: dict[str, Any] = {"parameters": parameters}
        return await self.approved(response, ADELE, device, **(more | ({"target": target} if target else {})))

    async def followed(
        self, response: str, device: int = 0, target: Target | None = None, **parameters: str
    ) -> Request:
        """The same at its end."""
        key = await self.asked(response, device, target, **parameters)
        await self.until_quiet()
        return await self.request(key)


@asynccontextmanager
async def staged_over_http(
    responses: Iterable[Response], *, size: str = "tiny", plan: str = "plan2"
) -> AsyncIterator[HttpStage]:
    """A running simulator and a stage in front of it; retries happen, their pauses do not."""
    clock = ManualClock(START)
    with stamina.set_testing(True, attempts=10, cap=True):
        async with Simulator(clock, size=size, throttling=False).running() as sim, new_client() as http:
            sim.first.plan = plan
            tokens = TokenSource(client_id=CLIENT_ID, credential=Secret(CLIENT_SECRET), login_url=sim.url, clock=clock)
            stage = HttpStage(sim, clock, responses)
            stage.clients = {
                "defender": HttpDefender(
                    Api(
                        http,
                        base_url=sim.url,
                        auth=BearerAuth(tokens, sim.first.id, DEFENDER_SCOPE),
                        customer=TENANT,
                    )
                ),
                "graph": HttpGraph(
                    Api(
                        http,
                        base_url=f"{sim.url}/v1.0",
                        auth=BearerAuth(tokens, sim.first.id, GRAPH_SCOPE),
                        customer=TENANT,
                        headers=headers,
                    )
                ),
            }
            yield stage
            await tokens.close()
