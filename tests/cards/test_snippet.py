"""Output on a card: what is shown of it, and that nothing in it means anything to a client."""

import re
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from cards.elements import Card, measure
from cards.snippet import FALLBACK_LINES, LINES, WIDTH, code_block, cut
from tests.cards import walk

MARKER = "[ ... left out ... ]"
NASTY = st.text(alphabet="a `*_[](){}<>#\\\n\r\t\0\u202e\u200b\x1b|~-", max_size=400) | st.text(max_size=300)


def shown(text: str) -> dict:
    """The block as it leaves."""
    block = code_block(cut(text), MARKER)
    return Card([block]).to_dict()["body"][0] if block else {}


def test_a_short_text_is_shown_whole():
    """All lines in their order, with their indentation; empty ones at the ends are dropped."""
    assert shown("\n\n a\n\n  b\t|\r\nc\n\0\0\n")["codeSnippet"] == " a\n\n  b |\nc"
    assert shown("") == shown("\n \n\0") == {}


def test_of_a_long_text_both_ends_are_shown():
    """Two thirds of the lines from the beginning, the rest from the end, the marker between, all counted."""
    snippet = cut("\n".join(f"line {n}" for n in range(1000)))
    assert (len(snippet.lines), snippet.left_out, snippet.total) == (LINES, 1000 - LINES, 1000)
    block = code_block(snippet, MARKER)
    assert block
    lines = Card([block]).to_dict()["body"][0]["codeSnippet"].split("\n")
    assert (lines[0], lines[-1]) == ("line 0", "line 999")
    assert lines.index(MARKER) == snippet.head == LINES * 2 // 3


def test_a_long_line_is_cut():
    """A line without an end does not make a card without an end."""
    (line,) = cut("x" * 5_000_000).lines
    assert len(line) == WIDTH
    assert line.endswith("…")


@given(NASTY)
@settings(max_examples=300, deadline=None)
def test_nothing_in_it_is_seen_by_nobody_or_read_as_markup(text: str):
    """No control or bidi character is left; where text stands in the block's place, it is escaped and bounded."""
    node = shown(text)
    if not node:
        return
    snippet = node["codeSnippet"]
    assert not [one for one in snippet if one != "\n" and unicodedata.category(one) in {"Cc", "Cf", "Cs", "Co"}]
    plain = list(walk.markdown_texts(node["fallback"]))
    assert len(plain) <= FALLBACK_LINES + 1
    for line in plain:
        assert "\n" not in line
        assert not re.search(r"(?<!\\)[*_\[\]`]", line)


def test_the_largest_output_fits_a_card():
    """A megabyte of the longest lines stays well below what a card may have."""
    assert measure(Card([code_block(cut(("é" * WIDTH + "\n") * 3000), MARKER)]).to_dict()) < 60_000
