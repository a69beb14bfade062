"""The auditor beside the simulated Defender: what no request explains is said once and left alone, holds are mended."""

from datetime import timedelta

import pytest
import structlog

from bot.audit import Entry
from bot.auditor import last_report
from bot.auditreport import AuditReport
from bot.errors import Conflict
from bot.notices import Notice
from bot.records import write
from bot.responses import machine, requests
from bot.responses.how import of_action
from bot.responses.models import State
from bot.simulator import Fault
from bot.simulator.actions import Order
from bot.simulator.world import Action
from bot.state.store import Change
from bot.subscribers import save
from bot.subscriptions import Subscription
from handlers import auditor
from tests.handlers.watch import FEATURES
from tests.responses.people import ADELE, MEGAN, TENANT, place
from tests.responses.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def audit(stage: Stage) -> AuditReport:
    stage.sim.dispatcher.advance(stage.sim.first)
    return await auditor.audit(stage.services(), TENANT, FEATURES.views, 30.0)


def act(stage: Stage, comment: str, type_: str = "Isolate", device: int = 0) -> Action:
    """An action that somebody starts at the service with that comment."""
    order = Order(type=type_, scope="Full", comment=comment, requestor="Watchkeeper")
    return stage.sim.dispatcher.submit(stage.sim.first, stage.devices[device], order)


async def sent(stage: Stage) -> str:
    """A request whose action runs."""
    key = await stage.approved()
    await stage.work(key)
    assert (await stage.request(key)).state is State.SENT
    return key


async def rewritten(stage: Stage, key: str, **more: object) -> None:
    """Change a request behind the back of the state machine."""
    record = await stage.store.get(TENANT, requests.KIND, key)
    assert record
    request = (await stage.request(key)).model_copy(update=more)
    await stage.store.commit(TENANT, [write(requests.KIND, request, stage.clock.now(), record)])


async def notices(stage: Stage) -> list[Notice]:
    return [Notice.model_validate(one.data) for one in await stage.store.newest(TENANT, "notice")]


async def test_what_was_approved_is_well(stage):
    """An action for each approved attempt, under way or over, is in order."""
    await sent(stage)
    assert (await audit(stage)).last.well
    await stage.until_quiet()
    report = await audit(stage)
    assert (report.last.well, report.last.compared["requests"]) == (True, 1)
    assert report.last.compared["actions"] >= 1


async def test_a_foreign_action_with_our_mark_is_said_once(stage):
    """An action whose mark no request knows is an alarm: said once in each conversation that subscribes, not undone."""
    here = Subscription(id="19:soc", customer=TENANT, place=place(), incidents="", since=stage.clock.now())
    said = Entry(at=stage.clock.now(), what="subscribed", who="x", subject="19:soc")
    await save(stage.services(), here, said)
    action = act(stage, "[WK-NOSUCHONE2/1] who was that?")
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            report = await audit(stage)
            stage.clock.move(300)
    assert [(one.kind, one.action, one.request) for one in report.alarms] == [("unknown", action.id, "WK-NOSUCHONE2")]
    assert (report.last.alarms, report.last.well) == (1, False)
    (notice,) = await notices(stage)
    assert [post.place.id for post in notice.posts] == ["19:soc"]
    assert [line["about"] for line in logs if line["event"] == "audit_alarm"] == ["unknown"]
    assert not action.cancelled
    act(stage, "[WK-NOSUCHTW22/1] and that?", device=1)
    await audit(stage)
    assert [one.total for one in await notices(stage)] == [1, 1]


async def test_more_actions_than_approved_are_doubled(stage):
    """A second action under the mark of one approved attempt is an alarm; the first is not."""
    key = await sent(stage)
    await stage.until_quiet()
    (first,) = stage.own(key)
    second = act(stage, f"[{key}/1] again", "Isolate")
    report = await audit(stage)
    assert ("doubled", second.id) in [(one.kind, one.action) for one in report.alarms]
    assert first.id not in {one.action for one in report.alarms}


async def test_each_approved_sending_may_have_its_action(stage):
    """Who sends again approves a second action: two marks of one request are in order then, a third is not."""
    key = await sent(stage)
    await stage.until_quiet()
    request = await stage.request(key)
    again = request.decisions[0].model_copy(update={"what": "sent again"})
    await rewritten(stage, key, decisions=(*request.decisions, again))
    act(stage, f"[{key}/2] again")
    stage.clock.move(3600)
    assert (await audit(stage)).alarms == ()
    act(stage, f"[{key}/3] and again", "Unisolate")
    stage.clock.move(3600)
    assert [one.kind for one in (await audit(stage)).alarms] == ["doubled"]


async def test_an_action_of_a_request_that_nobody_approved(stage):
    """An action under the mark of a request that still waits for its decision is an alarm."""
    request, _ = await stage.desk().propose(stage.proposal(ADELE))
    act(stage, f"[{request.id}/1] not yet")
    assert [one.kind for one in (await audit(stage)).alarms] == ["unapproved"]


async def test_an_action_that_the_policy_let_run(stage):
    """What ran by itself because nobody objected in time is no alarm; a second action of it is."""
    key = await sent(stage)
    await stage.until_quiet()
    request = await stage.request(key)
    by_policy = request.decisions[0].model_copy(update={"what": "approved by policy"})
    await rewritten(stage, key, decisions=(by_policy,))
    assert (await audit(stage)).alarms == ()
    act(stage, f"[{key}/2] again", "Unisolate")
    stage.clock.move(3600)
    assert [one.kind for one in (await audit(stage)).alarms] == ["doubled"]


async def test_an_action_that_runs_though_its_request_is_over(stage):
    """A request that was given up, and whose action turns up and runs, is an alarm as long as it runs."""
    stage.sim.faults.add("defender.machines.isolate", Fault(kind="timeout", acted=True, unlisted=900))
    key = await stage.approved()
    await stage.work(key)
    stage.clock.move(400)
    await stage.work(key)
    await stage.desk().give_up(key, MEGAN)
    assert (await audit(stage)).last.well
    stage.sim.dispatcher.pace.start = 3600
    stage.clock.move(600)
    assert [one.kind for one in (await audit(stage)).alarms] == ["active"]
    stage.clock.move(7200)
    assert (await audit(stage)).alarms == ()


async def test_an_end_that_was_overlooked_is_looked_up(stage):
    """A request that does not look at its action, though it ended long ago, is told to look."""
    key = await sent(stage)
    await rewritten(stage, key, next_check=stage.clock.now() + timedelta(days=1))
    stage.clock.move(3600)
    report = await audit(stage)
    assert (report.last.gaps, report.last.repaired) == ({"action": 1}, {"action": 1})
    await stage.work(key)
    assert (await stage.request(key)).state is State.SUCCEEDED
    assert (await audit(stage)).last.well


async def test_a_lost_hold_is_given_back(stage):
    """A request under way that lost its hold of the device gets it back, before another may go."""
    key = await sent(stage)
    request = await stage.request(key)
    held_by, record = await requests.holder(stage.services(), TENANT, requests.FLIGHT, requests.flight_key(request))
    assert held_by == key
    await stage.store.commit(TENANT, [Change(kind=requests.FLIGHT, id=record.id, rev=record.rev, data=None)])
    report = await audit(stage)
    assert (report.last.gaps, report.last.repaired) == ({"hold": 1}, {"hold": 1})
    held_by, _ = await requests.holder(stage.services(), TENANT, requests.FLIGHT, requests.flight_key(request))
    assert held_by == key


@pytest.mark.parametrize("lost", ["record", "free"])
async def test_a_hold_of_nobody_is_freed(stage, lost):
    """What a request holds that is over, or whose record is lost, is freed: else the device is blocked for ever."""
    key = await sent(stage)
    request = await stage.request(key)
    if lost == "record":
        record = await stage.store.get(TENANT, requests.KIND, key)
        await stage.store.commit(TENANT, [Change(kind=requests.KIND, id=key, rev=record.rev, data=None)])
    else:
        ended = machine.observe(request, stage.clock.now(), of_action(await final_action(stage, request)))
        record = await stage.store.get(TENANT, requests.KIND, key)
        await stage.store.commit(TENANT, [write(requests.KIND, ended, stage.clock.now(), record)])
    report = await audit(stage)
    assert report.last.gaps.get("hold", 0) == (2 if lost == "record" else 0)
    stage.clock.move(300)
    report = await audit(stage)
    assert report.last.gaps.get("hold", 0) == (0 if lost == "record" else 2)
    again, new = await stage.desk().propose(stage.proposal(ADELE, "release"))
    assert new
    await stage.desk().approve(again.id, MEGAN)
    stage.clock.move(60)
    await stage.work(again.id)
    assert (await stage.request(again.id)).state in (State.SENT, State.SUCCEEDED)


async def final_action(stage, request):
    stage.clock.move(60)
    stage.sim.dispatcher.advance(stage.sim.first)
    return await stage.services().defender(TENANT).machine_action(request.attempt.action)


async def test_two_under_way_on_one_device_are_said(stage):
    """Two requests of one family under way on a device are an alarm; neither hold is touched."""
    key = await sent(stage)
    request = await stage.request(key)
    twin = request.model_copy(update={"id": "WK-TWINTWIN22", "posts": ()})
    await stage.store.commit(TENANT, [write(requests.KIND, twin, stage.clock.now())])
    report = await audit(stage)
    assert [(one.kind, one.request) for one in report.alarms] == [("two", "WK-TWINTWIN22")]
    held_by, _ = await requests.holder(stage.services(), TENANT, requests.FLIGHT, requests.flight_key(request))
    assert held_by == key


async def test_a_hold_that_changes_meanwhile_is_left(stage):
    """Where somebody frees or takes a hold at the same moment the auditor does nothing to it."""
    key = await sent(stage)
    record = await stage.store.get(TENANT, requests.KIND, key)
    await stage.store.commit(TENANT, [Change(kind=requests.KIND, id=key, rev=record.rev, data=None)])
    services = stage.services()

    async def overtaken(*_):
        raise Conflict("flight")

    services.ledger.commit = overtaken
    report = await auditor.audit(services, TENANT, FEATURES.views, 30.0)
    assert (report.last.gaps, report.last.repaired) == ({"hold": 2}, {})


async def test_alarms_of_one_run_are_one_card(stage):
    """Thirty actions that nothing explains are one notice that counts them, and the report names the first."""
    for number in range(30):
        action = act(stage, f"[WK-NOSUCH{number:04d}/1] x", "RunAntiVirusScan")
        action.status = "Succeeded"
    report = await audit(stage)
    (notice,) = await notices(stage)
    assert (report.last.alarms, len(report.alarms), notice.total, len(notice.alarms)) == (30, 20, 30, 5)
    kept = await last_report(stage.services(), TENANT)
    assert kept
    assert kept.last.alarms == 30


async def test_a_request_that_ends_meanwhile_gets_no_hold(stage):
    """Where a request ends while its lost hold is given back it gets none: nobody would free it."""
    key = await sent(stage)
    request = await stage.request(key)
    flight = requests.flight_key(request)
    _, record = await requests.holder(stage.services(), TENANT, requests.FLIGHT, flight)
    await stage.store.commit(TENANT, [Change(kind=requests.FLIGHT, id=flight, rev=record.rev, data=None)])
    ended = machine.observe(request, stage.clock.now(), of_action(await final_action(stage, request)))
    services = stage.services()
    commit = services.ledger.commit

    async def ends_first(customer, changes, entries=()):
        services.ledger.commit = commit
        standing = await stage.store.get(TENANT, requests.KIND, key)
        await stage.store.commit(TENANT, [write(requests.KIND, ended, stage.clock.now(), standing)])
        await commit(customer, changes, entries)

    services.ledger.commit = ends_first
    report = await auditor.audit(services, TENANT, FEATURES.views, 30.0)
    assert (report.last.gaps.get("hold"), report.last.repaired.get("hold")) == (1, None)
    assert (await requests.holder(stage.services(), TENANT, requests.FLIGHT, flight))[0] == ""
