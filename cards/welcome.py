"""The card that greets a conversation the bot was added to."""

from bot.turn import Look, Shown
from cards import button, parts
from cards.text import plain, say


def welcome_card(look: Look) -> Shown:
    """Say what the bot does, offer three things to try, and the subscription."""
    body = [
        parts.heading(say(look, "welcome.title"), say(look, "welcome.what")),
        parts.section(
            say(look, "welcome.try"),
            parts.buttons(button.run(plain(look, "welcome.try-devices"), "devices high-risk")),
            parts.buttons(button.run(plain(look, "welcome.try-incidents"), "incidents")),
            parts.buttons(button.run(plain(look, "welcome.try-help"), "help")),
        ),
        parts.note(say(look, "welcome.subscribe-note")),
    ]
    subscribe = button.button(plain(look, "welcome.subscribe"), "subscribe", "default", style="positive")
    return parts.shown(body, plain(look, "welcome.summary"), [subscribe])
