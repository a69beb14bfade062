"""What a tenant's plan and our permissions leave of the responses, in the whole bot, over HTTP."""

import pytest
import stamina

import handlers
from bot.demo import ADELE, ISAIAH, MEGAN, PATTI, TENANT
from bot.graph.intune.http import ACT
from bot.responses import requests
from bot.simulator.tokens import GRAPH
from tests.integration.conftest import OTHER_TENANT, staged
from tests.integration.talk import ask, chat, heard, verbs, words
from tests.moved_clock import MovedClock

LEARNER = next(one for one in handlers.features(1.0).watchers if one.name == "capabilities")


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def stage(redis_server, tmp_path, clock):
    with stamina.set_testing(True, attempts=2, cap=True):
        async with staged(redis_server.url, tmp_path, clock=clock) as running:
            yield running


def managed(stage) -> str:
    """The name of a Windows device in Intune that is alone of its name."""
    devices = stage.sim.first.intune.devices.values()
    return next(one.name for one in devices if one.system == "Windows" and one.agent == "mdm" and one.name.isascii())


async def asked_for(stage) -> list[str]:
    """The responses that requests were made for."""
    return [record.data["response"] for record in await stage.bot.store.newest(TENANT, requests.KIND)]


async def test_a_response_that_the_plan_lacks_answers_which_plan_has_it(stage, clock):
    """Defender for Business lacks Intune: what has it is named, nothing is asked for; once bought, it works."""
    stage.sim.first.plan = "business"
    await LEARNER.poll(stage.bot.services, TENANT)
    here, name = chat(stage, [ADELE, ISAIAH]), managed(stage)
    said = words(await ask(stage, ADELE, f"/sync {name}", here))
    assert "**/sync** is not in what this tenant has (Defender for Business). It comes with Intune." in said
    assert await asked_for(stage) == []
    status = words(await ask(stage, ISAIAH, "/status", here))
    assert "Not in the plan" in status
    assert "/sync" in status
    insisted = words(await ask(stage, ADELE, f"/sync {name}", here))
    assert "does not include it" in insisted
    stage.sim.first.plan = "premium"
    clock.move(700)
    await ask(stage, ADELE, f"/sync {name}", here)
    assert await asked_for(stage) == ["sync"]


async def test_a_missing_permission_is_named_before_anything_is_asked_for(stage, clock):
    """The permission and the way to grant it are named; once granted, asking again is enough."""
    stage.sim.first.roles[GRAPH].discard(ACT)
    await LEARNER.poll(stage.bot.services, TENANT)
    here, name = chat(stage, [ADELE]), managed(stage)
    clock.move(61)
    said = words(await ask(stage, ADELE, f"/restart {name} an update", here))
    assert f"needs the permission **{ACT}** of Microsoft Graph" in said
    assert "Grant admin consent" in said
    assert "https://entra.microsoft.com" in said
    stage.sim.first.roles[GRAPH].add(ACT)
    clock.move(61)
    await ask(stage, ADELE, f"/restart {name} an update", here)
    assert await asked_for(stage) == ["restart"]


async def test_an_administrator_has_it_learnt_anew(stage):
    """/status of an administrator asks the tenant itself, of each customer alone; nobody else's does."""
    here = chat(stage, [PATTI, ISAIAH])
    assert "What this tenant has" not in words(await ask(stage, ISAIAH, "/status", here))
    said = words(await ask(stage, PATTI, "/status", here))
    assert "Defender for Business, Entra ID P1, Intune, Defender for Office 365 Plan 1" in said
    assert await stage.bot.store.get(OTHER_TENANT, "capability", "learnt") is None


async def test_an_approval_without_the_permission_names_it_and_is_asked_again(stage):
    """The token lacks the role at the approval: the card says which and where to grant it; one press then asks anew."""
    stage.sim.first.roles[GRAPH].discard(ACT)
    here, name = chat(stage, [ADELE, MEGAN], "channel"), managed(stage)
    card = await ask(stage, ADELE, f"/restart {name} an update", here)
    await stage.click(MEGAN, card, "approve")
    failed = await stage.until(lambda: [m for m in heard(stage, here) if "again" in verbs(m)])
    said = words(failed[0])
    assert f"the app permission **{ACT}** is not granted" in said
    assert "API permissions > Add a permission > Application permissions" in said
    assert "https://entra.microsoft.com" in said
    answer = await stage.click(ADELE, failed[0], "again")
    assert "needs the permission" in words(answer)
    assert await asked_for(stage) == ["restart"]
    stage.sim.first.roles[GRAPH].add(ACT)
    await stage.click(ADELE, failed[0], "again")
    again = await stage.until(lambda: [m for m in heard(stage, here) if "approve" in verbs(m)])
    assert "Megan Bowen approved" in words(await stage.click(MEGAN, again[0], "approve"))
    await stage.until(lambda: stage.sim.first.intune.accepted)
    assert [one.name for one in stage.sim.first.intune.accepted] == ["rebootNow"]
