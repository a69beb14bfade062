"""What waits in Microsoft's Action center: told and linked, never decided here; and what became of it."""

from collections.abc import Iterator
from typing import Any

from bot.center import LIFE, UNLISTED, CenterItem, CenterOffer, CenterRow, CenterSummary
from bot.turn import Look, Shown
from cards import button, parts
from cards.elements import Action, ActionSet, Container, TextBlock, Tone
from cards.text import NAME, Safe, clean, count, escape, known, plain, plain_word, say, sentence, word

GOOD = frozenset({"remediated", "successfullyremediated", "prevented", "blocked", "benign"})
ALERTS = 4
FACT = 200
LIVES = LIFE.days


def center_card(look: Look, item: CenterItem, post_key: str = "card") -> Shown:
    """Show one item; for a reply (`again:...`) only that it waits again."""
    title = center_title(look, item.kind, item.name)
    if post_key != "card":
        return _again(look, item, title)
    body = [
        parts.heading(escape(title, 200), *_stand(look, item), tone=_tone(item)),
        *parts.labelled(look, _where(look, item)),
        *_facts(look, item),
        *_alerts(look, item),
        *_same_effect(look, item),
        parts.as_of(look),
    ]
    state = plain(look, f"center.state.{item.state}")
    return parts.shown(body, plain(look, "center.summary", title=title, state=state), _buttons(look, item))


def center_title(look: Look, kind: str, name: str) -> str:
    """What waits, as plain text."""
    if kind == "investigation":
        number = clean(name, NAME)
        return plain(look, "center.investigation", id=number) if number else plain(look, "center.investigation-of")
    named = clean(name, 80) or plain(look, "word.unnamed")
    return plain(look, "center.thing", kind=parts.evidence_kind(look, kind), name=named)


def _tone(item: CenterItem) -> Tone:
    if item.state == "waiting":
        return "emphasis" if item.covered else "warning"
    return "good" if item.outcome in GOOD and item.state == "over" else "emphasis"


def _stand(look: Look, item: CenterItem) -> Iterator[Safe]:
    """How it stands, in the lines right under the title."""
    if item.state != "waiting":
        yield from _over(look, item)
        return
    if item.covered:
        yield say(look, "center.covered")
        return
    yield say(look, "center.waits")
    if item.missing_since:
        yield say(look, "center.missing", at=item.missing_since)
    if item.again_at:
        yield say(look, "center.again", at=parts.moment(look, item.again_at))
    yield from _time_left(look, item)


def days_left(look: Look, item: CenterItem) -> str:
    """How much of its seven days is left, as plain text."""
    left = item.days_left(look.now)
    if left > 0:
        return plain(look, "center.short-left", left=left, days=LIVES)
    return plain(look, "center.short-none" if left < 0 else "center.short-hours", days=LIVES)


def _time_left(look: Look, item: CenterItem) -> Iterator[Safe]:
    left = item.days_left(look.now)
    if left < 0:
        yield say(look, "center.left-none", days=LIVES)
    elif left == 0:
        yield say(look, "center.left-hours", days=LIVES, at=item.deadline)
    else:
        yield say(look, "center.left", left=left, days=LIVES, at=item.deadline)


def _over(look: Look, item: CenterItem) -> Iterator[Safe]:
    late = item.ended is not None and item.ended >= item.deadline
    if item.outcome == UNLISTED:
        yield say(look, "center.unlisted-late", days=LIVES) if late else say(look, "center.unlisted")
    else:
        key = "center.runs" if item.state == "running" else "center.over"
        yield say(look, key, outcome=outcome_word(look, item.outcome))
    if item.outcome == "declined" and late:
        yield say(look, "center.declined-late", days=LIVES)
    if item.ended and item.waited_until:
        yield say(look, "center.between", before=item.waited_until, after=parts.moment(look, item.ended))
    elif item.ended:
        yield say(look, "center.ended", at=parts.moment(look, item.ended))
    yield say(look, "center.ended-by", who=clean(item.who, NAME)) if item.who else say(look, "center.nobody")


def outcome_word(look: Look, outcome: str) -> str:
    """A service's word for what became of it, as plain text."""
    if known(f"remediation.{outcome}"):
        return plain_word(look, "remediation", outcome)
    return plain_word(look, "investigated", outcome)


def _where(look: Look, item: CenterItem) -> list[tuple[Safe, Safe | None]]:
    """Where, whose, in which alert, and since when."""
    device = item.device_name or item.device
    verdict = word(look, "verdict", item.verdict) if item.verdict and item.verdict != "unknown" else None
    since = say(look, "center.since-ours" if item.ours else "center.since-service", at=parts.moment(look, item.since))
    return [
        (say(look, "center.device"), escape(device, NAME) if device else None),
        (say(look, "center.user"), escape(item.user, NAME) if item.user else None),
        (say(look, "center.verdict"), verdict),
        (say(look, "center.alert"), _alert(look, item)),
        (say(look, "center.incident"), _incident(item)),
        (say(look, "center.inquiry"), escape(item.investigation) if item.investigation else None),
        (say(look, "center.since" if item.state == "waiting" else "center.waited-since"), since),
    ]


def _alert(look: Look, item: CenterItem) -> Safe | None:
    if not item.alerts or not item.alerts[0].title:
        return None
    first, more = item.alerts[0], len(item.alerts) - 1
    severity = parts.severity(look, first.severity)
    title = clean(first.title, 100)
    if more:
        others = count(look, "part.more", more)
        return say(look, "center.alert-more", title=title, severity=severity, more=others)
    return say(look, "center.alert-one", title=title, severity=severity)


def _incident(item: CenterItem) -> Safe | None:
    numbers = dict.fromkeys(alert.incident for alert in item.alerts if alert.incident)
    return escape(", ".join(numbers)) if numbers else None


def _facts(look: Look, item: CenterItem) -> Iterator[TextBlock]:
    """What is known of the thing itself, in lines: a path or a hash would be cut in a column."""
    for fact in item.facts:
        label = plain_word(look, "centerfact", fact.key)
        yield TextBlock(say(look, "center.fact", label=label, value=escape(fact.value, FACT)), spacing="Small")


def _alerts(look: Look, item: CenterItem) -> Iterator[Any]:
    """How it stands in each alert, where they differ."""
    if item.shape != "entity" or len({alert.word for alert in item.alerts}) < 2:  # noqa: PLR2004 - it takes two to differ
        return
    yield parts.section(
        say(look, "center.alerts"),
        *parts.rows(
            look,
            item.alerts,
            lambda alert: parts.line(
                say(look, "center.alert-word", title=clean(alert.title, 80), word=outcome_said(look, alert.word))
            ),
            ALERTS,
        ),
    )


def outcome_said(look: Look, outcome: str) -> str:
    """The same where it may not be listed any more."""
    return plain(look, "center.unlisted-word") if outcome == UNLISTED else outcome_word(look, outcome)


def _same_effect(look: Look, item: CenterItem) -> Iterator[Any]:
    """The bot's own responses, said to be its own: what waits in the portal stays there."""
    if item.state != "waiting" or not item.offers:
        return
    made = [one for one in (_offer(look, item, offer) for offer in item.offers) if one]
    if made:
        note = parts.note(say(look, "center.same-note"))
        yield parts.section(say(look, "center.same"), note, ActionSet(made, spacing="Small"))


def _offer(look: Look, item: CenterItem, offer: CenterOffer) -> Action | None:
    key = f"response.{offer.response}.button"
    title = plain(look, key) if known(key) else sentence(clean(offer.response, 40))
    return button.run(title, offer.line, plain(look, "center.offer", what=title, name=clean(item.name, NAME)))


def _buttons(look: Look, item: CenterItem) -> list[Action]:
    page = parts.PENDING_PAGE if item.state == "waiting" else parts.HISTORY_PAGE
    title = plain(look, "center.open" if item.state == "waiting" else "center.open-history")
    incident = next((alert.incident for alert in item.alerts if alert.incident), "")
    return parts.bar(
        [
            parts.link(title, parts.portal(page, item.customer)),
            parts.incident_run(look, incident) if incident else None,
            parts.device_run(look, item.device, item.device_name) if item.device else None,
        ]
    )


def _again(look: Look, item: CenterItem, title: str) -> Shown:
    """A reply: what was over waits again."""
    stands = say(look, "center.again-text" if item.state == "waiting" else "center.again-over")
    body = [parts.heading(say(look, "center.again-title", title=title), stands), parts.as_of(look)]
    link = parts.link(plain(look, "center.open"), parts.portal(parts.PENDING_PAGE, item.customer))
    return parts.shown(body, plain(look, "center.again-title", title=title), [link])


def center_summary_card(look: Look, record: CenterSummary) -> Shown:
    """Say how many wait, and show those whose time ends first."""
    number = count(look, "center.count", record.total)
    title = plain(look, f"center.many.{record.reason}")
    body = [
        parts.heading(escape(title), escape(number), say(look, "center.many.decided"), tone="warning"),
        *parts.rows(look, record.rows, lambda row: row_block(look, row), total=record.total),
        parts.note(say(look, "center.many.next")),
        parts.note(say(look, "part.as-of", at=record.at)),
    ]
    pending = button.run(plain(look, "center.many.list"), "actions pending")
    page = parts.link(plain(look, "center.open"), parts.portal(parts.PENDING_PAGE, record.customer))
    return parts.shown(body, plain(look, "center.many.summary", title=title, count=number), [page, pending])


def row_block(look: Look, row: CenterRow) -> Container:
    """One line of a list: what waits, where, and until when."""
    title = escape(center_title(look, row.kind, row.name), 200)
    where = escape(parts.short(row.device_name)) if row.device_name else None
    until = say(look, "center.row-until", at=parts.moment(look, row.deadline))
    below = say(look, "center.row-where", where=where, until=until) if where else until
    items = [TextBlock(title, bold=True), TextBlock(below, spacing="None", subtle=True, size="Small")]
    return Container(items, separator=True, spacing="Small")
