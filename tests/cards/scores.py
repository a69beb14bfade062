"""The scores' card in its main states; what comes from outside goes through `x`."""

from datetime import date, datetime, timedelta
from typing import Any

from bot import errors
from bot.figures import SCORES, ControlChange, ControlChanges, Figures, ScoreReading, SecureDay, SecureReading
from bot.history import Day
from bot.turn import Shown
from cards.score import score_card
from tests.cards.samples import LOOK, NOW, X, ago

TODAY = NOW.date()
READ = ago(seconds=22)


def days_back(back: int) -> date:
    return TODAY - timedelta(days=back)


def secure(x: X, back: int = 30, **changes: Any) -> SecureReading:
    """A month of Secure Score as Graph has it; the newest is of the morning."""
    days = tuple(
        SecureDay(day=days_back(n), current=412.5 - n * 1.3 + (n % 4), maximum=780.0) for n in range(back, -1, -1)
    )
    real_time = ControlChange(name="scid_2010", text=x("Turn on real-time protection"), before=8.0, now=9.0)
    lost = ControlChange(name="AdminMFAV2", text=x("Require MFA for administrative roles"), before=10.0, now=7.5)
    fresh = ControlChange(name=x("mdo_safelinks"), now=4.0)
    gone = ControlChange(name="old", text=x("Retired control"), before=1.0)
    values: dict[str, Any] = {
        "at": READ,
        "scored": ago(hours=9),
        "current": 412.5,
        "maximum": 780.0,
        "days": days,
        "controls": (
            ControlChanges(since=days_back(1), most=(real_time,)),
            ControlChanges(since=days_back(7), most=(fresh, lost, real_time, gone), more=2),
        )[: 2 if back > 6 else 0],
    }
    return SecureReading(**{**values, **changes})


def reading(score: float, scored: datetime | None = None) -> ScoreReading:
    return ScoreReading(at=READ, score=score, scored=scored or ago(hours=6))


def record(back: int, **figures: float) -> Day:
    """The bot's own record of a day."""
    day = days_back(back)
    return Day(id=day.isoformat(), at=NOW - timedelta(days=back), **figures)


def month(gaps: tuple[int, ...] = (), back: int = 30) -> tuple[Day, ...]:
    """The own records of a month, oldest first, without those of the gaps."""
    return tuple(record(n, devices=340.0 - n, exposure=33.4 + (n % 5)) for n in range(back, -1, -1) if n not in gaps)


def known(x: X, **changes: Any) -> Figures:
    values = {"secure": secure(x), "devices": reading(340), "exposure": reading(33.4), "days": month()}
    return Figures(**{**values, **changes})


def failed(error: errors.ServiceError, *sources: str) -> dict[str, Any]:
    """What a failure of these sources leaves."""
    names = {"secure-score": "secure", "device-score": "devices", "exposure-score": "exposure"}
    return {"failures": dict.fromkeys(sources, error), **{names[source]: None for source in sources}}


def figures(x: X) -> dict[str, Figures]:
    """Each state by name."""
    down = errors.Unavailable("graph", "secure-scores", sent=False, status=503)
    lacks = errors.MissingPermission("defender", "scores", permission=x("Score.Read.All"), status=403)
    plan = errors.NotInPlan("defender", "scores", status=403)
    new = {"secure": secure(x, 0), "days": (record(0, devices=340.0, exposure=33.4),)}
    return {
        "score": known(x),
        "score-first-day": known(x, **new),
        "score-first-hour": known(x, secure=secure(x, 0), days=()),
        "score-gaps": known(x, secure=secure(x, 4), days=month((1, 3, 4), 9)),
        "score-unread": known(x, **failed(down, *SCORES[:2])),
        "score-permission": known(x, **failed(lacks, *SCORES[1:])),
        "score-plan": known(x, **failed(plan, *SCORES[1:])),
        "score-none": known(x, secure=SecureReading(at=READ)),
        "score-no-maximum": known(x, secure=secure(x, 0, maximum=None)),
        "score-jump": known(x, devices=reading(1512.25), exposure=reading(88.0)),
    }


def every(x: X) -> dict[str, Shown]:
    """The cards."""
    return {name: score_card(LOOK, made) for name, made in figures(x).items()}
