"""The watcher of the Action center: one card for each thing that waits, whatever the services and the process do."""

from datetime import timedelta

import pytest

from bot.center import LIFE, UNLISTED
from bot.errors import MissingPermission, ServiceError, StoreDown
from bot.simulator.proposals import Plan, decide, wait_again
from handlers import center_watch
from tests.handlers.center_stage import START, CenterStage, said

WAITS = "Waits for approval"
OVER = "No longer waits"
DOWN = ServiceError("graph", "alerts", status=503)


@pytest.fixture
def stage() -> CenterStage:
    return CenterStage()


async def begun(stage: CenterStage) -> None:
    """A conversation subscribes while nothing waits."""
    await stage.subscribe()
    await stage.look()


async def test_nobody_subscribed_nothing_read(stage):
    """Without a subscription no service is asked."""
    stage.propose()
    await stage.look()
    assert stage.portal.asked == []


async def test_what_waits_gets_one_card_in_each_conversation(stage):
    """It has one card where it is wanted, which names thing, device, alert, time left and the page that decides."""
    await begun(stage)
    await stage.subscribe("admins", requests=False, actions=True)
    await stage.subscribe("reports", requests=False, incidents="low")
    await stage.look()
    alert = stage.propose()
    for _ in range(3):
        await stage.look()
    assert [m.conversation for m in stage.teams.messages] == ["19:admins", "19:soc"]
    (card,) = stage.cards(WAITS, "19:soc")
    assert len(card.cards) == 1
    item = await stage.item()
    for shown in (item.name.partition("_")[0], stage.device().name, alert.title, alert.incident_id, "of 7 days left"):
        assert shown in card.cards[-1]
    assert f"action-center/pending?tid={stage.tenant}" in card.cards[-1]
    assert "no public API can approve" in card.cards[-1]


async def test_an_investigation_whose_things_have_cards_has_none(stage):
    """The investigation itself is known, and told of by the card of what it waits for."""
    await begun(stage)
    stage.propose()
    await stage.look()
    await stage.look(600)
    assert [(item.shape, item.covered, len(item.posts)) for item in await stage.items()] == [
        ("entity", False, 1),
        ("investigation", True, 0),
    ]


async def test_an_investigation_that_names_nothing_has_a_card_after_a_while(stage):
    """Its things may be listed a little later; after five minutes it has a card, which says more when they come."""
    await begun(stage)
    alert = stage.propose()
    alert.evidence[-1]["remediationStatus"] = "active"
    await stage.look()
    await stage.look(120)
    assert stage.teams.messages == []
    await stage.look(240)
    (card,) = stage.cards(WAITS)
    assert "Investigation 63001" in said(card)[0]
    alert.evidence[-1]["remediationStatus"] = "pendingApproval"
    await stage.look()
    assert "have cards of their own" in stage.cards("Investigation 63001")[0].cards[-1]
    assert len(stage.teams.messages) == 2


async def test_a_mail_investigation_waits_without_defender(stage):
    """An alert at no device whose investigation waits is an item; at a device Defender's list decides."""
    await begun(stage)
    mail = stage.propose("url")
    stage.sim.first.investigations.clear()
    mail.evidence = [item for item in mail.evidence if item["@odata.type"].endswith("userEvidence")]
    await stage.look()
    await stage.look(360)
    assert [(item.shape, len(item.posts)) for item in await stage.items()] == [("alert", 1)]


async def test_without_defenders_list_nothing_is_said_of_alerts_at_devices(stage):
    """An alert whose investigation waits may belong to one that cannot be listed now."""
    await begun(stage)
    alert = stage.propose()
    alert.evidence[-1]["remediationStatus"] = "active"
    stage.portal.down = {"investigations": DOWN}
    await stage.look()
    await stage.look(600)
    assert await stage.items() == []


@pytest.mark.parametrize("source", ["alerts", "investigations"])
async def test_one_list_is_enough_for_what_it_says(stage, source):
    """What the list that can be read says is told, though the other one fails."""
    await begun(stage)
    stage.portal.down = {source: DOWN}
    stage.propose()
    await stage.look()
    assert {item.shape for item in await stage.items()} == {"investigation" if source == "alerts" else "entity"}


async def test_of_two_words_for_one_thing_waiting_wins(stage):
    """An alert may name a thing twice; while one of them waits, it waits."""
    await begun(stage)
    alert = stage.propose()
    done = {**alert.evidence[-1], "remediationStatus": "remediated"}
    alert.evidence.insert(0, done)
    await stage.look()
    alert.status = "resolved"
    await stage.look()
    assert (await stage.item()).state == "waiting"


@pytest.mark.parametrize(("approve", "outcome"), [(True, "remediated"), (False, "declined")])
async def test_what_was_decided_is_said_with_when_and_not_who(stage, approve, outcome):
    """The same card says what the service says, between which two looks, and that nobody is named."""
    await begun(stage)
    alert = stage.propose()
    await stage.look()
    seen = stage.clock.now()
    stage.decide(alert, approve=approve)
    await stage.look()
    item = await stage.item()
    assert (item.state, item.outcome, item.who) == ("over", outcome, "")
    assert item.waited_until is not None
    assert item.waited_until <= seen < item.ended
    (card,) = stage.teams.messages
    for text in (OVER, "Defender says", "does not say who decided"):
        assert text in card.cards[-1]
    assert "action-center/history" in card.cards[-1]
    assert WAITS not in card.cards[-1]


async def test_what_was_approved_and_runs_is_followed_to_its_end(stage):
    """Between approval and end the card says that remediation runs, and never that it is done."""
    await begun(stage)
    alert = stage.propose()
    await stage.look()
    stage.decide(alert, approve=True)
    await stage.look(5)
    assert ((await stage.item()).state, (await stage.item()).outcome) == ("running", "running")
    assert "goes on looking" in stage.teams.messages[0].cards[-1]
    await stage.look(30)
    assert ((await stage.item()).state, (await stage.item()).outcome) == ("over", "remediated")


async def test_what_nobody_decides_expires_and_the_card_counts_the_days(stage):
    """Each day the card says one day fewer; after seven it says that the time is over and what that counts as."""
    await begun(stage)
    stage.propose()
    await stage.look()
    shown = []
    for _ in range(6):
        stage.clock.move(86_400)
        await stage.sweep()
        await stage.work()
        shown.append(next(text for text in said(stage.teams.messages[0]) if " of 7 " in text))
    assert [text.split()[2] for text in shown] == ["5", "4", "3", "2", "1", "one"]
    await stage.look(2 * 86_400)
    item = await stage.item()
    assert (item.outcome, len(stage.teams.messages)) == ("declined", 1)
    assert "counts as a rejection" in stage.teams.messages[0].cards[-1]


async def test_a_rejection_in_time_is_not_called_expired(stage):
    """What was declined before its seven days were over is only declined."""
    await begun(stage)
    alert = stage.propose()
    await stage.look()
    stage.decide(alert, approve=False)
    await stage.look()
    assert "counts as a rejection" not in stage.teams.messages[0].cards[-1]


async def test_what_comes_back_says_so_on_its_card_and_below(stage):
    """The same thing in the same alert keeps its card, and a reply in its thread asks for eyes."""
    await begun(stage)
    alert = stage.propose()
    await stage.look()
    stage.decide(alert, approve=False)
    await stage.look()
    wait_again(stage.sim.first, alert, stage.clock.now())
    await stage.look()
    card, reply = stage.teams.messages
    assert WAITS in card.cards[-1]
    assert OVER not in card.cards[-1]
    assert (reply.thread, "Waits again" in reply.cards[-1]) == (card.id, True)
    item = await stage.item()
    assert (item.state, item.ours, item.deadline) == ("waiting", True, item.again_at + LIFE)
    stage.decide(alert, approve=True)
    await stage.look()
    assert OVER in card.cards[-1]
    assert "says what became of it" in reply.cards[-1] or len(reply.cards) == 1


async def test_the_same_thing_in_another_alert_later_is_a_new_item(stage):
    """Where it was over and waits in another alert, it gets a new card; the old one keeps what it says."""
    await begun(stage)
    alert = stage.propose()
    await stage.look()
    stage.decide(alert, approve=False)
    await stage.look()
    again = stage.propose()
    again.evidence[-1]["fileDetails"] = alert.evidence[-1]["fileDetails"]
    await stage.look()
    old, new = stage.teams.messages
    assert (OVER in old.cards[-1], WAITS in new.cards[-1]) == (True, True)
    assert (await stage.item()).episode == 2
    stage.decide(again, approve=False)
    await stage.look()
    assert len(old.cards) < len(new.cards) + 2
    assert OVER in new.cards[-1]


async def test_one_thing_in_several_alerts_is_one_item(stage):
    """It is over only when it waits in none of them; until then the card says how it stands in each."""
    await begun(stage)
    first, second = stage.propose(), stage.propose()
    second.evidence[-1]["fileDetails"] = first.evidence[-1]["fileDetails"]
    await stage.look()
    assert len(stage.cards(WAITS)) == 1
    stage.decide(first, approve=False)
    await stage.look()
    (card,) = stage.cards(WAITS)
    assert "In its alerts" in card.cards[-1]
    assert (await stage.item()).state == "waiting"
    stage.decide(second, approve=False)
    await stage.look()
    assert (await stage.item()).state == "over"


async def test_the_same_file_on_two_devices_is_two_items(stage):
    """What lives on a device is told apart by it."""
    await begun(stage)
    first, second = stage.propose(), stage.propose()
    second.evidence[-1]["fileDetails"] = first.evidence[-1]["fileDetails"]
    other = next(one for one in stage.sim.first.devices if one != first.machine_id)
    second.evidence[-1]["mdeDeviceId"] = other
    await stage.look()
    assert len(stage.cards(WAITS)) == 2


@pytest.mark.parametrize("source", ["alerts", "investigations"])
async def test_a_list_that_cannot_be_read_makes_nothing_look_gone(stage, source):
    """Neither failing list changes a card, and with both of them away the watcher waits."""
    await begun(stage)
    alert = stage.propose()
    await stage.look()
    before = stage.teams.messages[0].cards[-1]
    stage.portal.down = {source: DOWN}
    for _ in range(4):
        await stage.look()
    stage.portal.down = {"alerts": DOWN, "investigations": MissingPermission("defender", "x", permission="Alert")}
    await stage.look()
    assert stage.teams.messages[0].cards[-1] == before
    assert (await stage.item()).state == "waiting"
    stage.portal.down = {}
    stage.decide(alert, approve=True)
    await stage.look()
    assert OVER in stage.teams.messages[0].cards[-1]


async def test_a_list_that_leaves_something_out_is_not_believed(stage):
    """An alert that the list lacks is asked for by itself, and only what that says counts."""
    await begun(stage)
    alert = stage.propose()
    await stage.look()
    alert.status = "resolved"
    stage.portal.down = {"alert": DOWN}
    await stage.look()
    assert (await stage.item()).state == "waiting"
    stage.portal.down = {}
    await stage.look()
    assert (await stage.item()).state == "waiting"
    stage.decide(alert, approve=False)
    await stage.look()
    assert (await stage.item()).outcome == "declined"


async def test_half_an_answer_decides_nothing(stage):
    """Of a thing in two alerts, one of which cannot be read, nothing is said to be over."""
    await begun(stage)
    first, second = stage.propose(), stage.propose()
    second.evidence[-1]["fileDetails"] = first.evidence[-1]["fileDetails"]
    await stage.look()
    stage.decide(first, approve=False)
    second.status = "resolved"
    stage.portal.down = {"alert": DOWN}
    await stage.look()
    assert (await stage.item()).state == "waiting"


async def test_what_is_not_listed_any_more_is_said_to_be_that(stage):
    """A missing alert is believed after two minutes; before, the card says that the bot looks again."""
    await begun(stage)
    alert = stage.propose()
    await stage.look()
    stage.portal.hidden.add(alert.id)
    await stage.look()
    assert "looks again before" in stage.teams.messages[0].cards[-1]
    await stage.look(150)
    item = await stage.item()
    assert (item.state, item.outcome) == ("over", UNLISTED)
    assert "No longer listed" in stage.teams.messages[0].cards[-1]


async def test_what_was_missing_for_a_moment_still_waits(stage):
    """An alert that comes back within two minutes was never over."""
    await begun(stage)
    alert = stage.propose()
    await stage.look()
    stage.portal.hidden.add(alert.id)
    await stage.look()
    stage.portal.hidden.clear()
    await stage.look()
    assert "looks again" not in stage.teams.messages[0].cards[-1]
    assert len(stage.teams.messages) == 1


async def test_a_word_that_tells_nothing_decides_nothing(stage):
    """`unknownFutureValue` may stand for `pendingApproval` itself, so the item goes on waiting."""
    await begun(stage)
    alert = stage.propose()
    await stage.look()
    alert.evidence[-1]["remediationStatus"] = "unknownFutureValue"
    await stage.look(300)
    assert (await stage.item()).state == "waiting"


async def test_a_first_subscription_gets_one_summary(stage):
    """What waited before stands in one card; what begins to wait later has a card of its own."""
    for _ in range(3):
        stage.propose()
    await stage.subscribe()
    await stage.look()
    (summary,) = await stage.summaries()
    assert (summary.reason, summary.total, len(stage.teams.messages)) == ("open", 3, 1)
    stage.propose("process")
    await stage.look()
    assert len(stage.teams.messages) == 2
    await stage.subscribe("later")
    await stage.look()
    assert [(one.reason, one.total) for one in await stage.summaries()] == [("open", 4), ("open", 3)]
    assert len(stage.teams.messages) == 3


@pytest.mark.parametrize("down", [{"alerts": DOWN}, {"alerts": DOWN, "investigations": DOWN}])
async def test_a_first_summary_waits_for_what_it_is_made_of(stage, down):
    """Where the alerts cannot be read, a new conversation's summary comes when they can, not single cards."""
    for _ in range(3):
        stage.propose()
    await stage.subscribe()
    stage.portal.down = down
    await stage.look()
    assert stage.teams.messages == []
    stage.portal.down = {}
    await stage.look()
    assert [(one.reason, one.total) for one in await stage.summaries()] == [("open", 3)]
    assert len(stage.teams.messages) == 1


async def test_who_subscribes_again_gets_a_summary_again(stage):
    """A conversation that left and came back is told in one card what waits, not in many."""
    await begun(stage)
    await stage.subscribe(requests=False)
    await stage.look()
    for _ in range(3):
        stage.propose()
    await stage.subscribe()
    await stage.look()
    assert [(one.reason, one.total) for one in await stage.summaries()] == [("open", 3)]
    assert len(stage.teams.messages) == 1


async def test_more_than_ten_at_once_are_one_card(stage):
    """A burst is one summary in each conversation, and the next thing has a card again."""
    await begun(stage)
    for _ in range(11):
        stage.propose()
    await stage.look()
    assert [(one.reason, one.total) for one in await stage.summaries()] == [("burst", 11)]
    assert len(stage.teams.messages) == 1
    stage.propose()
    await stage.look()
    assert len(stage.teams.messages) == 2


async def test_what_a_summary_told_has_a_card_when_it_comes_back(stage):
    """An item of a summary that was over and waits again needs eyes."""
    alert = stage.propose()
    await stage.subscribe()
    await stage.look()
    stage.decide(alert, approve=False)
    await stage.look()
    wait_again(stage.sim.first, alert, stage.clock.now())
    await stage.look()
    assert len(stage.cards("waits again since")) == 1


async def test_a_crash_in_the_middle_loses_and_doubles_nothing(stage):
    """A round whose commit fails is made again by the next, and posts that were not sent are sent after a restart."""
    await begun(stage)
    stage.propose()
    real, stage.store.commit = stage.store.commit, _fails
    with pytest.raises(StoreDown):
        await stage.look()
    stage.store.commit = real
    assert await stage.items() == []
    await stage.look()
    assert len(stage.cards(WAITS)) == 1
    stage.propose("process")
    stage.clock.move(60)
    await center_watch.poll(stage.services, stage.tenant)
    stage.queue.clear()
    assert len(stage.teams.messages) == 1
    await stage.sweep()
    await stage.work()
    await stage.look()
    assert len(stage.cards(WAITS)) == 2


async def _fails(*_args: object, **_more: object) -> None:
    raise StoreDown("away")


async def test_a_lost_record_is_made_again(stage):
    """All that waits is read each time, so a record that was lost is written again, with its card."""
    await begun(stage)
    stage.propose()
    await stage.look()
    item = await stage.item()
    await stage.forget(item.id)
    await stage.look()
    assert len(stage.cards(WAITS)) == 2
    assert len((await stage.item()).posts) == 1


async def test_unsubscribed_cards_are_followed_and_nothing_new_is_posted(stage):
    """A card that stands is true to the end, though nobody subscribes any more."""
    await begun(stage)
    alert = stage.propose()
    await stage.look()
    await stage.subscribe(requests=False)
    stage.propose("process")
    await stage.look()
    assert len(stage.teams.messages) == 1
    stage.decide(alert, approve=True)
    await stage.look()
    assert OVER in stage.teams.messages[0].cards[-1]


async def test_two_customers_are_apart(stage):
    """What waits at one customer's is told in that customer's conversations alone."""
    second = stage.sim.second
    await stage.subscribe()
    await stage.subscribe("other", customer=second.id)
    await stage.look()
    await stage.look(customer=second.id)
    alert = stage.propose(customer=second)
    await stage.look()
    await stage.look(customer=second.id)
    assert [message.conversation for message in stage.teams.messages] == ["19:other"]
    assert (await stage.items(), len(await stage.items(second.id))) == ([], 2)
    decide(second, alert, stage.clock.now(), approve=False)
    await stage.look()
    assert WAITS in stage.teams.messages[0].cards[-1]
    await stage.look(customer=second.id)
    assert OVER in stage.teams.messages[0].cards[-1]


async def test_who_ended_an_investigation_is_said_where_defender_does(stage):
    """`cancelledBy` is the one name that the API gives."""
    await begun(stage)
    alert = stage.propose()
    alert.evidence[-1]["remediationStatus"] = "none"
    await stage.look()
    await stage.look(360)
    (one,) = stage.sim.first.investigations.values()
    one.state, one.cancelled_by, one.ended = "TerminatedByUser", "patti@fabrikam.example", stage.clock.now()
    alert.investigation_state = "terminatedByUser"
    await stage.look()
    assert "Ended by patti@fabrikam.example" in stage.teams.messages[0].cards[-1]


async def test_the_time_is_defenders_where_it_can_be(stage):
    """Counted is from the evidence's own time; one that is older than seven days cannot be that of the waiting."""
    await begun(stage)
    young, old = stage.propose(), stage.propose("process")
    young.evidence[-1]["createdDateTime"] = (START - timedelta(days=2)).isoformat()
    old.evidence[-1]["createdDateTime"] = (START - timedelta(days=30)).isoformat()
    await stage.look()
    file, process = await stage.item("file"), await stage.item("process")
    assert (file.since, file.ours) == (START - timedelta(days=2), False)
    assert (process.since, process.ours) == (process.seen, True)


async def test_a_plan_is_kept_by_the_portal(stage):
    """What is arranged to be decided is, and the card follows."""
    await begun(stage)
    stage.propose(plan=Plan(begins=timedelta(minutes=1), decided_after=timedelta(minutes=3), approve=False))
    await stage.look(30)
    assert stage.teams.messages == []
    await stage.look(60)
    assert len(stage.cards(WAITS)) == 1
    await stage.look(240)
    assert len(stage.cards(OVER)) == 1
