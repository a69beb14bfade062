"""What became of a file that was offered."""

from bot.turn import Look, Shown
from cards import parts
from cards.text import plain, say


def file_handed_card(look: Look, name: str) -> Shown:
    """Say where the file is."""
    body = [parts.heading(say(look, "file.handed"), say(look, "file.handed.text", name=name))]
    return parts.shown(body, plain(look, "file.handed.summary", name=name))


def file_declined_card(look: Look, name: str) -> Shown:
    """Say that nothing is left of it here."""
    body = [parts.heading(say(look, "file.declined"), say(look, "file.declined.text", name=name))]
    return parts.shown(body, plain(look, "file.declined.summary", name=name))
