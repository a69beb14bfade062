"""The pipeline of a turn with commands of its own: order, redelivery, failures, and what is seen of them."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

import handlers
from bot.audit import Ledger
from bot.clock import ManualClock
from bot.command import Button, Command, Reply
from bot.dispatch import Dispatch
from bot.errors import Barred, Missing, StoreDown, Unavailable, UsageError
from bot.redelivery import CLAIM_SECONDS, Redelivery
from bot.roles import Role, RoleBook
from bot.services import Services
from bot.state.memory import MemoryStore
from bot.state.store import Change
from bot.teams.client import Member
from bot.turn import Actor, Click, Conversation, Shown, Turn

TENANT = "t1"
ME = Actor(id="person-1", tenant=TENANT, name="Me", mri="29:me")
HERE = Conversation(id="a:1", kind="personal", tenant=TENANT, service_url="https://x", bot_id="28:b")
CARD = Shown(card={"type": "AdaptiveCard", "body": ["mine"]}, summary="mine")


@dataclass
class FakeTeams:
    """Knows one person and keeps what is posted and edited."""

    posted: dict[str, list[Shown]] = field(default_factory=dict)
    error: Exception | None = None
    lookup: Exception | None = None
    tenant: str = TENANT
    looked_up: int = 0

    async def post(self, conversation: Conversation, shown: Shown) -> str:
        if self.error:
            raise self.error
        self.posted[str(len(self.posted))] = [shown]
        return str(len(self.posted) - 1)

    async def edit(self, conversation: Conversation, message: str, shown: Shown) -> None:
        self.posted[message].append(shown)

    async def typing(self, conversation: Conversation) -> None:
        pass

    async def member(self, conversation: Conversation, person: str) -> Member:
        self.looked_up += 1
        if self.lookup:
            raise self.lookup
        return Member(id="person-1", name="Me", tenant=self.tenant, guest=False)


class Nobody:
    """Graph, which knows of no groups."""

    async def member_groups(self, user_id: str, group_ids: Any) -> set[str]:
        return set()


@dataclass
class Bench:
    """A dispatch with one command and one button whose work a test gives."""

    dispatch: Dispatch
    teams: FakeTeams
    clock: ManualClock
    store: MemoryStore
    woken: list[tuple[str, str, str]]
    runs: list[Any] = field(default_factory=list)
    work: Any = None

    async def say(self, text: str = "/do", name: str = "1", *, out: bool = True, **more: Any):
        """Say something; `out`: the answer reaches the conversation, as the seam reports it."""
        turn = Turn(kind="message", id=name, actor=ME, conversation=HERE, text=text, **more)
        answer = await self.dispatch(turn)
        if out:
            self.dispatch.said(turn)
            await asyncio.sleep(0)
        return answer

    async def press(self, name: str = "1", verb: str = "once", rev: int = 1, **more: Any):
        click = Click(v=1, verb=verb, id="r", rev=rev, message="7", **more)
        return await self.dispatch(Turn(kind="click", id=name, actor=ME, conversation=HERE, click=click, invoke=True))


@asynccontextmanager
async def bench(role: Role = Role.ADMIN, needs: Role = Role.READER, *, slow: bool = False) -> AsyncIterator[Bench]:
    clock = ManualClock(datetime(2026, 11, 23, tzinfo=UTC))
    store, teams, woken = MemoryStore(clock), FakeTeams(), []

    async def wake(*what: str) -> None:
        woken.append(what)

    async def run(context, what):
        made.runs.append(what)
        return await made.work(context) if made.work else Reply(shown=CARD)

    command = Command(name="do", usage="/do", examples=("/do",), role=needs, parse=str, run=run, slow=slow)
    buttons = tuple(
        Button(verb=verb, role=needs, run=run, once=verb == "once", slow=slow) for verb in ("once", "often")
    )
    features = dataclasses.replace(handlers.features(30), commands=(command,), buttons=buttons)
    services = Services(
        defender=lambda _: None,
        graph=lambda _: Nobody(),
        teams=teams,
        ledger=Ledger(store, "k"),
        clock=clock,
        wake=wake,
        worker="w",
        responses={},
        memory=None,
    )
    made = Bench(Dispatch(services, features, RoleBook({role: frozenset({ME.id})}, store)), teams, clock, store, woken)
    yield made
    await made.dispatch.drain(5)


def text(shown: Shown | None) -> str:
    return str(shown.card if shown else "")


async def test_command_is_run_once_with_its_words():
    """A command's words come to its handler, and its card is the answer."""
    async with bench() as b:
        assert (await b.say("/do this  and that")).shown == CARD
        assert b.runs == ["this and that"]


@pytest.mark.parametrize(("role", "runs"), [(Role.READER, 0), (Role.OPERATOR, 1), (Role.ADMIN, 1)])
async def test_role_is_checked_before_anything_is_parsed(role, runs):
    """Without the role neither a command nor a button is run, and the role is named."""
    async with bench(role, Role.OPERATOR) as b:
        answers = [text((await b.say()).shown), (await b.press("2")).text]
        assert len(b.runs) == 2 * runs
        assert [("needs the role operator" in said) for said in answers] == [not runs] * 2


async def test_crash_shows_a_reference_and_nothing_else():
    """An unexpected error is answered with a reference that the log has too; its text is not shown."""
    async with bench() as b:

        async def crash(_context):
            raise KeyError("secret-thing")

        b.work = crash
        with structlog.testing.capture_logs() as logs:
            said = text((await b.say()).shown)
        (line,) = [one for one in logs if one["event"] == "turn_crashed"]
        assert line["reference"] in said
        assert "secret-thing" not in said
        assert "KeyError" not in said


async def test_redelivered_message_is_run_once():
    """A message delivered again is neither run nor answered again, while the first is worked on and afterwards."""
    async with bench() as b:
        go = asyncio.Event()

        async def wait(_context):
            await go.wait()
            return Reply(shown=CARD)

        b.work = wait
        first = asyncio.create_task(b.say())
        second = asyncio.create_task(b.say())
        await asyncio.sleep(0.05)
        go.set()
        answers = [await first, await second, await b.say()]
        assert [answer.shown for answer in answers] == [CARD, None, None]
        assert len(b.runs) == 1


async def test_a_message_whose_answer_never_went_out_is_answered_when_it_comes_again():
    """A process that dies between its work and its answer leaves the message to its redelivery."""
    async with bench() as b:
        assert (await b.say(out=False)).shown == CARD
        b.clock.move(CLAIM_SECONDS + 1)
        assert (await b.say()).shown == CARD
        b.clock.move(CLAIM_SECONDS + 1)
        assert (await b.say()).shown is None


async def test_a_claim_is_renewed_while_the_work_goes_on():
    """However long it takes, nobody else takes the turn up as long as the process that claimed it lives."""
    store = MemoryStore()
    mine, other = (Redelivery(lambda: store, str, lease=0.6) for _ in range(2))
    assert (await mine.claim(TENANT, "t", wait=0)).state == "fresh"
    assert (await other.claim(TENANT, "t", wait=1.5)).state == "busy"
    mine.let_go(TENANT, "t")
    assert (await other.claim(TENANT, "t", wait=1.5)).state == "fresh"
    other.let_go(TENANT, "t")


async def test_a_claim_taken_up_again_is_renewed_once():
    """Where a claim ran out under its turn and this process takes it up again, only the newer one is renewed."""
    store, complaints = MemoryStore(), []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, about: complaints.append(about))
    mine = Redelivery(lambda: store, str, lease=0.3)
    assert (await mine.claim(TENANT, "t", wait=0)).state == "fresh"
    await store.abandon(TENANT, "t")
    assert (await mine.claim(TENANT, "t", wait=0)).state == "fresh"
    mine.let_go(TENANT, "t")
    await asyncio.sleep(0.2)
    assert complaints == []


async def test_redelivered_press_while_the_first_works():
    """A press delivered again while the first is worked on is told so, and gets the stored answer afterwards."""
    async with bench() as b:
        go = asyncio.Event()

        async def wait(_context):
            await go.wait()
            return Reply(shown=CARD)

        b.work = wait
        first = asyncio.create_task(b.press("1"))
        await asyncio.sleep(0.05)
        assert "still at it" in (await b.press("1")).text
        assert "still at it" in (await b.press("2")).text
        go.set()
        assert (await first).shown == CARD
        assert (await b.press("1")).shown == CARD
        assert (await b.press("3")).shown == CARD
        assert len(b.runs) == 1


async def test_press_of_another_revision_is_another_press():
    """The same button on a newer revision of its card is run."""
    async with bench() as b:
        for rev in (1, 2, 2):
            await b.press(f"n{rev}", rev=rev)
        assert len(b.runs) == 2


async def test_button_that_may_be_pressed_often():
    """A button that only reads is run at each press, but once for each delivery."""
    async with bench() as b:
        for name in ("1", "2", "2"):
            await b.press(name, verb="often")
        assert len(b.runs) == 2


async def test_claim_of_a_dead_process_runs_out():
    """A turn whose process died is taken up again when its claim has run out."""
    async with bench() as b:

        async def die(_context):
            raise asyncio.CancelledError

        b.work = die
        with pytest.raises(asyncio.CancelledError):
            await b.press("1")
        b.work = None
        assert "still at it" in (await b.press("1")).text
        b.clock.move(21)
        assert (await b.press("1")).shown == CARD


async def test_failed_press_is_not_kept_for_another_press():
    """A press that failed is run again when pressed again; delivered again it gets the same answer."""
    async with bench() as b:

        async def fail(_context):
            raise Unavailable("defender", "isolate")

        b.work = fail
        first = await b.press("1")
        assert first == await b.press("1")
        assert len(b.runs) == 1
        b.work = None
        assert (await b.press("2")).shown == CARD


async def test_error_never_replaces_the_pressed_card():
    """What goes wrong with a press is told beside the card: a person's mistake in words, trouble as a message too."""
    async with bench() as b:

        async def mistake(_context):
            raise UsageError("error.no_reject_reason")

        async def trouble(_context):
            raise Unavailable("defender", "isolate")

        b.work = mistake
        answer = await b.press("1")
        assert (answer.shown, answer.text) == (None, "Please say why you reject it, in a few words.")
        assert b.teams.posted == {}
        b.work = trouble
        answer = await b.press("2")
        assert (answer.shown, answer.text) == (None, "Trouble with Microsoft Defender")
        assert "did not answer" in text(b.teams.posted["0"][0])
        b.teams.error = Unavailable("teams", "send", sent=False)
        assert (await b.press("3")).shown is not None


async def test_follow_is_woken():
    """A record that an answer names is woken, also when the person gets a card."""
    async with bench() as b:

        async def follow(_context):
            return Reply(follow=("request", "WK-1"))

        b.work = follow
        await b.say()
        assert b.woken == [(TENANT, "request", "WK-1")]


async def test_slow_work_ends_in_its_working_card():
    """Slow work shows a working card, whose place the answer or the failure takes."""
    for end in (Reply(shown=CARD), Unavailable("defender", "devices"), Reply(note="Done now.")):
        async with bench(slow=True) as b:

            async def wait(_context, end=end):
                await asyncio.sleep(1)
                if isinstance(end, Exception):
                    raise end
                return end

            b.work = wait
            answer = await b.say()
            assert (answer.shown, answer.text) == (None, "")
            await b.dispatch.drain(5)
            working, last = b.teams.posted["0"]
            assert "Working on it" in text(working)
            assert "Working on it" not in text(last)
            assert await b.store.newest(TENANT, "reply") == []


async def test_drain_leaves_what_is_too_late_to_its_record():
    """What does not end in time when the process stops is cut off; its record says what becomes of the card."""
    async with bench(slow=True) as b:

        async def wait(_context):
            await asyncio.sleep(60)

        b.work = wait
        await b.say()
        await b.dispatch.drain(0.05)
        (record,) = await b.store.newest(TENANT, "reply")
        assert record.data["state"] == "working"
        assert await b.store.due(TENANT, b.clock.now().replace(year=2027))


@pytest.mark.parametrize("lost", [1, 1000])
async def test_drain_ends_though_a_cancel_is_lost(lost):
    """A task that loses its cancel (Python 3.11, inside redis-py) is cancelled again, and never waited for for ever."""
    async with bench(slow=True) as b:
        over = asyncio.Event()
        left = lost

        async def wait(_context):
            nonlocal left
            while not over.is_set():
                try:
                    await over.wait()
                except asyncio.CancelledError:
                    left -= 1
                    if left < 0:
                        raise

        b.work = wait
        await b.say()
        async with asyncio.timeout(5):
            await b.dispatch.drain(0.05)
        assert left < lost
        assert bool(b.dispatch._background) == (lost > 1)
        over.set()


async def test_store_down_before_anything():
    """Without the store a turn is answered that nothing is certain, and nothing is run."""
    async with bench() as b:

        async def down(*_args, **_more):
            raise StoreDown("away")

        b.store.get = down
        assert "My own memory cannot be reached" in text((await b.say()).shown)
        assert b.runs == []


@pytest.mark.parametrize(
    ("lookup", "said"),
    [
        (Missing("teams", "member", status=404), "cannot tell who you are"),
        (Barred("teams", "member", status=403), "add me there again"),
        (Unavailable("teams", "member"), "Trouble with Microsoft Teams"),
    ],
)
async def test_unknown_person_is_refused(lookup, said):
    """Where Teams does not say who somebody is, nothing is run, and that is not remembered."""
    async with bench() as b:
        b.teams.lookup = lookup
        assert said in text((await b.say()).shown)
        assert b.runs == []
        b.teams.lookup = None
        assert (await b.say(name="2")).shown == CARD


async def test_person_is_looked_up_once_in_five_minutes():
    """Who somebody is in a conversation is asked once in five minutes; a change of tenant counts after that."""
    async with bench() as b:
        for name in ("1", "2", "3"):
            await b.say(name=name)
        assert b.teams.looked_up == 1
        b.teams.tenant = "another"
        b.clock.move(301)
        assert "I only answer people" in text((await b.say(name="4")).shown)
        assert len(b.runs) == 3


@pytest.mark.parametrize(
    "click",
    [
        Click(v=1, verb="nothing", id="r", rev=1),
        Click(v=0, verb="once", id="r", rev=1),
        Click(v=1, verb="once", id="r", rev=1, automatic=True),
    ],
)
async def test_press_that_is_not_ours_runs_nothing(click):
    """An unknown verb, a version that never was and a card that refreshes itself run nothing."""
    async with bench() as b:
        turn = Turn(kind="click", id="1", actor=ME, conversation=HERE, click=click, invoke=True)
        assert "not known here" in (await b.dispatch(turn)).text
        assert b.runs == []


async def test_card_of_a_newer_version_is_said_to_be():
    """A button of a version to come is answered with who must update what."""
    async with bench() as b:
        click = Click(v=2, verb="once", id="r", rev=1)
        turn = Turn(kind="click", id="1", actor=ME, conversation=HERE, click=click, invoke=True)
        assert "newer version" in (await b.dispatch(turn)).text
        assert b.runs == []


@pytest.mark.parametrize(("tenant", "runs"), [(TENANT, 1), ("t2", 0)])
async def test_groups_are_those_of_the_persons_own_tenant(tenant, runs):
    """What the conversation's tenant keeps of somebody with the same id gives a person of another tenant no role."""
    async with bench() as b:
        b.dispatch.roles = RoleBook({Role.ADMIN: frozenset({"g1"})}, b.store)
        b.teams.tenant = tenant
        people = {"customer": TENANT, "people": ["t2"]}
        await b.store.commit(TENANT, [Change(kind="binding", id=HERE.id, rev=0, data=people)])
        await b.store.put_value(TENANT, "groups:person-1", {"asked": ["g1"], "of": ["g1"]}, 300)
        await b.say()
        assert len(b.runs) == runs


async def test_only_a_press_keeps_its_card_for_redeliveries():
    """A message's answer goes out once and is not kept; a press delivered again gets the same card."""
    async with bench() as b:
        await b.say(name="1")
        kept = [json.loads(value) for (_, name), (value, _) in b.store._values.items() if name.startswith("turn:")]
        assert kept == [{"answer": {"text": ""}}]
        assert (await b.press("2", "often")).shown == CARD
        await asyncio.sleep(0)
        assert (await b.press("2", "often")).shown == CARD
        assert len(b.runs) == 2
