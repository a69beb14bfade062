"""The bot in a process of its own, served as `serve` does: to be stopped, killed and started again."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

import handlers
from bot.__main__ import serve_until_told
from bot.logs import log_as_lines
from bot.settings import load
from tests.fast_clock import FastClock

ROOT = Path(__file__).parents[1]


class Served:
    """One process of the bot. `environ` are settings as `run` takes them, with signed traffic; see `main` below.

    Its log is `<folder>/<name>.log`, one JSON object a line. `clock` is the file of a `FastClock` that it goes by.
    """

    def __init__(self, environ: Mapping[str, str], folder: Path, name: str = "bot", clock: Path | None = None) -> None:
        self.clock = clock
        self.port, self.metrics_port = free_port(), free_port()
        self.environ = {**environ, "PORT": str(self.port), "METRICS_PORT": str(self.metrics_port)}
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *before: str) -> None:
        """Start the process; `before` stands in front of the command (`taskset -c 0`)."""
        command = [*before, sys.executable, "-m", "tests.served", json.dumps(self.environ)]
        command += [str(self.clock)] if self.clock else []
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=self._environment())

    def _environment(self) -> dict[str, str]:
        """What a child needs of our environment, in which no setting of ours may slip in, and OTEL_ variables."""
        kept = {"PATH", "HOME", "VIRTUAL_ENV", "PYTHONPATH", "TMPDIR", "LANG"}
        ours = {name: value for name, value in os.environ.items() if name in kept}
        return ours | {name: value for name, value in self.environ.items() if name.startswith("OTEL_")}

    async def ready(self, http: httpx.AsyncClient, seconds: float = 20.0) -> None:
        """Wait until it says that it is ready."""
        async with asyncio.timeout(seconds):
            while True:
                try:
                    if (await http.get(f"{self.url}/readyz")).status_code == 200:
                        return
                except httpx.HTTPError:
                    assert self.process is not None
                    assert self.process.poll() is None, self.log.read_text()[-2000:]
                await asyncio.sleep(0.02)

    async def stop(self, seconds: float = 20.0) -> int:
        """SIGTERM, as a rolling restart does it; returns the exit code."""
        return await self._end(signal.SIGTERM, seconds)

    async def kill(self) -> None:
        """SIGKILL: it has no time for anything."""
        await self._end(signal.SIGKILL, 20.0)

    async def _end(self, how: signal.Signals, seconds: float) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(how)
        code = await asyncio.to_thread(self.process.wait, seconds)
        self.process = None
        return code


def free_port() -> int:
    """A port that nothing listens on, and that the system gives to nobody who asks for any: tests run side by side."""
    while True:
        port = secrets.choice(range(20_000, 32_000))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def main() -> None:
    """The child: settings of `run` (loopback only) with an APP_ID, so that traffic is signed."""
    log_as_lines(sys.stderr)
    settings = load("run", json.loads(sys.argv[1]))
    clock = FastClock(Path(sys.argv[2])) if len(sys.argv) > 2 else None
    asyncio.run(serve_until_told(settings, handlers.features(settings.poll_seconds), clock))


if __name__ == "__main__":
    main()
