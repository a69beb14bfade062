"""Output of programs on a card: its first and last lines, bounded, in a form out of which nothing breaks.

It stands in a CodeBlock, which reads no Markdown; clients that know none get the same lines as escaped text. What was
left out is counted where it was, and the whole is to be had as a file.
"""

import unicodedata
from dataclasses import dataclass

from cards.elements import CodeBlock, TextBlock
from cards.text import ELLIPSIS, Safe, escape

LINES = 40
"""So many lines are shown, two thirds of them from the beginning."""
WIDTH = 200
FALLBACK_LINES = 12
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_SEEN = 2 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Snippet:
    """The lines that are shown, the number that was left out after the first `head`, how many there are in all."""

    lines: tuple[str, ...]
    left_out: int = 0
    head: int = 0
    total: int = 0


def cut(text: str, lines: int = LINES) -> Snippet:
    """The first and the last lines of a text, each of bounded length and without what cannot be seen."""
    every = [_clean(line) for line in text[:_SEEN].replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    while every and not every[-1]:
        every.pop()
    while every and not every[0]:
        every.pop(0)
    if len(every) <= lines:
        return Snippet(lines=tuple(every), head=len(every), total=len(every))
    head = lines * 2 // 3
    kept = (*every[:head], *every[head - lines :])
    return Snippet(lines=kept, left_out=len(every) - lines, head=head, total=len(every))


def code_block(snippet: Snippet, marker: str) -> CodeBlock | None:
    """The snippet as an element; `marker` stands where lines were left out. None for nothing."""
    if not snippet.lines:
        return None
    shown = list(snippet.lines)
    if snippet.left_out:
        shown.insert(snippet.head, marker)
    fewer = [line for line in shown if line.strip()]
    if len(fewer) > FALLBACK_LINES:
        fewer = [*fewer[: FALLBACK_LINES // 2], ELLIPSIS, *fewer[-FALLBACK_LINES // 2 :]]
    plain = [TextBlock(_visible(line), size="Small", mono=True, spacing="None") for line in fewer]
    return CodeBlock("\n".join(shown), plain)


def _visible(line: str) -> Safe:
    return escape(line, WIDTH)


def _clean(line: str) -> str:
    """A line without control, bidi and other invisible characters; tabs become spaces."""
    line = line[: WIDTH * 4].expandtabs(4).rstrip()
    if not (line.isascii() and line.isprintable()):
        line = "".join(one for one in line if unicodedata.category(one) not in _DROPPED)
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + ELLIPSIS
