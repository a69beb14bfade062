"""A Redis server of a test's own on a unix socket, which can be killed, frozen and started again on its data."""

import contextlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis

from bot import redis_binary

TOOLS = Path(tempfile.gettempdir()) / "watchkeeper-tests"
"""Where the server is unpacked on a Python that has no wheel of it."""


class RedisProcess:
    """Starts as production is told to run it: append-only, every write on the disk before it is answered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "r.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for redis-py."""
        return f"unix://{self.socket}"

    @contextlib.contextmanager
    def client(self) -> Iterator[redis.Redis]:
        """A plain client, for what only a test does."""
        with contextlib.closing(redis.Redis(unix_socket_path=str(self.socket), decode_responses=True)) as client:
            yield client

    def start(self) -> None:
        """Start and wait until it answers."""
        command = [
            str(redis_binary.find(TOOLS)),
            *("--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder), "--save", ""),
            *("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"),
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(1000):
            if self._answers():
                return
            time.sleep(0.01)
        raise RuntimeError("redis did not start")

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError, OSError), self.client() as client:
            return bool(client.ping())
        return False

    def age(self, seconds: float) -> None:
        """Let time pass for all keys that live for a time: each has that much less of it left."""
        with self.client() as client:
            for key in client.scan_iter():
                left = client.pttl(key)
                if left >= 0:
                    client.pexpire(key, max(0, left - int(seconds * 1000)))

    def stop(self) -> None:
        """Stop it as an administrator does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Let it die with no time for anything."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(how)
            self._process.wait(10)
        self._process = None

    def freeze(self) -> None:
        """Let it hang: connections stand, nothing is answered."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self._process:
            self._process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def redis_process() -> Iterator[RedisProcess]:
    """A running server in a folder of its own, both gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="wk-redis-"))
    server = RedisProcess(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
