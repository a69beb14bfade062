"""The digest: what changed, what to do next, and what it was made of. What was not read is never shown as zero."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.digests import NextStep, Snapshot, Upkeep
from bot.turn import Look, Shown
from cards import button, parts
from cards.digest_sections import TITLE, coverage, decisions, devices, incidents, scores
from cards.elements import Action, Container
from cards.error import ENTRA
from cards.request import response_title
from cards.text import Safe, Value, clean, count, escape, plain, plain_word, say, sentence, told, told_plain

FIRST, HEADLINE = 3, 240
"""How many pieces of news a notification names, and how long the card's first line may be."""
HEAD = 12
"""How much of the audit head's hash is shown."""


def digest_card(look: Look, digest: Snapshot, tenant: str, due: datetime | None = None) -> Shown:
    """Show a digest as it was read; `due` is when it should have come, where it is late."""
    look = replace(look, now=digest.at)
    news = list(_news(look, digest))
    body = [
        parts.heading(say(look, "digest.title"), _time(look, digest), _late(look, due), _headline(look, digest, news)),
        _next(look, digest),
        incidents(look, digest),
        decisions(look, digest),
        devices(look, digest),
        scores(look, digest.figures),
        *_small_print(look, digest),
        *coverage(look, digest),
    ]
    lists = button.run(plain(look, "welcome.try-incidents"), "incidents")
    page = parts.link(plain(look, "incidents.portal"), parts.portal(parts.INCIDENTS_PAGE, tenant))
    actions = parts.bar([button.run(plain(look, "digest.now"), "digest"), lists], page)
    return parts.shown(body, plain(look, "digest.summary", said=_said(look, digest, news)), actions)


def _time(look: Look, digest: Snapshot) -> Safe:
    if digest.first:
        return say(look, "digest.first", at=digest.at)
    return say(look, "digest.since", since=digest.since, at=digest.at)


def _late(look: Look, due: datetime | None) -> Safe | None:
    return say(look, "digest.late", due=due) if due else None


def _news(look: Look, digest: Snapshot) -> Iterator[str]:
    """What a reader should hear at once, as plain text; nothing where nothing is new."""
    said = {
        "digest.summary.new": digest.incidents.new if digest.incidents else 0,
        "digest.summary.worse": digest.incidents.worse if digest.incidents else 0,
        "digest.summary.waiting": digest.requests.waiting if digest.requests else 0,
        "digest.summary.stuck": digest.requests.stuck if digest.requests else 0,
        "digest.summary.risk": _more_at_risk(digest),
        "digest.summary.closed": digest.incidents.closed if digest.incidents else 0,
    }
    for key, n in said.items():
        if n > 0:
            yield count(look, key, n)
    if any(figure.change for figure in digest.figures):
        yield plain(look, "digest.summary.scores")


def _more_at_risk(digest: Snapshot) -> int:
    risk = digest.at_risk
    return risk.total - risk.before if risk and risk.before is not None else 0


def _headline(look: Look, digest: Snapshot, news: list[str]) -> Safe | None:
    if digest.unread:
        return say(look, "digest.quiet-unread")
    if news:
        return escape(sentence(", ".join(news)), HEADLINE)
    if digest.partial:
        return say(look, "digest.quiet-partly")
    return say(look, "digest.quiet")


def _said(look: Look, digest: Snapshot, news: list[str]) -> str:
    if news:
        return ", ".join(news[:FIRST])
    if digest.unread:
        return plain(look, "digest.summary.unread")
    return plain(look, "digest.summary.partly" if digest.partial else "digest.summary.quiet")


def _next(look: Look, digest: Snapshot) -> Container:
    if not digest.steps:
        none = "digest.next.none-partly" if digest.partial else "digest.next.none"
        return parts.section(say(look, "digest.next"), parts.line(say(look, none)))
    rows: list[Any] = []
    for step in digest.steps:
        rows += [parts.line(_step(look, step)), parts.buttons(_do(look, step))]
    return parts.section(say(look, "digest.next"), *rows)


def _step(look: Look, step: NextStep) -> Safe:
    """What is to be done, in a sentence."""
    return told(look, f"digest.next.{step.key}", _values(look, step), "digest.next.other")


def _do(look: Look, step: NextStep) -> Action | None:
    """The button that goes with it: the command, or where the permission is granted."""
    values = _values(look, step)
    short = {**values, "device": parts.short(step.values.get("device", ""))}
    title = told_plain(look, f"digest.do.{step.key}", short, "digest.do.other")
    if step.key == "permission":
        return parts.link(title, ENTRA)
    return parts.run(title, step.line, step.line.rpartition(" ")[2])


def _values(look: Look, step: NextStep) -> dict[str, Value]:
    values: dict[str, Value] = {**step.values, **step.times}
    if "response" in step.values:
        values["title"] = response_title(look, step.values["response"], step.values.get("device", ""))
    else:
        values["title"] = clean(step.values.get("title", ""), TITLE) or plain(look, "incident.untitled")
    if "name" in step.values:
        values["name"] = plain_word(look, "figure", step.values["name"])
    return values


def _small_print(look: Look, digest: Snapshot) -> Iterator[Any]:
    """Cards that may stand twice, and how the audit trail ends, so that a change of it shows."""
    if digest.ambiguous:
        yield parts.note(escape(count(look, "digest.repeats", digest.ambiguous)))
    yield _upkeep(look, digest.upkeep)
    trail = digest.trail
    if trail and trail.broken:
        yield parts.line(say(look, "digest.trail-broken"), "Attention")
    if trail is None:
        yield parts.note(say(look, "digest.head-unread"))
    elif trail.head:
        yield parts.note(say(look, "digest.head", head=trail.head[:HEAD], n=trail.entries))
    else:
        yield parts.note(say(look, "digest.head-none"))


def _upkeep(look: Look, upkeep: Upkeep | None) -> Any:
    """Whether every incident and request has its card, as the auditor last saw it."""
    if upkeep is None:
        return parts.note(say(look, "digest.upkeep-none"))
    at = parts.moment(look, upkeep.at)
    if upkeep.alarms:
        return parts.line(escape(count(look, "digest.alarms", upkeep.alarms)), "Attention")
    if upkeep.unread:
        named = ", ".join(plain_word(look, "auditor.part", part) for part in upkeep.unread)
        return parts.line(say(look, "digest.upkeep-unread", at=at, parts=named), "Attention")
    if not upkeep.well:
        return parts.line(say(look, "digest.upkeep-open", at=at), "Attention")
    if upkeep.repaired:
        return parts.note(say(look, "digest.upkeep-repaired", at=at, n=upkeep.repaired))
    return parts.note(say(look, "digest.upkeep-well", at=at))
