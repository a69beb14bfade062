"""The auditor: what was lost is made good once, what it may not touch is said once, what it cannot read is not well."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.auditor import last_report
from bot.errors import MissingPermission, StoreDown, Throttled, Unavailable
from bot.state.store import Change
from handlers import auditor
from tests.handlers.watch import FEATURES, START, TENANT, Watch


@pytest.fixture
def watch() -> Watch:
    return Watch()


async def lose(watch: Watch, kind: str, key: str) -> None:
    """Delete a record, as a failover that lost writes would."""
    record = await watch.store.get(TENANT, kind, key)
    assert record
    await watch.store.commit(TENANT, [Change(kind=kind, id=key, rev=record.rev, data=None)])


async def rewrite(watch: Watch, kind: str, key: str, *, due: bool = True, **more: Any) -> None:
    """Change what is stored of a record, behind everybody's back; `due` False: its due time is lost."""
    record = await watch.store.get(TENANT, kind, key)
    assert record
    data = {**record.data, **more}
    when = watch.clock.now() if due else None
    await watch.store.commit(
        TENANT, [Change(kind=kind, id=key, rev=record.rev, state=record.state, data=data, due=when)]
    )


async def watched(watch: Watch, *numbers: int) -> str:
    """A conversation that has the cards of these incidents; minutes later."""
    here = await watch.begin()
    await watch.turn()
    for number in numbers:
        watch.graph.put(number)
    await watch.turn()
    await watch.turn(600)
    return here


async def test_all_is_well(watch):
    """Where nothing is missing the auditor compares everything, changes nothing and says so."""
    await watched(watch, 1, 2, 3)
    before = len(watch.teams.calls)
    report = await watch.audit()
    assert report.last.well
    assert (report.last.compared["incidents"], report.last.compared["actions"]) == (3, 0)
    assert len(watch.teams.calls) == before


async def test_nobody_subscribed_nothing_is_asked_of_graph(watch):
    """Without a subscription there is nothing to compare incidents with, and Graph is not asked."""
    watch.graph.put(1)
    report = await watch.audit()
    assert watch.graph.pages == 0
    assert (report.last.well, report.last.compared.get("incidents")) == (True, None)


async def test_a_lost_record_is_made_again_with_its_card(watch):
    """An incident whose record is gone gets a record and a card, and the report counts it as mended."""
    here = await watched(watch, 1)
    watch.graph.put(2)
    watch.clock.move(600)
    report = await watch.audit()
    assert (report.last.gaps, report.last.repaired) == ({"record": 1}, {"record": 1})
    assert len(watch.cards("Incident 2", here)) == 1
    assert (await watch.audit()).last.well


async def test_a_dropped_post_is_made_again_once(watch):
    """A record that lost the post of one conversation gets a card there, and no second one anywhere."""
    here = await watched(watch, 1, 2)
    other = await watch.begin("other")
    watch.graph.put(3)
    await watch.turn()
    await watch.turn(600)
    record = await watch.store.get(TENANT, "incident", "3")
    kept = [post for post in record.data["posts"] if post["place"]["id"] == here]
    await rewrite(watch, "incident", "3", posts=kept)
    report = await watch.audit()
    assert (report.last.gaps, report.last.repaired) == ({"card": 1}, {"card": 1})
    assert len(watch.cards("Incident 3", here)) == 1
    assert len(watch.cards("Incident 3", other)) == 2
    assert (await watch.audit()).last.well


async def test_an_old_record_is_brought_up(watch):
    """A record that is older than what Graph tells, for longer than two rounds of the watcher, is brought up."""
    await watched(watch, 1)
    watch.graph.put(1, assignedTo="patti@example.com")
    watch.clock.move(30)
    assert (await watch.audit()).last.well
    watch.clock.move(60)
    report = await watch.audit()
    assert (report.last.gaps, report.last.repaired) == ({"behind": 1}, {"behind": 1})
    (card,) = watch.cards("patti@example.com")
    assert len(card.cards) == 2


async def test_what_a_summary_told_needs_no_card(watch):
    """What was open at the beginning, and what came in a burst, stands in a summary: the auditor posts nothing."""
    for number in range(15):
        watch.graph.put(number, at=START - timedelta(hours=2))
    await watch.begin()
    await watch.turn()
    for number in range(100, 115):
        watch.graph.put(number)
    await watch.turn()
    await watch.turn(600)
    before = len(watch.teams.messages)
    for number in (3, 4):
        await lose(watch, "incident", str(number))
    report = await watch.audit()
    assert (report.last.gaps, report.last.repaired) == ({"record": 2}, {"record": 2})
    assert len(watch.teams.messages) == before
    assert (await watch.audit()).last.well


async def test_what_needs_eyes_has_a_card_though_a_summary_told_of_it(watch):
    """An incident that was raised after its summary and lost the post of its card gets that card again."""
    for number in (1, 2):
        watch.graph.put(number, severity="low", at=START - timedelta(hours=2))
    here = await watch.begin()
    await watch.turn()
    watch.graph.put(1, severity="high")
    await watch.poll()
    assert len((await watch.record(1)).posts) == 1
    await rewrite(watch, "incident", "1", posts=[])
    watch.queue.clear()
    watch.clock.move(600)
    report = await watch.audit()
    assert (report.last.gaps, report.last.repaired) == ({"card": 1}, {"card": 1})
    assert [len(watch.cards(f'"Incident {n}"', here)) for n in (1, 2)] == [2, 1]


async def test_many_missing_share_one_summary(watch):
    """Cards that many known incidents lack in one conversation become one summary there, and it stays at that."""
    here = await watched(watch)
    for block in range(3):
        for number in range(block * 10, block * 10 + 10):
            watch.graph.put(number)
        await watch.turn(60)
    await watch.turn(600)
    for number in range(30):
        await rewrite(watch, "incident", str(number), posts=[])
    before = len(watch.teams.messages)
    report = await watch.audit()
    assert (report.last.gaps, report.last.repaired) == ({"card": 30}, {"card": 30})
    assert len(watch.teams.messages) == before + 1
    assert "30 incidents" in watch.cards(conversation=here)[-1].cards[-1]
    assert (await watch.audit()).last.well
    watch.graph.put(5, severity="high")
    await watch.turn(60)
    assert len(watch.teams.messages) == before + 2


async def test_the_first_summary_that_could_not_be_read_is_made_good(watch):
    """Where Graph failed as a conversation subscribed, what was open is shown once it can be read, and only once."""
    for number in range(15):
        watch.graph.put(number, at=START - timedelta(hours=2))
    watch.graph.down = Unavailable("graph", "incidents", status=503)
    here = await watch.begin()
    watch.graph.down = None
    await watch.turn(120)
    assert (await watch.audit()).last.gaps == {"record": 15}
    assert watch.cards("15 incidents", here) == []
    watch.clock.move(240)
    report = await watch.audit()
    assert (report.last.gaps, report.last.repaired) == ({"card": 15}, {"card": 15})
    assert len(watch.cards("15 incidents", here)) == 1
    assert (await watch.audit()).last.well


async def test_five_thousand_are_compared_in_turns(watch):
    """A run reads a bounded part of thousands of open incidents, the next goes on; all of them are mended at last."""
    await watched(watch)
    for number in range(5000):
        watch.graph.put(number, at=watch.clock.now() + timedelta(milliseconds=number))
    watch.clock.move(3 * 24 * 3600)
    runs = []
    for _ in range(6):
        pages = watch.graph.pages
        runs.append((await watch.audit()).last)
        assert watch.graph.pages - pages <= 25
        watch.clock.move(300)
    assert [run.later for run in runs[:4]] == [("incidents",)] * 4
    assert sum(run.repaired.get("record", 0) for run in runs) == 5000
    assert sum(summary.total for summary in await watch.summaries()) == 5000
    assert len(watch.teams.messages) < 10


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (MissingPermission("graph", "incidents", status=403, permission="SecurityIncident.Read.All"), "permission"),
        (Throttled("graph", "incidents", status=429, retry_after=3), "busy"),
        (Unavailable("graph", "incidents", code="timeout"), "outage"),
    ],
)
async def test_what_cannot_be_read_is_not_well(watch, error, why):
    """A source that fails was not compared, the other parts were; the report never calls that well."""
    await watched(watch, 1)
    watch.graph.down = error
    report = await watch.audit()
    assert (report.last.unread, report.last.well) == ({"incidents": why}, False)
    assert {"requests", "records", "actions"} <= report.last.compared.keys()
    watch.graph.down, watch.defender.down = None, Unavailable("defender", "machine-actions", status=503)
    report = await watch.audit()
    assert (report.last.unread, report.last.compared["incidents"]) == ({"actions": "outage"}, 1)


async def test_an_error_of_ours_in_one_part_is_said_and_hides_no_other(watch):
    """A part that crashes was not compared either; the others go on."""
    await watched(watch, 1)

    async def crash(**_):
        raise ZeroDivisionError

    watch.defender.machine_actions = crash
    report = await watch.audit()
    assert report.last.unread == {"actions": "crashed"}
    assert report.last.compared["incidents"] == 1


async def test_redis_gone_in_the_middle(watch):
    """Without the store the run ends with StoreDown and claims nothing; the next one mends what the last began."""
    here = await watched(watch, 1)
    for number in range(2, 8):
        watch.graph.put(number)
    watch.clock.move(600)
    commit, left = watch.store.commit, [3]

    async def dies(customer, changes, sealed=None):
        left[0] -= 1
        if left[0] < 0:
            raise StoreDown("away")
        await commit(customer, changes, sealed)

    watch.store.commit = dies
    with pytest.raises(StoreDown):
        await auditor.audit(watch.services, TENANT, FEATURES.views, 30.0)
    assert await last_report(watch.services, TENANT) is None
    watch.store.commit = commit
    report = await watch.audit()
    assert report.last.gaps["record"] == report.last.repaired["record"] == 3
    await watch.sweep()
    await watch.work()
    assert [len(watch.cards(f'"Incident {n}"', here)) for n in range(1, 8)] == [1] * 7


async def test_the_watcher_at_work_is_not_disturbed(watch):
    """While the watcher of another process holds the customer the auditor mends nothing, counts and comes again."""
    await watched(watch, 1)
    watch.graph.put(2)
    watch.clock.move(600)
    assert await watch.store.lease(TENANT, "poll:incidents", "another", 60)
    report = await watch.audit()
    assert (report.last.gaps, report.last.repaired) == ({"record": 1}, {})
    await watch.store.release(TENANT, "poll:incidents", "another")
    assert (await watch.audit()).last.repaired == {"record": 1}


async def test_overdue_records_are_woken(watch):
    """A record whose time came more than two minutes ago is woken and counted."""
    await watched(watch)
    watch.graph.put(1)
    await watch.poll()
    watch.queue.clear()
    watch.clock.move(119)
    assert (await watch.audit()).last.gaps == {}
    watch.queue.clear()
    watch.clock.move(10)
    report = await watch.audit()
    assert (report.last.gaps, report.last.repaired) == ({"overdue": 1}, {"overdue": 1})
    assert len(watch.cards("Incident 1")) == 1
    assert (await watch.audit()).last.well


async def test_a_record_without_its_due_time_is_given_one(watch):
    """A record that waits and has lost its due time is found among the newest, gets one and goes on."""
    await watched(watch)
    watch.graph.put(1)
    await watch.poll()
    await rewrite(watch, "incident", "1", due=False)
    watch.queue.clear()
    report = await watch.audit()
    assert (report.last.gaps, report.last.repaired) == ({"asleep": 1}, {"asleep": 1})
    assert len(watch.cards("Incident 1")) == 1
    assert (await watch.audit()).last.well


async def test_posts_that_wait_or_may_not_stand_are_counted(watch):
    """A card that Teams has not taken for an hour is said, and one of which nobody knows whether it stands."""
    here = await watched(watch)
    watch.teams.refusing[here] = Throttled("teams", "send", status=429, retry_after=100)
    watch.graph.put(1)
    await watch.turn(60)
    for _ in range(8):
        waiting = (await watch.audit()).last.waiting
        await watch.turn(600)
    assert waiting == 1
    watch.teams.refusing[here] = Unavailable("teams", "send", sent=True, status=502)
    for _ in range(40):
        await watch.turn(3600)
    report = await watch.audit()
    assert (report.last.unsure, report.last.waiting, report.last.well) == (1, 0, False)


async def test_findings_are_remembered(watch):
    """The report keeps the last runs and, longer, those that found something, so that a digest can add them up."""
    await watched(watch, 1)
    watch.graph.put(2)
    watch.clock.move(600)
    found = await watch.audit()
    for _ in range(20):
        watch.clock.move(300)
        await watch.audit()
    report = await last_report(watch.services, TENANT)
    assert report
    assert len(report.runs) == 12
    assert [run.at for run in report.findings] == [found.last.at]
    assert report.since(found.last.at - timedelta(seconds=1)) == ({"record": 1}, {"record": 1})
    assert report.since(found.last.at) == ({}, {})


async def test_customers_are_apart(watch):
    """A run for one customer neither reads nor writes anything of another."""
    await watched(watch, 1)
    other = "00000000-0000-0000-0000-000000000002"
    await auditor.audit(watch.services, other, FEATURES.views, 30.0)
    report = await last_report(watch.services, other)
    assert report
    assert (report.last.compared.get("incidents"), report.last.compared["records"]) == (None, 0)
    assert (await last_report(watch.services, TENANT)) is None
    assert len(watch.teams.messages) == 2


async def test_repairs_are_said_in_the_log(watch):
    """A run that found something says so once in the log; one that found nothing is silent."""
    await watched(watch, 1)
    watch.graph.put(2)
    watch.clock.move(600)
    with structlog.testing.capture_logs() as logs:
        await watch.audit()
        await watch.audit()
    said = [line for line in logs if line["event"] == "audit_found"]
    assert [(line["gaps"], line["repaired"]) for line in said] == [({"record": 1}, {"record": 1})]


LOSSES = ("record", "post", "due", "nothing")
BURST = 10


@settings(max_examples=40, deadline=None)
@given(
    before=st.integers(0, 4),
    losses=st.lists(st.sampled_from(LOSSES), min_size=1, max_size=14),
    lost_before=st.booleans(),
    seconds=st.sampled_from([None, 0.0, 1.0, 600.0]),
)
async def test_whatever_is_lost_each_open_incident_stands_once(before, losses, lost_before, seconds):
    """Whatever records, posts and due times are lost, a run and the jobs leave each open incident told exactly once.

    The jobs had `seconds` for posting before. What is confirmed in a record that is still there is not posted again;
    of a record that is lost with its confirmed card, or after a summary that counts it, nobody can know.
    """
    watch = Watch()
    old = [str(number) for number in range(900, 900 + before)]
    for number in old:
        watch.graph.put(number, at=START - timedelta(hours=2))
    here = await watch.begin()
    await watch.turn()
    for number in range(len(losses)):
        watch.graph.put(number)
    await watch.poll()
    if seconds is not None:
        await watch.work(seconds)
    await suffer_all(watch, losses, old if lost_before else ())
    watch.queue.clear()
    watch.clock.move(600)
    for _ in range(3):
        await watch.audit()
        watch.clock.move(130)
    assert (await watch.audit()).last.well
    for number in range(len(losses)):
        await stands_once(watch, number, here)
    assert all([await watch.record(number) for number in old])
    assert len(watch.teams.messages) == 1 + (1 if len(losses) > BURST else len(losses))


async def stands_once(watch: Watch, number: int, here: str) -> None:
    """An incident is told by one card of its own or by a summary, and its record knows that card."""
    record = await watch.record(number)
    assert record
    own = [one for one in watch.cards(f'"Incident {number}"', here) if "at once" not in one.cards[-1]]
    assert len(own) + len(record.summarised) == 1
    assert [post.message for post in record.posts] == [one.id for one in own]


async def suffer_all(watch: Watch, losses: Sequence[str], lost: Sequence[str]) -> None:
    """Lose what `losses` say of each incident, the summary's due time, and the records of older ones."""
    for number, loss in enumerate(losses):
        await suffer(watch, str(number), loss, burst=len(losses) > BURST)
    for summary in await watch.summaries() if "due" in losses else ():
        if not summary.posts[0].message:
            await rewrite(watch, "summary", summary.id, due=False)
    for number in lost:
        await lose(watch, "incident", number)


async def suffer(watch: Watch, number: str, loss: str, *, burst: bool) -> None:
    """Lose something of an incident whose card, if it stands, is written down nowhere else."""
    record = await watch.record(number)
    assert record
    told = burst or any(post.message for post in record.posts)
    if loss == "record" and not told:
        await lose(watch, "incident", number)
    elif loss == "post" and not told:
        await rewrite(watch, "incident", number, posts=[])
    elif loss == "due":
        await rewrite(watch, "incident", number, due=False)
