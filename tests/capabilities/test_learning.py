"""What a tenant has is learnt, kept for all processes, and never lost to a bad moment."""

from datetime import timedelta

import pytest

from bot.capabilities.learning import KEY, KIND, checked, known, learn, learnt_lately, note_refused
from bot.capabilities.models import (
    MOST_REFUSALS,
    Known,
    LacksPermission,
    LacksPlan,
    Offered,
    Refusal,
    RefusedLately,
    Standing,
)
from bot.errors import MissingPermission, NotInPlan, Rejected, RoleTooLow, StoreDown, Unavailable
from bot.graph.intune.http import ACT, READ
from bot.simulator.world import PLANS
from bot.state.store import Change
from handlers.capabilities import poll
from handlers.responses import restart
from tests.capabilities.tenant import CUSTOMER, World

REFUSED = NotInPlan("graph", "reboot-device", status=403, message="x" * 500)


@pytest.fixture
def world() -> World:
    return World()


async def stands(world: World) -> Standing:
    """How a restart stands, when somebody asks for it."""
    return (await checked(world.services, CUSTOMER, restart.RESPONSE))[1]


async def test_what_works_is_learnt(world):
    """Plans whose provisioning succeeded count, others do not; permissions come from the tokens."""
    world.tenant.roles |= {"graph": frozenset({READ})}
    learnt = await learn(world.services, CUSTOMER)
    assert learnt == await known(world.services, CUSTOMER)
    assert (learnt.plans, learnt.roles) == (frozenset(PLANS["premium"]), {"graph": frozenset({READ})})
    assert "Intune" in learnt.names
    world.tenant.status = "PendingActivation"
    assert (await learn(world.services, CUSTOMER)).plans == frozenset()


async def test_a_bad_moment_keeps_what_was_known(world):
    """Where the plans cannot be read, those of before stay, and why is kept; nothing is made up before the first."""
    world.tenant.trouble = MissingPermission("graph", "subscribed-skus", permission="LicenseAssignment.Read.All")
    first = await learn(world.services, CUSTOMER)
    assert (first.plans, first.plans_trouble) == (None, "permission")
    world.tenant.trouble = None
    assert (await learn(world.services, CUSTOMER)).plans_trouble == ""
    world.tenant.trouble = Unavailable("graph", "subscribed-skus")
    after = await learn(world.services, CUSTOMER)
    assert (after.plans, after.plans_trouble) == (frozenset(PLANS["premium"]), "outage")


async def test_refusals_are_noted_once_per_call_and_bounded(world):
    """A refusal is kept by its call, the newest of each, cut, and not more than so many; other failures are no news."""
    await note_refused(world.services, CUSTOMER, REFUSED)
    await note_refused(world.services, CUSTOMER, REFUSED)
    await note_refused(world.services, CUSTOMER, Rejected("graph", "wipe-device", status=403))
    await note_refused(world.services, CUSTOMER, Unavailable("graph", "wipe-device"))
    await note_refused(world.services, CUSTOMER, RoleTooLow("graph", "block-user", role="Global Administrator"))
    (refusal,) = (await known(world.services, CUSTOMER)).refusals
    assert (refusal.operation, refusal.kind, len(refusal.message)) == ("reboot-device", "plan", 200)
    for number in range(MOST_REFUSALS + 5):
        await note_refused(world.services, CUSTOMER, NotInPlan("graph", f"call-{number}"))
    assert len((await known(world.services, CUSTOMER)).refusals) == MOST_REFUSALS


async def test_refusals_are_forgotten_in_time(world):
    """After a day, when the plan changed, or when an administrator asks, it is tried again."""
    await learn(world.services, CUSTOMER)
    await note_refused(world.services, CUSTOMER, REFUSED)
    assert (await learn(world.services, CUSTOMER)).refusals
    assert not (await learn(world.services, CUSTOMER, forgive=True)).refusals
    await note_refused(world.services, CUSTOMER, REFUSED)
    world.tenant.plans = PLANS["plan2"]
    assert not (await learn(world.services, CUSTOMER)).refusals
    await note_refused(world.services, CUSTOMER, REFUSED)
    world.clock.move(86_400)
    assert not (await learn(world.services, CUSTOMER)).refusals


async def test_noting_never_fails(world):
    """A store that is down loses a refusal, and nobody's step fails for it."""
    tried = []

    async def down(*_args, **_more):
        tried.append(1)
        raise StoreDown

    world.store.commit = down
    await note_refused(world.services, CUSTOMER, REFUSED)
    assert (tried, (await known(world.services, CUSTOMER)).refusals) == ([1], ())


async def test_two_writers_lose_nothing(world):
    """Who writes while another process notes something reads again, and writes both."""
    commit, first = world.store.commit, [True]

    async def overtaken(*args, **more):
        if first and first.pop():
            await note_refused(world.services, CUSTOMER, NotInPlan("graph", "theirs"))
        await commit(*args, **more)

    world.store.commit = overtaken
    await note_refused(world.services, CUSTOMER, NotInPlan("graph", "ours"))
    assert [one.operation for one in (await known(world.services, CUSTOMER)).refusals] == ["theirs", "ours"]


async def test_what_another_version_wrote_is_not_known(world):
    """A record that cannot be read is as good as none, and is written anew."""
    await world.services.ledger.commit(CUSTOMER, [Change(kind=KIND, id=KEY, rev=0, data={"v": 9, "plans": 7})])
    assert await known(world.services, CUSTOMER) == Known()
    assert (await learn(world.services, CUSTOMER)).plans


async def test_what_came_meanwhile_is_noticed_when_it_is_asked_for(world):
    """A plan bought or a permission granted after the daily round counts at once, but is not asked for every second."""
    world.tenant.plans = PLANS["business"]
    world.tenant.roles |= {"graph": frozenset({READ})}
    await learn(world.services, CUSTOMER)
    world.tenant.plans = PLANS["premium"]
    assert isinstance(await stands(world), LacksPlan)
    world.clock.move(61)
    assert isinstance(await stands(world), LacksPermission)
    world.tenant.roles |= {"graph": frozenset({READ, ACT})}
    asked = world.tenant.asked
    assert isinstance(await stands(world), LacksPermission)
    assert world.tenant.asked == asked
    world.clock.move(61)
    assert await stands(world) == Offered()


async def test_a_refusal_is_told(world):
    """What was refused lately is told when it is asked for, without asking the service for the plan again."""
    await learn(world.services, CUSTOMER)
    await note_refused(world.services, CUSTOMER, REFUSED)
    world.clock.move(3600)
    asked = world.tenant.asked
    assert isinstance(await stands(world), RefusedLately)
    assert world.tenant.asked == asked


async def test_a_denied_call_has_the_token_looked_at_again(world):
    """What was refused for want of a permission is judged by a fresh token, however lately the last was read."""
    world.tenant.roles |= {"graph": frozenset({READ, ACT})}
    await learn(world.services, CUSTOMER)
    world.clock.move(1)
    await note_refused(world.services, CUSTOMER, MissingPermission("graph", "reboot-device", permission=ACT))
    world.tenant.roles["graph"] = frozenset({READ})
    world.clock.move(1)
    assert isinstance(await stands(world), LacksPermission)
    asked = world.tenant.asked
    await stands(world)
    assert world.tenant.asked == asked


async def test_the_round_learns_once_in_half_a_day(world):
    """Each process asks for a first round at its start; only one that is due asks the services."""
    world.tenant.roles |= {"graph": frozenset({READ})}
    await poll(world.services, CUSTOMER)
    await poll(world.services, CUSTOMER)
    assert (world.tenant.asked, await learnt_lately(world.services, CUSTOMER)) == (1, True)
    world.clock.move(timedelta(hours=12).total_seconds())
    await poll(world.services, CUSTOMER)
    assert world.tenant.asked == 2


async def test_a_refusal_is_kept_with_what_it_lacked(world):
    """Service, call, permission, the first of its words, and when."""
    await note_refused(
        world.services, CUSTOMER, MissingPermission("graph", "reboot", permission=ACT, message="y" * 201)
    )
    (refusal,) = (await known(world.services, CUSTOMER)).refusals
    kept = {"service": "graph", "operation": "reboot", "kind": "permission", "permission": ACT, "message": "y" * 200}
    assert refusal == Refusal(**kept, at=world.clock.now())


@pytest.mark.parametrize(
    ("plans", "roles", "lately"),
    [
        (None, None, False),
        (0, None, True),
        (None, 0, True),
        (0, 43_199, True),
        (0, 43_200, False),
        (43_200, 0, False),
        (-1, 0, False),
    ],
)
async def test_what_was_learnt_lately_is_no_older_than_half_a_day(world, plans: int | None, roles: int | None, lately):
    """The older of both readings counts, and one of the future does not."""
    now = world.clock.now()
    times = [None if age is None else now - timedelta(seconds=age) for age in (plans, roles)]
    data = Known(plans_at=times[0], roles_at=times[1]).model_dump(mode="json")
    await world.services.ledger.commit(CUSTOMER, [Change(kind=KIND, id=KEY, rev=0, data=data)])
    assert await learnt_lately(world.services, CUSTOMER) is lately


async def test_each_service_keeps_what_its_token_said(world):
    """A token that could not be read changes nothing of what is known of the others, and no time."""
    world.tenant.roles = {"graph": frozenset({READ}), "defender": frozenset({"x"})}
    first = await learn(world.services, CUSTOMER)
    world.clock.move(60)
    world.tenant.roles = {"graph": frozenset({ACT})}
    second = await learn(world.services, CUSTOMER)
    assert second.roles == {"graph": frozenset({ACT}), "defender": frozenset({"x"})}
    assert (second.roles_at, second.plans_at) == (world.clock.now(), world.clock.now())
    world.tenant.roles, world.tenant.trouble = {}, Unavailable("graph", "subscribed-skus")
    world.clock.move(60)
    third = await learn(world.services, CUSTOMER)
    assert third == second.model_copy(update={"plans_trouble": "outage"})
    assert first.roles_at == second.roles_at - timedelta(seconds=60)
