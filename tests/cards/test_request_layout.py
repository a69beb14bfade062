"""How a request's card is laid out so that it fits a phone: what is folded, named shortly, or has a line of its own."""

from typing import Any

import pytest

from bot.errors import UsageError
from bot.responses.models import Evidence, Fact, State, Target
from cards import parts
from cards.elements import InputChoiceSet, TextBlock
from cards.error import error_card
from cards.request import request_card, request_title
from cards.respond import RespondView, respond_card
from cards.text import escape, say
from handlers.responses import remediate_mail
from tests.cards import samples, several, walk
from tests.cards.samples import LOOK, NOW

REQUESTS = samples.requests(str)
DECIDED_ON = {State.PROPOSED, State.UNKNOWN}


def texts(part: Any) -> str:
    return "\n".join(walk.markdown_texts(part))


def bulk(name: str, state: State = State.PROPOSED) -> Any:
    """A request for four devices that were meant by this."""
    made = several.several(str, samples.request, NOW)["several-proposed"]
    return made.model_copy(update={"state": state, "target": Target(id="devices-1", name=name, kind="devices")})


@pytest.mark.parametrize("name", sorted(name for name, one in REQUESTS.items() if one.evidence and not one.members))
def test_what_was_known_is_open_to_decide_and_folded_later(name):
    """What was read of the device stands on the card while a person decides, and behind a button afterwards."""
    request = REQUESTS[name]
    card = request_card(LOOK, request).card
    folded = [one for one in card.get("actions", []) if one["title"] == "What was known"]
    assert (", as read" in texts(card["body"])) is (request.state in DECIDED_ON)
    assert (len(folded) == 1) is (request.state not in DECIDED_ON)
    assert all(", as read" in texts(one["card"]) for one in folded)


def test_what_was_read_of_nothing_has_no_title():
    """Where nothing but warnings was read, no empty part of the card is headed."""
    read = Evidence(read_at=NOW, warnings=(Fact(key="indicator-in-use", value="3"),))
    request = samples.request(str, target=Target(id="a" * 40, name="a" * 40, kind="indicator"), evidence=read)
    assert "What it is about" not in texts(request_card(LOOK, request).card)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("all:high-risk", "(all:high-risk)"),
        ("desk-07.contoso.com, kiosk-01", "(desk-07, kiosk-01)"),
        ("desk-07,kiosk-01,laptop-042.contoso.com,srv-files", "(desk-07, kiosk-01, 2 more)"),
    ],
)
def test_several_devices_are_named_shortly(said, named):
    """The title holds the word that means them, or the first two names and how many more."""
    assert request_title(LOOK, bulk(said)) == f"Isolate 4 devices {named}"


@pytest.mark.parametrize("state", [State.REJECTED, State.EXPIRED, State.WITHDRAWN])
def test_what_came_to_nothing_claims_nothing_of_each_device(state):
    """Its devices wait for no decision any more, and there is nothing to undo."""
    said = texts(request_card(LOOK, bulk("all:high-risk", state)).card)
    assert "waits for a decision" not in said
    assert "Undo" not in said
    assert "desk-07" in said


@pytest.mark.parametrize(
    ("value", "apart"),
    [
        ("C:\\Users\\Public\\Downloads\\invoice.exe", True),
        ("warehouse_3@fabrikam.example", True),
        ("laptop-042.fabrikam.example", False),
        ("2b1c9f0e-5d4a-4c3b-8a7f-6e5d4c3b2a19", False),
        ("__________________", False),
        ("many short words that a client can break anywhere", False),
    ],
)
def test_a_long_word_has_a_line_of_its_own(value, apart):
    """A word that cannot be broken would widen a phone's columns; what Markdown hides is not counted."""
    table, *lines = parts.labelled(LOOK, [(say(LOOK, "center.user"), escape(value)), (say(LOOK, "center.since"), None)])
    assert [isinstance(one, TextBlock) for one in lines] == [True] * apart
    assert (table is None) is apart
    assert escape(value) in (lines[0].text if apart else table.facts[0].value)


def test_what_was_asked_for_is_not_said_twice():
    """The recipient of a mail stands among what was asked for, and not again among what was read."""
    read = Evidence(read_at=NOW, facts=(Fact(key="mail-recipient", value="anna@contoso.com"), Fact(key="mail-sender")))
    asked = {"recipientEmailAddress": "anna@contoso.com", "action": "softDelete"}
    mail = {
        "target": Target(id="m/anna@contoso.com", name="Invoice", kind="mail"),
        "response": remediate_mail.RESPONSE.name,
    }
    request = samples.request(str, evidence=read, parameters=asked, **mail)
    said = texts(request_card(LOOK, request).card)
    assert said.count("anna@contoso.com") == 1
    assert request_title(LOOK, request) == "Soft-delete the message Invoice"


def test_a_choice_that_is_none_is_shown_in_words():
    """Clients show an empty value as nothing chosen, so that the words stand as a placeholder."""
    none = InputChoiceSet("a", "What", [("nothing else", ""), ("Full", "full")]).render()
    some = InputChoiceSet("a", "What", [("Full", "full")]).render()
    assert none["placeholder"] == "nothing else"
    assert "placeholder" not in some


def test_what_belongs_into_the_personal_chat_was_understood():
    """The card does not say that the words were not understood, and says what to type where."""
    said = texts(error_card(LOOK, UsageError("error.package_personal", id="WK-7QX2M"), "").card)
    assert "I did not understand" not in said
    assert "**package WK-7QX2M** in the personal chat" in said


def test_all_that_can_be_typed_is_named():
    """However many commands take more than a form asks for, none is cut off."""
    names = tuple(f"command-number-{number}" for number in range(20))
    said = texts(respond_card(LOOK, RespondView(machine="m", name="desk-07", typed=names)).card)
    assert all(name in said for name in names)
