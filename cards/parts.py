"""What several cards are built of: heading, facts, notes, rows that are cut, links that are checked.

Meaning is never in a colour alone: each coloured line says the same in words.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from bot.incidents import rank
from bot.turn import Look, Shown
from cards import button
from cards.elements import (
    Action,
    ActionSet,
    Card,
    Colour,
    Container,
    Execute,
    Fact,
    FactSet,
    OpenUrl,
    TextBlock,
    Tone,
)
from cards.text import PARAGRAPH, Safe, ago, clean, count, escape, join, known, plain, plain_word, say, sentence, word

ROWS = 10
"""Rows on one card; the rest is counted, not dropped silently."""
PORTAL = "https://security.microsoft.com"
DEVICES_PAGE = f"{PORTAL}/machines?category=all-devices"
INCIDENTS_PAGE = f"{PORTAL}/incidents"
PENDING_PAGE = f"{PORTAL}/action-center/pending"
HISTORY_PAGE = f"{PORTAL}/action-center/history"

_HOSTS = ("security", "admin", "go", "intune", "entra", "learn")
_TRUSTED = re.compile(rf"https://(?:{'|'.join(_HOSTS)})\.microsoft\.com(?:[/?#][!-\[\]-~]*)?")
_LONGEST_URL = 1000
_DOWNLOAD = re.compile(
    r"https://[0-9a-z.-]+\.(?:windows\.com|windows\.net|microsoft\.com)(?::443)?/[!-\[\]-~]+"
    r"|http://(?:localhost|127\.0\.0\.1):\d{1,5}/[!-\[\]-~]+"
)
"""Where Microsoft lays files for a short time; this machine stands for it in a simulation."""
_LONGEST_DOWNLOAD = 4000
_LONG_WORD = re.compile(r"[^\s-]{25}")
_ESCAPED = re.compile(r"\\(.)")
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")

_COLOURS: Mapping[str, Colour] = {"high": "Attention"}
_TONES: Mapping[int, Tone] = {3: "attention", 2: "warning"}

T = TypeVar("T")


def shown(body: Iterable[Any], summary: str, actions: Iterable[Action | None] = ()) -> Shown:
    """Finish a card; clients that cannot show it show its summary."""
    card = Card(body, actions, instead=escape(summary, PARAGRAPH))
    return Shown(card=card.to_dict(), summary=summary)


def heading(title: Safe, *below: Safe | None, tone: Tone | None = None) -> Container:
    """The top of a card: what it is about, and the lines that matter most."""
    lines = [TextBlock(line, spacing="Small") for line in below if line is not None]
    return Container([TextBlock(title, size="Medium", bold=True, heading=True), *lines], style=tone)


def section(title: Safe, *items: Any) -> Container:
    """A titled part of a card."""
    return Container([TextBlock(title, bold=True), *items], separator=True, spacing="Medium")


def line(text: Safe, color: Colour | None = None) -> TextBlock:
    """One line or paragraph."""
    return TextBlock(text, color=color, spacing="Small")


def note(text: Safe) -> TextBlock:
    """What is good to know, in small print."""
    return TextBlock(text, size="Small", subtle=True, spacing="Small")


def facts(pairs: Iterable[tuple[Safe, Safe | None]]) -> FactSet | None:
    """Names and values; a pair without a value is left out. None where no pair is left."""
    made = [Fact(title, value) for title, value in pairs if value is not None]
    return FactSet(made, spacing="Small") if made else None


def labelled(look: Look, pairs: Iterable[tuple[Safe, Safe | None]]) -> list[FactSet | TextBlock | None]:
    """Names and values as in `facts`; one with a long word has a line of its own, where it can be broken.

    In a column it would push the others out of a phone's card.
    """
    kept = [(title, value) for title, value in pairs if value is not None]
    wide = [_LONG_WORD.search(_ESCAPED.sub("x", value)) is not None for _, value in kept]
    lines = [
        line(say(look, "evidence.line", label=title, value=value))
        for (title, value), apart in zip(kept, wide, strict=True)
        if apart
    ]
    return [facts(pair for pair, apart in zip(kept, wide, strict=True) if not apart), *lines]


def rows(
    look: Look, items: Sequence[T], render: Callable[[T], Any], limit: int = ROWS, total: int | None = None
) -> list[Any]:
    """Render the first items; what is left of `total` (or of the items) is counted in a last line."""
    made = [render(item) for item in items[:limit]]
    left = (len(items) if total is None else total) - len(made)
    return [*made, note(escape(count(look, "part.more", left)))] if left > 0 else made


def names(look: Look, items: Sequence[str] | None, none: str, limit: int = 3) -> Safe:
    """A short list in one line; `none` is the catalogue's text for an empty one, None could not be read."""
    if items is None:
        return say(look, "word.unread")
    if not items:
        return say(look, none)
    listed = [escape(item, 60) for item in items[:limit]]
    more = len(items) - len(listed)
    return join([*listed, escape(count(look, "part.more", more))] if more > 0 else listed)


def unread(look: Look, sources: Sequence[str], lacking: Sequence[str] = ()) -> TextBlock | None:
    """Say which sources could not be read, so that nothing missing is taken for nothing there.

    `lacking` are permissions that are not granted: without them trying again does not help.
    """
    if not sources:
        return None
    named = join(word(look, "source", source) for source in sources[:ROWS])
    said = [say(look, "part.unread", sources=named)]
    if lacking:
        said.append(say(look, "part.lacking", permissions=", ".join(lacking)))
    return line(join(said, " "), "Attention")


def as_of(look: Look) -> TextBlock:
    """The moment the card shows; every card that counts time from it has this line."""
    return note(say(look, "part.as-of", at=look.now))


def level_color(level: str) -> Colour:
    """The colour that goes with a severity, risk or exposure; the word always stands beside it."""
    return _COLOURS.get(level.casefold(), "Default")


def severity(look: Look, level: str) -> str:
    """A severity in words, as plain text; an unknown one is shown as the service sent it."""
    return plain_word(look, "severity", level)


def evidence_kind(look: Look, kind: str) -> str:
    """What sort of thing a piece of evidence is, with a capital, as plain text; a new sort is named as it was sent."""
    if kind and not known(f"kind.{kind.casefold()}"):
        return sentence(plain(look, "kind.other", kind=kind))
    return sentence(plain_word(look, "kind", kind))


def severity_tone(level: str) -> Tone | None:
    """The background that goes with a severity."""
    return _TONES.get(rank(level)) if level else None


def link(title: str, url: str) -> OpenUrl | None:
    """A link button; None where the address is not https on one of Microsoft's hosts we know."""
    if len(url) > _LONGEST_URL or not _TRUSTED.fullmatch(url):
        return None
    return OpenUrl(title=title, url=url)


def download(title: str, url: str) -> OpenUrl | None:
    """A button that opens a file laid ready for a short time; None where it is not at Microsoft's."""
    if len(url) > _LONGEST_DOWNLOAD or not _DOWNLOAD.fullmatch(url):
        return None
    return OpenUrl(title=title, url=url)


def short(name: str) -> str:
    """A device's name for a button on a phone: without the domain."""
    return clean(name.partition(".")[0] or name, 24)


def device_run(look: Look, machine: str, name: str) -> Execute | None:
    """A button that shows a device; None where the id is not one that a command takes."""
    return run(plain(look, "part.open-device", device=short(name or machine)), f"device {machine}", machine)


def incident_run(look: Look, incident: str) -> Execute | None:
    """A button that shows an incident; None where the id is not one that a command takes."""
    return run(plain(look, "part.open-incident", id=incident), f"incident {incident}", incident)


def bar(first: Iterable[Action | None], *later: Action | None) -> list[Action]:
    """A bar of buttons: those that can wait go to the overflow menu, unless they would stand there alone."""
    made = [action for action in first if action is not None]
    rest = [action for action in later if action is not None]
    return [*made, *(action.secondary() for action in rest)] if made else rest


def portal(page: str, tenant: str) -> str:
    """A page of the Defender portal, pinned to the tenant where it is known."""
    return f"{page}{'&' if '?' in page else '?'}tid={tenant}" if _ID.fullmatch(tenant) else page


def run(title: str, command: str, record: str) -> Execute | None:
    """A button that runs a read command on a record; None where the id is not one that a command takes."""
    return button.run(title, command) if _ID.fullmatch(record) else None


def buttons(*actions: Action | None) -> ActionSet | None:
    """Buttons in the middle of a card; None where there are none."""
    made = [action for action in actions if action is not None]
    return ActionSet(made, spacing="Small") if made else None


def moment(look: Look, at: datetime | None) -> Safe:
    """A time with its zone and its distance: `23 Nov 14:05 CET (3 h ago)`; None is unknown."""
    return say(look, "word.unknown") if at is None else say(look, "time.both", at=at, ago=ago(look, at))
