"""Names that may look like others: letters of two alphabets in one word, such as a Cyrillic "a" among Latin letters."""

import re
import unicodedata

from bot.responses.models import Request, State
from bot.turn import Look
from cards import parts
from cards.elements import TextBlock
from cards.text import say

ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "COPTIC", "ARMENIAN", "CHEROKEE", "LISU", "FULLWIDTH", "MATHEMATICAL"})
"""Alphabets with letters that are drawn alike; Japanese mixes its own and is not meant."""
_BETWEEN = re.compile(r"[\s.,@/\\]+")


def mixes(name: str) -> bool:
    """Whether a word of the name has letters of several such alphabets. A name wholly in one of them has not."""
    return any(len(_alphabets(word)) > 1 for word in _BETWEEN.split(name) if not word.isascii())


def _alphabets(word: str) -> set[str]:
    return {unicodedata.name(letter, "").partition(" ")[0] for letter in word if letter.isalpha()} & ALIKE


def mixed_names(look: Look, request: Request) -> TextBlock | None:
    """Call out the targets and users of a request that waits for a decision whose names mix alphabets."""
    if request.state is not State.PROPOSED:
        return None
    members = [name for one in request.members for name in (one.target.name, *(one.users or ()))]
    users = (request.evidence.users if request.evidence else None) or ()
    found = [name for name in dict.fromkeys((request.target.name, *members, *users)) if mixes(name)]
    names = parts.names(look, found, "word.unknown")
    return parts.line(say(look, "request.mixes", names=names), "Attention") if found else None
