"""`run` itself: what it starts, in which order it ends, and the one line it says when it cannot start."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from itertools import takewhile
from pathlib import Path

import aiohttp
import httpx
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from bot import demo
from bot.embedded_redis import EmbeddedRedis
from bot.errors import StoreDown
from bot.run import RunError, run
from bot.settings import load

PORTS = ("PORT", "SIMULATOR_PORT", "PLAYGROUND_PORT", "METRICS_PORT")


@pytest.fixture
def environ(tmp_path, unused_tcp_port_factory):
    ports = {name: str(unused_tcp_port_factory()) for name in PORTS}
    return ports | {"DATA_DIR": str(tmp_path), "PLAYGROUND": "0"}


class Bot:
    """Stands for the bot: writes to Redis when it is opened and when it is closed."""

    def __init__(self, fails=None):
        self.fails = fails
        self.settings = None
        self.wrote = []

    @asynccontextmanager
    async def open(self, settings):
        """What `run` enters."""
        self.settings = settings
        if self.fails:
            raise self.fails
        await self.write("opened")
        try:
            yield
        finally:
            await self.write("closed")

    async def write(self, word):
        """Needs a living Redis."""
        async with Redis.from_url(self.settings.redis_url.get_secret_value()) as client:
            await client.set("word", word)
        self.wrote.append(word)


@asynccontextmanager
async def running(environ, bot):
    """`run` until the block is left, when it gets SIGTERM; yields the lines it said."""
    said = []
    started = asyncio.Event()

    def say(line):
        said.append(line)
        if line.startswith("Ctrl-C"):
            started.set()

    task = asyncio.create_task(run(load("run", environ), bot.open, say))
    waiting = asyncio.create_task(started.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not task.done():
        yield said
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
    await task


async def test_everything_runs_until_it_is_told_to_stop(environ):
    """The bot has a living Redis until it is closed; the company has its plan; a second signal does no harm."""
    bot = Bot()
    async with running(environ | {"SIMULATED_PLAN": "plan2"}, bot) as said:
        assert bot.settings.redis_url.get_secret_value().startswith("unix://")
        text = "\n".join(said)
        for name in ("PORT", "SIMULATOR_PORT", "METRICS_PORT"):
            assert f":{environ[name]}" in text
        async with httpx.AsyncClient(trust_env=False) as http:
            state = (await http.get(f"http://127.0.0.1:{environ['SIMULATOR_PORT']}/_simulator/state")).json()
        assert [one["plan"] for one in state["simulator"]["customers"].values()] == ["plan2", "business"]
    assert bot.wrote == ["opened", "closed"]
    assert said[-1] == "Stopping."
    with pytest.raises(RedisConnectionError):
        await bot.write("late")


async def test_a_second_run_finds_what_the_first_left(environ):
    """State survives from run to run in DATA_DIR."""
    bot = Bot()
    async with running(environ, bot), Redis.from_url(bot.settings.redis_url.get_secret_value()) as client:
        await client.set("request", "waits")
    again = Bot()
    async with running(environ, again), Redis.from_url(again.settings.redis_url.get_secret_value()) as client:
        assert await client.get("request") == b"waits"


@pytest.mark.parametrize("names", [["PORT"], ["SIMULATOR_PORT"], ["METRICS_PORT"], ["PORT", "SIMULATOR_PORT"]])
async def test_a_taken_port_names_its_variable(environ, names):
    """One line says which port is taken and what to type instead, and nothing was started."""
    held = [socket.create_server(("127.0.0.1", int(environ[name]))) for name in names]
    bot = Bot()
    try:
        with pytest.raises(RunError) as refused:
            async with running(environ, bot):
                pass
    finally:
        for one in held:
            one.close()
    line = str(refused.value)
    assert "\n" not in line
    assert all(f"{name} {environ[name]}" in line for name in names)
    proposed = dict(word.split("=") for word in line.partition("make run ")[2].split())
    assert list(proposed) == names
    assert all(abs(int(proposed[name]) - int(environ[name])) == 1000 and int(proposed[name]) < 65536 for name in names)
    assert bot.settings is None


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_a_host_for_metrics_that_is_not_ours_is_one_line(environ, host):
    """METRICS_HOST must be an address of this machine; otherwise one line says so, and nothing was started."""
    bot = Bot()
    with pytest.raises(RunError, match=rf"^METRICS_HOST {host} cannot be used \(.+\): name one of this machine"):
        async with running(environ | {"METRICS_HOST": host}, bot):
            pass
    assert bot.settings is None


async def test_a_metrics_port_is_looked_for_at_its_own_host(environ):
    """Another address of this machine may hold the port of the metrics; that it is taken there is said."""
    environ["METRICS_HOST"] = "127.0.0.2"
    held = socket.create_server(("127.0.0.2", int(environ["METRICS_PORT"])))
    with held, pytest.raises(RunError, match=r"^METRICS_PORT \d+ is taken"):
        async with running(environ, Bot()):
            pass


async def test_the_playgrounds_port_counts_only_when_it_is_wanted(environ):
    """With PLAYGROUND=0 its port may be taken; otherwise that is said."""
    with socket.create_server(("127.0.0.1", int(environ["PLAYGROUND_PORT"]))):
        async with running(environ, Bot()):
            pass
        with pytest.raises(RunError, match="PLAYGROUND_PORT"):
            async with running(environ | {"PLAYGROUND": "1"}, Bot()):
                pass


def test_without_node_the_rest_runs(environ, tmp_path):
    """Where Node is missing a line says what to install; all else runs, and ends with the terminal."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "bot", "run"],
        cwd=Path(__file__).parents[2],
        env=environ | {"PLAYGROUND": "1", "PATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    said = list(takewhile(lambda line: not line.startswith("Ctrl-C"), process.stdout))
    process.stdout.close()  # as when the terminal is closed: that nobody hears "Stopping." must not keep it alive
    process.send_signal(signal.SIGHUP)
    assert process.wait(20) == 0
    assert said[0].startswith("No Teams client: Node.js 18 or later with npx is missing")
    assert not any("Starting the Teams client" in line for line in said)


async def test_a_redis_that_does_not_answer_is_one_line(environ, tmp_path):
    """With REDIS_URL no Redis is started, and one that cannot be reached is said."""
    bot = Bot(fails=StoreDown())
    with pytest.raises(RunError, match=r"^Redis cannot be reached, or refuses the password: check REDIS_URL"):
        async with running(environ | {"REDIS_URL": "redis://127.0.0.1:1"}, bot):
            pass
    assert bot.settings.redis_url.get_secret_value() == "redis://127.0.0.1:1"
    assert not (tmp_path / "redis").exists()


async def test_two_runs_on_one_folder_are_one_line(environ, tmp_path):
    """A second run on the same DATA_DIR is refused, also with ports of its own."""
    async with EmbeddedRedis(tmp_path):
        with pytest.raises(RunError, match="Another run uses"):
            await run(load("run", environ), Bot().open, lambda _line: None)


async def test_a_signed_run_has_its_app_known_to_the_simulator(environ):
    """Given APP_ID and APP_SECRET the simulator issues tokens for them, and no Playground is tried."""
    own = {"APP_ID": "00000000-0000-4000-8000-0000000000aa", "APP_SECRET": "my own", "PLAYGROUND": "1"}
    async with running(environ | own, Bot()) as said:
        assert any("No Teams client" in line for line in said)
        form = {
            "grant_type": "client_credentials",
            "client_id": own["APP_ID"],
            "client_secret": own["APP_SECRET"],
            "scope": "https://graph.microsoft.com/.default",
        }
        url = f"http://127.0.0.1:{environ['SIMULATOR_PORT']}/{demo.TENANT}/oauth2/v2.0/token"
        async with aiohttp.ClientSession() as session, session.post(url, data=form) as response:
            assert response.status == 200
            assert "access_token" in await response.json()
