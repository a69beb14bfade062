"""What is not well, in words, with what to do next: the first thing that /status shows. The gravest stands first."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from bot.auditreport import Run
from bot.sources import SourceState
from bot.turn import Look
from cards import parts
from cards.notice import alarm_line
from cards.status_view import StatusView
from cards.text import Safe, count, escape, join, plain, plain_word, say, sentence, word

SLOW_MS = 100.0
STUCK_SECONDS = 600.0
SWEEP_WITHIN = timedelta(minutes=2)
POLL_WITHIN = timedelta(minutes=3)
BEHIND_SECONDS = 600.0
AUDITOR_WITHIN = timedelta(minutes=16)
BEAT_WITHIN = timedelta(minutes=5)
YOUNG = timedelta(minutes=10)
NEARLY_USED = 0.9
ALARMS = 3


def troubles(look: Look, view: StatusView) -> list[Safe]:
    """All that is bad now, a sentence or two each."""
    return [
        *_alarms(look, view),
        *_workers(look, view),
        *_redis(look, view),
        *_watching(look, view),
        *_sources(look, view.sources),
        *_queue(look, view),
        *_posts(look, view),
        *_auditor(look, view),
        *_beat(look, view),
        *_budgets(look, view),
    ]


def just_started(look: Look, view: StatusView) -> bool:
    """Whether what has not happened yet is only to be expected."""
    return view.started is None or look.now - view.started < YOUNG


def _since(look: Look, at: datetime | None) -> Safe:
    return parts.moment(look, at)


def _alarms(look: Look, view: StatusView) -> Iterator[Safe]:
    if view.report is None or not view.report.alarms:
        return
    alarms = view.report.alarms
    for alarm in alarms[:ALARMS]:
        yield alarm_line(look, alarm)
    more = max(view.report.last.alarms, len(alarms)) - len(alarms[:ALARMS])
    if more > 0:
        yield escape(count(look, "status.bad.more-alarms", more))
    yield say(look, "status.bad.alarms-next")


def _workers(look: Look, view: StatusView) -> Iterator[Safe]:
    for pulse in view.replicas:
        if not pulse.working:
            yield say(look, "status.bad.idle", worker=pulse.worker)
        elif pulse.longest > STUCK_SECONDS:
            yield say(look, "status.bad.stuck", worker=pulse.worker, n=int(pulse.longest // 60))
    late = view.swept is None or look.now - view.swept > SWEEP_WITHIN
    if late and not (view.swept is None and just_started(look, view)):
        yield say(look, "status.bad.sweep", at=_since(look, view.swept))


def _redis(look: Look, view: StatusView) -> Iterator[Safe]:
    if view.redis_ms > SLOW_MS:
        yield say(look, "status.bad.redis", ms=int(view.redis_ms))


def _watching(look: Look, view: StatusView) -> Iterator[Safe]:
    if not view.watched:
        yield say(look, "status.bad.unwatched")
        return
    unpolled = view.polled is None or look.now - view.polled > POLL_WITHIN
    if unpolled and not (view.polled is None and just_started(look, view)):
        yield say(look, "status.bad.unpolled", at=_since(look, view.polled))
    elif view.behind > BEHIND_SECONDS:
        yield say(look, "status.bad.behind", n=int(view.behind // 60))


def _sources(look: Look, sources: Sequence[SourceState]) -> Iterator[Safe]:
    """A source that the plan lacks is nothing to mend: the figures name it."""
    for source in sources:
        if source.trouble in ("", "plan"):
            continue
        key = f"status.bad.source-{source.trouble if source.trouble in ('permission', 'busy') else 'outage'}"
        name = sentence(plain_word(look, "reads", source.name))
        detail = source.detail or plain(look, "word.unknown")
        values = {"source": escape(name), "since": _since(look, source.since), "good": _since(look, source.good)}
        if source.trouble == "permission":
            values = {"source": escape(name), "permission": escape(detail)}
        yield say(look, key, **values)


def _queue(look: Look, view: StatusView) -> Iterator[Safe]:
    if view.queue.overdue:
        number = count(look, "status.overdue", view.queue.overdue)
        yield say(look, "status.bad.overdue", number=number, at=_since(look, view.queue.oldest))


def _posts(look: Look, view: StatusView) -> Iterator[Safe]:
    last = view.report.last if view.report else None
    if last and last.waiting:
        yield say(look, "status.bad.waiting", number=count(look, "status.cards", last.waiting))
    if last and last.unsure:
        yield say(look, "status.bad.unsure", number=count(look, "status.cards", last.unsure))


def _auditor(look: Look, view: StatusView) -> Iterator[Safe]:
    if view.report is None:
        if not just_started(look, view):
            yield say(look, "status.bad.never-compared")
        return
    last = view.report.last
    if look.now - last.at > AUDITOR_WITHIN:
        yield say(look, "status.bad.not-lately", at=_since(look, last.at))
    if last.unread:
        yield say(look, "status.bad.not-compared", parts=unread_parts(look, last))
    left = {kind: n - last.repaired.get(kind, 0) for kind, n in last.gaps.items()}
    if found := gaps_in_words(look, {kind: n for kind, n in left.items() if n > 0}):
        yield say(look, "status.bad.unrepaired", gaps=found)


def unread_parts(look: Look, run: Run) -> Safe:
    """The parts that were not compared, each with the reason."""
    return join(
        say(look, "status.not-compared", part=word(look, "auditor.part", part), why=word(look, "status.why", why))
        for part, why in run.unread.items()
    )


def gaps_in_words(look: Look, gaps: dict[str, int]) -> Safe:
    """Kinds of gaps with their numbers."""
    return join(say(look, "status.gap", n=n, kind=word(look, "auditor.gap", kind)) for kind, n in gaps.items())


def _beat(look: Look, view: StatusView) -> Iterator[Safe]:
    beat = view.beat
    if not beat.configured:
        return
    if "refused" in beat.trouble:
        yield say(look, "status.bad.beat-refused", at=_since(look, beat.at))
    elif beat.trouble:
        yield say(look, "status.bad.beat-withheld", at=_since(look, beat.at))
    elif (beat.at is None or look.now - beat.at > BEAT_WITHIN) and not just_started(look, view):
        yield say(look, "status.bad.beat-late", at=_since(look, beat.at))


def _budgets(look: Look, view: StatusView) -> Iterator[Safe]:
    for used in view.budgets:
        if used.used >= NEARLY_USED * used.most:
            yield say(look, "status.bad.budget", api=used.api, used=used.used, most=used.most)
