"""What somebody decides about stands on the card whole: the target, each parameter, the reason."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.command import Context
from bot.defender.indicators.values import LONGEST, recognise
from bot.errors import UsageError
from bot.responses.models import Fact, Target
from cards.request import request_card
from cards.text import WHOLE
from handlers.proposing import LONGEST_REASON, check_shown
from handlers.submission_aim import web_address
from tests.cards import samples, walk
from tests.cards.samples import LOOK

ASKING = cast(Context, SimpleNamespace(look=LOOK))
LONG = f"http://{'a.' * 120}example/{'x' * (LONGEST - 300)}"


def texts(**changes: Any) -> str:
    """All texts of the card on which such a request is decided, without the marks of escapes."""
    request = samples.requests(str)["proposed"].model_copy(update=changes)
    return "\n".join(walk.markdown_texts(request_card(LOOK, request).card)).replace("\\", "")


def test_each_parameter_is_shown_to_its_last_letter():
    """However many there are and however long one may be."""
    values = {name: name * (WHOLE // len(name) - 1) + "end" for name in ("Args", "Key", "Value", "Task", "Path")}
    shown = texts(parameters=values)
    assert [name for name, value in values.items() if value not in shown] == []


def test_the_reason_is_shown_to_its_last_letter():
    """Also the longest that is taken."""
    reason = "because " * (LONGEST_REASON // 8 - 1) + "at last"
    assert len(reason) <= LONGEST_REASON
    assert reason in texts(reason=reason)


@pytest.mark.parametrize("name", [web_address("https://bad.example/" + "q" * 1979 + "e"), recognise(LONG).shown])
def test_a_target_that_the_title_cuts_off_is_named_in_full_once(name):
    """The title has room for 64 characters; the rest of an address decides what is blocked or sent in."""
    facts = samples.facts(str, facts=(Fact(key="submission-what", value=name), Fact(key="indicator-value", value=name)))
    shown = texts(target=Target(id="1", name=name, kind="submission"), evidence=facts)
    assert shown.count(name) == 1
    assert "…" in shown


def test_a_name_that_fits_the_title_stands_there_alone():
    """It is not said twice."""
    assert "In full" not in texts()


@pytest.mark.parametrize("value", ["x" * (WHOLE + 1), "in\u200bvisible", "two  blanks", "two\nlines"])
def test_what_a_card_would_not_show_as_it_is_is_not_asked_for(value):
    """It is refused when it is asked for, with a sentence that names the parameter and the length."""
    with pytest.raises(UsageError) as refused:
        check_shown(ASKING, {"ScriptName": "a.ps1", "Args": value})
    assert (refused.value.key, refused.value.values) == (
        "error.not_shown_whole",
        {"what": "Arguments", "most": WHOLE},
    )


def test_what_a_card_shows_is_asked_for():
    """The longest that is shown is taken."""
    check_shown(ASKING, {"Args": "x" * WHOLE})


@pytest.mark.parametrize("mark", ["\u200b", "\u202e", "\u00ad"])
def test_an_address_with_what_nobody_sees_is_none(mark):
    """Its card would show another address than the one that is blocked."""
    with pytest.raises(UsageError):
        recognise(f"https://bad.example/a{mark}b")
