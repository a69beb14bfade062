"""The embedded Redis: one server for one folder, whoever dies in between, and nothing written is lost."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bot.embedded_redis import EmbeddedRedis, _refuse_older
from bot.redis_binary import NOTHING, NoRedisError, find

ROOT = Path(__file__).parents[2]
RUN = """
import asyncio, pathlib, sys
from bot.embedded_redis import EmbeddedRedis

async def main():
    async with EmbeddedRedis(pathlib.Path(sys.argv[1])) as redis:
        print(redis.url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""

pytestmark = pytest.mark.redis


@asynccontextmanager
async def talking_to(redis):
    client = Redis.from_url(redis.url, decode_responses=True, retry=Retry(NoBackoff(), 0))
    try:
        yield client
    finally:
        await client.aclose()


async def pid_of(redis):
    async with talking_to(redis) as client:
        return (await client.info("server"))["process_id"]


async def until_answered_by_another(redis, pid):
    while True:
        with suppress(RedisError):
            if await pid_of(redis) != pid:
                return
        await asyncio.sleep(0.05)


def gone(pid):
    """Whether the process is no more, or only waits to be collected."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def run_elsewhere(folder):
    """A process that runs the embedded Redis of a folder, as `make run` does; returned when Redis answers."""
    process = subprocess.Popen([sys.executable, "-c", RUN, folder], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().startswith("unix://")
    return process


def kill(process):
    process.kill()
    process.wait()
    process.stdout.close()


async def test_data_is_there_again_after_a_stop(tmp_path):
    """What was written before the stop is read after the next start, and the stop leaves no server behind."""
    async with EmbeddedRedis(tmp_path) as redis, talking_to(redis) as client:
        assert not redis.adopted
        await client.set("incident", "1")
        first = await pid_of(redis)
    assert gone(first)
    async with EmbeddedRedis(tmp_path) as redis, talking_to(redis) as client:
        assert await client.get("incident") == "1"
        assert await pid_of(redis) != first


async def test_it_keeps_every_write_and_lets_nobody_else_in(tmp_path):
    """Every write is on the disk before it is answered, nothing is evicted, no port is open, the folder is private."""
    async with EmbeddedRedis(tmp_path) as redis, talking_to(redis) as client:
        config = await client.config_get("*")
        assert (config["appendonly"], config["appendfsync"]) == ("yes", "always")
        assert config["maxmemory-policy"] == "noeviction"
        assert config["port"] == "0"
        assert stat.S_IMODE(redis.folder.stat().st_mode) == 0o700
        assert os.getsid(await pid_of(redis)) != os.getsid(0)


async def test_a_server_that_outlived_its_bot_is_adopted(tmp_path):
    """After a SIGKILL of the bot the next run finds the same server and its data, and its stop ends that server."""
    before = run_elsewhere(tmp_path)
    try:
        probe = EmbeddedRedis(tmp_path)
        server = await pid_of(probe)
        async with talking_to(probe) as client:
            await client.set("request", "waits")
    finally:
        kill(before)
    assert not gone(server)
    async with EmbeddedRedis(tmp_path) as redis, talking_to(redis) as client:
        assert redis.adopted
        assert await pid_of(redis) == server
        assert await client.get("request") == "waits"
    assert gone(server)


async def test_a_server_that_outlives_its_bot_does_not_hold_its_output(tmp_path):
    """After a SIGKILL of the bot its output ends, although Redis lives on: `make run | tee log` comes back."""
    before = run_elsewhere(tmp_path)
    server = await pid_of(EmbeddedRedis(tmp_path))
    before.kill()
    assert before.stdout.read() == ""
    kill(before)
    assert not gone(server)
    async with EmbeddedRedis(tmp_path) as redis:
        assert redis.adopted


async def test_two_runs_on_one_folder_are_refused(tmp_path):
    """A second run on the same folder ends with a line that says so, and does not disturb the first."""
    async with EmbeddedRedis(tmp_path) as redis:
        with pytest.raises(NoRedisError, match="Another run uses"):
            await EmbeddedRedis(tmp_path).start()
        assert await pid_of(redis)


async def test_a_server_that_does_not_answer_is_not_doubled(tmp_path):
    """While a server of the folder lives, silent as it may be, no second one is started on its data."""
    before = run_elsewhere(tmp_path)
    server = await pid_of(EmbeddedRedis(tmp_path))
    os.kill(server, signal.SIGSTOP)
    try:
        kill(before)
        late = EmbeddedRedis(tmp_path, start_timeout=0.3)
        with pytest.raises(NoRedisError, match="does not answer"):
            await late.start()
        assert late._process is None
    finally:
        os.kill(server, signal.SIGCONT)
    async with EmbeddedRedis(tmp_path) as redis:
        assert await pid_of(redis) == server


async def test_a_server_that_was_killed_is_started_again(tmp_path):
    """A SIGKILL of Redis itself loses nothing: `keep` starts it again, with all that was written."""
    async with EmbeddedRedis(tmp_path) as redis:
        keeper = asyncio.create_task(redis.keep())
        async with talking_to(redis) as client:
            await client.set("audit", "entry")
        first = await pid_of(redis)
        os.kill(first, signal.SIGKILL)
        await until_answered_by_another(redis, first)
        async with talking_to(redis) as client:
            assert await client.get("audit") == "entry"
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def test_a_server_that_cannot_start_again_is_tried_again(tmp_path):
    """Where a restart fails, `keep` tries on: once the reason is gone the server is back, with all that was written."""
    async with EmbeddedRedis(tmp_path) as redis:
        keeper = asyncio.create_task(redis.keep())
        async with talking_to(redis) as client:
            await client.set("audit", "entry")
        first = await pid_of(redis)
        data, kept = redis.folder / "appendonly.aof", redis.folder / "kept"
        data.rename(kept)
        data.write_text("this is no Redis file\n" * 3)
        os.kill(first, signal.SIGKILL)
        while "Bad file format" not in (redis.folder / "redis.log").read_text():  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.05)
        kept.rename(data)
        await until_answered_by_another(redis, first)
        async with talking_to(redis) as client:
            assert await client.get("audit") == "entry"
        assert not keeper.done()
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def test_a_cancel_while_it_asks_is_not_lost(tmp_path):
    """Whatever step of a question a cancel meets, it ends the task; Ctrl-C would wait for ever otherwise."""
    async with EmbeddedRedis(tmp_path) as redis:
        for steps in range(40):
            asking = asyncio.create_task(redis._ask(lambda client: client.ping()))
            for _ in range(steps):
                await asyncio.sleep(0)
            asked = asking.done()
            asking.cancel()
            await asyncio.wait({asking})
            assert asking.cancelled() or asked, f"lost after {steps} steps"


async def test_a_path_too_long_for_a_socket_gets_a_private_folder(tmp_path):
    """Where the data folder's path is too long for a socket, it stands in a folder that only its owner can enter."""
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    async with EmbeddedRedis(deep) as redis:
        socket = Path(redis.url.removeprefix("unix://"))
        assert len(os.fsencode(socket)) < 108
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert await pid_of(redis)
    socket.parent.chmod(0o755)
    try:
        with pytest.raises(NoRedisError, match="not private to you"):
            await EmbeddedRedis(deep).start()
    finally:
        socket.parent.rmdir()


async def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    """A data folder below a file is one clear line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NoRedisError, match="cannot be used"):
        await EmbeddedRedis(tmp_path / "file").start()


async def test_a_server_that_ends_at_once_is_reported(tmp_path):
    """When Redis cannot read its data the line names its log, and no lock is left behind."""
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "appendonly.aof").write_text("this is no Redis file\n" * 3)
    for _ in range(2):
        with pytest.raises(NoRedisError, match=r"redis\.log"):
            await EmbeddedRedis(tmp_path).start()


def test_older_servers_do_not_begin_empty(tmp_path):
    """Data in the newer layout is not given to a Redis 6, which would not see it; a Redis 7 gets it."""
    program = tmp_path / "redis-server"
    program.write_text('#!/bin/sh\necho "Redis server v=6.2.14 sha=0"\n')
    program.chmod(0o755)
    _refuse_older(program, tmp_path)
    (tmp_path / "appendonlydir").mkdir()
    with pytest.raises(NoRedisError, match=r"newer Redis than 6\.2\.14"):
        _refuse_older(program, tmp_path)
    program.write_text('#!/bin/sh\necho "Redis server v=7.0.15 sha=0"\n')
    _refuse_older(program, tmp_path)


def test_without_any_server_one_line_says_what_to_install(tmp_path):
    """No wheel, no index to fetch it from, nothing on the PATH: the error says what to install."""
    assert os.access(find(tmp_path / "found"), os.X_OK)
    code = "import sys; sys.path.insert(0, sys.argv[1]); from bot.redis_binary import *; find(Path(sys.argv[2]))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, str(ROOT), str(tmp_path / "none")],
        env={"PATH": str(tmp_path), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.strip().endswith(f"NoRedisError: {NOTHING}")
