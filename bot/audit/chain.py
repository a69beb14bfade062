"""Where a chain of audit entries is broken, and what happened there as far as one can know. Pure."""

import hmac
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.audit.seals import Seals

Row = tuple[str, str, str]
"""An entry as it is stored: its position, its JSON text, its hash."""
Kind = Literal["changed", "changed or dropped", "dropped", "inserted", "reordered", "checkpoint", "head"]


@dataclass(frozen=True, kw_only=True)
class Break:
    """The first entry that does not follow.

    `position` is where it stands (empty: at the end). `kind`: its text or hash was `changed`; an entry before it was
    `dropped`; it was `inserted` (repeated, made up, taken from elsewhere); it stands in another order; the `checkpoint`
    is not one of ours; the `head` is not the hash of any entry.
    """

    position: str
    kind: Kind


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What stands for entries that were trimmed: the last of them, and how many there were in all until then."""

    customer: str
    position: str
    hash: str
    count: int
    at: datetime

    def text(self, seals: Seals) -> str:
        """The checkpoint as it is stored, sealed."""
        body = self._body()
        return f"{seals.checkpoint(body)}\n{body}"

    def _body(self) -> str:
        fields = {
            "v": 1,
            "customer": self.customer,
            "position": self.position,
            "hash": self.hash,
            "count": self.count,
            "at": self.at.isoformat(),
        }
        return json.dumps(fields, sort_keys=True, separators=(",", ":"))

    @classmethod
    def read(cls, text: str, customer: str, seals: Seals) -> "Checkpoint | None":
        """The checkpoint of that customer behind a stored text; None where it is not one that this key sealed."""
        seal, _, body = text.partition("\n")
        if not hmac.compare_digest(seals.checkpoint(body).encode(), seal.encode()):
            return None
        fields = json.loads(body)
        if fields["customer"] != customer:
            return None
        return cls(
            customer=customer,
            position=fields["position"],
            hash=fields["hash"],
            count=fields["count"],
            at=datetime.fromisoformat(fields["at"]),
        )


def first_break(seals: Seals, rows: Sequence[Row], before: str = "") -> Break | None:
    """The first of the rows that does not follow the one before it (`before` is the hash in front of the first)."""
    for index, (position, text, found) in enumerate(rows):
        if not seals.follows(before, text, found):
            return Break(position=position, kind=_kind(seals, rows, index, before))
        before = found
    return None


def _kind(seals: Seals, rows: Sequence[Row], index: int, before: str) -> Kind:
    """What happened at the first row that does not follow: told from the rows around it."""
    _, text, found = rows[index]
    later = rows[index + 1 :]
    if later and seals.follows(seals.entry(before, text), later[0][1], later[0][2]):
        return "changed"  # only its hash was
    if any(seals.follows(seal, text, found) for _, _, seal in later):
        return "reordered"
    if any(seals.follows(seal, text, found) for seal in ("", *(row[2] for row in rows[:index]))):
        return "inserted"  # an entry of this trail once more
    if any(seals.follows(before, one, seal) for _, one, seal in later):
        return "inserted"
    follows = bool(later) and seals.follows(found, later[0][1], later[0][2])
    return "changed or dropped" if follows or not later else "changed"


def sealed_with_another_key(seals: Seals, rows: Sequence[Row]) -> bool:
    """Whether no entry at all follows another: the sign of another key. One entry alone says nothing."""
    pairs = list(itertools.pairwise(rows))
    return bool(pairs) and not any(seals.follows(a[2], b[1], b[2]) for a, b in pairs)
