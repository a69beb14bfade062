"""What the buttons of a card ask for: what the record says, where it was shown, for the right person."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bot.audit import Ledger
from bot.command import Context
from bot.errors import NotAllowed, Stale, UsageError
from bot.records import write
from bot.responses import requests
from bot.responses.models import Decision, Member, Person, Request, State, Target
from bot.responses.reminding import LASTS, WAITS
from bot.roles import Role
from bot.state.memory import MemoryStore
from bot.turn import Actor, Click, Conversation, Look, Turn
from handlers.asking import ask_for
from handlers.deciding import BUTTONS, VIEW
from handlers.proposing import Asked
from handlers.responses import block_signin, isolate, release, scan, tag, untag
from tests.responses.people import ADELE, ALEX, MEGAN, PATTI, START, TENANT, request
from tests.responses.stage import Stage

RESPONSES = {one.RESPONSE.name: one.RESPONSE for one in (isolate, release, scan, tag, untag)}
OPTIONAL = replace(tag.RESPONSE, parameters=(replace(tag.RESPONSE.parameters[0], optional=True),))
RESPONSES |= {"optional": OPTIONAL, "user": block_signin.RESPONSE}
OTHERS_SELECTIVE = Decision(what="rejected", who=MEGAN, at=START, instead={"IsolationType": "Selective"})
MEMBERS = tuple(
    Member(target=Target(id=letter * 40, name=f"pc-{letter}"), request=f"WK-1-0{n}", state=state)
    for n, (letter, state) in enumerate(
        (("a", State.SUCCEEDED), ("b", State.FAILED), ("c", State.HANDED_OVER), ("d", State.SUCCEEDED)), 1
    )
)


class Pressed:
    """A person in front of a card, and what the press asks for: the words of a command, not run any further."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        stage.store = MemoryStore(stage.clock)
        stage.ledger = Ledger(stage.store, "audit key")
        self.asked: list[tuple[str, Asked]] = []

    async def press(
        self, verb: str, key: str, who: Person = ADELE, *, rev: int = 1, where: str = "19:soc", **more: Any
    ) -> Any:
        button = next(one for one in BUTTONS if one.verb == verb)
        message, turn = more.pop("message", ""), {"invoke": more.pop("invoke", True)}
        role = more.pop("role", Role.APPROVER)
        click = Click(v=1, verb=verb, id=key, rev=rev, inputs=more, message=message)
        return await button.run(self.context(who, where, role, **turn), click)

    def context(self, who: Person, where: str, role: Role, **turn: Any) -> Context:
        place = Conversation(id=where, kind="channel", tenant=TENANT, service_url="http://127.0.0.1", bot_id="28:bot")
        actor = Actor(id=who.id, tenant=who.tenant, name=who.name, mri=f"29:{who.id}")
        return Context(
            turn=Turn(
                kind="click", id="t", actor=actor, conversation=place, locale="nb-NO", zone="Europe/Oslo", **turn
            ),
            actor=actor,
            role=role,
            customer=TENANT,
            conversation=place,
            look=Look(now=START),
            services=self.stage.services(),
            features=SimpleNamespace(commands=[self._command(name) for name in RESPONSES]),
        )

    def _command(self, name: str) -> Any:
        async def run(_context: Context, asked: Asked) -> str:
            self.asked.append((name, asked))
            return "asked"

        return SimpleNamespace(name=name, usage=f"/{name}", run=run)

    async def kept(self, **more: Any) -> Request:
        """A request as the store holds it."""
        made = request(reason="beacon", **more)
        await self.stage.ledger.commit(TENANT, [write(requests.KIND, made, START)])
        return made


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage(responses=RESPONSES)


@pytest.fixture
def pressed(stage: Stage) -> Pressed:
    return Pressed(stage)


REJECTED = {"state": State.REJECTED, "decisions": (OTHERS_SELECTIVE,)}


async def test_the_requester_asks_for_what_would_be_agreed_to(pressed: Pressed):
    """The same target, reason and values, with the parameters that the approver named instead."""
    await pressed.kept(**REJECTED, parameters={"IsolationType": "Full", "Other": "kept"}, values=("x", "y"))
    await pressed.press("again", "WK-1")
    ((name, asked),) = pressed.asked
    assert (name, asked.target, asked.reason) == ("isolate", "a" * 40, "beacon")
    assert asked.parameters == {"IsolationType": "Selective", "Other": "kept"}
    assert asked.values == ("x", "y")


async def test_what_would_be_agreed_to_for_several_is_asked_for_each_of_them(pressed: Pressed):
    """The devices themselves are named, not the list's own id."""
    await pressed.kept(**REJECTED, target=Target(id="devices-1", name="all:x", kind="devices"), members=MEMBERS)
    await pressed.press("again", "WK-1")
    assert pressed.asked[0][1].target == ",".join(letter * 40 for letter in "abcd")


@pytest.mark.parametrize(
    "who", [MEGAN, ADELE.model_copy(update={"tenant": "another"}), ADELE.model_copy(update={"id": "person-9"})]
)
async def test_nobody_else_takes_up_what_would_be_agreed_to(pressed: Pressed, who: Person):
    """Neither who rejected nor anybody of that name makes it a request of theirs."""
    await pressed.kept(**REJECTED)
    with pytest.raises(NotAllowed) as refused:
        await pressed.press("again", "WK-1", who)
    assert refused.value.key == "error.only_requester"
    assert not pressed.asked


PLAIN_NO = Decision(what="rejected", who=MEGAN, at=START)


@pytest.mark.parametrize(
    "more",
    [
        {"state": State.REJECTED, "decisions": (PLAIN_NO,)},
        {"state": State.REJECTED, "decisions": (OTHERS_SELECTIVE, PLAIN_NO)},
        {"state": State.REJECTED},
        {"state": State.FAILED, "trouble": "trouble.rejected"},
        {"state": State.FAILED},
        *({"state": state, "trouble": "trouble.device_renamed"} for state in State if state is not State.FAILED),
        *({"state": state, "decisions": (OTHERS_SELECTIVE,)} for state in State if state is not State.REJECTED),
    ],
)
async def test_nothing_else_is_asked_for_again(pressed: Pressed, more: dict[str, Any]):
    """Only what failed because something had changed, and what was rejected in favour of something else."""
    await pressed.kept(**more)
    with pytest.raises(Stale) as refused:
        await pressed.press("again", "WK-1")
    assert refused.value.key == "error.nothing_to_ask_again"
    assert not pressed.asked


@pytest.mark.parametrize(("now", "target"), [({}, "a" * 40), ({"id": "f" * 40, "was": "pc"}, "f" * 40)])
async def test_what_changed_is_asked_for_as_it_is_now(pressed: Pressed, now: dict[str, str], target: str):
    """The device that is there now, with the parameters and the reason as they were, whoever presses."""
    await pressed.kept(state=State.FAILED, trouble="trouble.device_anew", trouble_values=now, values=("v",))
    await pressed.press("again", "WK-1", MEGAN)
    ((name, asked),) = pressed.asked
    assert (name, asked.target, asked.reason, asked.values) == ("isolate", target, "beacon", ("v",))
    assert asked.parameters == {"IsolationType": "Full"}


TAGGED = {"response": "tag", "inverse": "untag", "back": {"Tag": "finance"}}
SEVERAL = {"members": MEMBERS, "target": Target(id="devices-1", name="all:x", kind="devices")}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (TAGGED | {"state": State.SUCCEEDED}, ("untag", "a" * 40, {"Tag": "finance"})),
        (SEVERAL | {"state": State.SUCCEEDED}, ("release", f"{'a' * 40},{'d' * 40}", {})),
        (SEVERAL | {"state": State.PARTLY}, ("release", f"{'a' * 40},{'d' * 40}", {})),
        (
            SEVERAL | {"state": State.PARTLY, "inverse": "scan"},
            ("scan", f"{'a' * 40},{'d' * 40}", {"ScanType": "Quick"}),
        ),
        (SEVERAL | TAGGED | {"state": State.PARTLY}, ("untag", f"{'a' * 40},{'d' * 40}", {"Tag": "finance"})),
    ],
    ids=["one", "several", "several, some", "with a choice", "with what was kept"],
)
async def test_what_was_done_is_undone_and_nothing_more(pressed: Pressed, more: dict[str, Any], said: Any):
    """The inverse, on the devices where it succeeded and on no others, with a reason of its own."""
    await pressed.kept(**more)
    await pressed.press("undo", "WK-1", reason="it was the trainer")
    ((name, asked),) = pressed.asked
    assert (name, asked.target, asked.parameters) == said
    assert asked.reason == "it was the trainer"


@pytest.mark.parametrize(
    "more",
    [
        *(TAGGED | {"state": state} for state in State if state is not State.SUCCEEDED),
        *(SEVERAL | {"state": state} for state in State if state not in (State.SUCCEEDED, State.PARTLY)),
        {"state": State.PARTLY, "members": MEMBERS[1:3]},
        {"state": State.SUCCEEDED},
        TAGGED | {"state": State.SUCCEEDED, "inverse": ""},
        TAGGED | {"state": State.SUCCEEDED, "inverse": "gone-since"},
    ],
)
async def test_what_was_not_done_is_not_undone(pressed: Pressed, more: dict[str, Any]):
    """Nothing that did not end well, nothing without an inverse, nothing of which the way back is not known."""
    await pressed.kept(**more)
    with pytest.raises(Stale) as refused:
        await pressed.press("undo", "WK-1", reason="why")
    assert refused.value.key == "error.nothing_to_undo"
    assert not pressed.asked


@pytest.mark.parametrize("verb", [one.verb for one in BUTTONS if one.verb != "propose"])
async def test_a_press_counts_only_where_the_card_was_shown(pressed: Pressed, verb: str):
    """Not in another conversation, and not with a revision that no card of it has had."""
    made = await pressed.kept(**REJECTED)
    for more, key in (
        ({"where": "19:other"}, "error.not_from_here"),
        ({"rev": made.content + 1}, "error.unknown_button"),
    ):
        with pytest.raises(Stale) as refused:
            await pressed.press(verb, "WK-1", reason="no", **more)
        assert refused.value.key == key
    assert not pressed.asked
    assert await pressed.stage.request("WK-1") == made


PC = "a" * 40


@pytest.mark.parametrize(
    ("key", "inputs", "name", "parameters"),
    [
        (f"isolate:{PC}", {"IsolationType": "Selective"}, "isolate", {"IsolationType": "Selective"}),
        (f"isolate:{PC}", {"IsolationType": "everything"}, "isolate", {"IsolationType": "Full"}),
        (f"isolate:{PC}", {}, "isolate", {"IsolationType": "Full"}),
        (f"tag:{PC}", {"Tag": " finance "}, "tag", {"Tag": "finance"}),
        (f"optional:{PC}", {"Tag": "finance"}, "optional", {"Tag": "finance"}),
        (f"optional:{PC}", {"Tag": "  "}, "optional", {}),
        (f"release:{PC}", {"Other": "x"}, "release", {}),
    ],
)
async def test_an_offer_asks_as_if_its_command_were_typed(
    pressed: Pressed, key: str, inputs: dict[str, str], name: str, parameters: dict[str, str]
):
    """The target of the button, what the form says of the declared parameters and of nothing else, reason and name."""
    await pressed.press("propose", key, reason="beacon", confirm="pc", **inputs)
    ((command, asked),) = pressed.asked
    assert (command, asked.target, asked.parameters) == (name, PC, parameters)
    assert (asked.reason, asked.confirmed) == ("beacon", "pc")


@pytest.mark.parametrize(
    "key", ["isolate", "isolate:", "isolate:pc", f"isolate:{PC}b", f"isolate:{PC[1:]}", f"none:{PC}", "user:", ""]
)
async def test_a_button_that_names_nothing_asks_for_nothing(pressed: Pressed, key: str):
    """A device is named by its whole id, anything else by something."""
    with pytest.raises(Stale) as refused:
        await pressed.press("propose", key, reason="why")
    assert refused.value.key == "error.unknown_button"
    assert not pressed.asked


@pytest.mark.parametrize(("name", "inputs"), [("tag", {}), ("tag", {"Tag": " "}), ("isolate", {"reason": " "})])
async def test_a_form_that_lacks_a_word_is_not_sent(pressed: Pressed, name: str, inputs: dict[str, str]):
    """What must be typed is checked as it is for the command."""
    with pytest.raises(UsageError):
        await pressed.press("propose", f"{name}:{PC}", **inputs)
    assert not pressed.asked


async def test_who_may_not_ask_may_not_press(pressed: Pressed):
    """The response's own role counts, whatever the button's."""
    with pytest.raises(NotAllowed) as refused:
        await pressed.press("propose", f"isolate:{PC}", reason="why", role=Role.READER)
    assert refused.value.values == {"role": "operator", "command": "isolate"}
    assert not pressed.asked


async def test_a_response_without_a_command_is_not_asked_for(pressed: Pressed):
    """Nor is a command of that name that is no response."""
    context = pressed.context(ADELE, "19:soc", Role.APPROVER)
    asked = Asked(target=PC, parameters={}, reason="why", rest="")
    for features in ([], [SimpleNamespace(name="score")]):
        for name in ("isolate", "score"):
            with pytest.raises(Stale):
                await ask_for(replace(context, features=SimpleNamespace(commands=features)), name, asked)


@pytest.mark.parametrize("reason", ["", "  "])
async def test_a_rejection_says_why(pressed: Pressed, reason: str):
    """Without a reason nothing is decided."""
    made = await pressed.kept()
    with pytest.raises(UsageError) as refused:
        await pressed.press("reject", "WK-1", MEGAN, reason=reason)
    assert refused.value.key == "error.no_reject_reason"
    assert await pressed.stage.request("WK-1") == made


@pytest.mark.parametrize(
    ("inputs", "instead"),
    [
        ({"instead.IsolationType": "Selective"}, {"IsolationType": "Selective"}),
        ({"instead.IsolationType": "Full"}, {}),
        ({"instead.IsolationType": "everything", "instead.Comment": "x", "IsolationType": "Selective"}, {}),
    ],
)
async def test_what_an_approver_would_agree_to_is_one_of_the_choices(
    pressed: Pressed, inputs: dict[str, str], instead: dict[str, str]
):
    """Another choice than the one that was asked for, of the declared ones; the reason is kept, cut to its length."""
    await pressed.kept()
    await pressed.press("reject", "WK-1", MEGAN, reason=f" {'n' * 600} ", **inputs)
    decision = (await pressed.stage.request("WK-1")).decisions[-1]
    assert (decision.what, decision.reason, decision.instead) == ("rejected", "n" * 500, instead)


async def test_a_press_after_the_decision_shows_how_it_stands(pressed: Pressed):
    """The second approver is shown the card as it is; where nobody sees an answer to the press, it is told so."""
    await pressed.kept(approvals_needed=2)
    await pressed.press("approve", "WK-1", MEGAN, comment=f" {'c' * 600} ")
    with pytest.raises(Stale, match="already_approved_by_you"):
        await pressed.press("approve", "WK-1", MEGAN)
    await pressed.press("approve", "WK-1", ALEX)
    late = await pressed.press("reject", "WK-1", PATTI, reason="no")
    assert "WK-1" in json.dumps(late.shown.card)
    with pytest.raises(Stale, match="request_moved_on"):
        await pressed.press("reject", "WK-1", PATTI, reason="no", invoke=False)
    decided = await pressed.stage.request("WK-1")
    assert [(d.who, d.reason) for d in decided.decisions] == [(MEGAN, "c" * 500), (ALEX, "")]


async def test_a_card_that_was_lost_track_of_is_known_again(pressed: Pressed):
    """The message that was pressed becomes the card, in its reader's language and zone; a known one stays as it is."""
    made = await pressed.kept(content=4)
    assert (await pressed.press("approve", "WK-1", MEGAN, message="m-7", rev=3, invoke=False)).shown is None
    adopted = (await pressed.stage.request("WK-1")).post_at("19:soc", "m-7")
    assert adopted == made.posts[0].model_copy(
        update={"message": "m-7", "shown": 3, "state": "live", "locale": "nb-NO", "zone": "Europe/Oslo"}
    )
    await pressed.press("withdraw", "WK-1", message="m-7", rev=2)
    assert (await pressed.stage.request("WK-1")).post_at("19:soc", "m-7") == adopted


@pytest.mark.parametrize(("key", "decides"), [("card", True), (WAITS, False), (LASTS, False)])
async def test_a_reminder_is_no_second_card_to_decide_on(key: str, decides):
    """What is said again in the thread has no approval of its own."""
    made = request(evidence=None)
    shown = VIEW.render(made, made.posts[0].model_copy(update={"key": key}), Look(now=START))
    assert ('"approve"' in json.dumps(shown.card)) is decides
