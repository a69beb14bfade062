"""The whole bot against the simulator and a real Redis, spoken to with signed activities over HTTP."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

import handlers
from bot import redis_binary
from bot.app import Bot, listening, running_bot, web_app
from bot.clock import Clock
from bot.command import Features
from bot.demo import ADELE, ALEX, APP_ID, ISAIAH, LYNNE, MEGAN, PATTI, TENANT, Person
from bot.settings import Settings, load
from bot.simulator.server import Simulator
from tests.state.redis_process import TOOLS

OTHER_TENANT = "00000000-0000-0000-0000-000000000002"
CHANNEL = "19:soc@thread.tacv2"
OTHER_CHANNEL = "19:litware@thread.tacv2"
ROBIN = Person(
    id="robin", given="Robin", surname="Hollow", login="robin.hollow", entra_id="00000000-0000-4000-8000-000000000201"
)
PEOPLE = (ALEX, MEGAN, ADELE, ISAIAH, PATTI, LYNNE)


class RedisProcess:
    """A Redis server of its own on a unix socket, which can be killed and started again on its data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "r.sock"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        command = [
            str(redis_binary.find(TOOLS)),
            *("--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder)),
            *("--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction"),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(500):
            if self._answers():
                return
            self.process.poll()
            _pause()
        raise RuntimeError("redis did not start")

    def _answers(self) -> bool:
        try:
            with contextlib.closing(redis.Redis(unix_socket_path=str(self.socket))) as client:
                return bool(client.ping())
        except (redis.RedisError, OSError):
            return False

    def stop(self, *, kill: bool = False) -> None:
        if self.process:
            (self.process.kill if kill else self.process.terminate)()
            self.process.wait(10)
            self.process = None

    def forget(self, pattern: str) -> None:
        """Delete what is kept under names of that pattern."""
        with contextlib.closing(redis.Redis(unix_socket_path=str(self.socket))) as client:
            for key in client.scan_iter(pattern):
                client.delete(key)

    def flush(self) -> None:
        with contextlib.closing(redis.Redis(unix_socket_path=str(self.socket))) as client:
            client.flushall()


def _pause() -> None:
    time.sleep(0.01)


@pytest.fixture(scope="session")
def redis_process() -> Iterator[RedisProcess]:
    folder = Path(tempfile.mkdtemp(prefix="wk-redis-"))
    server = RedisProcess(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis_server(redis_process: RedisProcess) -> RedisProcess:
    redis_process.flush()
    return redis_process


@dataclass
class Stage:
    """A running bot with its simulated world, and hands to speak and click as people."""

    sim: Simulator
    bot: Bot
    url: str
    http: httpx.AsyncClient
    service_url: str
    seen: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    def activity(
        self, person: Person, conversation: str = CHANNEL, tenant: str = TENANT, **more: Any
    ) -> dict[str, Any]:
        chat = self.sim.connector.chats.get(conversation.partition(";")[0])
        kind, tenant = (chat.kind, chat.tenant) if chat else ("personal", tenant)
        return {
            "type": "message",
            "id": uuid.uuid4().hex,
            "channelId": "msteams",
            "serviceUrl": self.service_url,
            "from": {"id": f"29:{person.id}", "name": person.name, "aadObjectId": person.entra_id},
            "recipient": {"id": f"28:{APP_ID}", "name": "Watchkeeper"},
            "conversation": {"id": conversation, "conversationType": kind, "tenantId": tenant},
            "channelData": {"tenant": {"id": tenant}},
            "localTimezone": "Europe/Berlin",
            "locale": "en-GB",
            **more,
        }

    async def send(self, activity: dict[str, Any]) -> httpx.Response:
        token = self.sim.signer.sign(audience=APP_ID, service_url=activity["serviceUrl"])
        return await self.http.post(
            f"{self.url}/api/messages", json=activity, headers={"Authorization": f"Bearer {token}"}, timeout=30
        )

    async def say(self, person: Person, text: str, conversation: str = CHANNEL, **more: Any) -> httpx.Response:
        response = await self.send(self.activity(person, conversation, text=text, **more))
        assert response.status_code in (200, 202), response.text
        return response

    async def click(
        self, person: Person, message: Any, verb: str, *, inputs: dict[str, str] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Press the newest button of that verb on a message; returns the invoke's answer."""
        data = find_button(message.activity, verb)
        return await self.press(person, {**data, **(inputs or {})}, verb, message.id, message.conversation, **more)

    async def press(
        self,
        person: Person,
        data: dict[str, Any],
        verb: str,
        message: str,
        conversation: str = CHANNEL,
        **more: Any,
    ) -> dict[str, Any]:
        value = {"action": {"type": "Action.Execute", "verb": verb, "data": data}, "trigger": "manual"}
        activity = self.activity(person, conversation, **more) | {
            "type": "invoke",
            "name": "adaptiveCard/action",
            "value": value,
            "replyToId": message,
        }
        response = await self.send(activity | more)
        assert response.status_code == 200, response.status_code
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer

    async def until(self, what: Callable[[], Any], seconds: float = 40.0) -> Any:
        """Wait until something is true (or gives something), and return it."""
        for _ in range(int(seconds / 0.05)):
            found = what()
            if found:
                return found
            await asyncio.sleep(0.05)
        texts = [m.text[:300] for m in self.sim.connector.messages()]
        raise AssertionError("waited in vain; messages: " + "\n".join(texts))

    async def shown(self, containing: str, seconds: float = 40.0) -> Any:
        """The newest message whose card holds a text."""
        found = await self.until(lambda: self.sim.connector.messages(containing), seconds)
        return found[-1]


def find_button(activity: dict[str, Any], verb: str) -> dict[str, Any]:
    """The data of the first Action.Execute with that verb anywhere in a card."""
    found: list[dict[str, Any]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("type") == "Action.Execute" and node.get("verb") == verb:
                found.append(node["data"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(activity)
    assert found, f"no button {verb} in {json.dumps(activity)[:2000]}"
    return found[0]


def settings_for(sim: Simulator, redis_url: str, folder: Path, **more: str) -> Settings:
    """The settings of `run`, with signed traffic."""
    return load(
        "run",
        {
            "LOGIN_URL": sim.url,
            "GRAPH_URL": sim.url,
            "DEFENDER_URL": sim.url,
            "APP_ID": APP_ID,
            "APP_TENANT_ID": TENANT,
            "BOT_OPENID_URL": f"{sim.url}/v1/.well-known/openidconfiguration",
            "REDIS_URL": redis_url,
            "DATA_DIR": str(folder),
            "ALLOWED_TENANTS": f"{TENANT},{OTHER_TENANT}",
            "POLL_SECONDS": "1",
            **more,
        },
    )


@contextlib.asynccontextmanager
async def staged(
    redis_url: str,
    folder: Path,
    *,
    sim: Simulator | None = None,
    size: str = "tiny",
    clock: Clock | None = None,
    without: Collection[str] = ("measure", "capabilities", "center"),
    **more: str,
) -> AsyncIterator[Stage]:
    """A simulator (unless one is given that runs already) and a bot, both listening; `clock` is the bot's alone.

    `without` are watchers that are left out: what they read would meet the faults that a test sets for others.
    """
    async with contextlib.AsyncExitStack() as stack:
        if sim is None:
            sim = await stack.enter_async_context(Simulator(size=size, throttling=False).running())
        open_conversations(sim)
        bot = await stack.enter_async_context(
            running_bot(settings_for(sim, redis_url, folder, **more), features_without(without), clock)
        )
        port = await stack.enter_async_context(listening(web_app(bot), "127.0.0.1", 0))
        http = await stack.enter_async_context(httpx.AsyncClient())
        stage = Stage(sim=sim, bot=bot, url=f"http://127.0.0.1:{port}", http=http, service_url=sim.url)
        await ready(stage)
        yield stage


def features_without(watchers: Collection[str]) -> Features:
    features = handlers.features(1.0)
    return replace(features, watchers=tuple(one for one in features.watchers if one.name not in watchers))


async def ready(stage: Stage) -> None:
    for _ in range(200):
        if (await stage.http.get(f"{stage.url}/readyz")).status_code == 200:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("not ready")


def open_conversations(sim: Simulator) -> None:
    """A channel and a personal chat for each person of the first company, and a channel of the second."""
    sim.connector.open(CHANNEL, TENANT)
    for person in PEOPLE:
        sim.connector.add_member(CHANNEL, f"29:{person.id}", person.entra_id, person.name)
        sim.connector.open(f"a:{person.id}", TENANT, kind="personal")
        sim.connector.add_member(f"a:{person.id}", f"29:{person.id}", person.entra_id, person.name)
    sim.connector.open(OTHER_CHANNEL, OTHER_TENANT)
    sim.connector.open("a:robin", OTHER_TENANT, kind="personal")
    for conversation in (OTHER_CHANNEL, "a:robin"):
        sim.connector.add_member(conversation, f"29:{ROBIN.id}", ROBIN.entra_id, ROBIN.name)


@pytest.fixture
async def stage(redis_server: RedisProcess, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(redis_server.url, tmp_path) as stage:
        yield stage


assert os.name == "posix"
