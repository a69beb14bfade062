"""`run` itself: what it starts, in which order it ends, and the one line it says when it cannot start."""

import asyncio
import os
import signal
import socket
from contextlib import asynccontextmanager

import aiohttp
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
    """The bot has a living Redis until it is closed; the text says where things are; a second signal does no harm."""
    bot = Bot()
    async with running(environ, bot) as said:
        assert bot.settings.redis_url.get_secret_value().startswith("unix://")
        text = "\n".join(said)
        for name in ("PORT", "SIMULATOR_PORT", "METRICS_PORT"):
            assert f":{environ[name]}" in text
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
    assert f"make run {names[0]}={int(environ[names[0]]) + 1000}" in line or int(environ[names[0]]) > 64535
    assert bot.settings is None


async def test_the_playgrounds_port_counts_only_when_it_is_wanted(environ):
    """With PLAYGROUND=0 its port may be taken; otherwise that is said."""
    with socket.create_server(("127.0.0.1", int(environ["PLAYGROUND_PORT"]))):
        async with running(environ, Bot()):
            pass
        with pytest.raises(RunError, match="PLAYGROUND_PORT"):
            async with running(environ | {"PLAYGROUND": "1"}, Bot()):
                pass


async def test_a_redis_that_does_not_answer_is_one_line(environ, tmp_path):
    """With REDIS_URL no Redis is started, and one that cannot be reached is said."""
    bot = Bot(fails=StoreDown())
    with pytest.raises(RunError, match="Redis cannot be reached: check REDIS_URL"):
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
