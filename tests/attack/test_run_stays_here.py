"""`run` speaks to this machine alone, whatever the environment or an answer suggests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

import handlers
from bot.app import running_bot
from bot.demo import ADELE, TENANT
from bot.errors import ServiceError
from bot.http import new_client
from bot.run import RunError, run
from bot.settings import SettingsError, load
from bot.simulator.server import Simulator
from bot.state.redis import RedisStore
from bot.state.store import Change
from bot.turn import Actor
from tests.integration.conftest import settings_for
from tests.integration.talk import redis_of_its_own

VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@contextlib.asynccontextmanager
async def proxy(seen: list[bytes]) -> AsyncIterator[int]:
    """A proxy as it stands in many companies: it notes the first line of what is sent through it and refuses."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readline())
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_proxy_of_the_environment_sees_nothing(tmp_path, monkeypatch):
    """With a company's proxy in the environment, sign-in, Graph and Defender of `run` still stay on this machine."""
    seen: list[bytes] = []
    async with proxy(seen) as port, Simulator(size="tiny", throttling=False).running() as sim:
        for name in VARIABLES:
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with redis_of_its_own() as redis:
            async with running_bot(settings_for(sim, redis.url, tmp_path), handlers.features(1.0)) as bot:
                machines = await bot.services.defender(TENANT).machines()
                actor = Actor(id=ADELE.entra_id, tenant=TENANT, name="", mri="29:x")
                held = await bot.dispatch.roles.held(actor, bot.services.graph(TENANT))
    assert seen == []
    assert machines
    assert held.doubt is None


async def test_production_goes_through_the_proxy_that_is_set(monkeypatch):
    """`serve` honours the proxy of its environment: many networks have no other way out."""
    seen: list[bytes] = []
    async with proxy(seen) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        async with new_client() as client:
            await client.get("http://192.0.2.1/")
    assert seen == [b"GET http://192.0.2.1/ HTTP/1.1\r\n"]


@pytest.mark.parametrize("name", ["LOGIN_URL", "GRAPH_URL", "DEFENDER_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433:3979",
        "http://0x7f000001",
        "http://0177.0.0.1",
        "http://0.0.0.0:3979",
        "http://[::]:3979",
        "http://[::ffff:10.0.0.1]",
        "http://[fe80::1]",
        "http://169.254.169.254",
        "http://localhost.:3979",
        "http://localhost%2eexample.com",
        "http://127.0.0.1%00.example.com",
        "http://127.0.0.1#@example.com",
        "http://127.0.0.1?@example.com",
        "http://user@127.0.0.1",
        "https://127。0。0。1.example.com",
        "//127.0.0.1",
        "file:///etc/passwd",
        "HTTP://EXAMPLE.COM",
    ],
)
def test_an_odd_way_to_write_an_address_is_refused(tmp_path, name, url):
    """Only a plain loopback address is taken: no numbers for it, no any-address, no second host behind a sign."""
    with pytest.raises(SettingsError) as refused:
        load("run", {"DATA_DIR": str(tmp_path / "data"), name: url})
    assert refused.value.lines[0].startswith(name)


async def test_a_redirect_is_not_followed(tmp_path):
    """A service that points elsewhere gets no second request, hence no token."""
    seen: list[bytes] = []

    async def away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(
            f"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:{elsewhere}/x\r\nContent-Length: 0\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()

    async with proxy(seen) as elsewhere, Simulator(size="tiny", throttling=False).running() as sim:
        server = await asyncio.start_server(away, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with redis_of_its_own() as redis:
                settings = settings_for(sim, redis.url, tmp_path, DEFENDER_URL=f"http://127.0.0.1:{port}")
                async with running_bot(settings, handlers.features(1.0)) as bot:
                    with pytest.raises(ServiceError):
                        await bot.services.defender(TENANT).isolate("a" * 40, comment="x", isolation_type="Full")
    assert seen == []


async def test_a_redis_of_real_tenants_is_not_taken(tmp_path, unused_tcp_port_factory):
    """`run` on a production's Redis stops at once: simulated results must not be written into real requests."""
    ports = {name: str(unused_tcp_port_factory()) for name in ("PORT", "SIMULATOR_PORT", "METRICS_PORT")}
    with redis_of_its_own() as redis:
        store = RedisStore.open(redis.url)
        await store.commit("1b4e28ba-2fa1-4d2e-883f-0016d3cca427", [Change(kind="request", id="a", rev=0, data={})])
        await store.close()
        environ = ports | {"DATA_DIR": str(tmp_path), "PLAYGROUND": "0", "REDIS_URL": redis.url}
        with pytest.raises(RunError, match="records of other tenants"):
            await run(load("run", environ), lambda _settings: pytest.fail("the bot was opened"), lambda _line: None)


def test_a_real_identity_is_not_used_for_play(tmp_path):
    """`run` never asks Azure for a token of the machine's identity, to hand it to the simulator."""
    with pytest.raises(SettingsError, match="MANAGED_IDENTITY_CLIENT_ID"):
        load("run", {"DATA_DIR": str(tmp_path / "data"), "MANAGED_IDENTITY_CLIENT_ID": "a" * 8})
