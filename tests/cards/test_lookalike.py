"""Names with letters of two alphabets in one word are called out where somebody decides."""

import pytest

from bot.responses.models import Member, State, Target
from cards.lookalike import mixes
from cards.request import request_card
from tests.cards import samples, walk
from tests.cards.samples import LOOK

MIXED = "l\u0430ptop-042.contoso.com"  # the second letter is Cyrillic


@pytest.mark.parametrize(
    ("name", "mixed"),
    [
        (MIXED, True),
        ("CONTOSO\\\u0430dmin", True),
        ("alex@cont\u03bfso.com", True),  # a Greek omicron
        ("DESKTOP-\u0410BC", True),
        ("p\uff41ypal", True),  # full width
        ("laptop-042.contoso.com", False),
        ("CONTOSO\\ren\u00e9.m\u00fcller-str\u00f8m", False),
        ("\u043d\u043e\u0443\u0442\u0431\u0443\u043a-042", False),  # wholly Cyrillic
        ("\u0418\u0432\u0430\u043d Petrov", False),  # two words, each in one
        ("\u043d\u043e\u0443\u0442\u0431\u0443\u043a.contoso.com", False),
        ("\u5c71\u7530\u306e\u30ce\u30fc\u30c8", False),  # Japanese
        ("\u53f0\u5317-PC", False),
        ("\u00b5-lab 5\u00b0 \U0001f4bb", False),
        ("", False),
    ],
)
def test_a_word_of_several_alphabets_is_told_from_a_foreign_one(name, mixed):
    """Letters that are drawn alike count; accents, digits, signs and names wholly in one alphabet do not."""
    assert mixes(name) is mixed


def said(**changes) -> list[str]:
    """The lines about such names on a card, without the marks of escapes."""
    request = samples.requests(str)["proposed"].model_copy(update=changes)
    texts = walk.markdown_texts(request_card(LOOK, request).card)
    return [text.replace("\\", "") for text in texts if "mixes alphabets" in text]


def test_the_target_and_the_users_are_looked_at():
    """Also the devices of a request for several, and who uses them; each name is said once."""
    (line,) = said(target=Target(id="1", name=MIXED))
    assert MIXED in line
    (line,) = said(evidence=samples.facts(str, users=("ben", "c\u0430rla")))
    assert "c\u0430rla" in line
    assert "ben" not in line
    member = Member(target=Target(id="1", name=MIXED), users=("\u0430da",))
    (line,) = said(members=(member, member))
    assert (line.count(MIXED), line.count("\u0430da")) == (1, 1)


def test_nothing_is_said_where_nothing_is_mixed_or_decided():
    """The usual card has no such line, nor has one that is decided."""
    assert said() == []
    assert said(target=Target(id="1", name=MIXED), state=State.APPROVED) == []
