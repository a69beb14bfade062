"""How the bot does: what is bad first, with what to do next; then the figures."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from bot.auditreport import Run
from bot.limits import Used
from bot.pulse import Pulse
from bot.sources import SourceState
from bot.turn import Look, Shown
from cards import button, parts
from cards.elements import Container
from cards.status_plan import plan_section
from cards.status_troubles import gaps_in_words, troubles, unread_parts
from cards.status_view import StatusView
from cards.text import Safe, ago, count, escape, join, plain, plain_word, say, sentence, word

BUDGETS = 5
REPLICAS = 6
HEAD = 12
MINUTE = 60.0


def status_card(look: Look, view: StatusView) -> Shown:
    """Show in one sentence whether all is well, then everything that it rests on."""
    bad = troubles(look, view)
    body = [
        _verdict(look, view, bad),
        _work(look, view),
        _sources(look, view),
        _auditor(look, view),
        _processes(look, view),
        _apis(look, view),
        plan_section(look, view.plan),
        _rest(look, view),
        parts.as_of(look),
    ]
    refresh = button.run(plain(look, "part.refresh"), "status")
    return parts.shown(body, _summary(look, view, len(bad)), [refresh])


def _summary(look: Look, view: StatusView, bad: int) -> str:
    if bad:
        return count(look, "status.summary.bad", bad)
    return plain(look, "status.summary.well" if _compared(view) else "status.summary.started")


def _compared(view: StatusView) -> bool:
    """Whether it is known that all is well, not only that nothing bad has been seen yet."""
    if view.report is None or view.report.last.unread or view.polled is None:
        return False
    all_of_it = "incidents" in view.report.last.compared or not view.watched
    return all_of_it and any(source.good for source in view.sources)


def _verdict(look: Look, view: StatusView, bad: list[Safe]) -> Container:
    title = say(look, "status.title")
    if bad:
        return parts.heading(title, *bad, tone="attention")
    if view.report and _compared(view):
        text = "status.well-partly" if view.report.last.later else "status.well"
        return parts.heading(title, say(look, text), tone="good")
    return parts.heading(title, say(look, "status.started"))


def _work(look: Look, view: StatusView) -> Any:
    queue, last = view.queue, view.report.last if view.report else None
    due = say(look, "status.due-some" if queue.more else "status.due", n=queue.due, overdue=queue.overdue)
    unknown = say(look, "word.unknown")
    posts = say(look, "status.posts", waiting=last.waiting, unsure=last.unsure) if last else unknown
    return parts.section(
        say(look, "status.work"),
        parts.facts(
            [
                (say(look, "status.polled"), _ago(look, view.polled) if view.watched else say(look, "status.off")),
                (say(look, "status.behind"), _span(look, view.behind) if view.watched else None),
                (say(look, "status.queue"), due),
                (say(look, "status.last-post"), _ago(look, view.last_post)),
                (say(look, "status.posts-title"), posts),
            ]
        ),
    )


def _ago(look: Look, at: datetime | None) -> Safe:
    """How long ago; the card's last line says when that was."""
    return say(look, "status.not-yet") if at is None else escape(ago(look, at))


def _span(look: Look, seconds: float) -> Safe:
    if seconds < MINUTE:
        return say(look, "status.up-to-date")
    return say(look, "status.minutes", n=int(seconds // MINUTE))


def _sources(look: Look, view: StatusView) -> Any:
    pairs = [(_source_name(look, source), _source(look, source)) for source in view.sources]
    return parts.section(say(look, "status.sources"), parts.facts(pairs)) if pairs else None


def _source_name(look: Look, source: SourceState) -> Safe:
    return escape(sentence(plain_word(look, "reads", source.name)))


def _source(look: Look, source: SourceState) -> Safe:
    if not source.trouble:
        return _ago(look, source.good)
    why = word(look, "status.why", source.trouble)
    if source.good is None:
        return say(look, "status.source-never", why=why)
    return say(look, "status.source-bad", why=why, good=_ago(look, source.good))


def _auditor(look: Look, view: StatusView) -> Any:
    title = say(look, "status.auditor")
    if view.report is None:
        return parts.section(title, parts.line(say(look, "status.auditor.none")))
    last = view.report.last
    mended = gaps_in_words(look, dict(last.repaired))
    return parts.section(
        title,
        parts.facts(
            [
                (say(look, "status.auditor.at"), _ago(look, last.at)),
                (say(look, "status.auditor.compared"), _compared_parts(look, last)),
                (say(look, "status.auditor.unread"), unread_parts(look, last) if last.unread else None),
                (say(look, "status.auditor.repaired"), mended or say(look, "status.auditor.nothing")),
                (say(look, "status.auditor.day"), _day(look, view)),
            ]
        ),
    )


def _compared_parts(look: Look, run: Run) -> Safe:
    """How many of each; of very many, that the rest follows."""
    named = [say(look, "status.gap", n=n, kind=word(look, "auditor.part", part)) for part, n in run.compared.items()]
    said = join(named) if named else say(look, "status.auditor.nothing")
    return say(look, "status.auditor.later", said=said) if run.later else said


def _day(look: Look, view: StatusView) -> Safe | None:
    """What was put right within a day, the last run included."""
    if view.report is None:
        return None
    _, repaired = view.report.since(look.now - timedelta(days=1))
    return escape(count(look, "status.auditor.day-count", sum(repaired.values())))


def _processes(look: Look, view: StatusView) -> Any:
    replicas = sorted(view.replicas, key=lambda one: one.worker != view.me)
    lines = [parts.line(_process(look, one, view)) for one in replicas[:REPLICAS]] if view.admin else []
    return parts.section(
        say(look, "status.processes"),
        parts.facts(
            [
                (say(look, "status.version"), escape(view.version)),
                (say(look, "status.since"), parts.moment(look, view.started)),
                (say(look, "status.replicas"), _replicas(look, view.replicas)),
                (say(look, "status.redis"), say(look, "status.ms", ms=view.redis_ms)),
                (say(look, "status.beat"), _beat(look, view)),
            ]
        ),
        *lines,
    )


def _replicas(look: Look, replicas: Iterable[Pulse]) -> Safe:
    found = list(replicas)
    versions = sorted({one.version for one in found})
    if len(versions) > 1:
        return say(look, "status.versions", n=len(found), versions=", ".join(versions))
    return say(look, "status.count", n=len(found))


def _process(look: Look, one: Pulse, view: StatusView) -> Safe:
    key = "status.process-me" if one.worker == view.me else "status.process"
    return say(look, key, worker=one.worker, version=one.version, since=parts.moment(look, one.started))


def _beat(look: Look, view: StatusView) -> Safe:
    if not view.beat.configured:
        return say(look, "status.beat.off")
    return _ago(look, view.beat.at)


def _apis(look: Look, view: StatusView) -> Any:
    if not view.budgets:
        return None
    pairs = [(escape(used.api), _used(look, used)) for used in view.budgets[:BUDGETS]]
    return parts.section(say(look, "status.apis"), parts.facts(pairs))


def _used(look: Look, used: Used) -> Safe:
    return say(look, "status.used", used=used.used, most=used.most, n=int(used.window // MINUTE))


def _rest(look: Look, view: StatusView) -> Any:
    head = say(look, "status.head", head=view.head[:HEAD], n=view.entries) if view.head else None
    return parts.section(
        say(look, "status.here-title"),
        parts.facts(
            [
                (say(look, "status.here"), _here(look, view)),
                (say(look, "status.conversations"), say(look, "status.count", n=view.conversations)),
                (say(look, "status.audit"), head or say(look, "status.auditor.nothing")),
            ]
        ),
    )


def _here(look: Look, view: StatusView) -> Safe:
    here = view.here
    if here is None:
        return say(look, "status.here.none")
    severity = parts.severity(look, here.incidents)
    wanted = [
        say(look, "status.here.incidents", severity=severity) if here.incidents else None,
        say(look, "status.here.requests") if here.requests else None,
        say(look, "status.here.center") if here.center else None,
        say(look, "status.here.digest", at=here.digest, zone=here.digest_zone) if here.digest else None,
    ]
    return join([one for one in wanted if one]) or say(look, "status.here.none")
