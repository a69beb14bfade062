"""/actions history: what is over, by whomever it was started, filtered, in pages and as a file."""

import base64
import csv
import io
import json
import zlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.audit import Ledger
from bot.center import KIND, UNLISTED
from bot.clock import ManualClock
from bot.command import Context
from bot.defender.models import Machine, MachineAction
from bot.errors import MissingPermission, NotFound, UsageError
from bot.records import write
from bot.responses import requests
from bot.responses.models import Attempt, Decision, Person, Request, State, Target
from bot.roles import Role
from bot.services import Services
from bot.state.memory import MemoryStore
from bot.state.store import Record
from bot.turn import Actor, Conversation, Look, Turn
from cards.past import PastEntry
from handlers import RESPONSES, actions, past
from handlers.past import COLUMNS, as_csv, fitting, gather, show
from handlers.past_words import Wanted, parse
from tests.cards import walk
from tests.cards.centers import item
from tests.cards.samples import request

NOW = datetime(2026, 11, 23, 13, 5, tzinfo=UTC)
TENANT = "00000000-0000-0000-0000-000000000001"
ONE, TWO = "1" * 40, "2" * 40
MEGAN = Person(id="megan-id", tenant=TENANT, name="Megan Bowen")
ALEX = Person(id="alex-id", tenant=TENANT, name="Alex Wilber")


@dataclass
class FakeDefender:
    """Machine actions of two devices, newest first."""

    actions: list[MachineAction] = field(default_factory=list)
    down: Exception | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def machines(self) -> list[Machine]:
        return [Machine(id=ONE, computer_dns_name="pc-1.contoso.com"), Machine(id=TWO, computer_dns_name="pc-2")]

    async def machine_actions(self, *, machine_id: str = "", since: datetime, top: int) -> list[MachineAction]:
        self.asked.append({"machine_id": machine_id, "since": since, "top": top})
        if self.down:
            raise self.down
        found = [one for one in self.actions if machine_id in ("", one.machine_id) and one.created >= since]
        return sorted(found, key=lambda one: one.created, reverse=True)[:top]


@dataclass
class FakeTeams:
    """Takes a file that is offered."""

    offered: list[Any] = field(default_factory=list)

    async def offer_file(self, _conversation: Conversation, offer: Any) -> str:
        self.offered.append(offer)
        return "m1"


class Forgetful:
    """No device was named before."""

    async def remember(self, *_args: object) -> None:
        """Nothing is kept."""

    async def recall(self, *_args: object) -> str | None:
        """Nothing was kept."""
        return None


class Stage:
    """The store, Defender and the person who asks."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.store = MemoryStore(self.clock)
        self.defender = FakeDefender()
        self.teams = FakeTeams()
        self.services = Services(
            defender=lambda _: self.defender,  # type: ignore[arg-type, return-value]
            graph=lambda _: None,  # type: ignore[arg-type, return-value]
            teams=self.teams,  # type: ignore[arg-type]
            ledger=Ledger(self.store, "key"),
            clock=self.clock,
            wake=None,  # type: ignore[arg-type]
            worker="one",
            responses={one.name: one for one in RESPONSES},
            memory=Forgetful(),
        )

    def context(self, kind: Any = "personal") -> Context:
        here = Conversation(id="a:1", kind=kind, tenant=TENANT, service_url="https://x", bot_id="28:b")
        actor = Actor(id=ALEX.id, tenant=TENANT, name=ALEX.name, mri="29:alex")
        return Context(
            turn=Turn(kind="message", id="t", actor=actor, conversation=here),
            actor=actor,
            role=Role.READER,
            customer=TENANT,
            conversation=here,
            look=Look(now=self.clock.now()),
            services=self.services,
            features=None,  # type: ignore[arg-type]
        )

    async def ask(self, words: str, kind: Any = "personal") -> dict[str, Any]:
        """The card that the line answers."""
        wanted = parse(words)
        reply = await show(self.context(kind), wanted)
        assert reply.shown
        return dict(reply.shown.card)

    async def names(self, words: str = "") -> list[str]:
        """Which entries match, as (request or action, outcome)."""
        wanted = parse(words)
        device, _ = await past._device(self.context(), wanted)
        found = await gather(self.context(), wanted, device)
        return [one.request or one.action for one in found.entries]

    async def keep(self, key: str, state: State, device: str = ONE, days: float = 1, **more: Any) -> Request:
        """A request that is over since so many days."""
        at = NOW - timedelta(days=days)
        values = {
            "id": key,
            "customer": TENANT,
            "state": state,
            "target": Target(id=device, name="pc-1.contoso.com"),
            "requester": MEGAN,
            "created": at - timedelta(minutes=5),
            "ended": at,
            **more,
        }
        kept = request(str, **values)
        await self.services.ledger.commit(TENANT, [write(requests.KIND, kept, self.clock.now())])
        return kept

    def act(self, key: str, status: str = "Succeeded", days: float = 1, **more: Any) -> None:
        """A machine action at the service."""
        at = NOW - timedelta(days=days)
        values = {
            "id": key,
            "type": "Isolate",
            "status": status,
            "machine_id": ONE,
            "computer_dns_name": "pc-1",
            "requestor": "patti@contoso.com",
            "creation_date_time_utc": at,
            "last_update_date_time_utc": at,
            **more,
        }
        self.defender.actions.append(MachineAction(**values))


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("", Wanted()),
        ("device LAPTOP-042", Wanted(device="LAPTOP-042")),
        ("it 7 days", Wanted(device="it", days=7)),
        ("by Megan Bowen outcome failed 90 days", Wanted(by="Megan Bowen", outcome="failed", days=90)),
        ("outcome timed out response isolate", Wanted(outcome="timed out", response="isolate")),
        ("OUTCOME TimeOut", Wanted(outcome="timed out")),
        ("outcome partly done page 3", Wanted(outcome="partly done", page=3)),
        ('export csv device "pc one" by me', Wanted(device="pc one", by="me", export=True)),
        ("export 7 days", Wanted(days=7, export=True)),
    ],
)
def test_words_that_are_understood(words, wanted):
    """Filters come in any order; what stands in quotes, or all up to the next word, is the value."""
    assert parse(words) == wanted


@pytest.mark.parametrize(
    "words", ["by", "device", "nonsense", "outcome lovely", "0 days", "181 days", "by a by b", "it it"]
)
def test_words_that_are_refused(words):
    """What is not understood, or stands twice, is refused, and nothing is guessed."""
    with pytest.raises(UsageError):
        parse(words)


@pytest.mark.parametrize(
    ("words", "key", "said"),
    [
        ("colour red", "error.past_filter", "colour"),
        ("outcome banana", "error.past_outcome", "banana"),
        ("7 days by", "error.past_filter_empty", "by"),
        ("it it", "error.past_filter_twice", "device"),
    ],
)
def test_the_word_that_is_wrong_is_named(words, key, said):
    """Who mistypes a filter reads which word it is, not the whole form."""
    with pytest.raises(UsageError) as refused:
        parse(words)
    assert (refused.value.key, refused.value.values["said"]) == (key, said)


@settings(max_examples=40)
@given(
    device=st.text("abc-.1 ", min_size=1).map(str.strip).filter(bool),
    by=st.sampled_from(["", "me", "Megan Bowen"]),
    outcome=st.sampled_from(["", "timed out", "failed"]),
    days=st.integers(1, 180),
)
def test_a_line_means_what_it_was_made_of(device, by, outcome, days):
    """What a button carries is read back as the same filters."""
    wanted = Wanted(device=device, by=by, outcome=outcome, days=days)
    again = parse(wanted.line().removeprefix("actions history").strip())
    assert (again.by, again.outcome, again.days) == (by, outcome, days)
    assert again.device.split() == device.split()


def test_the_command_takes_both_forms():
    """Nothing or `pending` is what waits; `history` with its words is what is over."""
    assert actions.COMMAND.parse("") is None
    assert actions.COMMAND.parse("Pending") is None
    assert actions.COMMAND.parse("history by me") == Wanted(by="me")
    with pytest.raises(UsageError):
        actions.COMMAND.parse("pending please")


async def test_ours_and_others_stand_together_newest_first(stage):
    """An action of ours stands once, in its request; others are told apart by where they were started."""
    attempt = Attempt(number=1, began=NOW, action="a-ours")
    await stage.keep("WK-1", State.SUCCEEDED, days=2, attempts=(attempt,))
    stage.act("a-ours", days=2, requestor_comment="[WK-1/1] beacon", request_source="PublicApi")
    stage.act("a-portal", days=1, request_source="Portal")
    stage.act("a-app", days=3, request_source="PublicApi")
    stage.act("a-old", days=4, requestor_comment="[WK-GONE/1] long ago", request_source="PublicApi")
    stage.act("a-odd", days=5)
    stage.act("a-runs", "InProgress", days=0.1)
    await stage.keep("WK-OPEN", State.PROPOSED, ended=None)
    assert await stage.names() == ["a-portal", "WK-1", "a-app", "WK-GONE", "a-odd"]
    said = walk.text_of(await stage.ask(""))
    assert "Started in the Defender portal by patti" in said
    assert "Started by another app" in said
    assert "Started outside the bot by patti" in said


async def test_filters(stage):
    """Device, person, response, outcome and days each leave out what does not fit."""
    yes = Decision(what="approved", who=ALEX, at=NOW)
    await stage.keep("WK-1", State.SUCCEEDED, decisions=(yes,))
    await stage.keep("WK-2", State.FAILED, device=TWO, response="scan", days=10)
    stage.act("a-1", "TimeOut", days=2)
    stage.act("a-2", days=40, machine_id=TWO, type="RunAntiVirusScan")
    assert await stage.names("device pc-1") == ["WK-1", "a-1"]
    assert await stage.names("device pc-2 60 days") == ["WK-2", "a-2"]
    assert stage.defender.asked[-1]["machine_id"] == TWO
    assert await stage.names("by me") == ["WK-1"]
    assert await stage.names("by megan") == ["WK-1", "WK-2"]
    assert await stage.names("by patti") == ["a-1"]
    assert await stage.names("response scan 60 days") == ["WK-2", "a-2"]
    assert await stage.names("response isolate") == ["WK-1", "a-1"]
    assert await stage.names("outcome timed out") == ["a-1"]
    assert await stage.names("outcome failed 5 days") == []
    with pytest.raises(UsageError):
        await stage.names("response nonsense")


async def test_a_device_that_defender_forgot_is_found_among_our_requests(stage):
    """Its name, or its id, is enough; a name that nobody knows is refused."""
    gone = "9" * 40
    await stage.keep("WK-9", State.SUCCEEDED, target=Target(id=gone, name="old-pc.contoso.com"))
    assert await stage.names("device old-pc") == ["WK-9"]
    with pytest.raises(NotFound):
        await stage.names("device never-seen")


async def test_what_cannot_be_read_is_said(stage):
    """Where Defender does not answer, our requests are shown, and the permission that lacks is named."""
    await stage.keep("WK-1", State.SUCCEEDED)
    stage.defender.down = MissingPermission("defender", "machine-actions", permission="Machine.Read.All")
    said = walk.text_of(await stage.ask(""))
    assert "Could not be read: machine actions (Defender)" in said
    assert "Machine.Read.All" in said
    assert "Isolate pc-1" in said


async def test_a_bound_that_was_reached_is_said(stage):
    """Of more actions than are read the newest are shown, and the card says that older ones were not."""
    for number in range(past.MOST_ACTIONS):
        stage.act(f"a-{number}", days=1)
    assert "more actions of that time than the 2,000" in walk.text_of(await stage.ask(""))
    stage.defender.actions.pop()
    assert "more actions" not in walk.text_of(await stage.ask(""))


async def test_pages(stage):
    """Ten entries are a page; a page beyond the last is the last."""
    for number in range(25):
        stage.act(f"a-{number:02}", days=1 + number / 100)
    assert "25 entries, page 3 of 3" in walk.text_of(await stage.ask("page 99"))


async def test_a_file_is_offered_and_audited(stage):
    """In the personal chat the same filter makes a CSV file; elsewhere it is refused, as is an empty one."""
    await stage.keep("WK-1", State.SUCCEEDED, reason="=cmd()")
    stage.act("a-1", "Failed")
    await stage.ask("export outcome succeeded")
    (offer,) = stage.teams.offered
    assert offer.name == "actions-2026-11-23-1305.csv"
    kept = await stage.store.get_value(TENANT, f"file:{offer.id}")
    assert kept
    text = zlib.decompress(base64.b64decode(kept["content"])).decode("utf-8-sig")
    header, row = csv.reader(io.StringIO(text))
    assert tuple(header) == COLUMNS
    told = dict(zip(header, row, strict=True))
    assert (told["request"], told["outcome"], told["source"]) == ("WK-1", "succeeded", "bot")
    assert (told["ended (UTC)"], told["reason"]) == ("2026-11-22T13:05:00Z", "'=cmd()")
    assert "history exported" in str(await stage.store.audit(TENANT))
    with pytest.raises(UsageError):
        await stage.ask("export", kind="channel")
    with pytest.raises(NotFound):
        await stage.ask("export outcome withdrawn")
    assert str(await stage.store.audit(TENANT)).count("history exported") == 1


words = st.text(max_size=30)
entries = st.builds(
    PastEntry,
    started=st.datetimes(timezones=st.just(UTC)),
    ended=st.none() | st.datetimes(timezones=st.just(UTC)),
    **dict.fromkeys(("what", "kind", "target", "target_id", "outcome", "status", "started_by", "decided_by"), words),
    **dict.fromkeys(("source", "request", "action", "reason"), words),
)


@settings(max_examples=30)
@given(st.lists(entries, max_size=3))
def test_a_file_holds_what_it_was_made_of(made):
    """Every row comes back as it was, whatever it holds, and no value begins like a formula."""
    text = as_csv(made).decode("utf-8")
    assert text.startswith("\ufeff")
    header, *rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    assert tuple(header) == COLUMNS
    assert len(rows) == len(made)
    for row, entry in zip(rows, made, strict=True):
        assert not any(value[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"} for value in row)
        told = dict(zip(header, row, strict=True))
        for name, value in (("what", entry.what), ("reason", entry.reason), ("started by", entry.started_by)):
            shown = value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
            assert told[name] in (shown, f"'{shown}")
        at = entry.ended.replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ") if entry.ended else ""
        assert told["ended (UTC)"] == at


def test_a_file_has_room_for_so_many():
    """What does not fit is left out at the end, the oldest."""
    long = "x" * 6000
    made = [
        PastEntry(
            started=NOW,
            ended=NOW,
            what=str(number),
            kind="device",
            target="t",
            target_id="i",
            outcome="o",
            status="s",
            started_by="b",
            decided_by="d",
            source="bot",
            reason=long,
        )
        for number in range(850)
    ]
    kept = fitting(made)
    assert [entry.what for entry in kept] == [str(number) for number in range(len(kept))]
    assert 500 < len(kept) < 850
    assert len(as_csv(kept)) <= 4 * 1024 * 1024


async def test_what_waited_in_the_action_center_is_there_once_it_is_over(stage: Stage):
    """With the service's own word and who ended it; not while it waits, and found by device, outcome, person, days."""
    over = {"state": "over", "device": ONE, "device_name": "pc-1", "seen": NOW - timedelta(days=3)}
    at = NOW - timedelta(days=2)
    declined = item(str, id="declined", outcome="declined", ended=at, who="patti@contoso.com", **over)
    gone = item(str, id="gone", name="gone.exe", outcome=UNLISTED, ended=at, investigation="71", **over)
    waits = item(str, id="waits", name="waits.exe", **{**over, "state": "waiting"})
    for one in (declined, gone, waits):
        await stage.services.ledger.commit(TENANT, [write(KIND, one, stage.clock.now())])
    wanted = parse("")
    entries = {one.target: one for one in (await gather(stage.context(), wanted, "")).entries}
    assert set(entries) == {declined.name, "gone.exe"}
    assert (entries[declined.name].outcome, entries[declined.name].decided_by) == ("rejected", "patti@contoso.com")
    assert (entries["gone.exe"].outcome, entries["gone.exe"].source) == ("", "center")
    said = json.dumps(await stage.ask(""))
    assert "Waited in Microsoft's Action center" in said
    assert "remediation declined" in said
    assert "no longer listed" in said
    for words, names in {
        "outcome rejected": {declined.name},
        "by patti": {declined.name},
        "response isolate": set(),
        "1 day": set(),
    }.items():
        found = await gather(stage.context(), parse(words), "")
        assert {one.target for one in found.entries} == names, words
    assert len((await gather(stage.context(), wanted, ONE)).entries) == 2
    assert (await gather(stage.context(), wanted, "f" * 40)).entries == ()


async def test_a_slip_in_a_response_is_answered_with_the_nearest(stage: Stage):
    """Among so many names a list would be cut."""
    with pytest.raises(UsageError) as slip:
        await stage.ask("response isolat")
    assert (slip.value.key, slip.value.values["near"]) == ("error.unknown_response_near", "isolate")


async def test_what_ran_because_nobody_rejected_it_names_the_policy(stage: Stage):
    """It has no person who decided: the history names the policy's part instead of nobody."""
    policy = Person(id="policy", tenant="", name="response.restart")
    decision = Decision(what="approved by policy", who=policy, at=NOW)
    await stage.keep("WK-BYITSELF22", State.SUCCEEDED, decisions=(decision,))
    assert "Decided by policy: response.restart" in json.dumps(await stage.ask(""))


async def test_what_waits_for_a_person_comes_first():
    """A request that nobody has to decide on does not stand above one that waits."""
    kept = [request(str, id=name, state=State(name)) for name in ("sent", "proposed", "approved", "unknown")]
    assert [one.id for one in sorted(kept, key=actions._decided)] == ["proposed", "unknown", "sent", "approved"]


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        *((word, "succeeded") for word in ("remediated", "successfullyremediated", "prevented", "blocked")),
        ("partiallyremediated", "partly done"),
        ("declined", "rejected"),
        *((word, "failed") for word in ("failed", "innerfailure", "unremediated")),
        *((word, "cancelled") for word in ("terminated", "terminatedbyuser", "terminatedbysystem")),
        *((word, "") for word in ("benign", "none", "", UNLISTED)),
    ],
)
def test_what_the_services_say_of_a_thing_that_waited(said: str, outcome: str):
    """In our words where one is sure, beside theirs; all else as it was kept."""
    at = NOW - timedelta(days=1)
    kept = {"device": ONE, "device_name": "pc-1", "name": "x.exe", "investigation": "71", "who": "patti", "since": at}
    assert past.of_item(item(str, state="over", ended=NOW, outcome=said, **kept)) == PastEntry(
        started=at,
        ended=NOW,
        what="file",
        kind="center",
        target="x.exe",
        target_id=ONE,
        outcome=outcome,
        status=said,
        started_by="",
        decided_by="patti",
        source="center",
        action="71",
        device="pc-1",
    )


@pytest.mark.parametrize(
    ("more", "changed"),
    [
        ({}, {}),
        ({"status": "TimeOut"}, {"outcome": "timed out", "status": "TimeOut"}),
        ({"request_source": "PublicApi"}, {"source": "api"}),
        ({"request_source": "Other"}, {"source": "elsewhere"}),
        ({"last_update_date_time_utc": None}, {"ended": NOW - timedelta(hours=1)}),
        ({"creation_date_time_utc": None}, {"started": NOW}),
        (
            {"creation_date_time_utc": None, "last_update_date_time_utc": None},
            {"started": datetime.min, "ended": None},  # noqa: DTZ901 - no moment at all
        ),
        ({"requestor_comment": "by hand"}, {"reason": "by hand"}),
        (
            {"requestor_comment": "[WK-GONE/1] why"},
            {"reason": "[WK-GONE/1] why", "source": "bot", "request": "WK-GONE"},
        ),
        (
            dict.fromkeys(("type", "machine_id", "computer_dns_name", "requestor")),
            dict.fromkeys(("what", "target_id", "target", "started_by"), ""),
        ),
    ],
)
def test_what_others_did_is_told_as_defender_says_it(more: dict[str, Any], changed: dict[str, Any]):
    """One that still runs, or stands in a request that was read, is left out; what is not said is empty."""
    values = {
        "id": "a-1",
        "type": "Isolate",
        "status": "Succeeded",
        "machine_id": ONE,
        "computer_dns_name": "pc-1",
        "requestor": "patti",
        "request_source": "Portal",
        "creation_date_time_utc": NOW - timedelta(hours=1),
        "last_update_date_time_utc": NOW,
        **more,
    }
    expected = {
        "started": NOW - timedelta(hours=1),
        "ended": NOW,
        "what": "Isolate",
        "kind": "device",
        "target": "pc-1",
        "target_id": ONE,
        "outcome": "succeeded",
        "status": "Succeeded",
        "started_by": "patti",
        "decided_by": "",
        "source": "portal",
        "action": "a-1",
        **changed,
    }
    one = MachineAction(**values)
    assert past._others([], [one]) == [PastEntry(**expected)]
    assert past._others([], [one.model_copy(update={"status": "InProgress"})]) == []
    by_id, by_mark = Attempt(number=1, began=NOW, action="a-1"), Attempt(number=1, began=NOW)
    assert past._others([request(str, attempts=(by_mark, by_id, by_mark))], [one]) == []
    assert bool(past._others([request(str, id="WK-GONE", attempts=(by_mark,))], [one])) is ("request" not in changed)


def test_what_we_did_is_told_with_all_who_had_a_part():
    """Who approved or rejected is named once each; who did anything else with it is found by id."""
    said = [("approved", ALEX), ("approved", MEGAN), ("sent again", Person(id="p", tenant=TENANT, name="Patti"))]
    decisions = tuple(Decision(what=what, who=who, at=NOW) for what, who in (*said, ("rejected", ALEX)))
    attempts = (Attempt(number=1, began=NOW, action="a-0"), Attempt(number=2, began=NOW, action="a-1"))
    values = {"requester": MEGAN, "created": NOW - timedelta(hours=1), "ended": NOW, "status": "Failed"}
    kept = request(str, id="WK-1", state=State.FAILED, decisions=decisions, attempts=attempts, reason="why", **values)
    expected = PastEntry(
        started=NOW - timedelta(hours=1),
        ended=NOW,
        what="isolate",
        kind="device",
        target=kept.target.name,
        target_id=kept.target.id,
        outcome="failed",
        status="Failed",
        started_by=MEGAN.name,
        decided_by="Alex Wilber, Megan Bowen",
        source="bot",
        request="WK-1",
        action="a-1",
        reason="why",
        people=(MEGAN.id, ALEX.id, "p"),
    )
    assert past._ours([kept], NOW) == [expected]
    assert past._ours([kept], NOW + timedelta(seconds=1)) == []
    bare = kept.model_copy(update={"attempts": (), "ended": None})
    assert past._ours([bare], kept.created) == [replace(expected, ended=None, action="")]
    assert past._ours([kept.model_copy(update={"state": State.SENT})], NOW) == []
    found = {person: past._is_by(expected, (person,)) for person in ("megan", "wilber", "alex-id", "p", "nobody")}
    assert found == {"megan": True, "wilber": True, "alex-id": True, "p": True, "nobody": False}
    assert past._is_by(expected, ())


@pytest.mark.parametrize("kind", ["requests", "items"])
async def test_a_bound_of_our_own_is_said_where_it_left_something_out(stage: Stage, kind: str):
    """As many as are read, the last of them within the time: there may be more. Not where that one is older."""
    of, most = (requests.KIND, past.MOST_REQUESTS) if kind == "requests" else (KIND, past.MOST_ITEMS)

    def record(at: datetime) -> Record:
        made = request(str, id="one", created=at) if kind == "requests" else item(str, id="one", seen=at)
        return Record(kind=of, id="one", rev=1, state="", data=write(of, made, NOW).data or {})

    async def cut(last: datetime) -> tuple[str, ...]:
        async def newest(_customer: str, asked: str, **_more: int) -> list[Record]:
            return [*[record(NOW)] * (most - 1), record(last)] if asked == of else []

        stage.store.newest = newest  # type: ignore[method-assign, assignment]
        return (await gather(stage.context(), Wanted(days=1), "")).cut

    begin = NOW - timedelta(days=1)
    assert await cut(begin + timedelta(seconds=1)) == (kind,)
    assert await cut(begin) == ()
