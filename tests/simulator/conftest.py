"""A running simulator with a clock that stands still, and a client that signs in to it."""

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from bot.clock import ManualClock
from bot.simulator import Simulator
from bot.simulator.core import CLIENT_ID, CLIENT_SECRET
from bot.simulator.tokens import CONNECTOR, DEFENDER, GRAPH

TLS = ssl.create_default_context()  # made once: httpx would load all certificates for every client
START = datetime(2026, 11, 23, 9, 30, 0, 250_000, tzinfo=UTC)


class Client:
    """Calls the simulator as an app of one customer would."""

    def __init__(self, sim: Simulator, http: httpx.AsyncClient, tenant: str) -> None:
        self.sim, self.http, self.tenant = sim, http, tenant
        self.tokens: dict[str, str] = {}

    async def token(self, audience: str) -> str:
        """Sign in for one API."""
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "scope": f"{audience}/.default",
        }
        answer = await self.http.post(f"/{self.tenant}/oauth2/v2.0/token", data=form)
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    async def call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """Make a signed call; the path decides which API's token it carries."""
        audience = DEFENDER if path.startswith("/api") else CONNECTOR if path.startswith("/v3") else GRAPH
        if audience not in self.tokens:
            self.tokens[audience] = await self.token(audience)
        signed = {"Authorization": f"Bearer {self.tokens[audience]}", **(headers or {})}
        return await self.http.request(method, path, headers=signed, **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        """GET, signed."""
        return await self.call("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """POST JSON, signed."""
        return await self.call("POST", path, json=body, **more)

    async def rows(self, path: str, **params: str) -> list[dict[str, Any]]:
        """The rows of one page of a list."""
        answer = await self.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()["value"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def sim(clock: ManualClock) -> AsyncIterator[Simulator]:
    async with Simulator(clock, size="tiny").running() as running:
        yield running


@pytest.fixture
async def company(clock: ManualClock) -> AsyncIterator[Simulator]:
    async with Simulator(clock, size="company").running() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=5, trust_env=False, verify=TLS) as client:
        yield client


@pytest.fixture
async def api(sim: Simulator, http: httpx.AsyncClient) -> Client:
    http.base_url = httpx.URL(sim.url)
    return Client(sim, http, sim.first.id)


@pytest.fixture
async def big(company: Simulator, http: httpx.AsyncClient) -> Client:
    http.base_url = httpx.URL(company.url)
    return Client(company, http, company.first.id)
