r"""How text reaches a card: the catalogue is looked up, outside text is escaped, times and numbers are written out.

`Safe` marks text that may stand in a TextBlock or Fact, which read Markdown. Only this module makes it: from the
catalogue (`say`) and from outside text (`escape`). Titles of buttons and summaries are not Markdown: they take `plain`.

What is escaped follows two parsers at once: CommonMark (Teams on the desktop and the web) and the parser of the phone
clients, which removes a backslash only before `* _ [ ] )`, shows any other one and reads no entities. So a character
is escaped only where it would mean something: `DESKTOP-1` and `CONTOSO\alice` look the same everywhere.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from bot.turn import Look
from cards.english import TEXTS

LIMIT = 120
NAME = 64
"""Names of devices and people are cut here where many stand on one card; a DNS label is no longer."""
PARAGRAPH = 500
WHOLE = 2000
"""What somebody decides about is never cut: it is as long as a typed line at most, and no longer one is asked for."""
SKEW = timedelta(seconds=15)
"""What another's clock calls so little ahead is now."""
ELLIPSIS = "…"
ENGLISH: dict[str, str] = dict(TEXTS)
CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH}

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co"})  # controls, bidi and zero-width marks, halves of pairs, private use
_BLANKS = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")  # not white space by name, but nothing is seen
_TAGS = range(0xE0000, 0xE1000)  # invisible copies of letters
_MARKUP = re.compile(
    r"""
    [*_\[\]`]                         # emphasis, links, code: always
    | (?<=\])\(                       # the second half of a link, for parsers that know no escapes
    | <(?=[A-Za-z/!?]|$)              # HTML, <at>, <https://...>
    | \\(?=[!-/:-@\[-`{-~]|$)         # a backslash that would escape what follows
    | &(?=\#?\w+;)                    # an entity
    | ~(?=~) | (?<=~)~                # struck out, fences
    | \{(?=\{) | (?<=\{)\{            # {{DATE(...)}}
    | :(?=//)                         # an address that would become a link by itself
    | ^[-+](?=[-+\ ]|$) | ^>          # lists, rules, quotes: at the start only
    | ^\#(?=[\#\ ]|$)                 # headings
    """,
    re.VERBOSE,
)
_DOUBTFUL = re.compile(r"[^0-9A-Za-z ,;'.]|^\d+\.")
"""What may need an escape: a quick look that spares most texts the long one."""
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?= |$)")


class Safe(str):
    """Text that may stand where Markdown is read: from the catalogue, or escaped."""

    __slots__ = ()


Value: TypeAlias = str | int | float | datetime


def add_texts(texts: Mapping[str, str]) -> None:
    """Take the texts that a response's module brings along into the catalogue. ValueError: a key has another text."""
    taken = sorted(key for key in texts if ENGLISH.get(key, texts[key]) != texts[key])
    if taken:
        raise ValueError(f"these texts stand in the catalogue already: {', '.join(taken)}")
    ENGLISH.update(texts)


def clean(outside: str, limit: int = LIMIT) -> str:
    """One line without control, bidi and zero-width characters, of at most `limit` characters (cut with an ellipsis).

    Runs of white space become one space, so that nobody hides the end of a file's name behind blanks.
    """
    seen = outside[: limit * 20]
    if seen.isascii() and seen.isprintable():  # nothing to drop; so are most texts
        line = " ".join(seen.split())
    else:
        kept = (" " if c.isspace() or c in _BLANKS else c for c in seen if c.isspace() or not _dropped(c))
        line = " ".join("".join(kept).split())
    if len(line) > limit or (len(outside) > len(seen) and line):
        return line[: limit - 1].rstrip() + ELLIPSIS
    return line


def escape(outside: str, limit: int = LIMIT) -> Safe:
    """Make outside text safe for Markdown: it is shown as it is and becomes no link, list, mention or date.

    It is cut before it is escaped, so that no escape is cut in half. The result is at most twice as long as `limit`.
    """
    line = clean(outside, limit)
    if not _DOUBTFUL.search(line):
        return Safe(line)
    line = _MARKUP.sub(lambda found: "\\" + found.group(), line)
    return Safe(_NUMBERED.sub(r"\1\\\2", line))


def say(look: Look, key: str, /, **values: Value) -> Safe:
    """Write a text of the catalogue as Markdown; values that are not `Safe` are escaped. KeyError: no such text."""
    return Safe(_fill(_template(look, key), {name: _safe(look, value) for name, value in values.items()}))


def plain(look: Look, key: str, /, **values: Value) -> str:
    """Write a text of the catalogue, without its bold, where no Markdown is read: button titles, labels, summaries.

    TypeError: a value is `Safe` already; its backslashes would be seen.
    """
    if any(isinstance(value, Safe) for value in values.values()):
        raise TypeError(f"{key}: plain text takes no Markdown")
    bare = _template(look, key).replace("**", "")
    return _fill(bare, {name: clean(_written(look, value)) for name, value in values.items()})


def count(look: Look, key: str, n: int) -> str:
    """Say how many, as plain text: the text `<key>.one` or `<key>.other`, filled with `n`."""
    return plain(look, f"{key}.one" if n == 1 else f"{key}.other", n=n)


def told(look: Look, key: str, values: Mapping[str, Any], otherwise: str) -> Safe:
    """Write a text whose key and values came with a record or an error.

    An older record may name a text or lack a value that today's catalogue has no longer: the text `otherwise` is
    written then, or "unknown" in place of the value, so that no card fails for it.
    """
    if key not in ENGLISH:
        return say(look, otherwise)
    filled = {name: _safe(look, value) for name, value in values.items() if isinstance(value, Value)}
    missing = dict.fromkeys(_PLACEHOLDER.findall(_template(look, key)), say(look, "word.unknown"))
    return say(look, key, **{**missing, **filled})


def told_plain(look: Look, key: str, values: Mapping[str, Any], otherwise: str) -> str:
    """The same where no Markdown is read."""
    if key not in ENGLISH:
        return plain(look, otherwise)
    filled = {name: value for name, value in values.items() if isinstance(value, Value)}
    missing = dict.fromkeys(_PLACEHOLDER.findall(_template(look, key)), plain(look, "word.unknown"))
    return plain(look, key, **{**missing, **filled})


def known(key: str) -> bool:
    """Whether the catalogue has this text; for keys that are made of a service's word."""
    return key in ENGLISH


def word(look: Look, group: str, value: str | None) -> Safe:
    """A service's word as people read it, for Markdown; see `plain_word`."""
    return escape(plain_word(look, group, value))


def plain_word(look: Look, group: str, value: str | None) -> str:
    """A service's word as people read it: the text `<group>.<value in lower case>`, else the word as it was sent.

    An empty value or None is said to be unknown.
    """
    if not value:
        return plain(look, "word.unknown")
    key = f"{group}.{value.casefold().replace(' ', '')}"
    return plain(look, key) if known(key) else clean(value, 40)


def sentence(text: str) -> str:
    """The same with a capital at its beginning: `URL` stays `URL`."""
    return text[:1].upper() + text[1:]


def join(parts: Iterable[Safe], separator: str = ", ") -> Safe:
    """Put safe texts together; `separator` is ours."""
    return Safe(separator.join(parts))


def when(look: Look, at: datetime) -> str:
    """A moment in the reader's zone, which is named: `23 Nov 14:05 CET`; with the year unless it is this one."""
    local = at.astimezone(zone(look))
    months = _template(look, "time.months").split()
    year = "" if local.year == look.now.astimezone(zone(look)).year else f" {local.year}"
    return f"{local.day} {months[local.month - 1]}{year} {local:%H:%M} {_zone_name(local)}"


def on(look: Look, day: date) -> str:
    """A day without a zone: `23 Nov`, with the year unless it is this one."""
    year = "" if day.year == look.now.year else f" {day.year}"
    return f"{day.day} {_template(look, 'time.months').split()[day.month - 1]}{year}"


def to_the_second(look: Look, at: datetime) -> str:
    """A time of day in the reader's zone, which is named: `14:05:07 CET`."""
    local = at.astimezone(zone(look))
    return f"{local:%H:%M:%S} {_zone_name(local)}"


def ago(look: Look, at: datetime) -> str:
    """How long before (or after) the moment of showing: `3 h ago`, `in 25 min`. The card must say that moment too."""
    distance = look.now - at
    direction = "ago" if distance >= timedelta(0) else "ahead"
    minutes = int(abs(distance).total_seconds() // 60)
    if minutes < 1:
        return plain(look, "time.soon" if -distance > SKEW else "time.now")
    if minutes < 60:  # noqa: PLR2004 - an hour
        return plain(look, f"time.minutes.{direction}", n=minutes)
    if minutes < 48 * 60:
        return plain(look, f"time.hours.{direction}", n=minutes // 60)
    return plain(look, f"time.days.{direction}", n=minutes // (24 * 60))


def zone(look: Look) -> tzinfo:
    """The reader's time zone; UTC where the name is unknown."""
    try:
        return ZoneInfo(look.zone) if look.zone else UTC
    except (KeyError, ValueError, OSError):  # no such zone, a malformed name, a folder's name
        return UTC


def _dropped(character: str) -> bool:
    return unicodedata.category(character) in _DROPPED or ord(character) in _TAGS


def _zone_name(local: datetime) -> str:
    name = local.tzname() or ""
    offset = local.strftime("%z")
    return name if name.isalpha() else f"UTC{offset[:3]}:{offset[3:5]}"


def _template(look: Look, key: str) -> str:
    return _catalogue(look.locale).get(key) or ENGLISH[key]


@lru_cache(maxsize=64)
def _catalogue(locale: str) -> Mapping[str, str]:
    return CATALOGUES.get(locale.partition("-")[0].lower(), ENGLISH)


def _fill(template: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], template)


def _written(look: Look, value: Value) -> str:
    if isinstance(value, datetime):
        return when(look, value)
    if isinstance(value, float):
        return f"{value:,.1f}".removesuffix(".0")
    return f"{value:,}" if isinstance(value, int) else value


def _safe(look: Look, value: Value) -> Safe:
    """The value for Markdown. Numbers and times are ours, and hold nothing that would mean something there."""
    if isinstance(value, Safe):
        return value
    return escape(value) if isinstance(value, str) else Safe(_written(look, value))
