"""Redis as larger installations run it, on ports of this machine: a cluster, and a master with Sentinels."""

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bot import redis_binary
from tests.state.redis_process import TOOLS

PASSWORD = "a-pass.word"
SLOTS = 16384
MASTER = "watchkeeper"


class Node:
    """One server on a port; it can be killed and started again on its data."""

    def __init__(self, folder: Path, name: str, *options: str, port: int = 0) -> None:
        self.port = port or two_free_ports()
        self.folder = folder / name
        self.folder.mkdir()
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(redis_binary.find(TOOLS)), *self._before(), "--port", str(self.port), "--dir", str(self.folder)]
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen([*command, *self.options], stdout=log, stderr=log)
        log.close()
        wait_for(self.answers)

    def _before(self) -> list[str]:
        return []

    def client(self) -> redis.Redis:
        return plain_client(self.port, PASSWORD)

    def ask(self, *command: Any) -> Any:
        with contextlib.closing(self.client()) as client:
            return client.execute_command(*command)

    def answers(self) -> bool:
        with contextlib.suppress(redis.RedisError, OSError):
            return bool(self.ask("PING"))
        return False

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self.process:
            self.process.send_signal(how)
            self.process.wait(10)
        self.process = None


class SentinelNode(Node):
    """A Sentinel: it keeps what it knows in its configuration file."""

    def __init__(self, folder: Path, name: str, master: int) -> None:
        super().__init__(folder, name)
        self.file = self.folder / "sentinel.conf"
        self.file.write_text(
            f"sentinel monitor {MASTER} 127.0.0.1 {master} 2\n"
            f'sentinel auth-pass {MASTER} "{PASSWORD}"\n'
            f"sentinel down-after-milliseconds {MASTER} 800\n"
            f"sentinel failover-timeout {MASTER} 3000\n"
        )

    def _before(self) -> list[str]:
        return [str(self.file), "--sentinel"]

    def client(self) -> redis.Redis:
        return plain_client(self.port, None)


class Cluster:
    """Three masters, which share the slots."""

    def __init__(self, folder: Path) -> None:
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000", *DURABLE)
        self.nodes = [Node(folder, f"node{n}", *options) for n in range(3)]

    @property
    def url(self) -> str:
        return f"redis+cluster://:{PASSWORD}@127.0.0.1:{self.nodes[0].port}"

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        for n, node in enumerate(self.nodes):
            first, last = SLOTS * n // 3, SLOTS * (n + 1) // 3
            node.ask("CLUSTER", "ADDSLOTS", *range(first, last))
            node.ask("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port)
        wait_for(self.well)

    def well(self) -> bool:
        """Whether each node sees all of it."""
        return all("cluster_state:ok" in str(n.ask("CLUSTER", "INFO")) and self._sees_all(n) for n in self.nodes)

    def _sees_all(self, node: Node) -> bool:
        return len(node.ask("CLUSTER", "SLOTS")) == len(self.nodes)

    def holder(self, key: str) -> Node:
        """The master of a key."""
        slot = self.nodes[0].ask("CLUSTER", "KEYSLOT", key)
        return self.nodes[next(n for n in range(3) if slot < SLOTS * (n + 1) // 3)]

    def end(self) -> None:
        for node in self.nodes:
            node.end()


class Watched:
    """A master, a replica of it, and three Sentinels that watch them."""

    def __init__(self, folder: Path) -> None:
        self.master = Node(folder, "master", *DURABLE)
        self.replica = Node(folder, "replica", *DURABLE, "--replicaof", "127.0.0.1", str(self.master.port))
        self.sentinels = [SentinelNode(folder, f"sentinel{n}", self.master.port) for n in range(3)]

    @property
    def url(self) -> str:
        members = ",".join(f"127.0.0.1:{node.port}" for node in self.sentinels)
        return f"redis+sentinel://:{PASSWORD}@{members}/{MASTER}/0"

    def start(self) -> None:
        self.master.start()
        self.replica.start()
        wait_for(lambda: "master_link_status:up" in self.replica_info())
        for node in self.sentinels:
            node.start()
        wait_for(lambda: all(self._knows(node) for node in self.sentinels))

    def replica_info(self) -> str:
        with contextlib.closing(self.replica.client()) as client:
            return "\n".join(f"{name}:{value}" for name, value in client.info("replication").items())

    def _knows(self, node: Node) -> bool:
        """Whether a Sentinel has found the replica and the other two."""
        rows = node.ask("SENTINEL", "MASTER", MASTER)
        known = rows if isinstance(rows, dict) else dict(zip(rows[::2], rows[1::2], strict=True))
        return int(known["num-slaves"]) == 1 and int(known["num-other-sentinels"]) == len(self.sentinels) - 1

    def promoted(self) -> bool:
        """Whether the replica has become the master."""
        return "role:master" in self.replica_info()

    def end(self) -> None:
        for node in (*self.sentinels, self.replica, self.master):
            node.end()


DURABLE = (
    *("--requirepass", PASSWORD, "--masterauth", PASSWORD, "--bind", "127.0.0.1", "--save", ""),
    *("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"),
)


@contextlib.contextmanager
def standing(kind: Callable[[Path], Any]) -> Iterator[Any]:
    """A `Cluster` or `Watched`, started; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="wk-redis-"))
    made = kind(folder)
    try:
        made.start()
        yield made
    finally:
        made.end()
        shutil.rmtree(folder, ignore_errors=True)


def plain_client(port: int, password: str | None) -> redis.Redis:
    """A client that tries once."""
    return redis.Redis(port=port, password=password, decode_responses=True, retry=Retry(NoBackoff(), 0))


def wait_for(what: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until it is so."""
    for _ in range(int(seconds / 0.05)):
        if what():
            return
        time.sleep(0.05)
    raise RuntimeError("it did not come about")


def two_free_ports() -> int:
    """A port that nothing listens on, and neither on the one 10,000 above, where a cluster's nodes talk."""
    for _ in range(200):
        with contextlib.suppress(OSError, OverflowError), socket.socket() as low, socket.socket() as high:
            low.bind(("127.0.0.1", 0))
            port: int = low.getsockname()[1]
            high.bind(("127.0.0.1", port + 10_000 if port < 55_000 else port - 20_000))
            if port < 55_000:
                return port
    raise RuntimeError("no free ports")
