"""The parts of a digest's card: incidents, decisions, devices, scores, and what it was made of."""

from collections.abc import Iterator
from typing import Any

from bot.digests import (
    ActionCenter,
    AtRisk,
    Figure,
    IncidentLine,
    Isolated,
    RequestLine,
    RiskyDevice,
    Snapshot,
)
from bot.sources import SourceState
from bot.turn import Look
from cards import parts
from cards.elements import Container, TextBlock
from cards.request import response_title
from cards.text import Safe, ago, clean, count, escape, join, plain, plain_word, say, sentence, word

TITLE = 80


def signed(change: float) -> str:
    """A change with its sign: `+0.4`, `-2`."""
    return f"{change:+,.1f}".removesuffix(".0")


def incidents(look: Look, digest: Snapshot) -> Container:
    """How many are open, what changed, and the gravest few."""
    title, found = say(look, "digest.incidents"), digest.incidents
    if found is None:
        return parts.section(title, parts.line(say(look, "word.unread"), "Attention"))
    closed = "digest.closed" if found.exact else "digest.closed-changed"
    standing = say(look, "digest.open-unknown") if found.open is None else say(look, "digest.open", n=found.open)
    told = [
        _changed(look, standing, found.open, found.open_before),
        *(say(look, key, n=n) for key, n in (("digest.new", found.new), ("digest.worse", found.worse)) if n),
        say(look, closed, n=found.closed) if found.closed else None,
    ]
    line = parts.line(join(one for one in told if one is not None))
    longer = parts.note(say(look, "digest.longer", since=found.since)) if found.since < digest.since else None
    least = None if found.whole else parts.note(say(look, "digest.at-least"))
    return parts.section(title, line, longer, least, *(_incident(look, row) for row in found.rows))


def _incident(look: Look, row: IncidentLine) -> Container:
    severity = sentence(parts.severity(look, row.severity))
    title = clean(row.title, TITLE) or plain(look, "incident.untitled")
    if row.news:
        news = plain_word(look, "digest.news", row.news)
        text = say(look, "digest.incident-news", severity=severity, news=news, title=title)
    else:
        text = say(look, "digest.incident", severity=severity, title=title)
    block = TextBlock(text, color=parts.level_color(row.severity))
    return Container([block], spacing="Small", select=parts.incident_run(look, row.id))


def decisions(look: Look, digest: Snapshot) -> Container:
    """What waits for a person: requests, the oldest first, what is stuck, and the Action center."""
    title, asked = say(look, "digest.decisions"), digest.requests
    center = parts.line(_center(look, digest.center))
    if asked is None:
        return parts.section(title, parts.line(say(look, "word.unread"), "Attention"), center)
    rows = parts.rows(look, asked.rows, lambda row: _waits(look, row), total=asked.waiting)
    stuck = parts.rows(look, asked.stuck_rows, lambda row: _stuck(look, row), total=asked.stuck)
    heading = TextBlock(say(look, "digest.stuck"), bold=True, spacing="Small") if stuck else None
    none = None if rows else parts.line(say(look, "digest.decisions.none"))
    tap = parts.note(say(look, "digest.decisions.tap")) if rows or stuck else None
    return parts.section(title, none, *rows, heading, *stuck, tap, center)


def _waits(look: Look, row: RequestLine) -> Container:
    title = response_title(look, row.response, row.device)
    until = plain(look, "word.unknown") if row.until is None else ago(look, row.until)
    key = "digest.waits-runs" if row.runs else "digest.waits"
    return _opens(look, row, TextBlock(say(look, key, title=title, since=ago(look, row.since), until=until)))


def _opens(look: Look, row: RequestLine, text: TextBlock) -> Container:
    """The line; a tap opens the request's own card."""
    opens = parts.run(plain(look, "actions.show-this", id=row.id), f"request {row.id}", row.id)
    return Container([text], spacing="Small", select=opens)


def _stuck(look: Look, row: RequestLine) -> Container:
    title, state = response_title(look, row.response, row.device), word(look, "state", row.state)
    since = ago(look, row.since)
    text = say(look, "digest.stuck-row", title=title, state=state, since=since)
    return _opens(look, row, TextBlock(text, color="Attention"))


def _center(look: Look, center: ActionCenter | None) -> Safe:
    if center is None:
        return say(look, "digest.center.unread")
    if center.investigations == 0 and center.items == 0:
        return say(look, "digest.center.none")
    waiting = [
        plain(look, "digest.investigations-unread")
        if center.investigations is None
        else count(look, "digest.investigations", center.investigations),
        plain(look, "digest.items-unread") if center.items is None else count(look, "digest.items", center.items),
    ]
    if center.oldest is None:
        return say(look, "digest.center", parts=", ".join(waiting))
    oldest = parts.moment(look, center.oldest)
    if center.until is None:
        return say(look, "digest.center-oldest", parts=", ".join(waiting), oldest=oldest)
    until = parts.moment(look, center.until)
    return say(look, "digest.center-until", parts=", ".join(waiting), oldest=oldest, until=until)


def devices(look: Look, digest: Snapshot) -> Container:
    """The devices at high risk and why, and those that are isolated."""
    return parts.section(
        say(look, "digest.devices"), *_at_risk(look, digest.at_risk), *_isolated(look, digest.isolated)
    )


def _at_risk(look: Look, risk: AtRisk | None) -> Iterator[Any]:
    if risk is None:
        yield parts.line(say(look, "digest.risk-unread"), "Attention")
        return
    yield parts.line(_changed(look, say(look, "digest.risk", n=risk.total), risk.total, risk.before))
    yield from parts.rows(look, risk.rows, lambda row: _risky(look, row), total=risk.total)


def _risky(look: Look, row: RiskyDevice) -> Container:
    level = plain_word(look, "risk", row.exposure)
    why = [
        plain(look, "digest.device.exposure", level=level),
        plain(look, "digest.device.alerts-unknown")
        if row.alerts is None
        else count(look, "digest.device.alerts", row.alerts),
        *([plain(look, "digest.device.not-scanned")] if row.scanned is False else []),
    ]
    text = say(look, "digest.device", device=parts.short(row.name), why=", ".join(why))
    return Container([TextBlock(text)], spacing="None", select=parts.device_run(look, row.id, row.name))


def _isolated(look: Look, isolated: Isolated | None) -> Iterator[Any]:
    if isolated is None:
        yield parts.line(say(look, "digest.isolated-unread"), "Attention")
        return
    yield parts.line(_how_many(look, isolated))
    for row in isolated.rows:
        key = "digest.off" if row.state == "isolated" else "digest.off-unknown"
        values: dict[str, Any] = {"device": parts.short(row.name), "since": parts.moment(look, row.since)}
        text = say(look, key, **values)
        yield Container([TextBlock(text)], spacing="None", select=parts.device_run(look, row.id, row.name))
    left = isolated.total + isolated.unknown - len(isolated.rows)
    if left > 0:
        yield parts.note(escape(count(look, "part.more", left)))


def _how_many(look: Look, isolated: Isolated) -> Safe:
    if isolated.unknown:
        return say(look, "digest.isolated-and-unknown", n=isolated.total, unknown=isolated.unknown)
    return say(look, "digest.isolated", n=isolated.total)


def _changed(look: Look, said: Safe, n: int | None, before: int | None) -> Safe:
    """A line with a number, and how that changed where both are known."""
    if n is None or before is None:
        return said
    if n == before:
        return say(look, "digest.changed", said=said, change=plain(look, "digest.unchanged"))
    change = plain(look, "digest.more" if n > before else "digest.fewer", n=abs(n - before))
    return say(look, "digest.changed", said=said, change=change)


def scores(look: Look, figures: tuple[Figure, ...]) -> Container:
    """Each score with its change."""
    title = say(look, "digest.scores")
    read = {figure.name: figure for figure in figures}
    unread = say(look, "word.unread")
    pairs = [
        (word(look, "figure", name), _score(look, read[name]) if name in read else unread)
        for name in ("secure", "devices", "exposure")
    ]
    return parts.section(title, parts.facts(pairs))


def _score(look: Look, figure: Figure) -> Safe:
    now = escape(plain(look, "digest.percent", n=figure.now) if figure.unit == "percent" else _points(look, figure))
    if figure.change is None:
        return now
    if figure.change == 0:
        return say(look, "digest.score-same", now=now)
    key = "digest.score-worse" if figure.worse else "digest.score-better"
    return say(look, key, now=now, change=signed(figure.change))


def _points(look: Look, figure: Figure) -> str:
    return plain(look, "digest.of-100" if figure.name == "exposure" else "digest.points", n=figure.now)


def coverage(look: Look, digest: Snapshot) -> Iterator[Any]:
    """What it was made of: each source that was read, and of each other why not and when it was read last."""
    names = ", ".join(plain_word(look, "reads", one.name) for one in digest.read)
    if not digest.skipped:
        yield parts.note(say(look, "digest.coverage", sources=names))
        return
    yield parts.section(say(look, "digest.coverage.bad"), *(_skipped(look, one) for one in digest.skipped))
    if names:
        yield parts.note(say(look, "digest.coverage.good", sources=names))


def _skipped(look: Look, source: SourceState) -> TextBlock:
    name, why = sentence(plain_word(look, "reads", source.name)), _why(look, source)
    if source.good is None:
        return parts.line(say(look, "digest.skipped-never", source=name, why=why), "Attention")
    good = parts.moment(look, source.good)
    return parts.line(say(look, "digest.skipped", source=name, why=why, good=good), "Attention")


def _why(look: Look, source: SourceState) -> Safe:
    if source.trouble == "permission" and source.detail:
        return say(look, "digest.why.permission-named", detail=source.detail)
    return word(look, "digest.why", source.trouble or "other")
