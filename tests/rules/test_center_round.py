"""A round of the Action center: what it writes, where it tells of it, and what it asks the services."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.center import KIND, PENDING, UNLISTED, CenterAlert, CenterIndex, CenterItem
from bot.coverage import coverage
from bot.defender.models import Investigation
from bot.errors import Missing, MissingPermission, NotInPlan, ServiceError, Throttled
from bot.graph.models import GraphAlert
from bot.posts import Place, Post
from bot.records import read, write
from bot.subscriptions import Subscription
from handlers import center_watch
from handlers.center_items import Seen, entity_key
from handlers.center_look import MOST_ALERTS, MOST_ASKED, Looked, Standings, look
from handlers.center_offers import Offers
from handlers.center_pending import waiting_now
from handlers.center_round import MOST_AT_ONCE, CenterRound
from handlers.center_steps import GRACE, Standing, begun
from tests.handlers.center_stage import START, CenterStage

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SERVICES: Any = SimpleNamespace(clock=SimpleNamespace(now=lambda: NOW))


def where(name: str = "soc") -> Subscription:
    place = Place(id=f"19:{name}", kind="channel", tenant="c", service_url="https://x", bot_id="28:b")
    return Subscription(id=place.id, customer="c", place=place, since=NOW, locale="de-DE", zone="Europe/Berlin")


def card(name: str = "soc", **more: Any) -> Post:
    here = where(name)
    return Post(**{"key": "card", "place": here.place, "locale": here.locale, "zone": here.zone, **more})


def item(key: str = "k", **more: Any) -> CenterItem:
    seen = Seen(key=key, kind="file", name=f"{key}.exe", device_name="pc", began=NOW - timedelta(days=1))
    return begun("c", seen, NOW).model_copy(update=more)


def this(*places: Subscription) -> CenterRound:
    return CenterRound(SERVICES, "c", places or (where(),), Offers(responses={}))


@pytest.mark.parametrize(
    ("more", "lacks"),
    [
        ({}, True),
        ({"state": "over"}, False),
        ({"covered": True}, False),
        ({"posts": (card(),)}, False),
        ({"posts": (card("other"), card(key="again:1"))}, True),
        ({"summarised": {"19:soc": NOW}}, False),
        ({"summarised": {"19:other": NOW}}, True),
        ({"summarised": {"19:soc": NOW - SECOND}, "again_at": NOW}, True),
        ({"shape": "alert"}, False),
        ({"shape": "alert", "quiet_since": NOW - GRACE + SECOND}, False),
        ({"shape": "investigation", "quiet_since": NOW - GRACE}, True),
        ({"shape": "investigation", "quiet_since": None}, False),
    ],
)
def test_what_stands_nowhere_is_told(more: dict[str, Any], lacks):
    """What waits by itself and stands neither on a card nor in a summary there; an investigation after a while."""
    assert this().lacks(item(**more), where()) is lacks


@pytest.mark.parametrize(
    ("number", "known", "summed"), [(MOST_AT_ONCE, True, ""), (MOST_AT_ONCE + 1, True, "burst"), (1, False, "open")]
)
def test_many_at_once_and_the_first_are_one_card(number: int, known, summed: str):
    """Each has a card, or all stand in one summary: its rows are those whose time ends first."""
    made = {f"k{n:02}": item(f"k{n:02}", since=NOW - timedelta(hours=n)) for n in range(number)}
    made["over"] = item("over", state="over")
    index = CenterIndex(places=("19:soc",) if known else ())
    items, summaries = this().posted(index, made, [where()])
    assert items["over"] == made["over"]
    if not summed:
        assert [items[key] for key in made if key != "over"] == [
            one.model_copy(update={"posts": (card(),)}) for key, one in made.items() if key != "over"
        ]
        assert summaries == []
        return
    (summary,) = summaries
    assert all(one.summarised == {"19:soc": NOW} and not one.posts for key, one in items.items() if key != "over")
    assert (summary.reason, summary.at, summary.total, summary.posts, summary.customer) == (
        summed,
        NOW,
        number,
        (card(),),
        "c",
    )
    urgent = [made[f"k{n:02}"] for n in range(number - 1, -1, -1)][:MOST_AT_ONCE]
    assert [(row.shape, row.kind, row.name, row.device_name, row.deadline) for row in summary.rows] == [
        (one.shape, one.kind, one.name, one.device_name, one.deadline) for one in urgent
    ]


def test_what_comes_back_has_a_reply_below_each_card():
    """Where it stands and somebody still wants to know, in the look that saw it come back, and only then."""
    posts = (card(state="live", message="m1"), card("other", state="live"), card("more", state="gone"))
    back = item(again_at=NOW, posts=posts)
    after = this(where(), where("more"))._nudged(back)
    reply = Post(key=f"again:{NOW.isoformat()}", place=posts[0].in_thread(), locale="de-DE", zone="Europe/Berlin")
    assert after == back.model_copy(update={"posts": (*posts, reply)})
    assert this()._nudged(item(again_at=NOW - SECOND, posts=posts)).posts == posts


@pytest.mark.parametrize(
    ("more", "grown"),
    [
        ({"name": "other"}, True),
        ({"outcome": "declined"}, True),
        ({"episode": 2}, True),
        ({"posts": (card(),)}, False),
        ({"quiet_since": None}, False),
    ],
)
def test_a_card_is_edited_where_a_reader_sees_a_change(more: dict[str, Any], grown):
    """Then it also says how many days are left by now; what the bot remembers for itself is written down alone."""
    before = item(content=4, left=2)
    record: Any = SimpleNamespace(rev=3, state="waiting")
    (change,) = this()._changes({"k": before.model_copy(update=more)}, {"k": (before, record)})
    written = CenterItem.model_validate(change.data)
    assert (change.rev, written.content, written.left) == (3, 5 if grown else 4, 6 if grown else 2)
    assert this()._changes({"k": before}, {"k": (before, record)}) == []
    (new,) = this()._changes({"k": before}, {})
    assert (new.rev, CenterItem.model_validate(new.data)) == (0, before.model_copy(update={"left": 6}))


def test_what_the_next_round_goes_on_from():
    """What is not over, who was told, and when this look was."""
    items = {"b": item("b"), "a": item("a", state="running"), "o": item("o", state="over")}
    (change,) = this()._index(None, items, [where("z"), where("a")])
    assert CenterIndex.model_validate(change.data) == CenterIndex(open=("a", "b"), places=("19:a", "19:z"), looked=NOW)
    stored: Any = SimpleNamespace(rev=7)
    (later,) = this()._index(stored, items, [])
    assert (change.rev, later.rev, change.keep) == (0, 7, CenterIndex().keep)


FILE = {"@odata.type": "#microsoft.graph.security.fileEvidence", "fileDetails": {"sha256": "s"}}


def alert(key: str = "al1", word: str = "", state: str = "") -> GraphAlert:
    evidence = [{**FILE, "remediationStatus": word}] if word else []
    return GraphAlert.model_validate({"id": key, "evidence": evidence, "investigationState": state})


NAME = entity_key(alert(word="x").evidence[0], alert())


class Asked:
    """Both services: what is there by its id, and what was asked for."""

    def __init__(self, **there: Any) -> None:
        self.there, self.calls = there, []

    async def alert(self, key: str) -> Any:
        self.calls.append(key)
        found = self.there.get(key, Missing("graph", "alert"))
        if isinstance(found, Exception):
            raise found
        return found

    investigation = alert


def standings(asked: Asked, alerts: Any = (), investigations: Any = ()) -> Standings:
    services: Any = SimpleNamespace(graph=lambda _: asked, defender=lambda _: asked)
    return Standings(services, "c", Looked(alerts, investigations))


def within(*keys: str, word: str = PENDING, **more: Any) -> CenterItem:
    return item(NAME, alerts=tuple(CenterAlert(id=key, word=word) for key in keys), **more)


DOWN = ServiceError("graph", "alert")


@pytest.mark.parametrize(
    ("listed", "there", "one", "standing", "calls"),
    [
        ([alert(word="running")], {}, within("al1"), Standing(words={"al1": "running"}), 0),
        ([alert()], {"al1": alert(word="declined")}, within("al1"), Standing(words={"al1": "declined"}), 1),
        ([], {"al1": alert()}, within("al1"), Standing(words={"al1": UNLISTED}), 1),
        ([], {}, within("al1"), Standing(words={"al1": UNLISTED}), 1),
        ([], {"al1": DOWN}, within("al1"), Standing(unread=True), 1),
        ([], {"al1": DOWN}, within("al1", "al2"), Standing(words={"al2": UNLISTED}, unread=True), 2),
        ([], {"al2": DOWN}, within("al1", "al2"), Standing(words={"al1": UNLISTED}, unread=True), 2),
        ([], {}, within("al1", word="declined"), Standing(words={"al1": "declined"}), 0),
        ([], {}, within("al1", word="running"), Standing(words={"al1": UNLISTED}), 1),
        ([], {}, within("al1", word="declined", shape="alert"), Standing(words={"al1": UNLISTED}), 1),
        (None, {}, within("al1"), Standing(unread=True), 0),
        ([alert(state="Running")], {}, within("al1", shape="alert"), Standing(words={"al1": "running"}), 0),
    ],
)
async def test_how_a_thing_stands_that_is_in_no_list(
    listed: Any, there: dict[str, Any], one: CenterItem, standing: Standing, calls: int
):
    """As the list says, else as its alert says by itself; what was decided once is not asked for again."""
    asked = Asked(**there)
    looks = standings(asked, listed)
    assert await looks.of(one) == standing
    assert await looks.of(one) == standing
    assert len(asked.calls) == calls


@pytest.mark.parametrize(
    ("found", "standing"),
    [
        (Investigation(id="42", state="TerminatedByUser", cancelled_by="ann"), ("terminatedbyuser", "ann")),
        (Investigation(id="42", state="Running"), ("running", "")),
        (Missing("defender", "x"), (UNLISTED, "")),
        (DOWN, None),
    ],
)
async def test_how_an_investigation_stands(found: Any, standing: tuple[str, str] | None):
    """As Defender says it, and who ended it; asked once, and not at all where its list could not be read."""
    asked, one = Asked(**{"42": found}), item(shape="investigation", investigation="42")
    expected = Standing(words={"": standing[0]}, who=standing[1]) if standing else Standing(unread=True)
    looks = standings(asked)
    assert (await looks.of(one), await looks.of(one), asked.calls) == (expected, expected, ["42"])
    assert await standings(asked, investigations=None).of(one) == Standing(unread=True)
    assert await standings(asked, alerts=None).of(one) == expected


async def test_not_more_is_asked_than_so_many():
    """What is left is not read, so that nothing is said of it: the next round asks."""
    asked = Asked()
    found = await standings(asked).of(within(*(f"al{n}" for n in range(MOST_ASKED + 1))))
    assert (len(asked.calls), len(found.words), found.unread) == (MOST_ASKED, MOST_ASKED, True)


def test_the_words_of_the_alerts_that_were_listed():
    """Those that name the thing."""
    looks = standings(Asked(), [alert(word="declined"), alert("al2"), alert("al9", word="running")])
    assert looks.words(within("al1", "al2", "al3")) == {"al1": "declined"}


@pytest.mark.parametrize(
    ("looked", "cut", "tells"),
    [
        (Looked([], []), False, True),
        (Looked([alert()] * MOST_ALERTS, None), True, True),
        (Looked([alert()] * (MOST_ALERTS - 1), None), False, True),
        (Looked(None, []), False, False),
        (Looked(None, [], {"alerts": MissingPermission("graph", "x")}), False, True),
        (Looked(None, [], {"alerts": NotInPlan("graph", "x")}), False, True),
        (Looked(None, [], {"alerts": Throttled("graph", "x")}), False, False),
        (Looked(None, [], {"investigations": NotInPlan("graph", "x")}), False, False),
    ],
)
def test_what_a_look_can_tell(looked: Looked, cut, tells):
    """Whether all was read, and whether a first summary can be made of it."""
    assert (looked.cut, looked.tells) == (cut, tells)
    assert looked.waiting() == {}


@pytest.mark.parametrize("down", [(), ("alerts",), ("investigations",), ("alerts", "investigations")])
async def test_each_list_has_its_own_trouble(down: tuple[str, ...]):
    """What could not be read is none, and its source says so; the other one counts as read."""
    stage = CenterStage()
    stage.portal.down = {name: Throttled("graph", name) for name in down}
    looked = await look(stage.services, stage.tenant)
    assert looked.troubles == stage.portal.down
    assert (looked.alerts is None, looked.investigations is None) == ("alerts" in down, "investigations" in down)
    states = {one.name: one for one in await coverage(stage.services, stage.tenant)}
    for name in ("alerts", "investigations"):
        good = None if name in down else stage.clock.now()
        assert (states[name].trouble, states[name].good) == ("busy" if name in down else "", good)


async def test_one_day_fewer():
    """The card is edited once for each day, and says how many are left by now."""
    stage = CenterStage()
    made = item(customer=stage.tenant, content=4, left=3)
    for since, written in ((timedelta(days=5), (5, 2)), (timedelta(days=4), (4, 3)), (timedelta(days=3), (4, 3))):
        one = made.model_copy(update={"since": START - since})
        record = await stage.store.get(stage.tenant, KIND, "k")
        await stage.store.commit(stage.tenant, [write(KIND, one, START, record)])
        await center_watch.step(stage.services, stage.tenant, "k")
        found = await read(stage.store, stage.tenant, KIND, "k", CenterItem)
        assert found
        assert (found[0].content, found[0].left) == written


async def test_what_waits_now_is_told_with_what_is_remembered():
    """The earliest deadline first; what came back counts from then, what its things tell is left out."""
    stage = CenterStage()
    named = GraphAlert.model_validate(
        {"id": "al1", "createdDateTime": START, "evidence": [{**FILE, "remediationStatus": PENDING}]}
    )
    inquiries = [
        Investigation(id="1", state="PendingApproval", triggering_alert_id="al1"),
        Investigation(id="2", state="PendingApproval", start_time=START - timedelta(hours=2)),
        Investigation(id="3", state="PendingApproval", start_time=START - timedelta(hours=1)),
    ]

    async def told() -> list[tuple[str, timedelta]]:
        found = await waiting_now(stage.services, stage.tenant, [named], inquiries, START)
        return [(one.name, START - one.since) for one in found]

    hour = timedelta(hours=1)
    assert await told() == [("2", 2 * hour), ("3", hour), (Looked([named], []).waiting()[NAME].name, 0 * hour)]
    known = begun(stage.tenant, replace(Looked([named], []).waiting()[NAME], began=START - 3 * hour), START)
    await stage.store.commit(stage.tenant, [write(KIND, known, START)])
    assert [age for _, age in await told()] == [3 * hour, 2 * hour, hour]
