"""Who the bot takes a person for, and what they may do."""

from dataclasses import dataclass

from bot.roles import Role
from bot.turn import Look, Shown
from cards import button, parts
from cards.text import escape, plain, plain_word, say, word


@dataclass(frozen=True, kw_only=True)
class WhoAmI:
    """What is known of a person. `customer` is empty where the conversation is bound to none; `may` names commands.

    `unread`: the role could not be read.
    """

    name: str
    role: Role
    object_id: str
    tenant: str
    customer: str
    conversation_kind: str
    may: tuple[str, ...] = ()
    unread: bool = False


def whoami_card(look: Look, who: WhoAmI) -> Shown:
    """Show the role and the ids that settings and audit use; without a role, who can give one."""
    commands = ", ".join(who.may)
    role = plain(look, "word.unread") if who.unread else plain_word(look, "role", who.role.word)
    body = [
        parts.heading(say(look, "whoami.title", name=who.name)),
        parts.facts(
            [
                (say(look, "whoami.role"), escape(role)),
                (say(look, "whoami.id"), escape(who.object_id)),
                (say(look, "whoami.tenant"), escape(who.tenant)),
                (say(look, "whoami.customer"), escape(who.customer) if who.customer else say(look, "whoami.unbound")),
                (say(look, "whoami.place"), word(look, "place", who.conversation_kind)),
            ]
        ),
        parts.line(say(look, "whoami.ask")) if who.role is Role.NONE and not who.unread else None,
        parts.line(
            say(look, "whoami.may", commands=escape(commands, 400)) if commands else say(look, "whoami.nothing")
        ),
    ]
    summary = plain(look, "whoami.summary", name=who.name, role=role)
    return parts.shown(body, summary, [button.run(plain(look, "help.all"), "help")])
