"""The Action center's story with the whole bot: it waits, is told of, is decided in the portal, and that is told."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from bot.demo import ADELE, MEGAN, PATTI
from bot.simulator.proposals import Plan, decide
from tests.integration.conftest import Stage, staged
from tests.integration.talk import ask, chat, heard, verbs, words


@pytest.fixture
async def portal(redis_server, tmp_path) -> AsyncIterator[Stage]:
    """A stage on which the Action center is watched."""
    async with staged(redis_server.url, tmp_path, without=("measure",)) as stage:
        yield stage


def runs(node: Any) -> Iterator[dict[str, Any]]:
    """The data of the buttons that run a line."""
    if isinstance(node, dict):
        if node.get("verb") == "run" and "v" in node:
            yield node
        for value in node.values():
            yield from runs(value)
    elif isinstance(node, list):
        for value in node:
            yield from runs(value)


async def test_a_thing_waits_is_answered_with_the_same_effect_and_decided(portal):
    """From the first summary over a card, its offered response and the portal's decision to the list of what waits."""
    here = chat(portal, [PATTI, ADELE, MEGAN], "channel")
    await portal.say(PATTI, "/subscribe requests", here)
    await portal.until(lambda: [m for m in heard(portal, here) if "What waits in the Action center" in words(m)])
    device = next(
        one
        for one in portal.sim.first.devices.values()
        if one.os == "Windows11" and one.onboarding == "onboarded" and one.online
    )
    made = portal.sim.scenario.propose(portal.sim.first, Plan(), "file", device)
    name = "An active 'Wacatac' malware was detected"
    (card,) = await portal.until(lambda: portal.sim.connector.messages(name, here))
    assert "no public API can approve or reject" in words(card)
    (button,) = {data["id"]: data for data in runs(card.activity) if data["id"].startswith("block ")}.values()
    assert set(verbs(card)) == {"run"}

    listed = await ask(portal, ADELE, "/actions", chat(portal, [ADELE]))
    assert "of 7 days left" in words(listed)

    await portal.press(ADELE, button, "run", card.id, here)
    (asked,) = await portal.until(lambda: [m for m in heard(portal, here) if "approve" in verbs(m)])
    assert "The same effect as what waits in the Action center" in words(asked)
    assert portal.sim.first.alerts[made["alert"]].investigation_state == "pendingApproval"

    decide(portal.sim.first, portal.sim.first.alerts[made["alert"]], portal.sim.clock.now(), approve=False)
    (over,) = await portal.until(lambda: [m for m in heard(portal, here) if "No longer waits" in words(m)])
    assert over.id == card.id
    assert "does not say who decided" in words(over)
    assert "action-center/history" in words(over)


async def test_history_as_a_file_in_the_personal_chat(portal):
    """What is over can be had as a file by who may read it, in the personal chat."""
    here = chat(portal, [ADELE])
    said = words(await ask(portal, ADELE, "/actions history 90 days", here))
    assert "Started in the Defender portal by patti" in said
    before = len(heard(portal, here))
    await portal.say(ADELE, "/actions history export 90 days", here)
    await portal.until(lambda: [m for m in heard(portal, here)[before:] if "The file is ready" in words(m)])
    assert [m for m in heard(portal, here)[before:] if "file.consent" in words(m)]
