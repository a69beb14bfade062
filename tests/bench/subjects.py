"""The processes that are measured, each on core 0, and what stands ready for them: Redis and the fakes on core 1."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from bot.demo import APP_ID, TENANT
from tests.bench.cloud import Cloud
from tests.bench.figures import pin
from tests.served import ROOT, Served, free_port
from tests.state.redis_process import RedisProcess

BOT_CORE, LOAD_CORE = 0, 1
AUDIT_KEY = "bench-audit-key-0123456789abcdef0123456789"


class Plain:
    """A bot beside ours, as a process: `module` of this folder, told where everything is."""

    def __init__(self, module: str, cloud: Cloud) -> None:
        self.port = free_port()
        given = {
            "port": self.port,
            "app_id": APP_ID,
            "token": cloud.issue(TENANT, "https://api.botframework.com/.default"),
            "keys": f"{cloud.url}/v1/.well-known/keys",
            "openid": f"{cloud.url}/v1/.well-known/openidconfiguration",
        }
        command = [sys.executable, "-m", f"tests.bench.{module}", json.dumps(given)]
        self._process = subprocess.Popen(command, cwd=ROOT)
        self.pid = self._process.pid
        pin(self.pid, BOT_CORE)

    async def ready(self) -> None:
        """Wait until the port is open."""
        for _ in range(1000):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                if self._process.poll() is not None:
                    raise RuntimeError(f"process {self._process.args} ended") from None
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return
        raise TimeoutError("it did not open its port")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)


@asynccontextmanager
async def plain(module: str, cloud: Cloud) -> AsyncIterator[Plain]:
    """One of the bots beside ours."""
    one = Plain(module, cloud)
    try:
        await one.ready()
        yield one
    finally:
        one.stop()


def environment(cloud: Cloud, redis: RedisProcess, folder: Path, **more: str) -> dict[str, str]:
    """Settings as `run` takes them, with signed traffic; nothing is polled unless `more` says so."""
    return {
        "LOGIN_URL": cloud.url,
        "GRAPH_URL": cloud.url,
        "DEFENDER_URL": cloud.url,
        "APP_ID": APP_ID,
        "APP_TENANT_ID": TENANT,
        "BOT_OPENID_URL": f"{cloud.url}/v1/.well-known/openidconfiguration",
        "REDIS_URL": redis.url,
        "DATA_DIR": str(folder),
        "ALLOWED_TENANTS": TENANT,
        "AUDIT_KEY": AUDIT_KEY,
        "POLL_SECONDS": "3600",
        **more,
    }


def started(cloud: Cloud, redis: RedisProcess, folder: Path, **more: str) -> tuple[Served, int]:
    """Our bot as a process on core 0, not waited for; and its process id."""
    served = Served(environment(cloud, redis, folder, **more), folder)
    served.start()
    assert served.process is not None
    pin(served.process.pid, BOT_CORE)
    return served, served.process.pid


@asynccontextmanager
async def our_bot(cloud: Cloud, redis: RedisProcess, folder: Path, **more: str) -> AsyncIterator[tuple[Served, int]]:
    """Our bot, ready. Its log is shown where it says that something went wrong."""
    served, process = started(cloud, redis, folder, **more)
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            await served.ready(http)
        yield served, process
    finally:
        await served.stop(30)
        _show_trouble(served.log)


def _show_trouble(log: Path) -> None:
    trouble = [line for line in log.read_text().splitlines() if '"level": "error"' in line or "Traceback" in line]
    for line in trouble[:5]:
        print(f"log: {line[:500]}", file=sys.stderr)


def _redis(folder: Path) -> RedisProcess:
    folder.mkdir(exist_ok=True)
    redis = RedisProcess(folder)
    redis.start()
    return redis


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[tuple[Cloud, RedisProcess]]:
    """The fakes in this process and a Redis of its own, both on core 1; every write is on the disk when answered."""
    pin(os.getpid(), LOAD_CORE)
    redis = _redis(folder)
    try:
        async with Cloud(TENANT).open() as cloud:
            yield cloud, redis
    finally:
        redis.stop()
