"""`python -m bot run` as a newcomer meets it: the real Playground, its page in Chromium, its REST for others."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Locator, Page, async_playwright

from bot import demo
from tests.served import free_port

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = [name for name, found in (("Node with npx", shutil.which("npx")), ("Chromium", CHROMIUM)) if not found]

pytestmark = [
    pytest.mark.playground,
    pytest.mark.timeout(280),
    pytest.mark.skipif(
        bool(MISSING) and not os.environ.get("CI"), reason=f"not found: {', '.join(MISSING)} (in CI this fails)"
    ),
]

CHANNEL = "channel-incidents-id"
PICTURES = Path(os.environ.get("PICTURES", ""))
QUIET_DEVICE = "a&b-sales"  # one that the simulated colleague never chooses for requests of her own
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")


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
    bot, simulator, metrics, page = (free_port() for _ in range(4))
    ports = {"PORT": bot, "SIMULATOR_PORT": simulator, "METRICS_PORT": metrics, "PLAYGROUND_PORT": page}
    environ = {**os.environ, **{name: str(port) for name, port in ports.items()}, "DATA_DIR": str(folder)}
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


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One `run` for the module, stopped by Ctrl-C."""
    running = start(tmp_path_factory.mktemp("run"))
    yield running
    assert stop(running) == 0


@pytest.fixture
async def page(running: Running) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = await browser.new_page(viewport={"width": 1280, "height": 1000})
        yield page
        await browser.close()


async def say(page: Page, text: str) -> None:
    box = page.locator("[role=textbox][contenteditable=true]").first
    await box.click()
    await page.keyboard.insert_text(text)
    await page.keyboard.press("Enter")


async def picture(what: Page | Locator, name: str, width: int = 0) -> None:
    """Keep a picture for people to look at; of a card at a width as on a phone, where one is given."""
    if not PICTURES.name:
        return
    if width:
        await what.evaluate("(card, width) => { card.style.width = width + 'px' }", width)
    await what.screenshot(path=PICTURES / name)


async def test_story_in_the_page(running, page):
    """Alex opens the page, an incident is there, asks for figures, asks to isolate; Megan approves; it succeeds."""
    began = time.monotonic()
    await page.goto(running.client)
    await page.get_by_title("Hide log panel").click()
    cards = page.locator(".ac-adaptiveCard")
    incident = cards.filter(has_text="What it touches").last
    await incident.wait_for(timeout=60_000)
    print(f"first incident card after {time.monotonic() - began:.1f} s")
    await picture(page, "page.png")
    await picture(incident, "incident.png")
    await say(page, "/score")
    score = cards.filter(has_text="Exposure score").last
    await score.wait_for(timeout=20_000)
    await picture(score, "score.png")
    await say(page, "/devices high-risk")
    devices = cards.filter(has_text="Devices: high risk").last
    await devices.wait_for(timeout=20_000)
    await picture(devices, "devices.png")
    await wake_up(running, running.device)
    await say(page, f"/isolate {running.device} I am trying this out")
    card = cards.filter(has_text="I am trying this out").last
    await card.get_by_role("button", name="Approve", exact=True).wait_for(timeout=20_000)
    await picture(card, "decision.png")
    done = card.get_by_text("Defender reports: Succeeded").last
    for _ in range(60):
        if await done.is_visible():
            break
        await wake_up(running, running.device)
        await asyncio.sleep(2)
    assert "Megan Bowen approved" in await card.inner_text()
    await picture(card, "result.png")
    await say(page, f"/device {running.device}")
    device = cards.filter(has_text="Who logged on").last
    await device.wait_for(timeout=20_000)
    assert "isolated since" in await device.inner_text()
    await picture(device, "device-320.png", 320)


class Rest:
    """The Playground's own REST and stream: what each mocked user can say and press in a channel."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.cards: dict[str, dict[str, Any]] = {}
        self.where: dict[str, str] = {}

    async def listen(self) -> None:
        async with self.session.ws_connect("/_ws_conversation/v1/conversations/stream") as stream:
            async for frame in stream:
                event = frame.json()
                said = event.get("message") or {}
                for part in said.get("attachments") or ():
                    if "adaptive" in part.get("contentType", ""):
                        self.cards[said["messageId"]] = part["content"]
                        self.where[said["messageId"]] = said.get("postConversationId") or event["actionConversationId"]

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

    async def press(self, person: demo.Person, message: str, verb: str, **inputs: str) -> str:
        data = next(node for node in walk(self.cards[message]) if node.get("verb") == verb and "id" in node)
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
            yield node["data"]
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


@pytest.fixture
async def rest(running: Running) -> AsyncIterator[Rest]:
    async with aiohttp.ClientSession(running.client) as session:
        rest = Rest(session)
        listening = asyncio.create_task(rest.listen())
        await asyncio.sleep(0.5)
        yield rest
        listening.cancel()


async def test_each_role_over_rest(running, rest):
    """Reader and nobody are refused, the operator may ask but not decide, an approver decides, and it is done once."""
    await rest.say(demo.LYNNE, "/devices high-risk")
    await rest.shown("needs the role reader")
    await rest.say(demo.ISAIAH, f"/isolate {QUIET_DEVICE} full not mine to ask")
    await rest.shown("isolate needs the role operator")
    await rest.say(demo.ISAIAH, "/devices high-risk")
    await rest.shown("Devices: high risk")
    await rest.say(demo.ADELE, f"/isolate {QUIET_DEVICE} full ransom note on the share")
    request = await rest.shown("ransom note on the share")
    assert "needs the role approver" in await rest.press(demo.ADELE, request, "approve")
    assert "needs the role approver" in await rest.press(demo.ISAIAH, request, "approve")
    assert "Alex Wilber approved" in await rest.press(demo.ALEX, request, "approve")
    await rest.press(demo.MEGAN, request, "approve")
    for _ in range(60):
        if "Defender reports: Succeeded" in str(rest.cards[request]):
            break
        await wake_up(running, QUIET_DEVICE)
        await asyncio.sleep(1)
    assert "Defender reports: Succeeded" in str(rest.cards[request])
    assert "Megan Bowen approved" not in str(rest.cards[request])


def test_state_is_found_again_after_a_kill(tmp_path):
    """After SIGKILL a second run adopts the Redis that still runs, and never starts another on the same data."""
    first = start(tmp_path)
    stop(first, signal.SIGKILL)
    second = start(tmp_path)
    try:
        assert "adopted" in "".join(second.lines)
    finally:
        assert stop(second) == 0
