"""What the bot says about itself when something of its own is in a bad way."""

from datetime import datetime

from bot.turn import Look, Shown
from cards import parts
from cards.text import plain, say


def conversation_lost_card(look: Look, name: str, at: datetime) -> Shown:
    """Say that nothing is posted in a conversation any more because Teams does not let the bot write there."""
    where = name or plain(look, "notice.other-conversation")
    body = [
        parts.heading(
            say(look, "notice.conversation-lost"),
            say(look, "notice.conversation-lost.text", name=where, at=at),
            tone="warning",
        )
    ]
    return parts.shown(body, plain(look, "notice.conversation-lost.summary", name=where))
