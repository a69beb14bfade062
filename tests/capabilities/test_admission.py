"""Who asks for what seems to lack something is told what, and passes when asking once more."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bot.capabilities.learning import learn, note_refused
from bot.errors import NotInPlan, PersonError
from bot.graph.intune.http import ACT, READ
from bot.responses.declared import Response
from bot.responses.models import Evidence
from bot.simulator.world import PLANS
from handlers.responses import isolate, lock, restart, run_script
from handlers.standing import admit, marked, plan_of
from tests.capabilities.tenant import CUSTOMER, World

RESPONSE = restart.RESPONSE


@pytest.fixture
def world() -> World:
    return World()


def context(world: World, who: str = "adele") -> Any:
    services = replace(world.services, responses={one.name: one for one in (RESPONSE, isolate.RESPONSE)})
    return SimpleNamespace(
        services=services, customer=CUSTOMER, now=world.clock.now(), actor=SimpleNamespace(id=who, tenant=CUSTOMER)
    )


async def insisting(world: World) -> bool:
    """Whether it was noted that Adele was told of something that lacks."""
    return await world.store.get_value(CUSTOMER, f"insist:adele:{RESPONSE.name}") is not None


async def refused(world: World, who: str = "adele", response: Response = RESPONSE) -> PersonError:
    with pytest.raises(PersonError) as caught:
        await admit(context(world, who), response)
    return caught.value


async def test_what_the_tenant_has_passes(world):
    """What the plan has, and what was never learnt, is let through without a word."""
    for learnt in (False, True):
        if learnt:
            await learn(world.services, CUSTOMER)
        await admit(context(world), RESPONSE)
        assert not await insisting(world)
    world.tenant.plans = PLANS["business"]
    await learn(world.services, CUSTOMER)
    await refused(world)
    assert await insisting(world)


async def test_the_plan_that_has_it_is_named(world):
    """What the plan lacks is answered with what the tenant has, and with what has the response."""
    world.tenant.plans = PLANS["business"]
    await learn(world.services, CUSTOMER)
    error = await refused(world)
    assert (error.key, error.values["has"], error.values["plans"]) == (
        "error.lacks-plan",
        "Defender for Business",
        "Intune",
    )


async def test_the_permission_is_named_with_its_api(world):
    """What our token lacks is answered with the permission and the API's name in Entra."""
    world.tenant.roles |= {"graph": frozenset({READ})}
    await learn(world.services, CUSTOMER)
    error = await refused(world)
    assert (error.key, error.values["permission"], error.values["api"]) == (
        "error.lacks-permission",
        ACT,
        "Microsoft Graph",
    )


async def test_what_the_service_said_is_repeated(world):
    """What was refused within a day is answered with the service's own sentence, and when that was."""
    await learn(world.services, CUSTOMER)
    await note_refused(world.services, CUSTOMER, NotInPlan("graph", "reboot-device", message="not licensed"))
    error = await refused(world)
    assert (error.key, error.values["message"]) == ("error.refused-lately", "not licensed")
    assert error.values["at"] == world.clock.now()


async def test_who_insists_passes(world):
    """Asking once more within ten minutes passes, for this person and this response alone."""
    world.tenant.plans = PLANS["business"]
    await learn(world.services, CUSTOMER)
    await refused(world)
    await refused(world, "megan")
    asked = world.tenant.asked
    await admit(context(world), RESPONSE)
    assert world.tenant.asked == asked + 1  # what was granted meanwhile is learnt before the call
    await refused(world, response=lock.RESPONSE)
    world.clock.move(601)
    await refused(world)


async def test_what_the_pages_do_not_tell_is_marked(world):
    """An approver is warned where nobody knows whether the plan has it; elsewhere nothing is added."""
    read = Evidence(read_at=world.clock.now())
    assert await marked(context(world), run_script.RESPONSE, read) == read
    await learn(world.services, CUSTOMER)
    assert [one.key for one in (await marked(context(world), run_script.RESPONSE, read)).warnings] == ["plan-unsure"]
    assert await marked(context(world), RESPONSE, read) == read


async def test_the_status_tells_what_is_left_out(world):
    """Nothing before it was learnt; then the plan, and each response that it, the token or the service leaves out."""
    assert await plan_of(context(world)) is None
    world.tenant.roles |= {"defender": frozenset({"Machine.Read.All"})}
    world.tenant.plans = PLANS["business"]
    await learn(world.services, CUSTOMER)
    view = await plan_of(context(world))
    assert (view.names, view.lacking, view.forbidden) == (
        ("Defender for Business",),
        ["restart"],
        {"Machine.Isolate": ["isolate"]},
    )
    world.tenant.plans = PLANS["premium"]
    await learn(world.services, CUSTOMER)
    await note_refused(world.services, CUSTOMER, NotInPlan("graph", "reboot-device"))
    assert (await plan_of(context(world))).refused == ["restart"]
