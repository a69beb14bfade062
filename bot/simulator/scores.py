"""The scores of a customer over the days: what Graph keeps of Secure Score, and Defender's two figures of now.

Graph has a Secure Score for each day, 90 of them kept (graph-api.md 3.4); Defender's scores have no history
(defender-api.md 15). A new day brings a new Secure Score, whose points are what its controls gained or lost.
"""

from datetime import datetime, timedelta
from random import Random

from bot.simulator import names
from bot.simulator.world import Customer, Score, SecureScoreDay

MAXIMUM = 697.0
KEPT_DAYS = 90
CHANGES = 0.3
"""How likely it is that a control changes from one day to the next."""

Control = tuple[str, str, str, float]


def begin(customer: Customer, now: datetime, chance: Random, days: int) -> None:
    """Scores for so many days up to today."""
    if not days:
        return
    customer.exposure = Score(time=now - timedelta(days=0.3), score=chance.uniform(25, 45))
    customer.configuration = Score(time=now - timedelta(days=0.3), score=float(chance.randint(300, 620)))
    first = _midnight(now) - timedelta(days=days - 1)
    current = round(chance.uniform(350, 420), 2)
    controls = [(category, name, text, round(points * 0.6, 2)) for category, name, text, points in names.CONTROLS]
    customer.secure_scores.append(SecureScoreDay(time=first, current=current, maximum=MAXIMUM, controls=controls))
    go_on(customer, now)


def go_on(customer: Customer, now: datetime) -> None:
    """A Secure Score for each day that began since the newest one; the same day always brings the same."""
    newest = max(customer.secure_scores, key=lambda day: day.time, default=None)
    while newest and _midnight(now) > newest.time:
        newest = _next(newest, Random(f"{customer.id}:{newest.time.isoformat()}"))
        customer.secure_scores.append(newest)
    del customer.secure_scores[: -2 * KEPT_DAYS]


def _next(day: SecureScoreDay, chance: Random) -> SecureScoreDay:
    limits = {name: points for _, name, _, points in names.CONTROLS}
    controls = [_moved(control, limits[control[1]], chance) for control in day.controls]
    gained = sum(after[3] - before[3] for before, after in zip(day.controls, controls, strict=True))
    return SecureScoreDay(
        time=day.time + timedelta(days=1),
        current=round(day.current + gained, 2),
        maximum=day.maximum,
        controls=controls,
    )


def _moved(control: Control, most: float, chance: Random) -> Control:
    """The control as it is a day later: mostly the same, at times up or down within its points."""
    category, name, text, points = control
    if chance.random() >= CHANGES:
        return control
    return category, name, text, round(min(most, max(0.0, points + chance.uniform(-2, 2.5))), 2)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
