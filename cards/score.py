"""The scores, as figures with what changed; what could not be read is said, never shown as zero."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from bot.errors import MissingPermission, NotInPlan, ServiceError
from bot.figures import ControlChange, ControlChanges, Figures, ScoreReading, SecureReading, share
from bot.turn import Look, Shown
from cards import button, parts
from cards.elements import Panel, ShowCard
from cards.text import Safe, count, escape, join, on, plain, plain_word, say, to_the_second, word
from cards.trend import Trend, chart, in_words, own_trend, secure_trend, signed

HIGHEST_EXPOSURE = 100
MEDIUM, HIGH = 30, 70
REMEMBERED = 64
"""Cards that are remembered: `/score` is asked often, and a reading stands for a minute."""
LONGEST_CONTROL = 90
ANEW = "now"
"""The word after `/score` that reads anew."""


def score_card(look: Look, figures: Figures) -> Shown:
    """Show the three scores: which way is better, what changed since the day and the week before, the last 30 days.

    The card speaks of the moment when they were read, so a reading has one card for each language and zone.
    """
    return _made(figures, look.locale, look.zone, figures.at or look.now)


@lru_cache(maxsize=REMEMBERED)
def _made(figures: Figures, locale: str, zone: str, read: datetime) -> Shown:
    look = Look(now=read, locale=locale, zone=zone)
    failures = figures.failures
    secure = secure_trend(figures.secure) if figures.secure else None
    devices = own_trend("devices", figures.devices, figures.days) if figures.devices else None
    exposure = own_trend("exposure", figures.exposure, figures.days) if figures.exposure else None
    body = [
        parts.heading(say(look, "score.title")),
        *_trouble(look, failures),
        _secure(look, figures.secure, secure, failures.get("secure-score")),
        _own(look, "devices", figures.devices, devices, failures.get("device-score")),
        _own(look, "exposure", figures.exposure, exposure, failures.get("exposure-score")),
        parts.note(say(look, "score.record")),
        parts.note(say(look, "score.read", at=to_the_second(look, figures.at))) if figures.at else None,
    ]
    summary = plain(look, "score.summary", secure=_secure_short(look, figures), exposure=_exposure_short(look, figures))
    refresh = button.run(plain(look, "part.refresh"), f"score {ANEW}")
    return parts.shown(body, summary, [refresh, _charts(look, (secure, devices, exposure))])


def _secure_short(look: Look, figures: Figures) -> str | float:
    if figures.secure is None:
        return plain(look, "word.unread")
    return plain(look, "score.none-short") if figures.secure.current is None else figures.secure.current


def _exposure_short(look: Look, figures: Figures) -> str | float:
    return figures.exposure.score if figures.exposure else plain(look, "word.unread")


def _trouble(look: Look, failures: Mapping[str, ServiceError]) -> list[Any]:
    """What could not be read and may be read later, and what an administrator can mend."""
    lacking = {e.permission for e in failures.values() if isinstance(e, MissingPermission) and e.permission}
    lasting = [source for source, e in failures.items() if isinstance(e, MissingPermission | NotInPlan)]
    said: list[Any] = [parts.unread(look, [source for source in failures if source not in lasting])]
    if lasting:
        named = join(word(look, "source", source) for source in lasting)
        said.append(parts.line(say(look, "score.unread-lasting", sources=named), "Attention"))
    if lacking:
        said.append(parts.line(say(look, "part.lacking", permissions=", ".join(sorted(lacking))), "Attention"))
    return said


def exposure_level(score: float) -> str:
    """The level of an exposure score by the product page's scale; empty outside of 0 to 100."""
    if not 0 <= score <= HIGHEST_EXPOSURE:
        return ""
    return "low" if score < MEDIUM else "medium" if score < HIGH else "high"


def _secure(look: Look, score: SecureReading | None, trend: Trend | None, failure: ServiceError | None) -> Any:
    title = say(look, "score.secure")
    if score is None:
        return parts.section(title, _unread(look, failure))
    if score.current is None:
        return parts.section(title, parts.line(say(look, "score.none")))
    if score.maximum is None:
        figure = say(look, "score.secure-no-max", current=score.current)
    else:
        percent = share(score.current, score.maximum) or 0.0
        figure = say(look, "score.secure-figure", current=score.current, max=score.maximum, percent=percent)
    return parts.section(
        title,
        parts.line(figure),
        _day(look, score.scored),
        in_words(look, trend) if trend else None,
        *_controls(look, score.controls),
    )


def _own(look: Look, name: str, score: ScoreReading | None, trend: Trend | None, failure: ServiceError | None) -> Any:
    title = say(look, f"score.{name}")
    if score is None or trend is None:
        return parts.section(title, _unread(look, failure))
    figures = _exposure(look, score.score) if name == "exposure" else _devices(look, score.score)
    return parts.section(title, *figures, _day(look, score.scored), in_words(look, trend))


def _charts(look: Look, trends: Iterable[Trend | None]) -> ShowCard | None:
    """A button that unfolds the charts: an extra, for not every client draws them."""
    drawn: list[Any] = []
    for trend in trends:
        if trend and (line := chart(look, trend)):
            drawn += [parts.line(say(look, f"score.chart.{trend.name}")), line]
    if not drawn:
        return None
    return ShowCard(title=plain(look, "score.charts"), card=Panel([*drawn, parts.note(say(look, "score.charts-note"))]))


def _unread(look: Look, failure: ServiceError | None) -> Any:
    """Why there is no figure: trying again helps only where neither permission nor plan is lacking."""
    match failure:
        case MissingPermission(permission=str(permission)) if permission:
            said = say(look, "score.unread-permission", permission=permission)
        case NotInPlan():
            said = say(look, "score.unread-plan")
        case _:
            said = say(look, "word.unread")
    return parts.line(said, "Attention")


def _controls(look: Look, compared: Sequence[ControlChanges]) -> list[Any]:
    """The controls that changed; the same ones are not shown a second time for the week."""
    shown: list[Any] = []
    told: list[tuple[ControlChange, ...]] = []
    for since in compared:
        if since.most and since.most not in told:
            told.append(since.most)
            shown.append(parts.line(say(look, "score.controls", day=on(look, since.since))))
            shown.append(parts.facts((_points(look, one), _control(one)) for one in since.most))
            if since.more:
                shown.append(parts.note(escape(count(look, "score.controls-more", since.more))))
    return shown


def _points(look: Look, control: ControlChange) -> Safe:
    change = signed(control.change)
    if control.before is None or control.now is None:
        return say(look, "score.control-new" if control.before is None else "score.control-gone", change=change)
    return say(look, "score.control", change=change, before=control.before, now=control.now)


def _control(control: ControlChange) -> Safe:
    return escape(control.text or control.name, LONGEST_CONTROL)


def _day(look: Look, at: Any) -> Any:
    return parts.note(say(look, "score.day", at=parts.moment(look, at)))


def _devices(look: Look, score: float) -> list[Any]:
    return [parts.line(say(look, "score.devices-figure", score=score))]


def _exposure(look: Look, score: float) -> list[Any]:
    level = exposure_level(score)
    figure = say(look, "score.exposure-figure", score=score, level=plain_word(look, "exposure", level))
    return [parts.line(figure, parts.level_color(level)), parts.note(say(look, "score.exposure-scale"))]
