"""How many calls a command costs at Defender, counted where they arrive: a turn reads a device once."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest

import handlers
from bot.demo import ADELE, ALEX
from tests.integration.conftest import Stage, staged
from tests.integration.talk import ask, chat, verbs

ABOUT_THE_DEVICE = {"machines.logonusers": 1, "machines.alerts": 1, "machineactions.list": 1}
BY_NAME, BY_ID = {"machines.list": 1}, {"machines.get": 1}


@pytest.fixture
async def unwatched(redis_server, tmp_path) -> AsyncIterator[Stage]:
    """A bot whose watchers ask nothing meanwhile."""
    watchers = [watcher.name for watcher in handlers.features(1.0).watchers]
    async with staged(redis_server.url, tmp_path, without=watchers) as stage:
        yield stage


def counted(stage: Stage) -> Counter[str]:
    """The calls that arrived at Defender since the last time, by operation."""
    found = Counter(name.partition(".")[2] for name, *_ in stage.sim.calls if name.startswith("defender."))
    stage.sim.calls.clear()
    return found


async def test_a_device_is_read_once_in_a_turn(unwatched):
    """Finding it, whether it fits, and what an approver sees go by one reading, named in whichever way."""
    stage, here = unwatched, chat(unwatched, [ADELE, ALEX], "channel")
    fitting = (one for one in stage.sim.first.devices.values() if one.os == "Windows11" and one.online)
    device = next(one for one in fitting if one.onboarding == "onboarded")
    costs = {
        f"/isolate {device.name} it talks to a bad host": BY_NAME,
        f"/offboard {device.id} {device.name} it is sold": BY_ID,
        "/restrict it it runs odd programs": BY_ID,
        f'/get-file {device.name} "C:\\odd.txt" to look at it': BY_NAME,
    }
    for line, found_by in costs.items():
        counted(stage)
        card = await ask(stage, ADELE, line, here)
        assert "approve" in verbs(card), line
        assert counted(stage) == {**ABOUT_THE_DEVICE, **found_by}, line


async def test_a_device_is_read_anew_before_anything_is_sent(unwatched):
    """What a turn read serves that turn alone: after the approval the device and its actions are asked for again."""
    stage, here = unwatched, chat(unwatched, [ADELE, ALEX], "channel")
    device = next(one for one in stage.sim.first.devices.values() if one.onboarding == "onboarded" and one.online)
    card = await ask(stage, ADELE, f"/isolate {device.name} it talks to a bad host", here)
    counted(stage)
    before = list(stage.sim.first.actions)
    await stage.click(ALEX, card, "approve")
    await stage.until(lambda: list(stage.sim.first.actions) != before)
    calls = [name for name, *_ in stage.sim.calls]
    assert calls.index("defender.machines.list") < calls.index("defender.machines.isolate")
    assert calls.index("defender.machineactions.list") < calls.index("defender.machines.isolate")
