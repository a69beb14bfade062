"""A stage on which the bot's own Defender client talks to the simulator over HTTP, for sessions on a device."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from bot.auth import DEFENDER_SCOPE, GRAPH_SCOPE, BearerAuth, Secret, TokenSource
from bot.defender.http import HttpDefender
from bot.graph.http import HttpGraph, headers
from bot.http import Api, new_client
from bot.library.catalogue import SCRIPTS, content, describe
from bot.responses.live import HASH, SCRIPT_NAME
from bot.responses.models import Request
from bot.services import Services
from bot.simulator.core import CLIENT_ID, CLIENT_SECRET
from bot.simulator.live_inside import Inside, infected
from bot.simulator.live_sessions import LibraryFile
from handlers.responses import RESPONSES
from tests.responses.people import ADELE, START, TENANT
from tests.responses.processes import Process
from tests.responses.stage import Stage

LIVE = {one.name: one for one in RESPONSES if one.family in {"live", "library"}}


class LiveStage(Stage):
    """The first company has Plan 2, our scripts in its library, and two devices on which an attack left something."""

    defender_client: HttpDefender
    graph_client: HttpGraph

    def services(self, process: Process | None = None) -> Services:
        clients = {"defender": lambda _customer: self.defender_client, "graph": lambda _customer: self.graph_client}
        return replace(super().services(process), **clients)

    @property
    def inside(self) -> Inside:
        """What is inside the first device."""
        return self.devices[0].inside

    def shelve(self, name: str, text: bytes, description: str = "") -> str:
        """Put a file into the library; returns its hash."""
        file = LibraryFile(name=name, content=text, created=START, updated=START, by="x", description=description)
        self.sim.first.library[name.casefold()] = file
        return file.sha256

    async def ended(self, response: str, **parameters: str) -> Request:
        """Ask for it, have it approved, and let all happen until it is over."""
        key = await self.approved(response, ADELE, 0, parameters=parameters)
        await self.until_quiet()
        return await self.request(key)

    async def script(self, response: str, **parameters: str) -> Request:
        """The same for one of our own scripts."""
        script = SCRIPTS[OF[response]]
        file = self.sim.first.library[script.file]
        return await self.ended(response, **parameters, **{SCRIPT_NAME: script.file, HASH: file.sha256})


OF = {
    "quarantine-file": "quarantine-file",
    "restore-file": "quarantine-file",
    "remove-registry-key": "remove-registry-key",
    "restore-registry-key": "remove-registry-key",
    "kill-process": "kill-process",
    "stop-service": "stop-service",
    "start-service": "stop-service",
    "disable-driver": "disable-driver",
    "enable-driver": "disable-driver",
    "remove-task": "remove-task",
    "restore-task": "remove-task",
}


@asynccontextmanager
async def live_stage(**more: Any) -> AsyncIterator[LiveStage]:
    stage = LiveStage(responses=LIVE, **more)
    stage.sim.first.plan = "plan2"
    for device in stage.devices:
        device.inside = infected()
        device.onboarding = "onboarded"
    for script in SCRIPTS.values():
        stage.shelve(script.file, content(script), describe(script, content(script)))
    async with stage.sim.running(), new_client() as http:
        tokens = TokenSource(
            client_id=CLIENT_ID, credential=Secret(CLIENT_SECRET), login_url=stage.sim.url, clock=stage.clock
        )
        auth = BearerAuth(tokens, TENANT, DEFENDER_SCOPE)
        stage.defender_client = HttpDefender(Api(http, base_url=stage.sim.url, auth=auth, customer=TENANT))
        graph, base = BearerAuth(tokens, TENANT, GRAPH_SCOPE), f"{stage.sim.url}/v1.0"
        stage.graph_client = HttpGraph(Api(http, base_url=base, auth=graph, customer=TENANT, headers=headers))
        yield stage
        await tokens.close()
