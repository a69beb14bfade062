"""Troubles that no other file plays: a batch of 500, a stuck duplicate, isolate over a release that waits."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.defender.indicators.models import MOST_AT_ONCE
from bot.responses.indicator_list import FAILED, MADE
from bot.responses.models import State, Target
from bot.simulator import Fault
from bot.simulator.actions import Order
from bot.simulator.tokens import DEFENDER
from bot.turn import Look
from cards.request import request_card
from handlers.responses import block_list, isolate, release, unblock_list
from tests.responses.over_http import HttpStage, staged_over_http
from tests.responses.people import MEGAN, PATTI
from tests.responses.stage import Stage

HOSTS = tuple(f"host-{n}.example" for n in range(MOST_AT_ONCE))
LIST = {
    "target": Target(id="list:" + "2" * 32, name="500 values", kind="values"),
    "values": HOSTS,
    "parameters": {"expirationTime": "30d", "severity": "High"},
}


@pytest.fixture
async def stage() -> AsyncIterator[HttpStage]:
    modules = (block_list, unblock_list, isolate, release)
    async with staged_over_http(module.RESPONSE for module in modules) as made:
        yield made


def calls(stage: HttpStage, operation: str) -> int:
    """How many calls of it the service took."""
    return sum(1 for name, _, status in stage.sim.calls if name == f"defender.indicators.{operation}" and status < 300)


def said(stage: Stage, request) -> str:
    return str(request_card(Look(now=stage.clock.now()), request).card)


@pytest.mark.parametrize("lost", [False, True])
async def test_a_batch_of_500_is_one_call_and_can_be_taken_back_by_one(stage: HttpStage, *, lost: bool):
    """All of them, also where the answer was lost; then none of them."""
    if lost:
        stage.sim.faults.add("defender.indicators.import", Fault(kind="reset", acted=True))
    key = await stage.approved("block-list", **LIST)
    await stage.until_quiet()
    request = await stage.request(key)
    assert (request.state, request.result[MADE], calls(stage, "import")) == (State.SUCCEEDED, "500", 1)
    undone = await stage.followed("unblock-list", target=Target(id=key, name=key, kind="values"))
    assert (undone.state, calls(stage, "batchdelete")) == (State.SUCCEEDED, 1)
    assert not [one for one in stage.sim.first.entries.active(stage.clock.now()) if one.value in HOSTS]


async def test_a_batch_that_finds_no_room_for_all_says_how_many_are_in_force(stage: HttpStage):
    """There is room for 100 of 500 below the limit: partly done, the rest counted, some of it named with the cause."""
    entries = stage.sim.first.entries
    entries.most = len(entries.active(stage.clock.now())) + 100
    key = await stage.approved("block-list", **LIST)
    await stage.until_quiet()
    request = await stage.request(key)
    assert (request.state, request.result[MADE], request.result[FAILED]) == (State.PARTLY, "100", "400")
    assert len(request.model_dump_json()) < 40_000
    assert HOSTS[100] in said(stage, request).replace("\\", "")


async def test_an_approval_while_the_token_lacks_the_role_names_it(stage: HttpStage):
    """The role was taken away between the asking and the approval: nothing is done, and the card says what to grant."""
    request, _ = await stage.desk().propose(stage.proposal(PATTI, parameters={"IsolationType": "Full"}))
    stage.sim.first.roles[DEFENDER].discard("Machine.Isolate")
    await stage.desk().approve(request.id, MEGAN)
    await stage.until_quiet()
    over = await stage.request(request.id)
    assert (over.state, over.trouble) == (State.FAILED, "trouble.permission")
    assert stage.sim.world.ledger.entries == []
    card = said(stage, over)
    assert "**Machine.Isolate** is not granted" in card
    assert "'verb': 'again'" in card, "once it is granted it can be asked for again"


@pytest.mark.parametrize(("first", "second"), [("isolate", "release"), ("release", "isolate")])
async def test_the_opposite_takes_back_what_waits_for_the_device(first: str, second: str):
    """The device is away and the first one waits; the second, approved later, cancels it, and is done."""
    stage = Stage()
    device = stage.devices[0]
    stage.sim.first.set_online(device, stage.clock.now(), online=False)
    one = await stage.approved(first, device=0)
    await stage.work(one)
    two = await stage.approved(second, PATTI)
    for _ in range(40):
        for key in (one, two):
            await stage.work(key)
        stage.clock.move(16)
    stage.sim.first.set_online(device, stage.clock.now(), online=True)
    await stage.until_quiet()
    assert [(await stage.request(key)).state for key in (one, two)] == [State.CANCELLED, State.SUCCEEDED]
    assert device.isolated == (second == "isolate")
    assert "Cancelled" in said(stage, await stage.request(one))


async def test_a_stuck_duplicate_is_waited_for_and_named():
    """Defender's issue 5903: a second isolation sticks in Pending. A release waits for it, and is sent when it is over.

    Sent beside it, the release would be undone when the duplicate ends late.
    """
    stage = Stage()
    stage.sim.dispatcher.repeat = "duplicate"
    order = Order(type="Isolate", scope="Full", comment="portal", requestor="anna")
    first, stuck = (stage.sim.dispatcher.submit(stage.sim.first, stage.devices[0], order) for _ in range(2))
    stage.clock.move(600)
    stage.sim.dispatcher.advance(stage.sim.first)
    assert (first.status, stuck.status) == ("Succeeded", "Pending")
    key = await stage.approved("release")
    await stage.work(key)
    waiting = await stage.request(key)
    assert (waiting.state, stage.own()) == (State.APPROVED, [])
    assert f"anna started Isolate (action {stuck.id})" in said(stage, waiting)
    stage.sim.dispatcher.free_stuck(stage.sim.first)
    await stage.until_quiet(timedelta(minutes=30))
    assert ((await stage.request(key)).state, stage.devices[0].isolated) == (State.SUCCEEDED, False)
