"""The scores, as figures; what could not be read is said, never shown as zero."""

from dataclasses import dataclass
from typing import Any

from bot.defender.models import Score
from bot.graph.models import SecureScore
from bot.turn import Look, Shown
from cards import button, parts
from cards.text import Safe, plain, plain_word, say

HIGHEST_EXPOSURE = 100
MEDIUM, HIGH = 30, 70


@dataclass(frozen=True, kw_only=True)
class ScoreView:
    """Microsoft Secure Score of the last day, Secure Score for Devices and exposure score. None: could not be read."""

    secure: SecureScore | None
    devices: Score | None
    exposure: Score | None
    unread: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


def score_card(look: Look, view: ScoreView) -> Shown:
    """Show the three scores with what is better: higher or lower."""
    body = [
        parts.heading(say(look, "score.title")),
        parts.unread(look, view.unread, view.lacking),
        _secure(look, view.secure),
        _figure(look, "score.devices", view.devices, _devices(look, view.devices)),
        _figure(look, "score.exposure", view.exposure, _exposure(look, view.exposure)),
        parts.as_of(look),
    ]
    unread = plain(look, "word.unread")
    secure = view.secure.current_score if view.secure and view.secure.current_score is not None else unread
    exposure = view.exposure.score if view.exposure else unread
    summary = plain(look, "score.summary", secure=secure, exposure=exposure)
    return parts.shown(body, summary, [button.run(plain(look, "part.refresh"), "score")])


def exposure_level(score: float) -> str:
    """The level of an exposure score by the product page's scale; empty outside of 0 to 100."""
    if not 0 <= score <= HIGHEST_EXPOSURE:
        return ""
    return "low" if score < MEDIUM else "medium" if score < HIGH else "high"


def _secure(look: Look, score: SecureScore | None) -> Any:
    title = say(look, "score.secure")
    if score is None or score.current_score is None:
        return parts.section(title, parts.line(say(look, "word.unread"), "Attention"))
    if score.percent is None or score.max_score is None:
        figure = say(look, "score.secure-no-max", current=score.current_score)
    else:
        values = {"current": score.current_score, "max": score.max_score, "percent": score.percent}
        figure = say(look, "score.secure-figure", **values)
    return parts.section(title, parts.line(figure), _day(look, score.created_date_time))


def _figure(look: Look, key: str, score: Score | None, lines: list[Any]) -> Any:
    title = say(look, key)
    if score is None:
        return parts.section(title, parts.line(say(look, "word.unread"), "Attention"))
    return parts.section(title, *lines, _day(look, score.time))


def _day(look: Look, at: Any) -> Any:
    return parts.note(say(look, "score.day", at=parts.moment(look, at)))


def _devices(look: Look, score: Score | None) -> list[Any]:
    return [parts.line(say(look, "score.devices-figure", score=score.score))] if score else []


def _exposure(look: Look, score: Score | None) -> list[Any]:
    if score is None:
        return []
    level = exposure_level(score.score)
    figure: Safe = say(look, "score.exposure-figure", score=score.score, level=plain_word(look, "exposure", level))
    return [parts.line(figure, parts.level_color(level)), parts.note(say(look, "score.exposure-scale"))]
