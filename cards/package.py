"""The investigation package of a device, for the one person who may have it."""

from dataclasses import dataclass

from bot.turn import Look, Shown
from cards import parts
from cards.text import NAME, clean, plain, say


@dataclass(frozen=True, kw_only=True)
class PackageView:
    """`link` opens the package to whoever has it; `request` is what collected it."""

    device: str
    request: str
    link: str


def package_card(look: Look, view: PackageView) -> Shown | None:
    """Hand the link over; None where it does not lead to Microsoft."""
    opened = parts.download(plain(look, "package.open"), view.link)
    if opened is None:
        return None
    device = clean(view.device, NAME)
    body = [
        parts.heading(say(look, "package.title", device=device), say(look, "package.text")),
        parts.line(say(look, "package.secret")),
        parts.note(say(look, "package.again", id=view.request)),
        parts.as_of(look),
    ]
    return parts.shown(body, plain(look, "package.summary", device=device), [opened])
