"""Who the bot takes a person for, and what they may do."""

from dataclasses import dataclass

from bot.roles import Role
from bot.turn import Look, Shown
from cards import button, parts
from cards.text import escape, plain, plain_word, say, word


@dataclass(frozen=True, kw_only=True)
class WhoAmI:
    """What is known of a person. `customer` is empty where the conversation is bound to none.

    `unread`: the role could not be read.
    """

    name: str
    role: Role
    object_id: str
    tenant: str
    customer: str
    conversation_kind: str
    unread: bool = False


def whoami_card(look: Look, who: WhoAmI) -> Shown:
    """Show the role and what it may do, without one who can give it; then the ids that settings and audit use."""
    role = plain(look, "word.unread") if who.unread else plain_word(look, "role", who.role.word)
    may = "whoami.unread" if who.unread else f"whoami.as.{who.role.word}"
    body = [
        parts.heading(say(look, "whoami.title", name=who.name), say(look, may)),
        parts.note(say(look, "whoami.help")),
        parts.facts(
            [
                (say(look, "whoami.place"), word(look, "place", who.conversation_kind)),
                (say(look, "whoami.customer"), escape(who.customer) if who.customer else say(look, "whoami.unbound")),
                (say(look, "whoami.tenant"), escape(who.tenant)),
                (say(look, "whoami.id"), escape(who.object_id)),
            ]
        ),
    ]
    summary = plain(look, "whoami.summary", name=who.name, role=role)
    return parts.shown(body, summary, [button.run(plain(look, "help.all"), "help")])
