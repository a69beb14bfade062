"""All that a person may ask for at one device, each with what it does."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.turn import Look, Shown
from cards import parts
from cards.device import Offer, propose_button, response_name
from cards.elements import Container, TextBlock
from cards.text import NAME, clean, escape, known, plain, say, sentence

LONGEST_LIST = 1000


@dataclass(frozen=True, kw_only=True)
class RespondView:
    """`offers` become buttons, `typed` are names of commands that take more than a form asks for."""

    machine: str
    name: str
    offers: tuple[Offer, ...] = ()
    typed: tuple[str, ...] = ()


def respond_card(look: Look, view: RespondView) -> Shown:
    """Show each offer with its effect and its button."""
    device = clean(view.name, NAME)
    body = [
        parts.heading(say(look, "respond.title", device=device)),
        *[_offer(look, offer, view.machine) for offer in view.offers],
        None if view.offers else parts.line(say(look, "respond.none")),
        _typed(look, view.typed) if view.typed else None,
        parts.note(say(look, "respond.left-out")),
        parts.note(say(look, "device.approval-note")) if any(o.needs_approval for o in view.offers) else None,
        parts.as_of(look),
    ]
    back = parts.device_run(look, view.machine, view.name)
    return parts.shown(body, plain(look, "respond.summary", device=device), [back])


def _typed(look: Look, names: Sequence[str]) -> TextBlock:
    """The commands that take more than a form asks for, all of them."""
    return parts.note(say(look, "respond.also", commands=escape(", ".join(names), LONGEST_LIST)))


def _offer(look: Look, offer: Offer, machine: str) -> Container:
    key = f"response.{offer.response}.effect"
    effect = say(look, key) if known(key) else say(look, "response.other.effect")
    name = sentence(response_name(look, offer.response))
    text = parts.line(say(look, "respond.offer", name=name, effect=effect))
    return Container([text, parts.buttons(propose_button(look, offer, machine))], separator=True, spacing="Small")
