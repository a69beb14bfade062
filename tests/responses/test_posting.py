"""Cards in Teams, as exact as Teams lets one be: nothing twice without need, nothing outdated, nothing lost."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.audit import Ledger
from bot.command import View
from bot.errors import Barred, Missing, Rejected, StoreDown, Throttled, Unauthorised, Unavailable
from bot.jobs import take_on
from bot.metrics import AMBIGUOUS_POSTS
from bot.posting import CONVERSATION_LIMITS, LEASE, Poster, holding
from bot.posts import Post, Shownable
from bot.records import mutate, write
from bot.state.memory import MemoryStore
from bot.turn import Shown
from tests.responses.fake_teams import Mishap
from tests.responses.people import TENANT, place
from tests.responses.processes import Killed, Process
from tests.responses.stage import Stage, pointer

NOT_SENT = Unavailable("teams", "send", sent=False)
SILENT = Unavailable("teams", "send", sent=True, status=502)
THROTTLED = Throttled("teams", "send", status=429, retry_after=3)


class Note(Shownable):
    """A record with nothing but cards; `broken` cannot be rendered."""

    broken: bool = False


def render(record: Note, post: Post, look) -> Shown:
    if record.broken:
        raise ValueError("this record cannot be shown")
    return Shown(card={"content": record.content, "key": post.key}, summary=record.id)


VIEW = View(kind="note", model=Note, render=render)


class Board:
    """One note with its posts, and what a test does with it."""

    def __init__(self, *posts: Post, **more) -> None:
        self.stage = Stage()
        self.note = Note(id="n", customer=TENANT, posts=posts or (Post(key="card", place=place()),), **more)
        self.teams = self.stage.teams
        self.clock = self.stage.clock

    async def start(self) -> "Board":
        await self.stage.ledger.commit(TENANT, [write("note", self.note, self.clock.now())])
        return self

    async def change(self, **more) -> None:
        def changed(note: Note) -> Note:
            return note.model_copy(update={"content": note.content + 1, **more})

        await mutate(self.stage.ledger, TENANT, "note", "n", Note, self.clock.now(), changed)

    async def replace(self, *posts: Post) -> None:
        def replaced(note: Note) -> Note:
            return note.model_copy(update={"posts": posts})

        await mutate(self.stage.ledger, TENANT, "note", "n", Note, self.clock.now(), replaced)

    async def sync(self, process: Process | None = None) -> tuple[Post, ...]:
        services = self.stage.services(process)
        await Poster(services, VIEW, pointer, TENANT, "n").sync()
        return await self.posts()

    async def posts(self) -> tuple[Post, ...]:
        record = await self.stage.store.get(TENANT, "note", "n")
        return Note.model_validate(record.data).posts

    async def quiet(self) -> tuple[Post, ...]:
        await self.stage.until_quiet(view=VIEW)
        return await self.posts()

    def meets(self, *mishaps: Mishap, call: str = "post") -> None:
        self.teams.mishaps[call].extend(mishaps)

    @property
    def shown(self) -> list[int]:
        """Which content each message shows now."""
        return [message.shown.card.get("content", 0) for message in self.teams.messages.values()]


def counted() -> float:
    return AMBIGUOUS_POSTS._value.get()


async def test_a_card_is_posted_once_and_then_edited():
    """A message id that came back is kept; each change of content edits that message."""
    board = await Board().start()
    for content in (1, 2, 3):
        for _ in range(2):
            (post,) = await board.sync()
            assert (post.state, post.message, post.shown, post.tries) == ("live", "m1", content, 0)
        await board.change()
    assert [call for call, _ in board.teams.calls] == ["post", "edit", "edit"]


@pytest.mark.parametrize(("error", "seconds"), [(THROTTLED, 3), (NOT_SENT, 10), (Unauthorised("teams", "send"), 300)])
async def test_what_was_certainly_not_posted_is_posted_later(error, seconds):
    """After 429, a failed connection or a refused token, the card is posted when its time has come, and only once."""
    board = await Board().start()
    before = counted()
    board.meets(Mishap(error))
    (post,) = await board.sync()
    assert (post.state, post.tries, post.retry) == ("wanted", 0, board.clock.now() + timedelta(seconds=seconds))
    board.clock.move(seconds - 0.1)
    await board.sync()
    assert board.shown == []
    board.clock.move(0.2)
    await board.sync()
    assert (board.shown, counted()) == ([1], before)


@pytest.mark.parametrize("acted", [True, False])
async def test_an_unanswered_post_is_repeated_once_and_counted(acted):
    """A 5xx after sending may have been a success: one more try, counted; its answer is the card."""
    board = await Board().start()
    before = counted()
    board.meets(Mishap(SILENT, acted=acted))
    (post,) = await board.quiet()
    assert (post.state, post.tries, counted() - before) == ("live", 0, 1)
    assert len(board.shown) == 1 + acted


async def test_unanswered_posts_are_tried_ever_more_slowly_and_then_left():
    """After six over hours, nobody knows whether a card stands there: it is left alone and said to be unsure."""
    board = await Board().start()
    began = board.clock.now()
    board.meets(Mishap(SILENT, acted=True), *[Mishap(SILENT) for _ in range(5)])
    (post,) = await board.quiet()
    while post.state == "wanted":
        board.clock.move(600)
        (post,) = await board.quiet()
    assert (post.state, len(board.shown)) == ("unsure", 1)
    assert timedelta(hours=2) < board.clock.now() - began < timedelta(hours=24)
    await board.change()
    await board.quiet()
    assert [call for call, _ in board.teams.calls] == ["post"] * 6


async def test_a_throttled_try_is_none():
    """A 429 between is no try: the pause grows, and repetitions count, only with tries that may have been taken."""
    board = await Board().start()
    before = counted()
    board.meets(Mishap(SILENT), Mishap(THROTTLED), Mishap(THROTTLED), Mishap(SILENT))
    (post,) = await board.quiet()
    assert (post.state, len(board.shown), counted() - before) == ("live", 1, 2)
    assert not board.teams.mishaps["post"]


@pytest.mark.parametrize("call", ["post", "edit"])
async def test_a_conversation_that_refuses_is_over(call):
    """A 403 ends that post, and the subscription is told; the record's other cards go on."""
    other = Post(key="card", place=place("19:other"))
    board = await Board(Post(key="card", place=place()), other).start()
    if call == "edit":
        await board.sync()
        await board.change()
    board.meets(Mishap(Barred("teams", "send", status=403)), call=call)
    first, second = await board.quiet()
    assert (first.state, second.state, board.stage.barred) == ("gone", "live", ["19:soc"])
    await board.change()
    await board.quiet()
    assert (board.shown[-1], len(board.teams.messages)) == (3 if call == "edit" else 2, 2 if call == "edit" else 1)


@pytest.mark.parametrize("call", ["post", "edit"])
async def test_a_message_that_is_gone_is_not_asked_for_again(call):
    """A 404 (deleted, or the conversation is) ends that post without ending the subscription."""
    board = await Board().start()
    if call == "edit":
        await board.sync()
        await board.change()
    board.meets(Mishap(Missing("teams", "send", status=404)), call=call)
    (post,) = await board.quiet()
    assert (post.state, board.stage.barred) == ("gone", [])


async def test_a_failed_edit_is_made_again():
    """Whatever an edit meets, it is tried until the message shows the newest content."""
    board = await Board().start()
    await board.sync()
    await board.change()
    errors = [THROTTLED, SILENT, NOT_SENT, Rejected("teams", "edit", status=400)]
    board.meets(*(Mishap(error) for error in errors), call="edit")
    (post,) = await board.quiet()
    assert (post.shown, board.shown) == (2, [2])


async def test_edits_coalesce_under_the_limit():
    """A record that changes faster than Teams allows is edited as often as it may, and ends with the newest."""
    board = await Board().start()
    for _ in range(200):
        await board.sync()
        await board.change()
        board.clock.move(0.1)
    (post,) = await board.quiet()
    assert (board.shown, post.shown) == ([201], 201)
    count, seconds = CONVERSATION_LIMITS[2]
    assert 10 < len(board.teams.calls) <= count * (1 + 20 / seconds) + 2


async def test_one_writer_at_a_time_also_in_one_process():
    """Three jobs for one record at once, two of them in one process, post its card once."""
    board = await Board().start()
    one, two = board.stage.process(), board.stage.process()
    await asyncio.gather(*(board.stage.work("n", process, VIEW) for process in (one, one, two)))
    await board.quiet()
    assert board.shown == [1]


async def test_a_lease_is_one_holders():
    """Who works on something has it to themselves, in the same process too, until done or for as long as they live."""
    stage = Stage()
    services = stage.services()
    async with holding(services, TENANT, "x") as mine:
        async with holding(services, TENANT, "x") as second:
            assert (mine, second) == (True, False)
        async with holding(stage.services(), TENANT, "x") as third:
            assert not third
    async with holding(stage.services(), TENANT, "x") as after:
        assert after
        stage.clock.move(LEASE + 1)
        async with holding(services, TENANT, "x") as taken_over:
            assert taken_over


@pytest.mark.parametrize("count", range(1, 12))
@pytest.mark.parametrize("how", ["die before", "die after"])
async def test_wherever_a_poster_dies_the_card_stands(count, how):
    """Another process finishes the work: one card that shows the record, at most one more than is known, none lost."""
    board = await Board().start()
    process = board.stage.process()
    process.arm(count, how)
    try:
        await board.sync(process)
    except Killed:
        assert process.dead
    (post,) = await board.quiet()
    assert (post.state, board.teams.messages[post.message].shown.card["content"]) == ("live", 1)
    assert len(board.shown) <= 2


async def test_the_newest_content_wins_though_an_old_edit_comes_last():
    """A process that was frozen with an old edit in its hands overwrites the newer one; the newer is shown again."""
    board = await Board().start()
    await board.sync()
    await board.change()

    async def newer() -> None:
        await board.change()
        await board.sync()
        assert board.shown == [3]

    board.teams.meanwhile["before edit"] = newer
    (post,) = await board.sync()
    assert (board.shown, post.shown) == ([2], 2)
    (post,) = await board.quiet()
    assert (board.shown, post.shown) == ([3], 3)


async def test_a_click_that_comes_before_the_answer_to_the_post():
    """Teams shows a card, somebody clicks it, and only then the POST is answered: it is one card, known once."""
    board = await Board().start()
    clicked = Post(key="card", place=place(), message="m1", shown=1, state="live")
    board.teams.meanwhile["after post"] = lambda: board.replace(clicked)
    await board.sync()
    posts = await board.quiet()
    assert [(p.message, p.state) for p in posts] == [("m1", "live")]
    assert len(board.shown) == 1


async def test_a_card_that_was_superseded_while_it_was_posted_becomes_a_pointer():
    """While a POST is under way another message becomes the card: the posted one points to it, and is not lost."""
    board = await Board().start()
    clicked = Post(key="card", place=place(), message="m9", shown=1, state="live")
    board.teams.meanwhile["before post"] = lambda: board.replace(clicked)
    posts = await board.sync()
    assert [(p.message, p.state) for p in posts] == [("m9", "live"), ("m1", "pointer")]
    await board.sync()
    assert board.teams.messages["m1"].shown.card == {"pointer": True}


async def test_a_card_that_is_superseded_while_it_is_edited_becomes_a_pointer():
    """An edit under way does not pass for the one that makes the card a pointer."""
    board = await Board().start()
    (post,) = await board.sync()
    await board.change()
    clicked = Post(key="card", place=place(), message="m9", shown=2, state="live")
    old = post.model_copy(update={"state": "pointer", "shown": 0})
    board.teams.meanwhile["before edit"] = lambda: board.replace(old, clicked)
    await board.sync()
    await board.quiet()
    assert board.teams.messages["m1"].shown.card == {"pointer": True}


async def test_a_superseded_card_becomes_a_pointer_once():
    """A pointer is edited once and never again, whatever happens to the record."""
    board = await Board().start()
    (post,) = await board.sync()
    await board.replace(post.model_copy(update={"state": "pointer", "shown": 0}))
    for _ in range(3):
        await board.sync()
        await board.change()
    assert board.teams.messages["m1"].shown.card == {"pointer": True}
    assert [call for call, _ in board.teams.calls] == ["post", "edit"]


async def test_a_card_that_cannot_be_made_holds_nothing_up():
    """A rendering that fails is tried again later and does not count as a post; other cards are shown meanwhile."""
    board = await Board(broken=True).start()
    (post,) = await board.sync()
    assert (post.state, post.tries, board.shown) == ("wanted", 0, [])
    assert post.retry == board.clock.now() + timedelta(minutes=5)
    await board.change(broken=False)
    await board.quiet()
    assert board.shown == [2]


async def test_a_store_that_is_away_stops_the_posting_before_it_begins():
    """Without the store nothing is posted: a card that nobody remembers would be posted again for ever."""
    board = await Board().start()

    class Down(MemoryStore):
        """Answers reads and leases, and takes no writes."""

        async def commit(self, customer, changes, sealed=None):
            """Not now."""
            raise StoreDown("away")

    away = Down(board.clock)
    away._records = board.stage.store._records
    services = replace(board.stage.services(), ledger=Ledger(away, "key"))
    with pytest.raises(StoreDown):
        await Poster(services, VIEW, pointer, TENANT, "n").sync()
    assert board.shown == []


async def test_a_record_that_ran_out_is_forgotten_by_the_due_times():
    """When a record's time to live is over, its job takes the due time away with it."""
    board = await Board().start()
    await board.replace(Post(key="card", place=place(), retry=board.clock.now() + timedelta(days=1)))
    assert len(await board.stage.store.due(TENANT, board.clock.now() + timedelta(days=999))) == 1
    board.clock.move(181 * 24 * 3600)
    services = board.stage.services()
    assert await take_on(services, VIEW, pointer, TENANT, "n") is None
    assert await board.stage.store.due(TENANT, board.clock.now() + timedelta(days=999)) == []
