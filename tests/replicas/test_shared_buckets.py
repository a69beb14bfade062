"""Many cards for one conversation, from two replicas: within Teams' limits, in order, and nobody waits in a crowd."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from bot.audit import Ledger
from bot.budgets import Spoken, place_bucket
from bot.command import View
from bot.jobs import take_on
from bot.posting import CONVERSATION_LIMITS
from bot.posts import Post, Shownable
from bot.records import write
from bot.services import Services
from bot.state.memory import MemoryStore
from bot.teams.client import Member
from bot.turn import Conversation, Look, Shown
from tests.responses.people import TENANT, place

TEAMS = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
"""What Teams takes of one bot in one conversation (teams-platform 5.1)."""
START = datetime(2026, 11, 23, 10, tzinfo=UTC)
RECORDS = 100
SETTLED = 60
"""So often is the loop given a turn before time goes on: more than any work here needs."""


class Line:
    """Time that goes on only when nobody has anything to do; who sleeps is woken in order."""

    def __init__(self) -> None:
        self.moment = START
        self._sleepers: list[tuple[datetime, int, asyncio.Event]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        event = asyncio.Event()
        heapq.heappush(self._sleepers, (self.moment + timedelta(seconds=seconds), next(self._order), event))
        await event.wait()

    def next(self) -> datetime | None:
        return self._sleepers[0][0] if self._sleepers else None

    def go_to(self, moment: datetime) -> None:
        self.moment = max(self.moment, moment)
        while self._sleepers and self._sleepers[0][0] <= self.moment:
            heapq.heappop(self._sleepers)[2].set()


class Counting(MemoryStore):
    """The store of both replicas; it counts how often a place was asked for."""

    takes = 0

    async def take(self, *args, **more) -> float:
        self.takes += 1
        return await super().take(*args, **more)


class Teams:
    """Notes what is sent, and when; it tells of each message before, as the Connector does."""

    def __init__(self, clock: Line, spoken: Spoken) -> None:
        self.clock = clock
        self.spoken = spoken
        self.sent: list[tuple[datetime, str]] = []

    async def post(self, conversation: Conversation, shown: Shown) -> str:
        self.spoken(conversation)
        self.sent.append((self.clock.now(), shown.summary))
        return f"m{len(self.sent)}"

    async def edit(self, conversation: Conversation, message: str, shown: Shown) -> None:
        raise NotImplementedError

    async def typing(self, conversation: Conversation) -> None:
        """Nothing here types."""

    async def member(self, conversation: Conversation, person: str) -> Member:
        raise NotImplementedError


class Note(Shownable):
    """A record with a card and a reply to it."""


def render(record: Note, post: Post, look: Look) -> Shown:
    return Shown(card={}, summary=f"{record.id} {post.key}")


VIEW = View(kind="note", model=Note, render=render)


class Replicas:
    """Two replicas whose jobs are run when they are due, all at once."""

    def __init__(self) -> None:
        self.clock = Line()
        self.store = Counting(self.clock)
        self.teams = Teams(self.clock, Spoken(self.store, self.clock))
        self.ledger = Ledger(self.store, "key")
        self.replicas = [self._services(name) for name in ("one", "two")]
        self._turn = itertools.count()
        self._running: dict[str, asyncio.Task[object]] = {}

    def _services(self, name: str) -> Services:
        async def wake(_customer: str, _kind: str, _key: str) -> None:
            """The due times are in the store."""

        return Services(
            defender=None,
            graph=None,
            teams=self.teams,
            ledger=self.ledger,
            clock=self.clock,
            wake=wake,
            worker=name,
            responses={},
            memory=None,
        )

    async def add(self, number: int, *keys: str) -> None:
        posts = tuple(Post(key=key, place=place()) for key in keys)
        note = Note(id=f"n{number:03}", customer=TENANT, posts=posts)
        await self.ledger.commit(TENANT, [write("note", note, self.clock.now())])

    async def counted(self) -> int:
        """How many messages the conversation's bucket knows of."""
        windows = [(place_bucket(place().id), 3600.0)]
        return (await self.store.taken(place().tenant, windows, self.clock.now()))[0]

    async def run(self, beside: Callable[[], Awaitable[None]] | None = None) -> None:
        """Let all happen that is due, until nothing is; `beside` is called whenever time went on."""
        while True:
            await self._start()
            for _ in range(SETTLED):
                await asyncio.sleep(0)
            self._running = {key: task for key, task in self._running.items() if not task.done()}
            due = [d.at for d in await self.store.due(TENANT, START + timedelta(days=1)) if d.id not in self._running]
            moments = [*due, *([self.clock.next()] if self.clock.next() else [])]
            if not moments:
                return
            if min(moments) > self.clock.now():
                self.clock.go_to(min(moments))
                if beside:
                    await beside()

    async def _start(self) -> None:
        for due in await self.store.due(TENANT, self.clock.now() + timedelta(milliseconds=1)):
            if due.id not in self._running:
                services = self.replicas[next(self._turn) % 2]
                work = take_on(services, VIEW, lambda _look: Shown(card={}, summary=""), TENANT, due.id)
                self._running[due.id] = asyncio.create_task(work)


def most(times: list[datetime], seconds: float) -> int:
    """The largest number within any span of so many seconds."""
    return max(sum(1 for later in times if at <= later < at + timedelta(seconds=seconds)) for at in times)


async def test_200_cards_from_two_replicas():
    """All are posted once, each reply after its card; no limit of Teams is passed; nobody asks twice for a place."""
    both = Replicas()
    for number in range(RECORDS):
        await both.add(number, "card", "reply")
    await both.run()
    sent = [what for _, what in both.teams.sent]
    times = [at for at, _ in both.teams.sent]
    assert sorted(sent) == sorted(f"n{n:03} {key}" for n in range(RECORDS) for key in ("card", "reply"))
    assert all(sent.index(f"n{n:03} card") < sent.index(f"n{n:03} reply") for n in range(RECORDS))
    assert {span: most(times, span) <= count for count, span in TEAMS} == {span: True for _, span in TEAMS}
    assert most(times, 30.0) > 40  # what may be used is used
    assert both.store.takes <= 2 * RECORDS * 1.1
    assert await both.counted() == 2 * RECORDS


async def test_cards_are_posted_in_the_order_in_which_they_asked():
    """Whoever came first has the earlier place, whichever replica it is."""
    both = Replicas()
    for number in range(60):
        await both.add(number, "card")
    await both.run()
    assert [what for _, what in both.teams.sent] == [f"n{n:03} card" for n in range(60)]


async def test_answers_to_people_wait_for_nobody_and_cards_make_room():
    """An answer is sent at once, in the middle of a storm of cards; together they stay within the limits."""
    both = Replicas()
    where = place().conversation()
    answers: list[datetime] = []

    async def answer() -> None:
        if not answers or both.clock.now() - answers[-1] >= timedelta(seconds=4):
            both.teams.spoken(where)
            answers.append(both.clock.now())

    for number in range(120):
        await both.add(number, "card")
    await both.run(answer)
    assert len(answers) > 10
    assert len(both.teams.sent) == 120
    assert await both.counted() == 120 + len(answers)
    times = sorted([*answers, *(at for at, _ in both.teams.sent)])
    assert {span: most(times, span) <= count for count, span in TEAMS} == {span: True for _, span in TEAMS}


async def test_a_card_that_missed_its_place_books_another():
    """A process that was held up does not send too late: the card gets a new place, behind the others."""
    both = Replicas()
    for number in range(12):
        await both.add(number, "card")
    await both._start()
    for _ in range(SETTLED):
        await asyncio.sleep(0)
    both.clock.go_to(START + timedelta(seconds=30))  # nobody ran for half a minute
    await both.run()
    times = [at for at, _ in both.teams.sent]
    assert len(times) == 12
    assert most(times, 1.0) <= 7


async def test_a_reply_does_not_overtake_its_card():
    """A card that has to book again keeps its reply behind it, though that has an earlier place."""
    both = Replicas()
    for _ in range(12):
        await both.store.take(place().tenant, place_bucket(place().id), CONVERSATION_LIMITS, START, patience=60.0)
    moments = {"card": START - timedelta(seconds=20), "reply": START + timedelta(seconds=1)}
    posts = tuple(Post(key=key, place=place(), slot=at, retry=START) for key, at in moments.items())
    note = Note(id="n", customer=TENANT, posts=posts)
    await both.ledger.commit(TENANT, [write("note", note, START)])
    await both.run()
    assert [what for _, what in both.teams.sent] == ["n card", "n reply"]
