"""The simulator as one aiohttp application: login, Defender, Graph and the Bot Connector at one port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from bot.clock import Clock, SystemClock
from bot.simulator.company import fill
from bot.simulator.connector import Connector, mount_connector
from bot.simulator.control import mount_control
from bot.simulator.core import Core
from bot.simulator.defender import mount_defender
from bot.simulator.directory import FIRST_TENANT, SECOND_TENANT
from bot.simulator.graph import mount_graph
from bot.simulator.graph_domains import mount_domains
from bot.simulator.graph_mail import mount_mail
from bot.simulator.graph_people import mount_people
from bot.simulator.login import mount_login
from bot.simulator.scenario import Scenario
from bot.simulator.world import Customer

MAX_BODY = 4 * 1024 * 1024


class Simulator(Core):
    """A simulated Microsoft.

    `size` is `company`, `tiny` or `empty`; the same seed and clock make the same world. `throttling` counts calls as
    the pages say. While `running`, `url` (no slash at its end) is where everything is served: login, Graph (`/v1.0`
    below it), Defender (`/api` below it) and Connector (`/v3` below it).
    """

    def __init__(
        self, clock: Clock | None = None, *, seed: int = 1, size: str = "tiny", throttling: bool = True
    ) -> None:
        super().__init__(clock or SystemClock(), seed)
        self.limiter.on = throttling
        self.connector = Connector(self)
        self.scenario = Scenario(self)
        self.url = ""
        fill(self.world, size)

    @property
    def first(self) -> Customer:
        """The first company."""
        return self.world.customers[FIRST_TENANT]

    @property
    def second(self) -> Customer:
        """The second, smaller company."""
        return self.world.customers[SECOND_TENANT]

    def application(self) -> web.Application:
        """A fresh application that serves this simulator."""
        app = web.Application(client_max_size=MAX_BODY)
        mount_control(app, self, self.scenario)
        mount_connector(app, self, self.connector)
        mount_defender(app, self)
        mount_people(app, self)
        mount_mail(app, self)
        mount_domains(app, self)
        mount_graph(app, self)
        mount_login(app, self)
        return app

    @asynccontextmanager
    async def running(
        self, *, host: str = "127.0.0.1", port: int = 0, scenario: bool = False
    ) -> AsyncIterator["Simulator"]:
        """Serve at a port (0: any free one), with or without things happening by themselves."""
        self.closing = asyncio.Event()
        runner = web.AppRunner(self.application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            self.url = f"http://{host}:{runner.addresses[0][1]}"
            async with _beside(self.scenario if scenario else None):
                yield self
        finally:
            self.closing.set()
            await runner.cleanup()


@asynccontextmanager
async def _beside(scenario: Scenario | None) -> AsyncIterator[None]:
    task = asyncio.ensure_future(scenario.run()) if scenario else None
    try:
        yield
    finally:
        if task:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def build_simulator(
    clock: Clock | None = None, *, seed: int = 1, size: str = "company", throttling: bool = True
) -> web.Application:
    """The application of a new simulator."""
    return Simulator(clock, seed=seed, size=size, throttling=throttling).application()
