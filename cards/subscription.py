"""What a conversation hears when it subscribes or unsubscribes."""

from bot.incidents import rank
from bot.subscriptions import Subscription
from bot.turn import Look, Shown
from cards import button, parts
from cards.text import Safe, plain, say


def subscribed_card(look: Look, subscription: Subscription) -> Shown:
    """Say what is posted here from now on, and how to stop it."""
    requests = "subscription.on.requests" if subscription.requests else "subscription.on.no-requests"
    body = [
        parts.heading(say(look, "subscription.on"), _incidents(look, subscription)),
        parts.line(say(look, requests)),
        parts.note(say(look, "subscription.since", at=subscription.since)) if subscription.incidents else None,
        parts.note(say(look, "subscription.end")),
    ]
    actions = [button.run(plain(look, "welcome.try-incidents"), "incidents")]
    return parts.shown(body, plain(look, "subscription.on.summary"), actions)


def unsubscribed_card(look: Look) -> Shown:
    """Say that nothing is posted here any more, and how to begin again."""
    body = [parts.heading(say(look, "subscription.off"), say(look, "subscription.off.text"))]
    return parts.shown(body, plain(look, "subscription.off.summary"))


def _incidents(look: Look, subscription: Subscription) -> Safe:
    lowest = subscription.incidents
    if not lowest:
        return say(look, "subscription.on.no-incidents")
    if rank(lowest) == 0:
        return say(look, "subscription.on.all")
    return say(look, "subscription.on.incidents", severity=parts.severity(look, lowest))
