from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.graph.changes import read_changes
from bot.graph.client import IncidentChanges
from bot.graph.models import Incident

START = datetime(2024, 5, 1, tzinfo=UTC)


def incident(number: int, second: float) -> Incident:
    return Incident(id=str(number), last_update_date_time=START + timedelta(seconds=second))


class Service:
    """Answers as the service does: changed at or after, oldest change first, `$skip` and `$top`.

    `meanwhile` runs after each page with the number of pages served so far, and may change incidents.
    """

    def __init__(
        self, incidents: Sequence[Incident], meanwhile: Callable[["Service", int], None] | None = None
    ) -> None:
        self.incidents = {one.id: one for one in incidents}
        self.meanwhile = meanwhile
        self.pages = 0

    async def fetch(self, since: datetime, skip: int, top: int) -> tuple[list[Incident], bool]:
        """One page."""
        changed = [one for one in self.incidents.values() if one.last_update_date_time >= since]
        changed.sort(key=lambda one: (one.last_update_date_time, int(one.id)))
        page = changed[skip : skip + top]
        self.pages += 1
        if self.meanwhile:
            self.meanwhile(self, self.pages)
        return page, False

    def touch(self, number: int, second: float) -> None:
        """Change an incident once more."""
        self.incidents[str(number)] = incident(number, second)


async def read(service: Service, *, page: int = 50, max_items: int = 100_000) -> IncidentChanges:
    return await read_changes(service.fetch, START, page=page, max_items=max_items)


def ids(changes: IncidentChanges) -> list[int]:
    return [int(one.id) for one in changes.incidents]


async def test_nothing_new_is_an_answer():
    """Without changes the watermark stays."""
    changes = await read(Service([]))
    assert (changes.incidents, changes.until, changes.more) == ((), START, False)


async def test_equal_times_across_a_page_edge():
    """Sixty incidents of one moment lie across the edge of a page of fifty; each is returned once."""
    service = Service([incident(n, 0 if n < 30 else 1) for n in range(90)] + [incident(n, 2) for n in range(90, 100)])
    changes = await read(service)
    assert ids(changes) == list(range(100))
    assert (changes.until, changes.more) == (START + timedelta(seconds=2), False)


async def test_all_of_one_moment():
    """A hundred and twenty incidents that share the very moment asked for are all returned."""
    changes = await read(Service([incident(n, 0) for n in range(120)]))
    assert ids(changes) == list(range(120))
    assert (changes.until, changes.more) == (START, False)


@pytest.mark.parametrize("count", [49, 50, 51, 99, 100, 101])
async def test_full_last_pages(count: int):
    """Whether the last page is full or not, nothing is missing and reading ends."""
    assert ids(await read(Service([incident(n, n) for n in range(count)]))) == list(range(count))
    assert ids(await read(Service([incident(n, 1) for n in range(count)]))) == list(range(count))


async def test_an_incident_that_changes_while_it_is_read_comes_in_its_newest_form():
    """An incident already read changes: it is met again at the end and returned once, as it is now."""

    def change(service: Service, pages: int) -> None:
        if pages == 1:
            service.touch(3, 500)

    changes = await read(Service([incident(n, n) for n in range(120)], change))
    assert sorted(ids(changes)) == list(range(120))
    assert ids(changes)[-1] == 3
    assert changes.until == START + timedelta(seconds=500)


async def test_rows_that_slide_while_one_moment_is_stepped_through():
    """While pages of one moment are skipped over, an early one changes and all others slide up; none is lost."""

    def change(service: Service, pages: int) -> None:
        if pages in {1, 2}:
            service.touch(pages, 500)

    changes = await read(Service([incident(n, 0) for n in range(160)], change))
    assert sorted(ids(changes)) == list(range(160))
    assert not changes.more


async def test_rows_that_never_stand_still_are_told():
    """Where the rows of one moment slide at each page, the reading stops, says that more remains, and stays there."""

    def change(service: Service, pages: int) -> None:
        for number in range(3):
            service.touch(pages * 3 + number, 500)

    changes = await read(Service([incident(n, 0) for n in range(400)], change))
    assert changes.more
    assert changes.until == START


async def test_five_thousand_incidents_in_bounded_parts():
    """With a bound, going on from `until` while `more` is true finds all of them."""
    service = Service([incident(n, n // 7) for n in range(5000)])
    found: set[str] = set()
    since, rounds = START, 0
    while True:
        changes = await read_changes(service.fetch, since, page=50, max_items=1000)
        found |= {one.id for one in changes.incidents}
        assert len(changes.incidents) < 1100
        since, rounds = changes.until, rounds + 1
        if not changes.more:
            break
    assert len(found) == 5000
    assert rounds == 5


async def test_the_bound_never_stops_within_one_moment():
    """More incidents of one moment than the bound are returned together, so that the next call gets further."""
    changes = await read(Service([incident(n, 0) for n in range(300)] + [incident(300, 9)]), max_items=100)
    assert ids(changes) == list(range(301))


async def test_a_short_page_with_a_link_is_not_the_end():
    """The service may cut a page short and name the next one."""
    inner = Service([incident(n, n) for n in range(30)])

    async def fetch(since: datetime, skip: int, top: int) -> tuple[list[Incident], bool]:
        rows, _ = await inner.fetch(since, skip, 10)
        return rows, len(rows) == 10

    changes = await read_changes(fetch, START, page=50, max_items=1000)
    assert ids(changes) == list(range(30))


@given(
    seconds=st.lists(st.integers(0, 5), max_size=60),
    page=st.integers(1, 9),
    touched=st.dictionaries(st.integers(1, 12), st.integers(0, 59), max_size=3),
)
@settings(max_examples=300)
async def test_nothing_is_ever_lost(seconds: list[int], page: int, touched: dict[int, int]):
    """Whatever times coincide, wherever pages end and whatever changes meanwhile, reading on finds each newest form."""

    def change(service: Service, pages: int) -> None:
        if pages in touched and str(touched[pages]) in service.incidents:
            service.touch(touched[pages], 100 + pages)

    service = Service([incident(n, second) for n, second in enumerate(seconds)], change)
    newest: dict[str, Incident] = {}
    since = START
    for _ in range(200):
        changes = await read_changes(service.fetch, since, page=page, max_items=7)
        newest.update({one.id: one for one in changes.incidents})
        since = changes.until
        if not changes.more:
            break
    else:
        raise AssertionError("reading never ended")
    service.meanwhile = None
    changes = await read_changes(service.fetch, since, page=page, max_items=1000)  # the next poll, in quiet
    newest.update({one.id: one for one in changes.incidents})
    assert newest == service.incidents
