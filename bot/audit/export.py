"""The audit trail as a file: JSON lines that can be verified, or CSV for a spreadsheet.

A JSON-lines export has a header, a line for each entry and a footer. Each line ends with its own seal, made over all
that stands before it: so a changed byte, or a line that is missing, doubled or moved, shows at its place. An entry's
line carries the entry's text exactly as it was sealed, its hash and the hash before it, so that whoever has the key
can compute the chain again. `verify` reads it.
"""

import csv
import io
import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from bot.audit.chain import Break, Checkpoint
from bot.audit.seals import Seals
from bot.audit.trail import Seen

Format = Literal["csv", "jsonl"]
FORMATS: tuple[Format, ...] = ("csv", "jsonl")
CONTENT: Mapping[Format, str] = {"csv": "text/csv", "jsonl": "application/x-ndjson"}
FORMAT_NAME = "watchkeeper-audit"
MARK = ',"mark":"'
FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What makes a spreadsheet take a value for a formula, the full-width forms too."""
UNSEEN = " \u00a0\u2002\u2003\u2009\u200b\u200c\u200d\u2060\u3000\ufeff"
COLUMNS = ("position", "time (UTC)", "what", "who", "name", "subject", "details", "hash")


@dataclass(frozen=True, kw_only=True)
class About:
    """What an export holds: entries since then (None: all that are kept, from the `checkpoint` on).

    `filters` are the words that chose among them; without such words each entry follows the one before.
    """

    customer: str
    made: datetime
    filters: str = ""
    since: datetime | None = None
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What is known at the end: the trail's head and count, where it is broken, and whether entries were left out."""

    head: str
    count: int
    broken: Break | None = None
    cut: bool = False


class Export(Protocol):
    """Makes the pieces of a file in their order."""

    def begin(self, about: About) -> str:
        """What stands before the entries."""

    def add(self, entry: Seen) -> str:
        """One entry."""

    def end(self, ending: Ending) -> str:
        """What stands behind them."""


class JsonLines:
    """See the module. `export` names this file in each of its lines, so that lines of two exports cannot be mixed."""

    def __init__(self, seals: Seals, export: str = "") -> None:
        self._seals = seals
        self._export = export or secrets.token_hex(8)
        self._lines = 0
        self._entries = 0

    def begin(self, about: About) -> str:
        """The header."""
        return self._line(
            {
                "format": FORMAT_NAME,
                "v": 1,
                "customer": about.customer,
                "made": about.made.isoformat(),
                "key": self._seals.fingerprint,
                "filters": about.filters,
                "since": about.since.isoformat() if about.since else "",
                "checkpoint": about.checkpoint.text(self._seals) if about.checkpoint else "",
            }
        )

    def add(self, entry: Seen) -> str:
        """An entry: its position, the hash before it, its text exactly as it was sealed, its hash."""
        self._entries += 1
        return self._line({"position": entry.position, "before": entry.before, "entry": entry.text, "hash": entry.hash})

    def end(self, ending: Ending) -> str:
        """The footer: how many entries the file holds, and the trail's head and count as they were then."""
        broken = {"position": ending.broken.position, "kind": ending.broken.kind} if ending.broken else None
        return self._line(
            {
                "end": True,
                "entries": self._entries,
                "head": ending.head,
                "count": ending.count,
                "broken": broken,
                "cut": ending.cut,
            }
        )

    def _line(self, fields: Mapping[str, Any]) -> str:
        body = json.dumps({"line": self._lines, "export": self._export, **fields}, separators=(",", ":"))[:-1]
        self._lines += 1
        return f'{body}{MARK}{self._seals.line(body.encode())}"}}\n'


@dataclass(kw_only=True)
class Csv:
    """A table for a spreadsheet (RFC 4180, UTF-8 with a byte order mark). It cannot be verified.

    `name` gives the name of a person by `who`, as far as one is known.
    """

    name: Callable[[str], str] = field(default=lambda _who: "")

    def begin(self, about: About) -> str:
        """The byte order mark and the columns' names."""
        del about
        return "\ufeff" + csv_row(COLUMNS)

    def add(self, entry: Seen) -> str:
        """One entry; what cannot be read of it is shown as its text stands."""
        details = json.dumps(dict(entry.more), ensure_ascii=False, sort_keys=True) if entry.at else entry.text
        return csv_row(
            (
                entry.position,
                entry.at.isoformat() if entry.at else "",
                entry.what,
                entry.who,
                self.name(entry.who),
                entry.subject,
                details,
                entry.hash,
            )
        )

    def end(self, ending: Ending) -> str:
        """Nothing: a spreadsheet knows no footer."""
        del ending
        return ""


def csv_row(values: Iterable[str]) -> str:
    """One row, every value quoted and none of them a formula."""
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow([harmless(value) for value in values])
    return line.getvalue()


def harmless(value: str) -> str:
    """The value, with an apostrophe before what a spreadsheet would compute (white space in front does not help it)."""
    bare = value.replace("\0", "\ufffd")
    begins = bare[:1], bare.lstrip(UNSEEN)[:1]
    return f"'{bare}" if FORMULA.intersection(begins) else bare


def whole_file(export: Export, about: About, entries: Sequence[Seen], ending: Ending) -> bytes:
    """The file at once, for an export that is small."""
    pieces = [export.begin(about), *(export.add(entry) for entry in entries), export.end(ending)]
    return "".join(pieces).encode("utf-8", "replace")
