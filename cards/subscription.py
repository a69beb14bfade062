"""What a conversation hears when it subscribes or unsubscribes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.incidents import rank
from bot.subscriptions import Subscription
from bot.turn import Look, Shown
from cards import button, parts
from cards.elements import TextBlock
from cards.text import Safe, plain, say, when


def subscribed_card(look: Look, subscription: Subscription, times: Sequence[datetime] = ()) -> Shown:
    """Say what is posted here from now on, and how to stop it; `times` are the next ones of the digest."""
    requests = "subscription.on.requests" if subscription.requests else "subscription.on.no-requests"
    body = [
        parts.heading(say(look, "subscription.on"), _incidents(look, subscription)),
        parts.line(say(look, requests)),
        parts.line(_center(look, subscription)) if subscription.center else None,
        parts.note(say(look, "subscription.since", at=subscription.since)) if subscription.incidents else None,
        _digest(look, subscription, times),
        parts.note(say(look, "subscription.end-digest" if subscription.digest else "subscription.end")),
    ]
    actions = [button.run(plain(look, "welcome.try-incidents"), "incidents")]
    told = "subscription.on.summary" if subscription.incidents else "subscription.on.summary-other"
    return parts.shown(body, plain(look, told), actions)


def unsubscribed_card(look: Look) -> Shown:
    """Say that nothing is posted here any more, and how to begin again."""
    body = [parts.heading(say(look, "subscription.off"), say(look, "subscription.off.text"))]
    return parts.shown(body, plain(look, "subscription.off.summary"))


def digest_ended_card(look: Look) -> Shown:
    """Say that no digest comes here any more by itself."""
    body = [parts.heading(say(look, "subscription.digest-off"), say(look, "subscription.digest-off.text"))]
    actions = [button.run(plain(look, "digest.now"), "digest")]
    return parts.shown(body, plain(look, "subscription.digest-off.summary"), actions)


def _digest(look: Look, subscription: Subscription, times: Sequence[datetime]) -> TextBlock:
    if not subscription.digest:
        return parts.note(say(look, "subscription.no-digest"))
    zone = subscription.digest_zone
    there = replace(look, zone=zone)
    listed = ", ".join(when(there, at) for at in times)
    return parts.line(say(look, "subscription.digest", zone=zone, times=listed))


def _center(look: Look, subscription: Subscription) -> Safe:
    return say(look, "subscription.on.center" if subscription.requests else "subscription.on.only-center")


def _incidents(look: Look, subscription: Subscription) -> Safe:
    lowest = subscription.incidents
    if not lowest:
        return say(look, "subscription.on.no-incidents")
    if rank(lowest) == 0:
        return say(look, "subscription.on.all")
    return say(look, "subscription.on.incidents", severity=parts.severity(look, lowest))
