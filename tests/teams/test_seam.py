import asyncio

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer as AiohttpServer

from bot.clock import SystemClock
from bot.teams.client import Teams
from bot.teams.seam import TeamsSettings, build_teams
from bot.turn import Answer, Shown
from tests.teams.conftest import Work
from tests.teams.microsoft import APP, SERVICE, TENANT, Microsoft, activity, bearer

LOCAL = TeamsSettings(app_id="", tenants=[TENANT], development=True)


class LocalConnector:
    """A Connector on this machine, as the Agents Playground runs one: counts connections and tokens fetched."""

    def __init__(self):
        self.connections = set()
        self.bodies = []
        self.tokens = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()

    async def start(self):
        """Listen on a free port."""
        app = web.Application()
        app.router.add_post("/token", self._token)
        app.router.add_post("/v3/conversations/{conversation}/activities", self._activity)
        self.server = AiohttpServer(app)
        await self.server.start_server()
        self.url = str(self.server.make_url("")).rstrip("/")

    async def _token(self, request):
        self.tokens += 1
        return web.json_response({"access_token": "t-1"})

    async def _activity(self, request):
        self.connections.add(request.transport)
        self.bodies.append(await request.json())
        self.arrived.set()
        await self.gate.wait()
        assert request.headers["Authorization"] == "Bearer t-1"
        return web.json_response({"id": str(len(self.bodies))}, status=201)


class CachedToken(httpx.Auth):
    """A token source that asks once, like the one of bot.auth."""

    requires_response_body = True

    def __init__(self, url):
        self._url = url
        self._token = ""

    def auth_flow(self, request):
        """Sign with the token, fetched at the first use."""
        if not self._token:
            answer = yield httpx.Request("POST", self._url + "/token")
            self._token = answer.json()["access_token"]
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


@pytest.fixture
async def connector():
    local = LocalConnector()
    await local.start()
    yield local
    local.gate.set()
    await local.server.close()


@pytest.fixture
async def endpoint(connector, aiohttp_client):
    """The endpoint in development mode, with real sockets on this machine."""

    async def answer(turn):
        return Answer(shown=Shown(card={"type": "AdaptiveCard"}, summary="done") if turn.text else None)

    async with httpx.AsyncClient() as http:
        seam = build_teams(
            LOCAL,
            http=http,
            auth=CachedToken(connector.url),
            clock=SystemClock(),
            on_turn=answer,
            failed=lambda _, reference: reference,
        )
        seam.start()
        assert seam.ready
        app = web.Application()
        app.router.add_post("/api/messages", seam.messages.handle)
        yield await aiohttp_client(app)
        await seam.close()


async def test_many_turns_use_one_connection_and_one_token(endpoint, connector):
    """Twenty turns one after the other cost one TCP connection to the Connector and one token."""
    for _ in range(20):
        answer = await endpoint.post("/api/messages", json=activity(serviceUrl=connector.url))
        assert answer.status == 202
    assert (len(connector.bodies), len(connector.connections), connector.tokens) == (20, 1, 1)


async def test_a_hanging_connector_blocks_nobody_else(endpoint, connector):
    """While one reply waits for the Connector, other turns run to their end."""
    connector.gate.clear()
    waiting = asyncio.create_task(endpoint.post("/api/messages", json=activity(serviceUrl=connector.url)))
    await asyncio.wait_for(connector.arrived.wait(), 10)
    other = await endpoint.post("/api/messages", json=activity(serviceUrl=connector.url, text=""))
    assert other.status == 202
    assert not waiting.done()
    connector.gate.set()
    assert (await waiting).status == 202


@pytest.mark.parametrize(
    "url", ["https://smba.trafficmanager.net/emea/", "http://10.0.0.1/", "http://127.0.0.1.evil.example/"]
)
async def test_development_lets_only_this_machine_in(endpoint, connector, url):
    """Without tokens no reply may go anywhere else: another service URL is 403."""
    answer = await endpoint.post("/api/messages", json=activity(serviceUrl=url))
    assert answer.status == 403
    assert not connector.bodies


async def test_development_still_serves_its_tenants_only(endpoint, connector):
    """The tenant list counts in development, too."""
    body = activity(serviceUrl=connector.url, channelData=None, conversation__tenantId="else")
    assert (await endpoint.post("/api/messages", json=body)).status == 403


@pytest.mark.parametrize(
    "settings",
    [
        TeamsSettings(app_id="", tenants=[TENANT]),
        TeamsSettings(app_id=APP, tenants=[TENANT], openid_url="http://login.example/keys"),
    ],
    ids=["no app id", "keys over http"],
)
async def test_settings_that_let_strangers_in_are_refused(settings):
    """Without an app id every caller would be anonymous, and keys over http are anybody's."""
    async with httpx.AsyncClient() as http:
        with pytest.raises(ValueError, match=r"app id|https"):
            build_teams(settings, http=http, auth=None, clock=SystemClock(), on_turn=None, failed=None)


async def test_the_client_is_what_the_bot_asks_of_teams(world):
    """The connector has every method of the Teams protocol."""
    client: Teams = world.seam.client
    assert all(hasattr(client, name) for name in ("post", "edit", "typing", "member"))


async def test_ready_means_that_tokens_can_be_judged(world):
    """Before the first fetch the seam is not ready; the start fetches without a request."""
    assert not world.seam.ready
    world.seam.start()
    await world.seam.keys._flight
    assert world.seam.ready


async def test_tokens_can_be_wanted_with_service_urls_on_this_machine(aiohttp_client):
    """`loopback` alone moves the service URLs to this machine and keeps the token check."""
    microsoft = Microsoft()
    local = "http://127.0.0.1:56150/"
    settings = TeamsSettings(app_id=APP, tenants=[TENANT], loopback=True)
    calls = [(local, bearer(serviceurl=local)), (local, {}), (SERVICE, bearer())]
    async with microsoft.client() as http:
        seam = build_teams(
            settings, http=http, auth=None, clock=SystemClock(), on_turn=Work(), failed=lambda _, reference: reference
        )
        app = web.Application()
        app.router.add_post("/api/messages", seam.messages.handle)
        endpoint = await aiohttp_client(app)
        answers = [
            await endpoint.post("/api/messages", json=activity(serviceUrl=url), headers=headers)
            for url, headers in calls
        ]
        await seam.close()
    assert [answer.status for answer in answers] == [202, 401, 403]
