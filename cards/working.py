"""While a service is asked: a working card, edited into the answer or into one that was interrupted."""

from bot.turn import Look, Shown
from cards import parts
from cards.text import plain, say


def working_card(look: Look, line: str) -> Shown:
    """Say that the command `line` is being worked on."""
    body = [
        parts.heading(say(look, "working.title"), say(look, "working.text", line=line)),
        parts.as_of(look),
    ]
    return parts.shown(body, plain(look, "working.summary", line=line))


def interrupted_card(look: Look, line: str) -> Shown:
    """Say that the answer to the command `line` never came, and that it may be tried again."""
    body = [
        parts.heading(say(look, "interrupted.title"), say(look, "interrupted.text", line=line)),
        parts.as_of(look),
    ]
    return parts.shown(body, plain(look, "interrupted.summary", line=line))
