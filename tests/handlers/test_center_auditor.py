"""The auditor and the Action center: what waits has its record and its card, and what is lost is made good and said."""

import pytest

from bot.errors import MissingPermission, ServiceError
from handlers.audit_center import compare_center
from handlers.findings import Findings
from tests.handlers.center_stage import CenterStage

PACE = 30.0


@pytest.fixture
def stage() -> CenterStage:
    return CenterStage()


async def audited(stage: CenterStage, pace: float = PACE) -> Findings:
    """One comparison, and the work that follows from it."""
    findings = Findings()
    await compare_center(stage.services, stage.tenant, findings, pace)
    await stage.work()
    return findings


async def test_all_is_well(stage):
    """What waits and has its card is counted, and nothing is found."""
    await stage.subscribe()
    stage.propose()
    await stage.look()
    stage.propose("process")
    await stage.look()
    stage.clock.move(100)
    found = await audited(stage)
    assert (found.compared, found.gaps) == ({"center": 4}, {})


async def test_nobody_subscribed_nothing_is_asked(stage):
    """Without a subscription nothing is compared."""
    stage.propose()
    assert (await audited(stage)).compared == {}
    assert stage.portal.asked == []


async def test_a_lost_record_is_made_again_with_its_card(stage):
    """A thing that waits without a record gets one, with a card, and both numbers are told."""
    await stage.subscribe()
    await stage.look()
    stage.propose()
    await stage.look()
    await stage.forget((await stage.item()).id)
    stage.clock.move(100)
    found = await audited(stage)
    assert (found.gaps, found.repaired) == ({"item": 1}, {"item": 1})
    assert len((await stage.item()).posts) == 1
    assert (await audited(stage)).gaps == {}


async def test_a_lost_card_is_made_again(stage):
    """A record without the post that it should have gets it."""
    await stage.subscribe()
    await stage.look()
    stage.propose()
    await stage.look()
    item = await stage.item()
    await stage.rewrite(item.model_copy(update={"posts": ()}))
    stage.clock.move(100)
    found = await audited(stage)
    assert (found.gaps, found.repaired) == ({"item-card": 1}, {"item-card": 1})
    assert len(stage.teams.messages) == 2


async def test_what_is_new_is_left_to_the_watcher(stage):
    """A thing that began to wait a moment ago is no gap while the watcher looks."""
    await stage.subscribe()
    await stage.look()
    stage.propose()
    assert (await audited(stage)).gaps == {}


@pytest.mark.parametrize(("pace", "grace"), [(1.0, 60), (30.0, 60), (45.0, 90)])
async def test_the_watcher_has_two_rounds_and_a_minute_at_least(stage, pace, grace):
    """What began to wait as long ago as that is a gap, a second less is none; so is its card."""
    await stage.subscribe()
    await stage.look()
    stage.propose()
    stage.clock.move(grace - 1)
    assert (await audited(stage, pace)).gaps == {}
    stage.clock.move(1)
    assert (await audited(stage, pace)).gaps["item"] == 2
    item = await stage.item()
    await stage.rewrite(item.model_copy(update={"posts": (), "seen": stage.clock.now()}))
    stage.clock.move(grace - 1)
    assert (await audited(stage, pace)).gaps == {}
    stage.clock.move(1)
    assert (await audited(stage, pace)).gaps == {"item-card": 1}


async def test_the_first_round_after_a_subscription_is_left_to_the_watcher(stage):
    """What waits when somebody subscribes is no gap until the watcher is late with its first look."""
    stage.propose()
    await stage.subscribe()
    assert (await audited(stage)).gaps == {}
    stage.clock.move(61)
    assert (await audited(stage)).gaps["item"] > 0


async def test_a_watcher_that_does_not_look_is_noticed(stage):
    """Where no round was made for long, what waits without a record is a gap, and made good."""
    await stage.subscribe()
    await stage.look()
    stage.clock.move(600)
    stage.propose()
    found = await audited(stage)
    assert (found.gaps["item"], found.repaired["item"]) == (2, 2)
    assert len((await stage.item()).posts) == 1


@pytest.mark.parametrize("source", ["alerts", "investigations"])
async def test_what_cannot_be_read_is_not_well(stage, source):
    """A list that cannot be read is the part's failure, which the auditor says; nothing is mended by half a look."""
    await stage.subscribe()
    stage.portal.down = {source: MissingPermission("graph", source, permission="X.Read.All")}
    with pytest.raises(ServiceError):
        await audited(stage)
    assert await stage.items() == []


async def test_the_watcher_at_work_is_not_disturbed(stage):
    """While another holds the watcher's lease nothing is written, and the gap stands as not mended."""
    await stage.subscribe()
    await stage.look()
    stage.propose()
    await stage.look()
    await stage.forget((await stage.item()).id)
    stage.clock.move(100)
    assert await stage.store.lease(stage.tenant, "poll:center", "another", 60)
    found = await audited(stage)
    assert (found.gaps, found.repaired) == ({"item": 1}, {})


async def test_a_conversation_that_was_told_of_nothing_yet_is_left_to_the_watcher(stage):
    """Its first summary is the watcher's to write; what stands in another conversation is no gap of this one."""
    await stage.subscribe()
    await stage.look()
    stage.propose()
    await stage.look()
    stage.clock.move(40)
    await stage.subscribe("later")
    stage.clock.move(59)
    assert (await audited(stage)).gaps == {}
    await stage.look(1)
    assert stage.cards(conversation="19:later")
