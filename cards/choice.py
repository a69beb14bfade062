"""A question with a button for each answer."""

from collections.abc import Sequence

from bot.turn import Look, Shown
from cards import button, parts
from cards.elements import Container, TextBlock
from cards.text import Safe, escape, plain, say

MOST = 8
Choice = tuple[str, str, str]
"""The command line that the answer runs, its label and a detail."""


def choice_card(look: Look, question: Safe, choices: Sequence[Choice], more: int) -> Shown:
    """Ask which one is meant; `more` counts matches that are not among the choices."""
    left = more + max(0, len(choices) - MOST)
    body = [
        parts.heading(question),
        *[_row(look, choice) for choice in choices[:MOST]],
        parts.note(say(look, "choice.more", n=left)) if left > 0 else None,
    ]
    return parts.shown(body, plain(look, "choice.summary"))


def _row(look: Look, choice: Choice) -> Container:
    line, label, detail = choice
    pick = button.run(plain(look, "choice.choose"), line, plain(look, "choice.choose-this", label=label))
    items = [
        TextBlock(escape(label), bold=True),
        TextBlock(escape(detail), subtle=True, spacing="None") if detail else None,
        parts.buttons(pick) if pick else parts.note(say(look, "choice.type-it")),
    ]
    return Container(items, separator=True, spacing="Small")
