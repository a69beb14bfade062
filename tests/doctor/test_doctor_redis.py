"""What doctor says of Redis: of a real one with bad settings, and of what a server may tell of itself."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import redis_binary
from bot.clock import ManualClock
from bot.doctor.patient import Patient
from bot.doctor.redis_checks import redis_findings
from bot.errors import StoreDown
from bot.settings import examined
from bot.state.redis import RedisStore, ServerFacts
from tests.doctor.conftest import FEATURES
from tests.state.redis_process import TOOLS

NOW = datetime(2026, 11, 23, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "redis_version": "7.2.4",
    "role": "master",
    "connected_slaves": 1,
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "rdb_last_bgsave_status": "ok",
    "loading": 0,
    "maxmemory_policy": "noeviction",
    "maxmemory": 1000,
    "used_memory": 100,
}
ALWAYS = {"appendfsync": "always", "protected-mode": "yes"}
SAFE = "rediss://:password@redis.example.com:6380/0"


@dataclass
class FakeStore:
    """A store whose server tells what it is given; `down` is what its writes raise."""

    info: dict[str, Any]
    config: dict[str, str] | None = field(default_factory=lambda: dict(ALWAYS))
    ahead: float = 0.0
    latency: float = 0.001
    down: Exception | None = None

    async def facts(self) -> ServerFacts:
        now = NOW + timedelta(seconds=self.ahead)
        return ServerFacts(info=self.info, config=self.config, now=now, latency=self.latency)

    async def ping(self) -> None:
        if self.down:
            raise self.down


def patient(store: Any, url: str = SAFE) -> Patient:
    settings, _ = examined("serve", {"REDIS_URL": url})
    return Patient(
        settings=settings, features=FEATURES, clock=ManualClock(NOW), http=None, tokens=None, store=store, limit=2.0
    )


async def told(store: Any, url: str = SAFE) -> dict[str, Any]:
    return {finding.id: finding for finding in await redis_findings(patient(store, url))}


async def test_a_good_one_is_well():
    """Nothing to do where version, role, disk, memory, password and TLS are as they should be."""
    found = await told(FakeStore(GOOD))
    assert {finding.outcome for finding in found.values()} == {"ok"}
    assert found["redis.reached"].facts == {"version": "7.2.4", "ms": 1.0}
    assert found["redis.writes"].facts == {"role": "master", "replicas": 1}
    assert "1 replica follows it" in found["redis.writes"].says
    assert "password" not in found["redis.reached"].says


@pytest.mark.parametrize(
    ("change", "key", "outcome", "words"),
    [
        ({"redis_version": "5.0.7"}, "redis.reached", "problem", "too old"),
        ({"aof_enabled": 0}, "redis.appendonly", "problem", "does not write"),
        ({"aof_last_write_status": "err"}, "redis.disk", "problem", "aof_last_write_status"),
        ({"rdb_last_bgsave_status": "err"}, "redis.disk", "problem", "rdb_last_bgsave_status"),
        ({"loading": 1}, "redis.disk", "problem", "still loading"),
        ({"maxmemory_policy": "volatile-lru"}, "redis.policy", "problem", "volatile-lru"),
        ({"used_memory": 850}, "redis.memory", "warning", "of memory of"),
        ({"used_memory": 990}, "redis.memory", "problem", "of memory of"),
        ({"maxmemory": 0, "used_memory": 990}, "redis.memory", "ok", "without a limit"),
    ],
)
async def test_what_the_server_tells(change, key, outcome, words):
    """Each setting that endangers the records is a line of its own, with what to do; the others stay well."""
    found = await told(FakeStore(GOOD | change))
    assert found[key].outcome == outcome
    assert words in found[key].says
    assert bool(found[key].do) == (outcome != "ok")
    assert {one.outcome for name, one in found.items() if name != key} == {"ok"}


async def test_a_slow_one_is_a_warning():
    """An answer that takes longer than 50 ms at best is slow."""
    assert (await told(FakeStore(GOOD, latency=0.06)))["redis.reached"].outcome == "warning"


@pytest.mark.parametrize(
    ("config", "outcome"),
    [(None, "unknown"), ({"appendfsync": "everysec"}, "warning"), ({"appendfsync": "always"}, "ok")],
)
async def test_how_soon_it_writes(config, outcome):
    """A managed Redis may refuse CONFIG GET: how soon it writes is not known then."""
    assert (await told(FakeStore(GOOD, config=config)))["redis.appendonly"].outcome == outcome


async def test_a_replica_takes_no_writes():
    """A replica is named as what it is, with what to do."""
    found = (await told(FakeStore(GOOD | {"role": "slave"}, down=StoreDown("read-only"))))["redis.writes"]
    assert found.outcome == "problem"
    assert "its role is replica" in found.says
    assert found.do == "Name the primary in REDIS_URL."


@pytest.mark.parametrize(
    ("url", "config", "outcome", "words"),
    [
        ("redis://redis.example.com:6379/0", ALWAYS, "problem", "without a password"),
        ("redis://127.0.0.1:6379/0", ALWAYS, "warning", "this machine without a password"),
        ("redis://127.0.0.1:6379/0", {**ALWAYS, "protected-mode": "no"}, "problem", "over the network"),
        ("redis://:password@127.0.0.1:6379/0", ALWAYS, "ok", "on this machine"),
        ("redis://:password@redis.example.com:6379/0", ALWAYS, "warning", "unencrypted"),
        (SAFE, ALWAYS, "ok", "over TLS"),
        ("unix:///run/redis.sock", ALWAYS, "ok", "unix socket"),
        ("redis+sentinel://:password@a.example.com,b.example.com/mymaster/0", ALWAYS, "warning", "unencrypted"),
    ],
)
async def test_who_else_may_give_it_commands(url, config, outcome, words):
    """A password, and TLS unless it is on this machine: anything less is said."""
    found = (await told(FakeStore(GOOD, config=config), url))["redis.private"]
    assert found.outcome == outcome
    assert words in found.says


async def test_of_a_cluster_only_writing_is_known():
    """How a cluster's nodes are set up is not looked at, and that is said."""
    found = await told(FakeStore(GOOD), "rediss+cluster://:password@redis.example.com:6379")
    assert found["redis.reached"].outcome == "unknown"
    assert "takes writes" in found["redis.reached"].says
    found = await told(FakeStore(GOOD, down=StoreDown("away")), "rediss+cluster://:password@redis.example.com:6379")
    assert found["redis.reached"].outcome == "problem"


async def test_its_clock_counts():
    """How far its clock is from ours is noted beside those of the services."""
    examined_one = patient(FakeStore(GOOD, ahead=-300))
    await redis_findings(examined_one)
    assert examined_one.behind == {"Redis": -300}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory) -> Iterator[str]:
    """A server at a port of loopback, with a password, whose CONFIG is renamed away as managed ones do; its address."""
    folder: Path = tmp_path_factory.mktemp("redis")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [str(redis_binary.find(TOOLS)), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    more = ["--requirepass", "the-password", "--rename-command", "CONFIG", "", "--save", ""]
    server = subprocess.Popen([*command, *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        time.sleep(0.01)
    yield f"127.0.0.1:{port}/0"
    server.terminate()
    server.wait(10)


async def test_a_real_one_without_config(guarded):
    """Where CONFIG GET is refused, INFO still tells the rest, and nothing is guessed."""
    store = RedisStore.open(f"redis://:the-password@{guarded}")
    found = await told(store, f"redis://:the-password@{guarded}")
    await store.close()
    assert found["redis.reached"].outcome in ("ok", "warning")
    assert found["redis.appendonly"].outcome == "problem", "append-only is off, as INFO says"
    assert found["redis.writes"].outcome == "ok"
    assert "the-password" not in str(found)


@pytest.mark.parametrize("login", ["", ":wrong@"])
async def test_a_refused_password_is_said(guarded, login):
    """No password, or a wrong one, is told from a server that is not there."""
    store = RedisStore.open(f"redis://{login}{guarded}")
    found = await told(store, f"redis://{login}{guarded}")
    await store.close()
    assert "refuses our password" in found["redis.reached"].says
    assert "wrong" not in str(found)
