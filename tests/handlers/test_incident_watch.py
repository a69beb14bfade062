"""The incident watcher: one card for each incident, whatever Graph, Teams and the process do."""

import asyncio
from datetime import datetime, timedelta

import pytest
import structlog

from bot.audit import Entry
from bot.errors import Barred, ServiceError, Unavailable
from bot.subscribers import find, save
from handlers import incident_round
from handlers.incident_watch import LAG, STRIDE
from tests.handlers.watch import START, TENANT, Watch

TEAMS_LIMITS = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
"""Messages in one conversation (teams-platform 5.1)."""


@pytest.fixture
def watch() -> Watch:
    return Watch()


async def test_nobody_subscribed_nothing_read(watch):
    """Without a subscription Graph is not asked."""
    watch.graph.put(1)
    await watch.turn()
    assert watch.graph.pages == 0


async def test_subscription_begins_now_with_one_summary(watch):
    """A first subscription gets one card of what is open, nothing of what is over, and then what is new."""
    watch.graph.put(1, status="resolved", at=START - timedelta(minutes=1))
    for number in range(100, 115):
        watch.graph.put(number, at=START - timedelta(seconds=number), severity="high" if number == 107 else "low")
    await watch.begin()
    await watch.turn()
    (summary,) = await watch.summaries()
    assert (summary.reason, summary.total, summary.rows[0].id) == ("open", 15, "107")
    assert len(watch.teams.messages) == 1
    watch.graph.put(3)
    await watch.turn()
    assert len(watch.teams.messages) == 2
    assert len(watch.cards("Incident 3")) == 1


async def test_second_subscribe_changes_and_repeats_nothing(watch):
    """Subscribing again changes what is wanted; it brings no second summary and forgets nothing in between."""
    watch.graph.put(1)
    here = await watch.begin()
    await watch.begin("soc", "incidents from high")
    watch.graph.put(2, severity="low")
    watch.graph.put(3, severity="high")
    await watch.turn()
    assert len(await watch.summaries()) == 1
    assert [len(watch.cards(f"Incident {n}", here)) for n in (2, 3)] == [0, 1]


async def test_subscription_after_a_pause_begins_with_now(watch):
    """What happened while nobody was subscribed is in the new summary and is not posted piece by piece."""
    here = await watch.begin()
    await watch.turn()
    subscription = await find(watch.services, TENANT, here)
    entry = Entry(at=watch.clock.now(), what="unsubscribed", who="me", subject=here)
    await save(watch.services, subscription.model_copy(update={"ended": "unsubscribed"}), entry)
    for number in range(5):
        watch.graph.put(number)
        await watch.turn(3600)
    before = len(watch.teams.messages)
    await watch.begin()
    for _ in range(3):
        await watch.turn()
    assert len(watch.teams.messages) == before + 1
    assert [s.total for s in await watch.summaries()] == [5, 0]


async def test_new_incident_has_a_card_in_each_conversation(watch):
    """A new incident is shown once in each conversation whose severity it reaches, and in no other."""
    all_, grave = await watch.subscribe("all"), await watch.subscribe("grave", "high")
    watch.graph.put(1, severity="high")
    watch.graph.put(2, severity="low")
    for _ in range(3):
        await watch.turn()
    assert [len(watch.cards("Incident 1", c)) for c in (all_, grave)] == [1, 1]
    assert [len(watch.cards("Incident 2", c)) for c in (all_, grave)] == [1, 0]


async def test_change_edits_the_card(watch):
    """A change that people can see edits the card where it stands; one that they cannot see edits nothing."""
    await watch.subscribe()
    watch.graph.put(1)
    await watch.turn()
    (card,) = watch.cards()
    watch.graph.put(1, at=watch.clock.now() + timedelta(seconds=5))
    await watch.turn()
    assert len(card.cards) == 1
    watch.graph.put(1, assignedTo="patti@example.com")
    await watch.turn()
    assert len(card.cards) == 2
    assert "patti@example.com" in card.cards[-1]
    assert len(watch.teams.messages) == 1


async def test_severity_up_is_said_once_in_the_thread(watch):
    """A severity that rises edits the card and is said once below it; one that falls only edits."""
    await watch.subscribe()
    watch.graph.put(1, severity="low")
    await watch.turn()
    (card,) = watch.cards()
    watch.graph.put(1, severity="high")
    for _ in range(3):
        await watch.turn()
    replies = [one for one in watch.teams.messages if one is not card]
    assert [reply.thread for reply in replies] == [card.id]
    assert "Severity is now high" in replies[0].cards[-1]
    watch.graph.put(1, severity="medium")
    await watch.turn()
    assert len(watch.teams.messages) == 2
    assert "Medium severity" in card.cards[-1]


async def test_reopened_is_said_each_time(watch):
    """An incident that is resolved and opened again is said to be reopened, once for each time."""
    await watch.subscribe()
    watch.graph.put(1)
    await watch.turn()
    for times in (1, 2):
        watch.graph.put(1, status="resolved")
        await watch.turn()
        watch.graph.put(1, status="active")
        await watch.turn()
        await watch.turn()
        assert len(watch.cards("Reopened")) >= times
    replies = [one for one in watch.teams.messages if one.thread]
    assert len(replies) == 2


async def test_rise_above_the_threshold_gets_a_card(watch):
    """An incident that was too mild for a conversation is posted there when it becomes grave enough."""
    grave = await watch.subscribe("grave", "high")
    watch.graph.put(1, severity="low")
    await watch.turn()
    assert watch.teams.messages == []
    watch.graph.put(1, severity="high")
    await watch.turn()
    await watch.turn()
    assert len(watch.cards("Incident 1", grave)) == 1


async def test_old_incident_is_posted_when_it_needs_eyes(watch):
    """An incident that was open before the subscription gets a card when its severity rises."""
    watch.graph.put(1, severity="low", at=START - timedelta(minutes=1))
    await watch.begin()
    await watch.turn()
    watch.graph.put(1, severity="low", assignedTo="somebody@example.com")
    await watch.turn()
    assert len(watch.teams.messages) == 1
    watch.graph.put(1, severity="high")
    await watch.turn()
    assert len(watch.cards('"Incident 1"')) == 2
    assert "severity" in watch.teams.messages[-1].cards[-1]


async def test_merged_incident_points_to_the_survivor(watch):
    """The card of a merged incident says into which one, and the survivor has a card."""
    await watch.subscribe()
    watch.graph.put(1)
    watch.graph.put(2)
    await watch.turn()
    watch.graph.put(1, status="redirected", redirectIncidentId="2")
    watch.graph.put(2, displayName="Incident 2")
    await watch.turn()
    (merged,) = watch.cards("Merged into incident 2")
    assert "Incident 1" in merged.cards[-1]
    assert len(watch.cards("Incident 2")) == 1
    watch.graph.put(3, status="redirected", redirectIncidentId="2")
    await watch.turn()
    assert watch.cards("Incident 3") == []


async def test_ten_are_ten_cards_and_eleven_one(watch):
    """Up to ten new incidents at once have a card each; more become one summary that counts them all."""
    await watch.subscribe()
    for number in range(10):
        watch.graph.put(number)
    await watch.turn()
    assert len(watch.teams.messages) == 10
    for number in range(100, 111):
        watch.graph.put(number, severity="high" if number == 105 else "low")
    await watch.turn()
    await watch.turn()
    (summary,) = await watch.summaries()
    assert (summary.total, summary.counts["high"], summary.counts["low"]) == (11, 1, 10)
    assert summary.rows[0].id == "105"
    assert len(watch.teams.messages) == 11
    assert all([await watch.record(number) for number in range(100, 111)])


async def test_what_a_burst_told_gets_a_card_when_it_needs_eyes(watch):
    """An incident of a burst stays in its summary while it merely changes; raised or reopened, it gets a card."""
    here = await watch.begin()
    await watch.turn()
    for number in range(100, 115):
        watch.graph.put(number, severity="low")
    await watch.turn()
    before = len(watch.teams.messages)
    for number in (100, 101, 102):
        watch.graph.put(number, assignedTo="patti@example.com")
    watch.graph.put(103, status="resolved")
    await watch.turn()
    assert len(watch.teams.messages) == before
    watch.graph.put(100, severity="high")
    watch.graph.put(103, status="active")
    for _ in range(2):
        await watch.turn()
    assert [len(watch.cards(f'"Incident {n}"', here)) for n in (100, 101, 103)] == [1 + 1, 1, 1 + 1]
    assert len(watch.teams.messages) == before + 2


async def test_a_burst_does_not_hide_what_a_conversation_was_not_told(watch):
    """Who wants grave incidents alone was not told of the mild ones in a burst: raised, one gets its card there."""
    grave = await watch.subscribe("grave", "high")
    for number in range(20):
        watch.graph.put(number, severity="high" if number < 3 else "low")
    await watch.turn()
    watch.graph.put(10, severity="high")
    watch.graph.put(1, assignedTo="patti@example.com")
    await watch.turn()
    await watch.turn()
    assert len(watch.cards("Incident 10", grave)) == 1
    assert len(watch.teams.messages) == 2


async def test_summary_counts_what_the_conversation_wants(watch):
    """A summary in a conversation that wants grave incidents counts these only; one without any gets none."""
    grave, none = await watch.subscribe("grave", "high"), await watch.subscribe("off", "")
    for number in range(20):
        watch.graph.put(number, severity="high" if number < 3 else "low")
    await watch.turn()
    totals = {s.posts[0].place.id: s.total for s in await watch.summaries()}
    assert totals == {grave: 3}
    assert watch.cards(conversation=none) == []


async def test_summary_and_records_are_one(watch):
    """A crash while many are written leaves neither a summary nor a record; the next round writes all of them once."""
    await watch.subscribe()
    for number in range(30):
        watch.graph.put(number)
    commit = watch.store.commit
    calls = []

    async def dies(customer, changes, sealed=None):
        calls.append(len(changes))
        raise RuntimeError("the process died")

    watch.store.commit = dies
    with pytest.raises(RuntimeError):
        await watch.poll()
    watch.store.commit = commit
    assert calls == [31]
    await watch.turn()
    await watch.turn()
    assert len(await watch.summaries()) == 1
    assert len(watch.teams.messages) == 1


async def test_crash_before_the_watermark_repeats_and_doubles_nothing(watch):
    """A process that dies between its records and the watermark loses no incident and posts no card twice."""
    await watch.subscribe()
    await watch.turn()
    for number in range(6):
        watch.graph.put(number)
    commit, left = watch.store.commit, [4]

    async def dies(customer, changes, sealed=None):
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("the process died")
        await commit(customer, changes, sealed)

    watch.store.commit = dies
    with pytest.raises(RuntimeError):
        await watch.poll()
    watch.store.commit = commit
    await watch.sweep()
    for _ in range(2):
        await watch.turn()
    assert [len(watch.cards(f'"Incident {n}"')) for n in range(6)] == [1] * 6


async def test_two_pollers_at_once_make_one_card(watch):
    """Two processes that poll the same customer at the same moment write each incident once."""
    await watch.subscribe()
    other = watch.process("two")
    for number in range(8):
        watch.graph.put(number)
    await asyncio.gather(watch.poll(), watch.poll(other))
    await watch.work()
    await asyncio.gather(watch.poll(), watch.poll(other))
    await watch.work()
    assert len(watch.teams.messages) == 8


async def test_equal_times_across_a_page_edge(watch):
    """More incidents than fit a page that changed at the very same moment are all seen."""
    await watch.subscribe()
    watch.clock.move(10)
    moment = watch.clock.now()
    for number in range(130):
        watch.graph.put(number, at=moment)
    await watch.turn()
    assert [s.total for s in await watch.summaries()] == [130]
    assert all([await watch.record(number) for number in range(130)])


async def test_five_thousand_at_the_first_poll(watch):
    """Five thousand new incidents become one summary with all of their records, in one round."""
    await watch.subscribe()
    for number in range(5000):
        watch.graph.put(number, at=START + timedelta(milliseconds=number))
    await watch.turn()
    assert [s.total for s in await watch.summaries()] == [5000]
    assert len(watch.teams.messages) == 1
    assert await watch.record(4999)
    pages = watch.graph.pages
    watch.graph.put(9000)
    await watch.turn(600)
    assert len(watch.cards("Incident 9000")) == 1
    await watch.turn()
    assert watch.graph.pages - pages < 110


async def test_thousands_within_the_overlap_do_not_stop_the_watch(watch):
    """More changes within the overlap than one read brings do not keep the watch from going on."""
    await watch.subscribe()
    for number in range(2500):
        watch.graph.put(number, at=START + timedelta(milliseconds=number))
    await watch.turn(5)
    watch.graph.put("last")
    await watch.turn(5)
    assert len(watch.cards("Incident last")) == 1


async def test_failure_in_the_middle_keeps_what_was_read(watch):
    """Where Graph fails after some pages, what was read is shown and the rest follows in the next round, once."""
    await watch.subscribe()
    for number in range(2200):
        watch.graph.put(number, at=START + timedelta(milliseconds=number))
    watch.graph.down_after_pages = 25
    await watch.turn()
    assert await watch.record(0)
    assert not await watch.record(2199)
    watch.graph.down_after_pages = None
    await watch.turn()
    assert sum(s.total for s in await watch.summaries()) == 2200


async def test_three_hundred_changes_keep_within_teams_limits(watch):
    """Three hundred changes in a minute become fewer edits, within Teams' limits, and the cards end up to date."""
    here = await watch.subscribe()
    for number in range(60):
        watch.graph.put(number)
        if number % 10 == 9:
            await watch.turn(20)
    assert len(watch.cards(conversation=here)) == 60
    watch.clock.move(3600)
    before = len(watch.teams.calls)
    for step in range(5):
        for number in range(60):
            watch.graph.put(number, assignedTo=f"person-{step}@example.com")
        watch.clock.move(12)
        await watch.poll()
        await watch.work(0)
    await watch.work(3600)
    assert len(watch.cards("person-4@example.com")) == 60
    times = [at for _, at in watch.teams.calls[before:]]
    assert 60 <= len(times) <= 200
    for count, seconds in TEAMS_LIMITS:
        for first, at in enumerate(times):
            inside = sum(1 for one in times[first : first + count + 5] if (one - at).total_seconds() < seconds)
            assert inside <= count


async def test_unknown_words_of_the_service_are_shown(watch):
    """A status or severity that this version does not know counts as open and grave, and is shown as it was sent."""
    grave = await watch.subscribe("grave", "high")
    watch.graph.put(1, severity="catastrophic", status="awaitingAction")
    watch.graph.put(2, severity="unknownFutureValue", status="unknownFutureValue")
    await watch.turn()
    assert len(watch.cards("atastrophic", grave)) == 1
    assert len(watch.cards("Incident 2", grave)) == 1


async def test_missing_fields_do_no_harm(watch):
    """An incident with the fewest fields is shown as one without a title."""
    await watch.subscribe()
    watch.graph.wire["1"] = {"id": "1", "lastUpdateDateTime": (START + timedelta(seconds=5)).isoformat()}
    await watch.turn()
    assert len(watch.cards("Incident without a title")) == 1


async def test_unread_details_are_read_later(watch):
    """An incident whose alerts cannot be read has its card at once, says so, and gets them when they can be read."""
    await watch.subscribe()
    watch.graph.no_details.add("1")
    watch.graph.put(1)
    await watch.turn()
    (card,) = watch.cards("Incident 1")
    assert "could not be read" in card.cards[-1]
    watch.graph.no_details.clear()
    await watch.turn()
    assert "Odd sign-in" in card.cards[-1]
    assert len(watch.teams.messages) == 1
    asked = len(watch.graph.details)
    await watch.turn()
    assert len(watch.graph.details) == asked


async def test_details_that_never_come_are_given_up(watch):
    """Alerts that can never be read are not asked for in every round for ever."""
    await watch.subscribe()
    watch.graph.no_details.add("1")
    watch.graph.put(1)
    for _ in range(20):
        await watch.turn()
    assert 3 <= len(watch.graph.details) <= 6


async def test_details_of_many_are_read_in_turns(watch):
    """One round asks for the alerts of a bounded number of incidents; the others follow in the next rounds."""
    await watch.subscribe()
    for block in range(5):
        for number in range(block * 10, block * 10 + 10):
            watch.graph.put(number)
        await watch.turn()
    for number in range(50):
        watch.graph.put(number, assignedTo="a@example.com")
    asked = len(watch.graph.details)
    watch.clock.move(30)
    await watch.poll()
    assert len(watch.graph.details) - asked == incident_round.MOST_DETAILS
    for _ in range(3):
        await watch.turn()
    assert len(watch.graph.details) - asked >= 50


async def test_graph_away_for_an_hour(watch):
    """An hour without Graph loses nothing, and is logged once when it begins and once when it ends."""
    await watch.subscribe()
    await watch.turn()
    watch.graph.down = Unavailable("graph", "incidents", status=503)
    with structlog.testing.capture_logs() as logs:
        for minute in range(120):
            if minute in {10, 50, 100}:
                watch.graph.put(minute)
            await watch.turn()
        watch.graph.down = None
        for _ in range(3):
            await watch.turn()
    assert [len(watch.cards(f'"Incident {n}"')) for n in (10, 50, 100)] == [1, 1, 1]
    told = [one["event"] for one in logs if one["event"].startswith("incidents_")]
    assert told == ["incidents_not_read", "incidents_read_again"]


async def test_refused_conversation_ends_and_the_others_are_told(watch):
    """Where Teams refuses a conversation its subscription ends, the audit says so and the others are told once."""
    lost, kept = await watch.subscribe("lost"), await watch.subscribe("kept")
    watch.teams.refusing[lost] = Barred("teams", "send", status=403)
    watch.graph.put(1)
    await watch.turn()
    assert [one["subject"] for one in await watch.said() if one["what"] == "subscription ended"] == [
        f"conversation:{lost}"
    ]
    (notice,) = watch.cards("I can no longer write in one of your conversations")
    assert notice.conversation == kept
    assert "lost" in notice.cards[-1]
    for number in range(2, 5):
        watch.graph.put(number)
        await watch.turn()
    assert len(watch.cards(conversation=kept)) == 5
    assert watch.cards(conversation=lost) == []


async def test_all_conversations_refusing_ends_all(watch):
    """Where Teams refuses every conversation each subscription ends, and Graph is not asked any more."""
    for name in ("one", "two", "three"):
        watch.teams.refusing[await watch.subscribe(name)] = Barred("teams", "send", status=403)
    watch.graph.put(1)
    await watch.turn()
    assert len([one for one in await watch.said() if one["what"] == "subscription ended"]) == 3
    pages = watch.graph.pages
    await watch.turn()
    assert watch.graph.pages == pages


async def test_teams_away_posts_later(watch):
    """An incident that could not be posted is posted when Teams takes it again, once."""
    here = await watch.subscribe()
    watch.teams.refusing[here] = Unavailable("teams", "send", sent=False)
    watch.graph.put(1)
    await watch.turn()
    watch.teams.refusing.clear()
    await watch.work()
    await watch.turn()
    assert len(watch.cards("Incident 1")) == 1


async def test_second_subscription_does_not_repeat(watch):
    """A conversation that subscribes later gets what is new from then on; the first one gets nothing twice."""
    first = await watch.subscribe("first")
    watch.graph.put(1)
    await watch.turn()
    second = await watch.subscribe("second")
    watch.graph.put(2)
    await watch.turn()
    assert [len(watch.cards("Incident 1", c)) for c in (first, second)] == [1, 0]
    assert [len(watch.cards("Incident 2", c)) for c in (first, second)] == [1, 1]


async def test_quiet_rounds_seldom_write(watch):
    """While nothing changes the watermark is written every two minutes or so; with a change it is written at once."""

    async def mark() -> tuple[int, str]:
        record = await watch.store.get(TENANT, "watermark", "incident")
        return record.rev, record.data["until"]

    await watch.subscribe()
    for _ in range(12):  # until the watermark follows the clock
        await watch.turn()
    before, _ = await mark()
    for _ in range(20):
        await watch.turn()
        _, until = await mark()
        assert watch.clock.now() - datetime.fromisoformat(until) <= LAG + STRIDE + timedelta(seconds=30)
    assert 3 <= (await mark())[0] - before <= 5
    changed = watch.clock.now()
    watch.graph.put(1)
    await watch.turn()
    assert datetime.fromisoformat((await mark())[1]) == changed


@pytest.mark.parametrize("error", [ServiceError("graph", "incidents", status=403), Unavailable("graph", "incidents")])
async def test_failing_graph_moves_no_watermark(watch, error):
    """A round that read nothing leaves the watermark where it was."""
    await watch.subscribe()
    await watch.turn()
    before = await watch.store.get(TENANT, "watermark", "incident")
    watch.graph.down = error
    await watch.turn()
    assert await watch.store.get(TENANT, "watermark", "incident") == before
