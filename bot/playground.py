"""The Microsoft 365 Agents Playground as a real Teams client for `run` (reference/teams-platform 10.5).

It is fetched by npx in one pinned version and runs in a process group of its own, which ends with us: in good order, or
by its watchdog when we were killed.
"""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from bot import demo

PACKAGE = "@microsoft/m365agentsplayground@0.2.28"
CONFIG = ".m365agentsplayground.yml"
OLDEST_NODE = 18
START_TIMEOUT = 180.0  # seconds; the first start fetches the package
STOP_TIMEOUT = 5.0
POLL = 0.3
# Ends the whole group when the pipe from us closes, be it by our end or by our sudden death.
WATCHDOG = 'exec 3<&0; (trap "" TERM; read -r _ <&3; kill -TERM 0; sleep 2; kill -KILL 0) & exec "$@" 3<&- </dev/null'
# npm alone tries for more than a minute where there is no network; a person's own settings come before these.
IMPATIENT = {"npm_config_fetch_retries": "1", "npm_config_fetch_retry_mintimeout": "2000"}
OURS = ("APP_", "AUDIT_", "AUTH_", "REDIS_")  # secrets of the bot, and credentials the Playground would sign in with


class NoPlaygroundError(Exception):
    """It cannot be had here. The text says why and what to do; everything else runs on without it."""


class Playground:
    """One Playground at a port, talking to the bot at `bot_url`. `url` is the page to open.

    Its configuration and logs stand in `folder`; `path` is where node and npx are looked for, by default our own PATH.
    """

    def __init__(self, *, port: int, bot_url: str, bot_id: str, folder: Path, path: str | None = None) -> None:
        self.url = f"http://localhost:{port}"
        self._port = port
        self._bot_url = bot_url
        self._bot_id = bot_id
        self._folder = folder
        self._path = path or os.environ.get("PATH", os.defpath)
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Start it; see `start`."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it; see `stop`."""
        await self.stop()

    async def check(self) -> None:
        """Raises NoPlaygroundError where what it needs is not installed."""
        await check_node(self._path)

    async def start(self) -> None:
        """Start it and wait until it answers. Raises NoPlaygroundError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / CONFIG).write_text(json.dumps(configuration(self._bot_id), indent=1))
        with (self._folder / "output.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *("/bin/sh", "-c", WATCHDOG, "sh", *self._command()),
                cwd=self._folder,
                env=environment(os.environ, self._folder) | {"PATH": self._path},
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            await self._answers(self._process)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End every process of its group."""
        if self._process is None:
            return
        process, self._process = self._process, None
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    def _command(self) -> list[str]:
        npx = ["npx", "--yes", "--prefer-offline", f"--package={PACKAGE}", "agentsplayground"]
        return [*npx, "start", "-e", self._bot_url, "-c", "msteams", "-p", str(self._port), "--disable-telemetry"]

    async def _answers(self, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(START_TIMEOUT), aiohttp.ClientSession() as session:
                while not await _pong(session, f"http://127.0.0.1:{self._port}/_debug/ping"):
                    if process.returncode is not None:
                        raise NoPlaygroundError(
                            f"npx could not fetch or start {PACKAGE}: no network? See {self._folder}/output.log"
                        )
                    await asyncio.sleep(POLL)
        except TimeoutError:
            raise NoPlaygroundError(f"The Playground does not answer; see {self._folder / 'output.log'}.") from None


def configuration(bot_id: str) -> Mapping[str, Any]:
    """What the Playground reads (JSON is YAML): the simulated company's people, a chat, a team with two channels."""
    alex, *others = [_user(person) for person in demo.PEOPLE]
    return {
        "version": "0.1.1",
        "tenantId": demo.TENANT,
        "bot": {"id": bot_id, "name": demo.BOT_NAME},
        "currentUser": alex,
        "users": others,
        "personalChat": {"id": demo.PERSONAL_CHAT},
        "groupChat": {"id": demo.GROUP_CHAT, "name": "Security duty"},
        "team": {
            "id": "team-id",
            "name": "Security team",
            "aadGroupId": "00000000-0000-0000-0000-000000000031",
            "channels": [{"id": "channel-incidents-id", "name": "Incidents"}],
        },
    }


def environment(inherited: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Its variables: no secrets of ours, no browser of its own, and opening a conversation installs the bot there.

    A proxy of the environment may fetch its package; what stays on this machine does not go there.
    """
    direct = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
    kept = {name: value for name, value in inherited.items() if not name.startswith(OURS)}
    return {**IMPATIENT, **kept, **direct} | {
        "TEAMSAPPTESTER_BROWSER": "none",
        "SEND_INSTALLATION_ACTIVITY": "true",
        "M365_AGENTS_PLAYGROUND_CONFIG_PATH": str(folder / CONFIG),
        "M365_AGENTS_PLAYGROUND_LOGFILE": str(folder / "playground.log"),
    }


async def check_node(path: str) -> None:
    """Raises NoPlaygroundError where Node (with npx) is missing from the PATH or too old."""
    node = shutil.which("node", path=path)
    if not node or not shutil.which("npx", path=path):
        raise NoPlaygroundError(f"Node.js {OLDEST_NODE} or later with npx is missing (sudo apt install nodejs npm).")
    process = await asyncio.create_subprocess_exec(node, "--version", stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    version = said.decode().strip()
    major = version.removeprefix("v").split(".")[0]
    if not major.isdigit() or int(major) < OLDEST_NODE:
        raise NoPlaygroundError(
            f"Node.js {version or '(unknown)'} is too old: version {OLDEST_NODE} or later is needed."
        )


def _user(person: demo.Person) -> dict[str, str]:
    return {
        "id": person.id,
        "name": person.name,
        "userPrincipleName": f"{person.login}@example.com",
        "aadObjectId": person.entra_id,
        "givenName": person.given,
        "surname": person.surname,
        "email": f"{person.login}@example.com",
    }


async def _pong(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == HTTPStatus.OK and await response.text() == "pong"
    except aiohttp.ClientError:
        return False
