"""Microsoft Secure Score with its history, of which Graph keeps 90 days (graph-api.md 3.4).

A day's score names some hundred controls with their texts, so a month of it is about a megabyte. It is read once for
each new score; in between the newest score alone is asked for.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from pydantic import ValidationError

from bot.figures import ControlChange, ControlChanges, SecureDay, SecureReading
from bot.graph.models import ControlScore, SecureScore
from bot.services import Services

BACK = 30
"""Days of history before the newest score."""
COMPARED = (1, 7)
"""So many days before the newest score are those with which its controls are compared."""
MOST_CONTROLS = 5
LONGEST_TEXT = 160
KEY = "secure-history"
KEPT_SECONDS = 26 * 3600.0


async def newest_score(services: Services, customer: str) -> SecureReading:
    """The newest score without its history; all None where the tenant has none yet. Raises ServiceError."""
    scores = await services.graph(customer).secure_scores(1)
    return _reading(scores[0] if scores else None, services.clock.now())


async def score_with_history(services: Services, customer: str) -> SecureReading:
    """The newest score, its days and what changed at its controls. Raises ServiceError, StoreDown."""
    newest = await newest_score(services, customer)
    if newest.scored is None or newest.current is None:
        return newest
    kept = await _kept(services, customer)
    if kept and (kept.scored, kept.current, kept.maximum) == (newest.scored, newest.current, newest.maximum):
        return kept.model_copy(update={"at": newest.at})
    scores = await services.graph(customer).secure_scores(BACK + 1)
    whole = with_history(scores, services.clock.now())
    await services.store.put_value(customer, KEY, whole.model_dump(mode="json"), KEPT_SECONDS)
    return whole


def with_history(scores: Sequence[SecureScore], at: datetime) -> SecureReading:
    """What Graph's list of days says, read at that moment. Of two scores of one day the later one counts."""
    dated = [(s.created_date_time, s) for s in scores if s.created_date_time and s.current_score is not None]
    days = {moment.date(): score for moment, score in sorted(dated, key=lambda one: one[0])}
    if not days:
        return _reading(None, at)
    last = max(days)
    kept = {day: score for day, score in sorted(days.items()) if (last - day).days <= BACK}
    since = [last - timedelta(days=n) for n in COMPARED]
    return _reading(days[last], at).model_copy(
        update={
            "days": tuple(_day(day, score) for day, score in kept.items()),
            "controls": tuple(_controls(day, days[day], days[last]) for day in since if day in days),
        }
    )


async def _kept(services: Services, customer: str) -> SecureReading | None:
    value = await services.store.get_value(customer, KEY)
    try:
        return SecureReading.model_validate(value) if value else None
    except ValidationError:
        return None


def _reading(score: SecureScore | None, at: datetime) -> SecureReading:
    if score is None:
        return SecureReading(at=at)
    return SecureReading(
        at=at, scored=score.created_date_time, current=score.current_score, maximum=score.max_score or None
    )


def _day(day: date, score: SecureScore) -> SecureDay:
    return SecureDay(day=day, current=score.current_score or 0.0, maximum=score.max_score or None)


def _controls(since: date, before: SecureScore, now: SecureScore) -> ControlChanges:
    """The controls whose points differ, those that changed most first."""
    then, today = _by_name(before), _by_name(now)
    changed = [
        ControlChange(
            name=name,
            text=((today.get(name) or then[name]).description or "")[:LONGEST_TEXT],
            before=then[name].score if name in then else None,
            now=today[name].score if name in today else None,
        )
        for name in {**then, **today}
    ]
    differing = sorted((c for c in changed if round(c.change, 2)), key=lambda c: (-abs(c.change), c.name))
    most = tuple(differing[:MOST_CONTROLS])
    return ControlChanges(since=since, most=most, more=len(differing) - len(most))


def _by_name(score: SecureScore) -> Mapping[str, ControlScore]:
    """The controls that have points, by name."""
    return {c.control_name: c for c in score.control_scores if c.control_name and c.score is not None}
