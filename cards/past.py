"""What is over, by whomever it was started or decided: a page of it, and what a person hears who has it as a file."""

from dataclasses import dataclass
from datetime import datetime

from bot.turn import Look, Shown
from cards import button, parts
from cards.center import center_title, outcome_said
from cards.elements import Action, Container, TextBlock
from cards.text import NAME, Safe, clean, count, escape, known, plain, plain_word, say, sentence

ROWS = 10


@dataclass(frozen=True, kw_only=True)
class PastEntry:
    """One entry of the history. `what` is a response's name, or (not ours) a type of machine action.

    `outcome` is a state of requests, `status` the service's own word. `source`: `bot`, `portal`, `api` (another app)
    or `elsewhere` (Defender does not say); `center`: it waited in the Action center, `what` is its kind there, and
    `outcome` may be empty. `people` are ids of those who had a part in it, `device` is where a thing is.
    """

    started: datetime
    ended: datetime | None
    what: str
    kind: str
    target: str
    target_id: str
    outcome: str
    status: str
    started_by: str
    decided_by: str
    source: str
    request: str = ""
    action: str = ""
    reason: str = ""
    people: tuple[str, ...] = ()
    device: str = ""


@dataclass(frozen=True, kw_only=True)
class PastList:
    """One page. `line` is the command without its page, `filters` are (key, value); `cut` names what was not read."""

    line: str
    days: int
    filters: tuple[tuple[str, str], ...] = ()
    rows: tuple[PastEntry, ...] = ()
    page: int = 1
    pages: int = 1
    found: int = 0
    unread: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    tenant: str = ""


def past_card(look: Look, listed: PastList) -> Shown:
    """Show a page, newest first; what was started outside the bot is marked."""
    number = count(look, "past.count", listed.found)
    above = escape(number)
    if listed.pages > 1:
        above = say(look, "devices.page", count=number, page=listed.page, pages=listed.pages)
    empty = not listed.rows and not listed.unread
    none = "history.none-filtered" if listed.filters else "history.none"
    body = [
        parts.heading(say(look, "history.title"), _chosen(look, listed), say(look, none) if empty else above),
        parts.unread(look, listed.unread, listed.lacking),
        *(parts.line(say(look, f"past.cut.{name}"), "Attention") for name in listed.cut if known(f"past.cut.{name}")),
        *parts.rows(look, listed.rows, lambda entry: _row(look, entry), ROWS),
        parts.note(say(look, "history.tap")) if any(entry.request for entry in listed.rows) else None,
        parts.as_of(look),
    ]
    return parts.shown(body, count(look, "history.summary", listed.found), _buttons(look, listed))


def _chosen(look: Look, listed: PastList) -> Safe:
    words = [count(look, "audit.days", listed.days)]
    for key, value in listed.filters:
        shown = plain_word(look, "state", value) if key == "outcome" else value
        words.append(plain(look, f"past.by.{key}", name=shown))
    return escape(sentence(", ".join(words)), 200)


def _row(look: Look, entry: PastEntry) -> Container:
    center = entry.source == "center"
    state = outcome_said(look, entry.status) if center else plain_word(look, "state", entry.outcome)
    at = parts.moment(look, entry.ended or entry.started)
    who = clean(entry.started_by, NAME) or plain(look, "word.unknown")
    title = say(look, "past.row", title=past_title(look, entry), state=state)
    lines = [say(look, f"past.from.{entry.source}", who=who, at=at)]
    if entry.decided_by:
        lines.append(say(look, "past.decided", who=clean(entry.decided_by, NAME)))
    small = [TextBlock(line, spacing="None", subtle=True, size="Small") for line in lines]
    opens = parts.run(plain(look, "actions.show-this", id=entry.request), f"request {entry.request}", entry.request)
    return Container([TextBlock(title), *small], spacing="Small", select=opens if entry.request else None)


def past_title(look: Look, entry: PastEntry) -> str:
    """What was done to what, as plain text."""
    target = clean(parts.short(entry.target) if entry.kind == "device" else entry.target, NAME)
    target = target or clean(entry.target_id, 12) or plain(look, "word.unknown")
    if entry.source == "center":
        thing = center_title(look, entry.what, entry.target)
        where = clean(parts.short(entry.device), NAME)
        return plain(look, "past.action", action=thing, device=where) if where else thing
    key = f"response.{entry.what}.title"
    if known(key):
        return plain(look, key, device=target)
    if entry.source == "bot" and not known(f"action.{entry.what.casefold()}"):
        return plain(look, "response.other.title", response=clean(entry.what, 40), device=target)
    return plain(look, "past.action", action=sentence(plain_word(look, "action", entry.what)), device=target)


def _buttons(look: Look, listed: PastList) -> list[Action]:
    older = button.run(plain(look, "audit.older"), f"{listed.line} page {listed.page + 1}")
    newer = button.run(plain(look, "audit.newer"), f"{listed.line} page {listed.page - 1}")
    chosen = listed.line.removeprefix("actions history").strip()
    export = button.run(plain(look, "past.export"), f"actions history export {chosen}")
    page = parts.link(plain(look, "history.portal"), parts.portal(parts.HISTORY_PAGE, listed.tenant))
    pages = [older if listed.page < listed.pages else None, newer if listed.page > 1 else None]
    return parts.bar([*pages, export if listed.found else None], page)


def exported_past_card(look: Look, name: str, entries: int, *, whole: bool) -> Shown:
    """Say that the file waits for the person's answer."""
    number = count(look, "past.count", entries)
    body = [
        parts.heading(say(look, "past.exported"), say(look, "past.exported.text", name=name, entries=number)),
        None if whole else parts.note(say(look, "past.exported.cut")),
        parts.note(say(look, "past.exported.csv")),
    ]
    return parts.shown(body, plain(look, "past.exported.summary", name=name))
