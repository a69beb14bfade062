"""A page of the audit trail, and what a person hears who has it exported."""

from dataclasses import dataclass
from datetime import datetime

from bot.turn import Look, Shown
from cards import button, parts
from cards.elements import Action, Container, FactSet, TextBlock
from cards.text import Safe, count, escape, known, plain, plain_word, say, sentence

HEAD = 12
"""So much of the head is shown: enough to compare it with one that was noted."""


@dataclass(frozen=True, kw_only=True)
class AuditRow:
    """One entry. `who` and `device` are names, or ids where no name is known; `kind` and `id` are the subject's.

    `at` None: the entry cannot be read, somebody changed it.
    """

    position: str
    at: datetime | None
    what: str
    who: str
    kind: str = ""
    id: str = ""
    response: str = ""
    device: str = ""


@dataclass(frozen=True, kw_only=True)
class AuditList:
    """One page of the entries that match, newest first. `filters` are (kind, name) as the catalogue words them.

    `line` is the command without its page. `found` counts all pages, `read` the entries that were looked through,
    `count` all that the trail ever had. `broken` is what was found at `broken_at` (empty: at the end); `cut`: older
    ones of that time were not read.
    """

    line: str
    days: int
    filters: tuple[tuple[str, str], ...] = ()
    rows: tuple[AuditRow, ...] = ()
    page: int = 1
    pages: int = 1
    found: int = 0
    read: int = 0
    count: int = 0
    head: str = ""
    broken: str = ""
    broken_at: str = ""
    cut: bool = False


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A file that was made of the trail: its name, its entries, whether older ones were left out, what is broken."""

    name: str
    entries: int
    cut: bool
    broken: str = ""
    verifiable: bool = False


def audit_card(look: Look, listed: AuditList) -> Shown:
    """Show a page of entries, and at the foot whether the chain of what was read holds."""
    number = count(look, "audit.count", listed.found)
    above = escape(number)
    if listed.pages > 1:
        above = say(look, "devices.page", count=number, page=listed.page, pages=listed.pages)
    body = [
        parts.heading(say(look, "audit.title"), _chosen(look, listed), above),
        _alarm(look, listed) if listed.broken else None,
        None if listed.rows else parts.line(say(look, "audit.none")),
        *parts.rows(look, listed.rows, lambda row: _row(look, row), 25),
        parts.note(say(look, "audit.cut")) if listed.cut else None,
        Container([_foot(look, listed)], separator=True, spacing="Medium"),
        parts.as_of(look),
    ]
    state = plain(look, "audit.broken" if listed.broken else "audit.holds")
    return parts.shown(body, plain(look, "audit.summary", count=number, state=state), _buttons(look, listed))


def _chosen(look: Look, listed: AuditList) -> Safe:
    words = [count(look, "audit.days", listed.days)]
    words += [plain(look, f"audit.by.{kind}", name=name) for kind, name in listed.filters]
    return escape(sentence(", ".join(words)), 200)


def _row(look: Look, row: AuditRow) -> Container:
    if row.at is None:
        text = say(look, "audit.unreadable", position=row.position)
        return Container([TextBlock(text, color="Attention")], separator=True, spacing="Small")
    what = sentence(plain_word(look, "audited", row.what))
    title = say(look, "audit.row-about", what=what, about=_about(look, row)) if row.device else None
    subject = plain(look, f"audit.subject.{row.kind}", id=row.id) if known(f"audit.subject.{row.kind}") else row.id
    items = [
        TextBlock(title or say(look, "audit.row", what=what)),
        TextBlock(say(look, "audit.by", who=_who(look, row.who), at=row.at), spacing="None"),
        TextBlock(escape(subject), spacing="None", subtle=True, size="Small") if subject else None,
    ]
    opens = parts.run(plain(look, "audit.open"), f"audit request {row.id}", row.id) if row.kind == "request" else None
    return Container(items, separator=True, spacing="Small", select=opens)


def _about(look: Look, row: AuditRow) -> str:
    device = parts.short(row.device)
    key = f"response.{row.response}.title"
    return plain(look, key, device=device) if known(key) else device


def _who(look: Look, who: str) -> str:
    key = f"actor.{who.replace(' ', '')}"
    return sentence(plain(look, key)) if known(key) else who


def _alarm(look: Look, listed: AuditList) -> TextBlock:
    found = plain_word(look, "auditbreak", listed.broken)
    return parts.line(say(look, "audit.alarm", where=_where(look, listed), what=found), "Attention")


def _where(look: Look, listed: AuditList) -> str:
    return plain(look, "audit.at", position=listed.broken_at) if listed.broken_at else plain(look, "audit.at-end")


def _foot(look: Look, listed: AuditList) -> FactSet | None:
    broken = say(look, "audit.chain-broken", where=_where(look, listed)) if listed.broken else None
    chain = broken or say(look, "audit.chain-holds", n=listed.read)
    return parts.facts(
        [
            (say(look, "audit.entries"), escape(count(look, "audit.in-all", listed.count))),
            (say(look, "audit.head"), escape(listed.head[:HEAD]) if listed.head else say(look, "audit.no-head")),
            (say(look, "audit.chain"), chain),
        ]
    )


def _buttons(look: Look, listed: AuditList) -> list[Action]:
    older = button.run(plain(look, "audit.older"), f"{listed.line} page {listed.page + 1}")
    newer = button.run(plain(look, "audit.newer"), f"{listed.line} page {listed.page - 1}")
    chosen = listed.line.removeprefix("audit").strip()
    exports = button.run(plain(look, "audit.export"), f"audit export csv {chosen}")
    pages = [older if listed.page < listed.pages else None, newer if listed.page > 1 else None]
    return parts.bar(pages, exports if listed.found else None)


def exported_card(look: Look, made: Exported) -> Shown:
    """Say that the file waits for the person's answer."""
    broken = plain_word(look, "auditbreak", made.broken) if made.broken else ""
    number = count(look, "audit.count", made.entries)
    body = [
        parts.heading(say(look, "audit.exported"), say(look, "audit.exported.text", name=made.name, entries=number)),
        parts.note(say(look, "audit.exported.cut")) if made.cut else None,
        parts.line(say(look, "audit.exported.broken", what=broken), "Attention") if broken else None,
        parts.note(say(look, "audit.exported.verify" if made.verifiable else "audit.exported.csv")),
    ]
    return parts.shown(body, plain(look, "audit.exported.summary", name=made.name))
