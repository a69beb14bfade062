"""How an item of the Action center goes on: nothing that may still wait is said decided, what is over stays told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.center import FOLLOWED, LIFE, PENDING, UNLISTED, CenterAlert, CenterFact, CenterIndex, CenterItem
from bot.posts import DAY, Place, Post
from handlers.center_items import MOST_ALERTS, Seen
from handlers.center_offers import MOST, Offers, quoted, takes
from handlers.center_steps import BELIEVED, GRACE, Standing, begun, stands, visible, waits
from handlers.responses import RESPONSES

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
DECLARED = {one.name: one for one in RESPONSES}


def seen(**more: Any) -> Seen:
    """A file that waits in one alert."""
    return Seen(
        **{"key": "k", "kind": "file", "name": "x", "device": "d", "began": NOW - HOUR, "alerts": (within(),), **more}
    )


def within(key: str = "al1", **more: Any) -> CenterAlert:
    return CenterAlert(id=key, **more)


def item(**more: Any) -> CenterItem:
    """The same as it is written down."""
    return begun("c", seen(), NOW).model_copy(update={"posts": (post(),), "content": 4} | more)


def post(state: Any = "live") -> Post:
    place = Place(id="19:soc", kind="channel", tenant="t", service_url="http://127.0.0.1", bot_id="28:b")
    return Post(key="card", place=place, state=state)


def over(**more: Any) -> CenterItem:
    return item(state="over", outcome="remediated", ended=NOW - HOUR, who="Ann", left=3, **more)


@pytest.mark.parametrize(
    ("began", "since", "ours"),
    [
        (NOW - HOUR, NOW - HOUR, False),
        (NOW, NOW, False),
        (NOW + SECOND, NOW, True),
        (NOW - LIFE + SECOND, NOW - LIFE + SECOND, False),
        (NOW - LIFE, NOW, True),
        (None, NOW, True),
    ],
)
def test_since_when_it_waits(began: Any, since: datetime, ours):
    """By the service's own time where that can be it, else since it was first seen: and which of both is kept."""
    all_of_it = {
        "shape": "alert",
        "kind": "investigation",
        "name": "n",
        "facts": (CenterFact(key="path", value="p"),),
        "device": "d",
        "device_name": "dn",
        "user": "u",
        "verdict": "v",
        "alerts": (within(),),
        "investigation": "42",
        "covered": True,
    }
    one = seen(began=began, **all_of_it)
    expected = CenterItem(id="k", customer="c", since=since, ours=ours, seen=NOW, quiet_since=NOW, **all_of_it)
    assert begun("c", one, NOW) == expected
    assert begun("c", one, NOW, first_look=True) == expected.model_copy(update={"quiet_since": NOW - GRACE})


def test_what_goes_on_waiting_is_as_it_is_seen_now():
    """What was kept of it stays, what was missing is there again, and its other alerts keep their newest words."""
    doubts = {"missing_since": NOW - HOUR, "waited_until": NOW - HOUR, "quiet_since": NOW - HOUR}
    before = item(alerts=(within(), within("al2"), within("al3", word="remediated")), investigation="42", **doubts)
    now = seen(alerts=(within("al4"), within(title="new")), name="y", device_name="pc")
    after = waits(before, now, {"al2": "running", "al1": "declined"}, NOW)
    others = (within("al2", word="running"), within("al3", word="remediated"))
    changed = {"name": "y", "device_name": "pc", "missing_since": None, "waited_until": None}
    assert after == before.model_copy(update=changed | {"alerts": (within("al4"), within(title="new"), *others)})
    assert waits(before, seen(investigation="8"), {}, NOW).investigation == "8"
    assert waits(before, seen(covered=True), {}, NOW).quiet_since == NOW
    many = item(alerts=tuple(within(f"o{n}") for n in range(MOST_ALERTS)))
    assert [one.id for one in waits(many, seen(), {}, NOW).alerts] == [
        "al1",
        *(f"o{n}" for n in range(MOST_ALERTS - 1)),
    ]


def test_what_comes_back_waits_from_now_on():
    """In the alert in which it waited; in another one it is another thing, on the same card."""
    back = waits(over(again_at=NOW - HOUR), seen(), {}, NOW)
    changed = {"state": "waiting", "outcome": "", "ended": None, "who": "", "again_at": NOW, "since": NOW, "ours": True}
    assert back == over().model_copy(update=changed | {"left": LIFE.days})
    other = waits(over(), seen(alerts=(within("al2"),)), {}, NOW)
    assert other == begun("c", seen(alerts=(within("al2"),)), NOW).model_copy(update={"episode": 2, "content": 4})
    inquiry = waits(over(shape="investigation", alerts=()), seen(shape="investigation", alerts=()), {}, NOW)
    assert (inquiry.again_at, inquiry.episode) == (NOW, 1)
    still = waits(item(), seen(alerts=(within("al2"),)), {}, NOW)
    assert (still.again_at, still.episode, still.since) == (None, 1, NOW - HOUR)


LOOKED = NOW - timedelta(minutes=1)


@pytest.mark.parametrize(
    "words", [{}, {"al1": ""}, {"al1": "unknown"}, {"al1": "remediated", "al2": "unknownfuturevalue"}]
)
def test_what_tells_nothing_ends_nothing(words: dict[str, str]):
    """No word, or one that may hide another; only when it was seen last is kept."""
    before = item(missing_since=NOW - HOUR)
    assert stands(before, Standing(words=words), LOOKED, NOW) == before.model_copy(update={"waited_until": LOOKED})
    known = item(waited_until=NOW - HOUR)
    assert stands(known, Standing(words={"al1": "remediated"}, unread=True), LOOKED, NOW) == known


def test_what_waits_somewhere_waits():
    """One alert in which it waits is enough, whatever could not be read."""
    doubts = {"missing_since": NOW, "waited_until": NOW}
    for unread in (True, False):
        standing = Standing(words={"al1": PENDING, "al2": "remediated"}, unread=unread)
        assert stands(item(**doubts), standing, LOOKED, NOW) == item()


def test_what_is_not_listed_is_believed_gone_after_a_while():
    """Two minutes of not being there, and only where no other word is known; what is over is not doubted again."""
    gone = Standing(words={"al1": UNLISTED})
    first = stands(item(), gone, LOOKED, NOW)
    assert first == item(missing_since=NOW, waited_until=LOOKED)
    soon = NOW + BELIEVED - SECOND
    assert stands(first, gone, soon - SECOND, soon) == first
    late = stands(first, gone, soon, NOW + BELIEVED)
    ended = {"state": "over", "outcome": UNLISTED, "ended": NOW + BELIEVED, "missing_since": None}
    assert late == first.model_copy(update=ended | {"alerts": (within(word=UNLISTED),)})
    assert stands(item(), Standing(words={"al1": UNLISTED, "al2": "declined"}), LOOKED, NOW).state == "over"
    assert stands(item(state="running", ended=NOW), gone, LOOKED, NOW).state == "over"


@pytest.mark.parametrize(
    ("words", "outcome", "state"),
    [
        (("declined", "remediated"), "remediated", "over"),
        (("none", "running", "active"), "running", "running"),
        (("notfound", "declined"), "declined", "over"),
        (("declined", UNLISTED), "declined", "over"),
        (("zeta", "beta", UNLISTED), "beta", "over"),
        (("queued",), "queued", "running"),
        (("pendingresource",), "pendingresource", "running"),
        (("none", "notfound"), "notfound", "over"),
        (("unremediated", "blocked", "prevented"), "prevented", "over"),
        (("successfullyremediated", "partiallyremediated", "active"), "active", "over"),
    ],
)
def test_of_several_words_one_is_told(words: tuple[str, ...], outcome: str, state: str):
    """What still runs before what was done, what was done before what was not."""
    said = {f"al{n}": word for n, word in enumerate(words, 1)}
    after = stands(item(alerts=(within(), within("al9"))), Standing(words=said, who="Bo"), LOOKED, NOW)
    assert (after.outcome, after.state, after.ended, after.who) == (outcome, state, NOW, "Bo")
    assert after.alerts == (within(word=words[0]), within("al9"))
    inquiry = item(shape="investigation")
    assert stands(inquiry, Standing(words=said), LOOKED, NOW).alerts == inquiry.alerts


def test_what_runs_is_followed_for_a_day():
    """When it ended is told once, as it was seen first."""
    running = Standing(words={"al1": "running"})
    for age, state in ((FOLLOWED - SECOND, "running"), (FOLLOWED, "over")):
        after = stands(item(state="running", ended=NOW - age), running, LOOKED, NOW)
        assert (after.state, after.ended) == (state, NOW - age)


def test_what_a_reader_sees_change():
    """What the bot remembers for itself makes no new card; all else does."""
    unseen = {"posts", "content", "summarised", "left", "seen", "quiet_since", "waited_until", "episode"}
    assert visible(item()).keys() == CenterItem.model_fields.keys() - unseen


@pytest.mark.parametrize(
    ("age", "left"),
    [
        (timedelta(0), 7),
        (SECOND, 6),
        (LIFE - SECOND, 0),
        (LIFE, 0),
        (LIFE + SECOND, -1),
        (2 * LIFE, -1),
    ],
)
def test_whole_days_are_left(age: timedelta, left: int):
    """Seven at first, none in the last day, and over is over."""
    assert item(since=NOW - age).days_left(NOW) == left


@pytest.mark.parametrize(
    ("more", "due"),
    [
        ({"left": 7}, NOW),
        ({"left": 2}, NOW + timedelta(days=5)),
        ({"left": 0}, NOW + LIFE),
        ({"left": -1}, None),
        ({"left": 7, "posts": ()}, None),
        ({"left": 7, "posts": (post("gone"), post("pointer"))}, None),
        ({"left": 7, "posts": (post("gone"), post("wanted"))}, NOW),
        ({"left": 7, "state": "over"}, None),
    ],
)
def test_when_a_day_fewer_is_left(more: dict[str, Any], due: Any):
    """Where a card shows how many days are left, and it still waits."""
    assert item(since=NOW, **more).step_due() == due


def test_what_is_told_by_itself():
    """What waits and is not covered; a summary tells it until it comes back."""
    assert [one.told for one in (item(), item(covered=True), item(state="running"))] == [True, False, False]
    told = item(summarised={"19:soc": NOW})
    assert (told.told_in("19:soc"), told.told_in("19:other")) == (True, False)
    back = [
        told.model_copy(update={"again_at": NOW + after}).told_in("19:soc") for after in (-SECOND, SECOND, 0 * SECOND)
    ]
    assert back == [True, False, True]
    assert CenterIndex().keep == 180 * DAY


def having(kind: str, name: str = "x", **facts: str) -> CenterItem:
    known = tuple(CenterFact(key=key.replace("_", "-"), value=value) for key, value in facts.items())
    return item(kind=kind, name=name, facts=known)


@pytest.mark.parametrize(
    ("one", "lines"),
    [
        (having("file", sha1="1" * 40), [f"quarantine d {'1' * 40} ", f"block {'1' * 40} "]),
        (having("process", image="C:\\a\\x.exe"), []),
        (having("process", pid="7"), []),
        (having("process", image="C:\\a b\\x y.exe", pid="7"), ['kill-process d "x y.exe:7" ']),
        (having("process", image="x.exe", pid="7"), ["kill-process d x.exe:7 "]),
        (having("ip", "1.2.3.4"), ["block 1.2.3.4 "]),
        (having("device", "pc"), ["isolate d ", "scan d "]),
        (having("user", account="ann@contoso.com"), ["block-signin ann@contoso.com "]),
        (having("analyzedmessage", message="m", recipient="a@x"), ["remediate-mail m a@x soft "]),
        (having("analyzedmessage", message="m"), []),
        (having("mailcluster"), []),
        (having("user", account=" ann@contoso.com"), []),
        (having("user", account='a"b'), []),
        (having("user", account="a\u202eb"), []),
    ],
)
def test_what_has_the_same_effect(one: CenterItem, lines: list[str]):
    """Each line names the response, its aim and its values, then the same reason for all."""
    reason = "The same effect as what waits in the Action center"
    made = Offers(responses=DECLARED).of(one)
    assert [offer.line for offer in made] == [line + reason for line in lines]
    assert [offer.response for offer in made] == [line.split()[0] for line in lines]
    for number, said in (("42", f"{reason}, investigation 42"), ("4 2", reason)):
        numbered = Offers(responses=DECLARED).of(one.model_copy(update={"investigation": number}))
        assert all(offer.line.endswith(said) for offer in numbered)
    assert len(Offers(responses=DECLARED).of(having("file", sha1="1" * 40, sha256="2" * 64, path="C:\\x"))) == MOST
    assert not Offers(responses=DECLARED, has=lambda _: False).of(one)
    assert not Offers(responses={}).of(one)


def test_a_value_is_one_word_of_a_command():
    """In quotes where it could be taken for two, or for a quoted one."""
    assert [quoted(value) for value in ("x", "x y", "'x", "x'y")] == ["x", '"x y"', '"\'x"', "x'y"]
    assert quoted("x", always=True) == '"x"'
    assert takes(DECLARED["isolate"], ())
    assert takes(DECLARED["isolate"], ("full",))
    assert not takes(DECLARED["isolate"], ("wholly",))
    assert not takes(DECLARED["quarantine"], ("no hash",))
