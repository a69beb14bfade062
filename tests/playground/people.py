"""A `run` that is up, and what each mocked user of its Playground can say and press, without a browser."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bot import demo
from tests.served import free_port

CHANNEL = "channel-incidents-id"


@dataclass
class Running:
    """A `run` that is up."""

    process: subprocess.Popen[str]
    client: str
    simulator: str
    lines: list[str] = field(default_factory=list)

    @property
    def device(self) -> str:
        """The device that the banner proposes to isolate."""
        found = re.search(r"/isolate (\S+) ", "".join(self.lines))
        assert found
        return found.group(1)


async def wake_up(running: Running, device: str) -> None:
    """Have a device online: in the simulated company they come and go."""
    body = {"tenant": demo.TENANT, "device": device, "online": True}
    async with aiohttp.ClientSession(running.simulator) as session:
        async with session.get("/_simulator/state") as response:
            state = await response.text()
        if f'"{device}"' in state.partition('"offline"')[2].partition("]")[0]:
            await session.post("/_simulator/device", json=body)


def start(folder: Path) -> Running:
    """A `run` at free ports that looks at the services often; up when it has said how to stop it."""
    bot, simulator, metrics, page = (free_port() for _ in range(4))
    ports = {"PORT": bot, "SIMULATOR_PORT": simulator, "METRICS_PORT": metrics, "PLAYGROUND_PORT": page}
    numbers = {name: str(number) for name, number in {**ports, "POLL_SECONDS": 2}.items()}
    environ = {**os.environ, **numbers, "DATA_DIR": str(folder)}
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "bot", "run"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running = Running(process, f"http://localhost:{page}", f"http://127.0.0.1:{simulator}")
    assert process.stdout
    for line in process.stdout:
        running.lines.append(line)
        if "Ctrl-C" in line:
            return running
    raise AssertionError("".join(running.lines))


def stop(running: Running, how: int = signal.SIGINT) -> int:
    running.process.send_signal(how)
    status = running.process.wait(30)
    if running.process.stdout:
        running.process.stdout.close()
    return status


class Rest:
    """The Playground's own REST and stream: what each mocked user can say and press in a channel."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.cards: dict[str, dict[str, Any]] = {}
        self.where: dict[str, str] = {}
        self.connected = asyncio.Event()

    async def listen(self) -> None:
        async with self.session.ws_connect("/_ws_conversation/v1/conversations/stream") as stream:
            self.connected.set()
            async for frame in stream:
                event = frame.json()
                said = event.get("message") or {}
                for part in said.get("attachments") or ():
                    if "adaptive" in part.get("contentType", ""):
                        self.cards[said["messageId"]] = part["content"]
                        posted = said.get("postConversationId")  # an edit names the channel alone
                        self.where.setdefault(said["messageId"], posted or event["actionConversationId"])

    async def say(self, person: demo.Person, text: str) -> None:
        mention = f"<at>{demo.BOT_NAME}</at>"
        async with self.session.get(
            "/_internal/v1/customActivities/template", params={"conversationId": CHANNEL}
        ) as response:
            activity = await response.json()
        activity |= {
            "type": "message",
            "text": f"{mention} {text}",
            "entities": [{"type": "mention", "mentioned": activity["recipient"], "text": mention}],
            "channelData": {"tenant": {"id": demo.TENANT}},
            "from": {"id": person.id, "name": person.name, "aadObjectId": person.entra_id},
        }
        async with self.session.post("/_internal/v1/customActivities", json=activity) as response:
            assert response.status == 200, await response.text()

    async def shown(self, text: str, seconds: float = 20) -> str:
        """The newest message of the channel that says it: in a chat that shows it too not everybody can press."""
        for _ in range(int(seconds * 10)):
            for message, card in reversed(self.cards.items()):
                if text in str(card) and self.where[message].startswith(CHANNEL):
                    return message
            await asyncio.sleep(0.1)
        raise AssertionError(f"{text} was not shown: {list(self.cards.values())[-3:]}")

    async def press(self, person: demo.Person, message: str, verb: str, title: str = "", **inputs: str) -> str:
        """Press the first button of that verb, and of that title where one is given."""
        fits = (node for node in walk(self.cards[message]) if node["verb"] == verb and title in ("", node["title"]))
        data = next(fits)["data"]
        press = {
            "name": "adaptiveCard/action",
            "from": {"id": person.id},
            "conversation": {"id": self.where[message]},
            "replyToId": message,
            "value": {"action": {"type": "Action.Execute", "verb": verb, "data": {**data, **inputs}}},
        }
        async with self.session.post("/_conversation/v1/invoke", json=press) as response:
            assert response.status == 200, await response.text()
            return await response.text()


def walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") == "Action.Execute":
            yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)
