"""How a response stands in a tenant: nothing that is not known counts as lacking."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.capabilities.models import Known, LacksPermission, LacksPlan, Offered, Refusal, RefusedLately, Unsure
from bot.capabilities.standing import lacks, offerable, standing_of
from bot.graph.intune.http import ACT, READ, SCAN
from bot.http import Operation
from bot.permissions import operations_of
from bot.simulator.world import PLANS
from handlers.responses import restart
from tests.responses.people import START

RESTART = restart.RESPONSE
PREMIUM, BUSINESS = Known(plans=frozenset(PLANS["premium"])), Known(plans=frozenset(PLANS["business"]))
BOTH = {"graph": frozenset({ACT, READ})}


def stands(known, response=RESTART, now=START):
    return standing_of(known, response, now)


def test_what_the_plan_has_is_offered():
    """With one of its plans it is offered, and so is what takes no plan."""
    assert stands(PREMIUM) == Offered()
    assert stands(BUSINESS, replace(RESTART, plans=frozenset())) == Offered()
    assert offerable(stands(PREMIUM))


def test_what_the_plan_lacks_is_not_offered():
    """Without any of its plans it is not offered, and they are named."""
    assert stands(BUSINESS) == LacksPlan(plans=frozenset({"INTUNE_A"}))
    assert not offerable(stands(BUSINESS))


@pytest.mark.parametrize("known", [Known(), Known(plans=frozenset()), Known(plans=frozenset({"SOMETHING_NEW"}))])
def test_a_plan_that_is_not_known_hides_nothing(known):
    """Where plans were not learnt, or none is one that we know, it is offered and marked unsure."""
    assert stands(known) == Unsure()
    assert offerable(stands(known))


def test_where_the_pages_do_not_tell_it_is_offered():
    """A plan of which the pages do not say whether it has the response does not hide it."""
    response = replace(RESTART, unsure=frozenset({"MDE_SMB"}))
    assert stands(BUSINESS, response) == Unsure()


def test_a_missing_permission_is_named():
    """A token without the permission names it; one that could not be read names nothing."""
    assert stands(PREMIUM.model_copy(update={"roles": BOTH})) == Offered()
    some = PREMIUM.model_copy(update={"roles": {"graph": frozenset({READ})}})
    assert stands(some) == LacksPermission(service="graph", permission=ACT)
    none = PREMIUM.model_copy(update={"roles": {"graph": frozenset()}})
    assert isinstance(stands(none), LacksPermission)
    assert stands(PREMIUM.model_copy(update={"roles": {"defender": frozenset()}})) == Offered()
    assert offerable(stands(some))


def test_the_plan_is_said_before_the_permission():
    """Nobody is sent to grant a permission for what the plan lacks."""
    assert isinstance(stands(BUSINESS.model_copy(update={"roles": {"graph": frozenset()}})), LacksPlan)


@pytest.mark.parametrize(
    ("permission", "granted"),
    [
        ("Machine.Read.All", "Machine.ReadWrite.All"),
        ("Ti.ReadWrite", "Ti.ReadWrite.All"),
        ("User.EnableDisableAccount.All", "User.ReadWrite.All"),
        ("Machine.Isolate", "Machine.Isolate"),
    ],
)
def test_a_wider_permission_covers_a_narrow_one(permission, granted):
    """What holds the permission in it is as good; another is not."""
    operation = Operation(service="defender", name="x", method="GET", path="/", permissions=(permission,), page="p")
    assert lacks(Known(roles={"defender": frozenset({granted})}), [operation]) is None
    assert lacks(Known(roles={"defender": frozenset({"Alert.Read.All"})}), [operation])


def refused(**more) -> Known:
    (operation,) = operations_of(RESTART.calls)
    values = {"service": "graph", "operation": operation.name, "kind": "plan", "message": "not licensed", "at": START}
    return PREMIUM.model_copy(update={"refusals": (Refusal(**(values | more)),)})


def test_what_was_refused_counts_for_a_day():
    """A refusal for want of a plan is told with the service's own sentence, and is forgotten after a day."""
    day = timedelta(days=1)
    found = stands(refused(), now=START + day - timedelta(seconds=1))
    assert found == RefusedLately(service="graph", message="not licensed", at=START, until=START + day)
    assert not offerable(found)
    assert stands(refused(), now=START + day) == Offered()


@pytest.mark.parametrize(
    "more", [{"operation": SCAN.name}, {"operation": "managed-device"}, {"service": "defender"}, {"kind": "permission"}]
)
def test_other_refusals_do_not_count(more):
    """The refusal of another call, or for want of a permission that the token does carry, hides nothing."""
    assert stands(refused(**more)) == Offered()
