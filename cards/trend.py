"""How a score came to where it is: what changed since the day and the week before, and the way of thirty days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any

from bot.figures import Delta, ScoreReading, SecureReading, delta, secure_delta
from bot.history import Day
from bot.turn import Look
from cards import parts
from cards.charts import days_line
from cards.elements import LineChart
from cards.text import Safe, count, escape, join, on, plain, say

COMPARED = (1, 7)
SPAN = 30
BEGINS: Mapping[str, str] = {"secure": "score.begins-secure"}
"""What is said of a score that has no older figure, where it is not the bot's own record."""


@dataclass(frozen=True, kw_only=True)
class Trend:
    """One score's past: `deltas` since so many days before, `points` oldest first and the latest figure at the end."""

    name: str
    deltas: Sequence[tuple[int, Delta]]
    points: Sequence[tuple[date, float]]
    percent: bool = False


def secure_trend(score: SecureReading) -> Trend | None:
    """By Graph's own days, counted from the newest score's day; None where there is no day."""
    if not score.days:
        return None
    days = {one.day: one for one in score.days}
    last = score.days[-1]
    deltas = []
    for back in COMPARED:
        then = days.get(last.day - timedelta(days=back))
        before = (then.current, then.maximum) if then else (None, None)
        deltas.append((back, secure_delta(before, (last.current, last.maximum))))
    shares = [(one.day, one.percent) for one in score.days if one.percent is not None]
    if len(shares) == len(days):
        return Trend(name="secure", deltas=deltas, points=shares, percent=True)
    return Trend(name="secure", deltas=deltas, points=[(one.day, one.current) for one in score.days])


def own_trend(name: str, score: ScoreReading, days: Sequence[Day]) -> Trend:
    """By the bot's own daily record, counted from the day (UTC) on which the score was read."""
    today = score.at.astimezone(UTC).date()
    known = {one.day: getattr(one, name) for one in days}
    deltas = [(back, delta(name, known.get(today - timedelta(days=back)), score.score)) for back in COMPARED]
    older = [(day, figure) for day, figure in known.items() if figure is not None and 0 < (today - day).days <= SPAN]
    return Trend(name=name, deltas=deltas, points=[*older, (today, score.score)])


def in_words(look: Look, trend: Trend) -> Any:
    """What changed, and the way in words; where there is no older figure that is said."""
    if len(trend.points) == 1:
        return parts.note(say(look, BEGINS.get(trend.name, "score.begins")))
    first, last = trend.points[0][0], trend.points[-1][0]
    rows = [(_since(look, last, back), _change(look, change)) for back, change in trend.deltas]
    return parts.facts([*rows, (_since(look, last, (last - first).days), _way(look, trend))])


def chart(look: Look, trend: Trend) -> LineChart | None:
    """The way as a line; None where it would be none, or where maxima are unknown."""
    if trend.name == "secure" and not trend.percent:
        return None
    return days_line(plain(look, f"score.chart.{trend.name}"), trend.points)


def signed(change: float) -> str:
    """A difference with its sign and one decimal at most: `+3.2`, `-1`."""
    return f"{change:+,.1f}".removesuffix(".0").replace("-", "\u2212")


def _since(look: Look, last: date, back: int) -> Safe:
    return say(look, "score.since", day=on(look, last - timedelta(days=back)), days=count(look, "score.days", back))


def _change(look: Look, change: Delta) -> Safe:
    if change.change is None:
        return say(look, "score.no-figure")
    if change.verdict == "same":
        return say(look, "score.same")
    key = "score.change-percent" if change.unit == "percent" else "score.change"
    return say(look, key, change=signed(change.change), verdict=plain(look, f"score.{change.verdict}"))


def _way(look: Look, trend: Trend) -> Safe:
    figures = [figure for _, figure in trend.points]
    named = {"first": figures[0], "lowest": min(figures), "highest": max(figures), "latest": figures[-1]}
    if trend.percent:
        said = say(look, "score.trend", **{k: say(look, "score.percent", share=v) for k, v in named.items()})
    else:
        said = say(look, "score.trend", **named)
    gaps = (trend.points[-1][0] - trend.points[0][0]).days + 1 - len(figures)
    return join([said, escape(count(look, "score.trend-gaps", gaps))], "; ") if gaps else said
