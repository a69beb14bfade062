"""Checks an exported audit trail (JSON lines): every byte of it. Needs the audit key and nothing else."""

import hmac
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.audit.chain import Checkpoint, Kind
from bot.audit.export import FORMAT_NAME, MARK
from bot.audit.seals import Seals

_SEAL = len(MARK) + 64 + len('"}\n')
_POSITION = re.compile(rb'"position":"([0-9-]{1,64})"')
_OURS = re.compile(rb'\{"line":\d+,"export":"')


class Unreadable(Exception):  # noqa: N818 - reads as what happened
    """It cannot be checked: not an export of the audit trail, or nothing in it was sealed with this key."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The first place where a file is not as it was written, or where the trail was broken when it was.

    `line` counts from 1; `position` is the entry's, empty where it cannot be read. `exported`: the file is as it was
    written, but the trail itself was broken already.
    """

    line: int
    position: str
    kind: Kind
    why: str
    exported: bool = False


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A file that holds: whose it is, when it was made, its entries, and the trail's head and count at that time."""

    customer: str
    made: str
    filters: str
    since: str
    entries: int
    first: str
    last: str
    head: str
    count: int
    cut: bool
    noted: bool


@dataclass(frozen=True)
class Line:
    """A line of the file. `genuine`: sealed with this key, as it stands. `number` is what it says of itself."""

    raw: bytes
    genuine: bool
    number: int = -1
    export: str = ""

    @property
    def position(self) -> str:
        """The position that the line names."""
        found = _POSITION.search(self.raw)
        return found[1].decode() if found else ""

    @property
    def fields(self) -> dict[str, Any]:
        """What a genuine line holds."""
        fields: dict[str, Any] = json.loads(self.raw)
        return fields


def verify_file(seals: Seals, content: Iterable[bytes], noted: str = "") -> Checked | Fault:
    """Check an export, given line by line with the line ends. Raises Unreadable.

    `noted` is a head that somebody wrote down earlier, or its beginning; see `Checked.noted`.
    """
    lines = [_line(seals, raw) for raw in content]
    if not any(line.genuine for line in lines):
        if any(_OURS.match(line.raw) for line in lines):
            raise Unreadable("nothing in it was sealed with this AUDIT_KEY: it is another key, or all of it was forged")
        raise Unreadable("it is not an export of the audit trail as JSON lines")
    return _disorder(lines) or _contents(seals, lines, noted)


def _line(seals: Seals, raw: bytes) -> Line:
    body, seal = raw[:-_SEAL], raw[-_SEAL:]
    expected = f'{MARK}{seals.line(body)}"}}\n'.encode()
    if not hmac.compare_digest(expected, seal):
        return Line(raw, genuine=False)
    fields = json.loads(raw)
    return Line(raw, genuine=True, number=fields["line"], export=fields["export"])


def _disorder(lines: Sequence[Line]) -> Fault | None:
    """The first line that is not the one that was written there."""
    export = next(line.export for line in lines if line.genuine)
    there = {line.number for line in lines if line.genuine and line.export == export}
    for expected, line in enumerate(lines):
        if not line.genuine or line.export != export:
            return _foreign(lines, expected, at_its_place=expected in there)
        if line.number != expected:
            return _misplaced(lines, expected, elsewhere=expected in there)
        if line.fields.get("end") and expected < len(lines) - 1:
            return _fault(lines, expected + 1, "inserted", "something follows the end of the export")
    if not lines[-1].fields.get("end"):
        return Fault(line=len(lines) + 1, position="", kind="dropped", why="the end is missing: the file was cut")
    return None


def _foreign(lines: Sequence[Line], index: int, *, at_its_place: bool) -> Fault:
    """A line that is not one of this export as it was written: put in between, or one of ours that was changed."""
    if lines[index].genuine:
        return _fault(lines, index, "inserted", "the line is of another export")
    if at_its_place:
        return _fault(lines, index, "inserted", "the line was not written by the bot")
    return _fault(lines, index, "changed", "the line is not as it was written")


def _misplaced(lines: Sequence[Line], index: int, *, elsewhere: bool) -> Fault:
    """One of our lines where another belongs, which stands elsewhere or is missing."""
    number = lines[index].number
    if number < index:
        return _fault(lines, index, "inserted", f"line {number + 1} stands here once more")
    if elsewhere:
        return _fault(lines, index, "reordered", f"line {number + 1} stands here")
    return _fault(lines, index, "dropped", f"line {index + 1} is missing")


def _fault(lines: Sequence[Line], index: int, kind: Kind, why: str) -> Fault:
    return Fault(line=index + 1, position=lines[index].position, kind=kind, why=why)


def _contents(seals: Seals, lines: Sequence[Line], noted: str) -> Checked | Fault:
    """A file as it was written: whether the trail in it holds."""
    header, footer = lines[0].fields, lines[-1].fields
    if header.get("format") != FORMAT_NAME or header.get("v") != 1:
        raise Unreadable("a newer version of the bot wrote it")
    start = ""
    if header["checkpoint"]:
        checkpoint = Checkpoint.read(header["checkpoint"], header["customer"], seals)
        if checkpoint is None:
            return Fault(line=1, position="", kind="checkpoint", why="the checkpoint is not ours", exported=True)
        start = checkpoint.hash
    if footer["broken"]:
        return _noted_break(lines, footer["broken"])
    linked = not header["filters"]
    begins = start if linked and not header["since"] and not footer["cut"] else None
    return _chain(seals, lines, begins, linked=linked) or _checked(lines, header, footer, noted)


def _noted_break(lines: Sequence[Line], broken: dict[str, Any]) -> Fault:
    """The break that the bot saw in the trail when it wrote the file."""
    where = str(broken["position"])
    index = next((i for i, line in enumerate(lines) if where and line.position == where), len(lines) - 1)
    return Fault(
        line=index + 1,
        position=where,
        kind=broken["kind"],
        why="the trail was broken when it was exported",
        exported=True,
    )


def _chain(seals: Seals, lines: Sequence[Line], before: str | None, *, linked: bool) -> Fault | None:
    """Compute the chain again. `before` is the hash that the first entry must follow, None where it is not known."""
    for index, line in enumerate(lines[1:-1], 1):
        entry = line.fields
        if before is not None and entry["before"] != before:
            return Fault(
                line=index + 1,
                position=entry["position"],
                kind="dropped",
                why="the entry does not follow the one before",
                exported=True,
            )
        if not seals.follows(entry["before"], entry["entry"], entry["hash"]):
            return Fault(
                line=index + 1,
                position=entry["position"],
                kind="changed or dropped",
                why="the entry does not fit its hash",
                exported=True,
            )
        before = entry["hash"] if linked else None
    return None


def _checked(lines: Sequence[Line], header: dict[str, Any], footer: dict[str, Any], noted: str) -> Checked:
    entries = lines[1:-1]
    hashes = (line.fields["hash"] for line in entries)
    return Checked(
        customer=header["customer"],
        made=header["made"],
        filters=header["filters"],
        since=header["since"],
        entries=len(entries),
        first=entries[0].position if entries else "",
        last=entries[-1].position if entries else "",
        head=footer["head"],
        count=footer["count"],
        cut=footer["cut"],
        noted=bool(noted) and any(seal.startswith(noted) for seal in hashes),
    )
