"""`python -m bot run` as a newcomer meets it: the real Playground, its page in Chromium, its REST for others."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, async_playwright

from bot import demo
from tests.playground.people import Running, start, stop, wake_up

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = [name for name, found in (("Node with npx", shutil.which("npx")), ("Chromium", CHROMIUM)) if not found]

pytestmark = [
    pytest.mark.playground,
    pytest.mark.timeout(280),
    pytest.mark.skipif(
        bool(MISSING) and not os.environ.get("CI"), reason=f"not found: {', '.join(MISSING)} (in CI this fails)"
    ),
]

PICTURES = Path(os.environ.get("PICTURES", ""))
QUIET_DEVICE = "a&b-sales"  # one that the simulated colleague never chooses for requests of her own
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")


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
