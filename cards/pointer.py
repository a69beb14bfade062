"""What an older card of a record becomes when a newer one stands further down."""

from bot.turn import Look, Shown
from cards import parts
from cards.text import plain, say


def pointer_card(look: Look) -> Shown:
    """Point to the newer card; there is nothing to press here any more."""
    return parts.shown([parts.note(say(look, "pointer.text"))], plain(look, "pointer.summary"))
