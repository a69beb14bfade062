"""What every store promises, held by the twin in memory and by the one on Redis."""

import asyncio
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import Conflict
from bot.state.store import MOST_OF_TARGET, Change, HeadMoved, Kept, Sealed, Standing, Store, Trim

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
ONE, OTHER = "tenant-1", "tenant-2"
MANY = 50


def write(key: str = "a", rev: int = 0, kind: str = "request", **more) -> Change:
    return Change(kind=kind, id=key, rev=rev, **{"data": {"id": key, "rev": rev}, **more})


async def test_what_was_committed_is_read(store: Store):
    """A record comes back with the next revision, its state and its data, whatever the data holds."""
    data = {"text": "ü 'quoted' \"and\" {braces} \u0000 \\", "none": None, "list": [], "map": {}, "n": 1.5, "yes": True}
    await store.commit(ONE, [write("a:b c", data=data, state="proposed")])
    record = await store.get(ONE, "request", "a:b c")
    assert (record.kind, record.id, record.rev, record.state, record.data) == (
        *("request", "a:b c", 1, "proposed"),
        data,
    )
    assert await store.get(ONE, "request", "b") is None


async def test_data_is_a_copy(store: Store):
    """Changing what was written or read changes nothing that is stored."""
    data = {"list": [1]}
    await store.commit(ONE, [write(data=data)])
    data["list"].append(2)
    (await store.get(ONE, "request", "a")).data["list"].append(3)
    assert (await store.get(ONE, "request", "a")).data == {"list": [1]}


@pytest.mark.parametrize("rev", [0, 1, 3])
async def test_another_revision_is_a_conflict(store: Store, rev):
    """Who has not seen the present revision writes nothing."""
    await store.commit(ONE, [write()])
    await store.commit(ONE, [write(rev=1)])
    with pytest.raises(Conflict):
        await store.commit(ONE, [write(rev=rev)])
    assert (await store.get(ONE, "request", "a")).rev == 2


async def test_a_record_that_is_not_there_has_revision_0(store: Store):
    """A change of a record that does not exist is a conflict, and creates nothing."""
    with pytest.raises(Conflict):
        await store.commit(ONE, [write(rev=1)])
    assert await store.get(ONE, "request", "a") is None


async def test_another_state_is_a_conflict(store: Store):
    """The state that the writer saw is compared too; a writer who names none does not care."""
    await store.commit(ONE, [write(state="proposed")])
    with pytest.raises(Conflict):
        await store.commit(ONE, [write(rev=1, was="approved", state="sending")])
    await store.commit(ONE, [write(rev=1, was="proposed", state="approved")])
    await store.commit(ONE, [write(rev=2, state="sending")])
    assert (await store.get(ONE, "request", "a")).state == "sending"


@pytest.mark.parametrize("bad", [0, 1, 2])
async def test_a_commit_is_all_or_nothing(store: Store, bad):
    """If one change of three does not fit, none is made: no record, no due time, no deletion, no audit entry."""
    await store.commit(ONE, [write("old", data={"n": 1}, due=NOW)])
    fits = [write("x", due=NOW), Change(kind="request", id="old", rev=1, data=None), write("y")]
    changes = [write(f"bad{n}", rev=7) if n == bad else change for n, change in enumerate(fits)]
    with pytest.raises(Conflict):
        await store.commit(ONE, changes, Sealed(head="", entries=[("text", "hash")]))
    assert [record.id for record in await store.newest(ONE, "request")] == ["old"]
    assert [due.id for due in await store.due(ONE, NOW + timedelta(days=1))] == ["old"]
    assert (await store.head(ONE), await store.audit(ONE)) == ("", [])


async def test_an_audit_head_that_moved_stops_the_commit(store: Store):
    """Entries are appended only to the head they were sealed for; else nothing is written."""
    await store.commit(ONE, [write("a")], Sealed(head="", entries=[("one", "h1"), ("two", "h2")]))
    with pytest.raises(HeadMoved):
        await store.commit(ONE, [write("b")], Sealed(head="h1", entries=[("three", "h3")]))
    assert await store.get(ONE, "request", "b") is None
    await store.commit(ONE, [write("b")], Sealed(head="h2", entries=[("three", "h3")]))
    assert await store.head(ONE) == "h3"
    assert [row[1:] for row in await store.audit(ONE)] == [("one", "h1"), ("two", "h2"), ("three", "h3")]


async def test_audit_is_read_in_pages(store: Store):
    """Each page begins after the last position of the page before."""
    entries = [(f"text{n}", f"h{n}") for n in range(5)]
    await store.commit(ONE, [], Sealed(head="", entries=entries))
    found, after = [], ""
    while page := await store.audit(ONE, limit=2, after=after):
        assert len(page) <= 2
        found += [row[1:] for row in page]
        after = page[-1][0]
    assert found == entries


async def test_audit_is_read_backwards_in_pages(store: Store):
    """The newest come first; each page begins right before the last position of the page before."""
    entries = [(f"text{n}", f"h{n}") for n in range(5)]
    await store.commit(ONE, [], Sealed(head="", entries=entries))
    found, before = [], ""
    while page := await store.audit_back(ONE, limit=2, before=before):
        assert len(page) <= 2
        found += page
        before = page[-1][0]
    assert found == (await store.audit(ONE))[::-1]
    assert await store.audit_back(OTHER) == []


async def test_a_trim_leaves_a_checkpoint_in_the_same_commit(store: Store):
    """The oldest entries up to a position go, the checkpoint and the new entry come, positions stay as they were."""
    await store.commit(ONE, [], Sealed(head="", entries=[(f"text{n}", f"h{n}") for n in range(5)]))
    before = await store.audit(ONE)
    assert await store.standing(ONE) == Standing(head="h4", length=5)
    trim = Trim(last=before[2][0], before="", checkpoint="c1")
    await store.commit(ONE, [write("a")], Sealed(head="h4", entries=[("trimmed", "h5")], trim=trim))
    after = await store.audit(ONE)
    assert (after[:2], after[2][1:]) == (before[3:], ("trimmed", "h5"))
    assert await store.standing(ONE) == Standing(head="h5", length=3, checkpoint="c1")
    assert await store.audit(ONE, after=before[3][0]) == after[1:]
    assert await store.audit_back(ONE, before=after[2][0]) == after[1::-1]
    assert await store.standing(OTHER) == Standing()


@pytest.mark.parametrize("wrong", ["head", "checkpoint", "revision"])
async def test_a_trim_is_all_or_nothing(store: Store, wrong):
    """Where the head, the checkpoint or a record is another than the trimmer saw, nothing goes and nothing comes."""
    await store.commit(ONE, [write("a")], Sealed(head="", entries=[("one", "h1"), ("two", "h2")]))
    before = await store.audit(ONE)
    trim = Trim(last=before[0][0], before="other" if wrong == "checkpoint" else "", checkpoint="c1")
    sealed = Sealed(head="h1" if wrong == "head" else "h2", entries=[("trimmed", "h3")], trim=trim)
    with pytest.raises(HeadMoved if wrong == "head" else Conflict):
        await store.commit(ONE, [write("a", rev=7 if wrong == "revision" else 1)], sealed)
    assert await store.audit(ONE) == before
    assert await store.standing(ONE) == Standing(head="h2", length=2)
    assert (await store.get(ONE, "request", "a")).rev == 1


async def test_due_records_come_earliest_first(store: Store):
    """Records due before a moment are named, no later ones; a later write moves or takes away the due time."""
    for key, seconds in (("late", 30), ("early", 10), ("middle", 20)):
        await store.commit(ONE, [write(key, due=NOW + timedelta(seconds=seconds))])
    await store.commit(ONE, [write("never")])
    found = await store.due(ONE, NOW + timedelta(seconds=30))
    assert [(due.kind, due.id, due.at) for due in found] == [
        ("request", "early", NOW + timedelta(seconds=10)),
        ("request", "middle", NOW + timedelta(seconds=20)),
    ]
    await store.commit(ONE, [write("early", rev=1, due=NOW + timedelta(seconds=60))])
    await store.commit(ONE, [write("middle", rev=1)])
    await store.commit(ONE, [Change(kind="request", id="late", rev=1, data=None, due=NOW)])
    assert [due.id for due in await store.due(ONE, NOW + timedelta(days=1))] == ["early"]
    assert len(await store.due(ONE, NOW + timedelta(days=1), limit=1)) == 1


async def test_newest_are_the_latest_written(store: Store):
    """A write brings a record to the front; other kinds, deleted ones and ids nobody asked for do not appear."""
    for key in "abc":
        await store.commit(ONE, [write(key)])
    await store.commit(ONE, [write("x", kind="incident"), write("a", rev=1)])
    await store.commit(ONE, [Change(kind="request", id="b", rev=1, data=None)])
    assert [record.id for record in await store.newest(ONE, "request")] == ["a", "c"]
    assert [record.id for record in await store.newest(ONE, "request", limit=1)] == ["a"]
    assert [record.id for record in await store.get_many(ONE, "request", ["c", "b", "a", "nobody"])] == ["c", "a"]
    assert await store.get_many(ONE, "request", []) == []


def about(target: str, key: str = "a", rev: int = 0, kind: str = "request", **more) -> Change:
    return write(key, rev, kind, **{"data": {"target": {"id": target, "name": "n"}, "rev": rev}, **more})


async def test_records_are_found_by_their_target(store: Store):
    """Those of one kind about one target, the latest written first; no other target, kind or customer, nothing gone."""
    await store.commit(ONE, [about("d1", "a"), about("d2", "b"), about("d1", "c"), about("d1", "x", kind="incident")])
    await store.commit(OTHER, [about("d1", "o")])
    await store.commit(ONE, [write("without"), write("odd", data={"target": "d1"}), about("d1", "a", rev=1)])
    found = await store.of_target(ONE, "request", "d1")
    assert [(record.id, record.rev) for record in found] == [("a", 2), ("c", 1)]
    assert found[0] == await store.get(ONE, "request", "a")
    assert [record.id for record in await store.of_target(ONE, "request", "d1", limit=1)] == ["a"]
    await store.commit(ONE, [Change(kind="request", id="a", rev=2, data=None)])
    assert [record.id for record in await store.of_target(ONE, "request", "d1")] == ["c"]
    assert [record.id for record in await store.of_target(ONE, "request", "d2")] == ["b"]
    assert await store.of_target(ONE, "request", "nobody") == []


async def test_what_was_not_committed_is_not_found_by_its_target(store: Store):
    """A commit that fails leaves no name behind."""
    with pytest.raises(Conflict):
        await store.commit(ONE, [about("d1", "a"), about("d1", "b", rev=7)])
    assert await store.of_target(ONE, "request", "d1") == []


async def test_of_very_many_the_newest_are_found_by_their_target(store: Store):
    """Of more than the bound the oldest are left out, whatever is asked for."""
    for first in range(0, MOST_OF_TARGET + 10, 51):
        await store.commit(ONE, [about("d1", f"r{n}") for n in range(first, first + 51)])
    found = [record.id for record in await store.of_target(ONE, "request", "d1", limit=10_000)]
    assert found == [f"r{n}" for n in reversed(range(10, MOST_OF_TARGET + 10))]


OPERATIONS = st.tuples(
    st.sampled_from(["write", "write", "write", "delete", "age"]), st.integers(0, 5), st.sampled_from([None, 10.0])
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=st.lists(OPERATIONS, max_size=25))
async def test_by_target_is_what_newest_says(shelf, operations):
    """Whatever was written, deleted and ran out, the records of a target are those that the whole list has of it."""
    customer = uuid.uuid4().hex
    for what, number, keep in operations:
        key, live = f"r{number}", await shelf.store.get(customer, "request", f"r{number}")
        rev = live.rev if live else 0
        if what == "age":
            shelf.age(6)
        elif what == "delete":
            await shelf.store.commit(customer, [Change(kind="request", id=key, rev=rev, data=None)])
        else:
            await shelf.store.commit(customer, [about(f"d{number % 2}", key, rev, keep=keep)])
        everything = await shelf.store.newest(customer, "request")
        for target in ("d0", "d1"):
            wanted = [record for record in everything if record.data["target"]["id"] == target]
            assert await shelf.store.of_target(customer, "request", target) == wanted


async def test_a_deleted_record_can_be_made_anew(store: Store):
    """After deletion the revision begins at 0 again; deleting what is not there is allowed with revision 0."""
    await store.commit(ONE, [write()])
    await store.commit(ONE, [Change(kind="request", id="a", rev=1, data=None)])
    await store.commit(ONE, [Change(kind="request", id="a", rev=0, data=None)])
    await store.commit(ONE, [write()])
    assert (await store.get(ONE, "request", "a")).rev == 1


async def test_a_record_lives_as_long_as_its_last_write_says(shelf):
    """Its time starts with each write, and a write that names none keeps it for good; then it can be made anew."""
    store = shelf.store
    await store.commit(ONE, [write("short", keep=10.0), write("kept", keep=10.0), write("again", keep=10.0)])
    shelf.age(9)
    await store.commit(ONE, [write("kept", rev=1), write("again", rev=1, keep=10.0)])
    shelf.age(9)
    assert {record.id for record in await store.newest(ONE, "request")} == {"kept", "again"}
    assert await store.get(ONE, "request", "short") is None
    shelf.age(2)
    assert [record.id for record in await store.newest(ONE, "request")] == ["kept"]
    await store.commit(ONE, [write("short")])


async def test_customers_do_not_mix(shelf):
    """Two customers with the same ids share no record, due time, audit entry, lease, claim, bucket or value."""
    store = shelf.store
    await store.commit(ONE, [write(due=NOW)], Sealed(head="", entries=[("text", "hash")]))
    await store.lease(ONE, "l", "me", 10)
    await store.claim(ONE, "t", 10)
    await store.put_value(ONE, "v", {"n": 1}, 10)
    assert await store.take(ONE, "b", [(1, 60.0)], NOW) == 0
    assert await store.get(OTHER, "request", "a") is None
    assert await store.newest(OTHER, "request") == []
    assert await store.due(OTHER, NOW + timedelta(days=1)) == []
    assert (await store.head(OTHER), await store.audit(OTHER)) == ("", [])
    assert await store.lease(OTHER, "l", "you", 10)
    assert (await store.claim(OTHER, "t", 10)).state == "fresh"
    assert await store.get_value(OTHER, "v") is None
    assert await store.take(OTHER, "b", [(1, 60.0)], NOW) == 0
    await store.commit(OTHER, [write()])
    assert await store.customers() == [ONE, OTHER]


async def test_of_many_writers_exactly_one_wins(store: Store):
    """Of fifty commits on the same revision at once, one is made and forty-nine are conflicts."""
    await store.commit(ONE, [write()])

    async def attempt(number: int) -> int | None:
        try:
            await store.commit(ONE, [write(rev=1, data={"by": number}), write(f"own{number}")])
        except Conflict:
            return None
        return number

    winners = [n for n in await asyncio.gather(*map(attempt, range(MANY))) if n is not None]
    assert len(winners) == 1
    assert (await store.get(ONE, "request", "a")).data == {"by": winners[0]}
    assert {record.id for record in await store.newest(ONE, "request")} == {"a", f"own{winners[0]}"}


async def test_a_burst_waits_instead_of_failing(store: Store):
    """Three hundred commits at once are all made: more than there are connections."""
    await asyncio.gather(*(store.commit(ONE, [write(str(n))]) for n in range(300)))
    assert len(await store.newest(ONE, "request")) == 300


async def test_a_lease_has_one_owner(shelf):
    """Nobody else gets it until it is given back or has run out; its owner renews it; only its owner gives it back."""
    store = shelf.store
    assert await store.lease(ONE, "l", "me", 10)
    assert not await store.lease(ONE, "l", "you", 10)
    shelf.age(9)
    assert await store.lease(ONE, "l", "me", 10)
    shelf.age(9)
    assert not await store.lease(ONE, "l", "you", 10)
    await store.release(ONE, "l", "you")
    assert not await store.lease(ONE, "l", "you", 10)
    shelf.age(2)
    assert await store.lease(ONE, "l", "you", 10)
    await store.release(ONE, "l", "me")
    assert not await store.lease(ONE, "l", "me", 10)
    await store.release(ONE, "l", "you")
    assert await store.lease(ONE, "l", "me", 10)


async def test_of_many_who_want_a_lease_one_gets_it(store: Store):
    """Fifty owners at once: one has it."""
    taken = await asyncio.gather(*(store.lease(ONE, "l", f"owner{n}", 10) for n in range(MANY)))
    assert Counter(taken) == {True: 1, False: MANY - 1}


async def test_a_turn_is_claimed_once(shelf):
    """The first is fresh, the next busy, after the answer done with it, and after its time fresh again."""
    store = shelf.store
    states = [claim.state for claim in await asyncio.gather(*(store.claim(ONE, "t", 20) for _ in range(MANY)))]
    assert Counter(states) == {"fresh": 1, "busy": MANY - 1}
    await store.finish(ONE, "t", {"text": "done"}, 600)
    again = await store.claim(ONE, "t", 20)
    assert (again.state, again.answer) == ("done", {"text": "done"})
    shelf.age(601)
    assert (await store.claim(ONE, "t", 20)).state == "fresh"


async def test_a_claim_that_ran_out_is_fresh(shelf):
    """A turn whose process died is taken up again when its lease is over, or at once where it was given back."""
    store = shelf.store
    await store.claim(ONE, "t", 20)
    shelf.age(21)
    assert (await store.claim(ONE, "t", 20)).state == "fresh"
    await store.abandon(ONE, "t")
    assert (await store.claim(ONE, "t", 20)).state == "fresh"


def beginning(store: Store, **more):
    note = Kept(name="note", value={"url": "https://here"}, seconds=10)
    return store.begin(ONE, "t", 20, **{"note": note, "record": ("binding", "c"), "values": ("v", "w")} | more)


async def test_a_turn_begins_with_all_that_it_needs(shelf):
    """One call claims the turn, keeps the note, and reads a record and values, each None where there is none."""
    store = shelf.store
    empty = await beginning(store)
    assert (empty.claimed.state, empty.record, list(empty.values)) == ("fresh", None, [None, None])
    assert await store.get_value(ONE, "note") == {"url": "https://here"}
    assert (await beginning(store)).claimed.state == "busy"
    await store.finish(ONE, "t", {"text": "done"}, 600)
    await store.commit(ONE, [write("c", kind="binding", state="s")])
    await store.put_value(ONE, "w", {"n": 1}, 600)
    full = await beginning(store)
    assert (full.claimed.state, full.claimed.answer) == ("done", {"text": "done"})
    assert full.record == await store.get(ONE, "binding", "c")
    assert list(full.values) == [None, {"n": 1}]
    shelf.age(601)
    assert (await beginning(store)).claimed.state == "fresh"


async def test_a_turn_that_begins_reaches_no_other_customer(store: Store):
    """What another customer has under the same names is not read, and its claim is another."""
    await store.put_value(OTHER, "v", {"n": 1}, 600)
    await store.claim(OTHER, "t", 20)
    begun = await beginning(store)
    assert (begun.claimed.state, list(begun.values)) == ("fresh", [None, None])


async def test_an_empty_answer_is_an_answer(store: Store):
    """A turn that was answered with nothing is done, not busy."""
    await store.claim(ONE, "t", 20)
    await store.finish(ONE, "t", {}, 600)
    assert (await store.claim(ONE, "t", 20)).state == "done"


async def test_a_value_lives_its_time(shelf):
    """A small value is kept for its seconds; the last write counts."""
    store = shelf.store
    await store.put_value(ONE, "v", {"n": 1}, 10)
    await store.put_value(ONE, "v", {"n": [2]}, 10)
    assert await store.get_value(ONE, "v") == {"n": [2]}
    assert await store.get_value(ONE, "w") is None
    shelf.age(10)
    assert await store.get_value(ONE, "v") is None


WINDOWS = ((2, 60.0), (3, 90.0), (5, 600.0))


class PlainBucket:
    """The same bucket in so few lines that its truth can be seen: all times it was taken, in milliseconds."""

    def __init__(self) -> None:
        self.taken: list[int] = []

    def take(self, now: int) -> float:
        """Take one at that millisecond; the seconds to wait."""
        wait = 0
        self.taken = [at for at in self.taken if at > now - 600_000]
        for count, seconds in WINDOWS:
            span = int(seconds * 1000)
            inside = sorted(at for at in self.taken if at > now - span)
            if len(inside) >= count:
                wait = max(wait, inside[-count] + span - now)
        if not wait:
            self.taken.append(now)
        return wait / 1000


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.integers(-2_000, 100_000), min_size=1, max_size=30))
async def test_a_bucket_counts_as_a_plain_list_does(shelf, steps):
    """Whatever the pace, and though the clocks of two processes differ, each window holds and each wait is exact."""
    bucket, plain = uuid.uuid4().hex, PlainBucket()
    moment = 0
    for step in steps:
        moment += step
        now = NOW + timedelta(milliseconds=moment)
        assert await shelf.store.take(ONE, bucket, WINDOWS, now) == pytest.approx(plain.take(moment), abs=0.0011)


async def test_a_bucket_is_shared(store: Store):
    """Of fifty who take at once, as many get through as the window allows."""
    waits = await asyncio.gather(*(store.take(ONE, "b", [(7, 60.0)], NOW) for _ in range(MANY)))
    assert sum(wait == 0 for wait in waits) == 7


async def test_places_are_booked_in_the_order_of_asking(store: Store):
    """Who has patience gets a place of their own, each window holds, and what is too far off is not booked."""
    windows = [(2, 10.0), (3, 30.0)]
    waits = [await store.take(ONE, "b", windows, NOW, patience=65.0) for _ in range(9)]
    assert waits == pytest.approx([0, 0, 10, 30, 30, 40, 60, 60, 70], abs=0.002)
    assert await store.take(ONE, "b", windows, NOW, patience=65.0) == pytest.approx(70, abs=0.002)
    later = NOW + timedelta(seconds=20)
    assert await store.take(ONE, "b", windows, later, patience=65.0) == pytest.approx(50, abs=0.002)
    assert await store.take(ONE, "b", windows, later) == pytest.approx(70, abs=0.002)


async def test_whose_clock_is_behind_books_behind(store: Store):
    """A process whose clock is two seconds behind does not get a place before those that asked earlier."""
    ahead = NOW + timedelta(seconds=2)
    assert await store.take(ONE, "b", [(5, 10.0)], ahead, patience=60.0) == 0
    assert await store.take(ONE, "b", [(5, 10.0)], NOW, patience=60.0) == 2


async def test_many_who_book_at_once_have_places_of_their_own(store: Store):
    """Of fifty who book at once, no two have the same place where only one fits."""
    waits = await asyncio.gather(*(store.take(ONE, "b", [(1, 2.0)], NOW, patience=120.0) for _ in range(MANY)))
    assert sorted(waits) == pytest.approx([2.0 * n for n in range(MANY)], abs=0.002)


async def test_what_waits_for_nobody_is_counted(store: Store):
    """What is spent stands in the bucket, past its windows too, and makes others wait."""
    for _ in range(3):
        await store.spend(ONE, "b", 60.0, NOW)
    assert await store.take(ONE, "b", [(2, 60.0)], NOW) == 60
    assert await store.take(ONE, "b", [(4, 60.0)], NOW) == 0
    now = NOW + timedelta(seconds=30)
    await store.spend(ONE, "b", 60.0, now)
    assert await store.taken(ONE, [("b", 60.0), ("b", 30.0), ("c", 60.0)], now) == [5, 1, 0]
    assert await store.taken(OTHER, [("b", 60.0)], now) == [0]
    await store.spend(ONE, "b", 60.0, NOW + timedelta(seconds=60))
    assert await store.taken(ONE, [("b", 600.0)], NOW + timedelta(seconds=60)) == [2]


async def test_a_claim_is_kept_while_it_is_worked_on(shelf):
    """Who goes on working keeps the claim; an answer that stands, or a claim that ran out, is not touched."""
    store = shelf.store
    await store.claim(ONE, "t", 20)
    shelf.age(15)
    await store.hold(ONE, "t", 20)
    shelf.age(15)
    assert (await store.claim(ONE, "t", 20)).state == "busy"
    await store.finish(ONE, "t", {"text": "done"}, 600)
    await store.hold(ONE, "t", 20)
    shelf.age(30)
    assert (await store.claim(ONE, "t", 20)).state == "done"
    await store.hold(ONE, "never", 20)
    assert (await store.claim(ONE, "never", 20)).state == "fresh"
