"""The Action center and several devices at once, as two people live through them: the Playground's REST, no browser."""

import asyncio
import os
import re
import shutil
from typing import Any

import aiohttp
import pytest

from bot import demo
from tests.playground.people import Rest, Running, wake_up

pytestmark = [
    pytest.mark.playground,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not shutil.which("npx") and not os.environ.get("CI"), reason="not found: Node with npx (in CI this fails)"
    ),
]

FEW = "fab-lt-001.fabrikam.example", "fab-pc-002.fabrikam.example", "fab-pc-006.fabrikam.example"
"""Devices that Megan, the simulated colleague, never asks for: she chooses names without dots."""


async def ask_simulator(running: Running, path: str, **body: Any) -> Any:
    """Call a control route of the simulated company."""
    async with aiohttp.ClientSession(running.simulator) as session:
        call = session.post(f"/_simulator/{path}", json=body) if body else session.get(f"/_simulator/{path}")
        async with call as response:
            assert response.status == 200, await response.text()
            return (await response.json())["simulator"]


def head(card: dict[str, Any]) -> str:
    """The heading of a card."""
    return str(card["body"][0])


async def until(rest: Rest, message: str, said: str, running: Running, *devices: str) -> str:
    """Wait until a card says it (a pattern), with these devices kept online."""
    for _ in range(240):
        if re.search(said, str(rest.cards[message])):
            return str(rest.cards[message])
        for device in devices:
            await wake_up(running, device)
        await asyncio.sleep(0.25)
    raise AssertionError(f"{said} did not come: {rest.cards[message]}")


async def test_an_item_of_the_action_center_from_its_card_to_its_end(running, rest):
    """What waits has a card of its own; the same effect is asked for by one, approved by another; the end is said."""
    await rest.say(demo.PATTI, "/subscribe actions")
    await rest.shown("wait for approval")  # those that waited before are summed up
    where = {"tenant": demo.TENANT}
    proposed = await ask_simulator(running, "proposal", **where, begins=0, kind="file")
    # not by its incident: things happen in the simulated company, and the newest incident is the one that is merged
    item = await rest.shown(str({"title": "Investigation", "value": proposed["investigation"]}), 40)
    waits = str(rest.cards[item])
    assert "Waits for approval" in head(rest.cards[item])
    assert "The same effect, by this bot" in waits
    await rest.press(demo.ADELE, item, "run", title="Block")
    request = await rest.shown("Decide: Block SHA256")
    assert "Alex Wilber approved" in await rest.press(demo.ALEX, request, "approve")
    assert "Adele Vance asked" in await until(rest, request, "holds the indicator", running)
    assert "Waits for approval" in head(rest.cards[item]), "what waits in the portal stays there"
    await ask_simulator(running, "decide", **where, alert=proposed["alert"], approve=False)
    over = await until(rest, item, "No longer waits", running)
    assert "declined" in over or "rejected" in over
    assert "The same effect, by this bot" not in over


async def test_several_devices_are_isolated_and_released_together(running, rest):
    """One decision for all; one device refuses, which is said of that one alone; undo asks to release the others."""
    for device in FEW:
        await wake_up(running, device)
    refusal = {"kind": "error", "status": 400, "code": "BadRequest", "message": "not this one"}
    await rest.say(demo.ADELE, f"/isolate {','.join(FEW)} ransom notes on several shares")
    request = await rest.shown("ransom notes on several shares")
    assert "Isolate 3 devices (" in head(rest.cards[request])
    await ask_simulator(running, "faults", operation="defender.machines.isolate", tenant=demo.TENANT, **refusal)
    assert "Alex Wilber approved" in await rest.press(demo.ALEX, request, "approve")
    over = await until(rest, request, "Confirmed on some devices, not on all", running, *FEW)
    assert "1 failed; 2 succeeded" in over
    assert over.count(r"**: succeeded") == 2
    assert over.count(r"**: failed") == 1
    await rest.press(demo.ADELE, request, "undo", reason="the shares are clean")
    back = await rest.shown("the shares are clean")
    assert "Release 2 devices (" in head(rest.cards[back])
    await rest.press(demo.MEGAN, back, "approve")
    sent = await until(rest, back, "Each device got a request of its own", running)
    assert "not confirmed on all yet" in sent
    for _ in range(100):
        posts = [
            post for post in (await ask_simulator(running, "state"))["ledger"] if "shares are clean" in post["comment"]
        ]
        if len(posts) >= len(FEW) - 1:
            break
        await asyncio.sleep(0.1)
    assert [post["type"] for post in posts] == ["Unisolate", "Unisolate"]
    assert len({post["machine_id"] for post in posts}) == len(FEW) - 1
