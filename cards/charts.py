"""Charts: always an extra to figures that stand as text, for some clients draw none (teams-platform 4.12)."""

from collections.abc import Sequence
from datetime import date
from math import ceil, floor

from cards.elements import LineChart

FEWEST = 3
"""Fewer points make no line worth its room."""


def days_line(title: str, points: Sequence[tuple[date, float]]) -> LineChart | None:
    """A line over days, oldest first; None where there are too few. Its scale fits the figures, not zero."""
    if len(points) < FEWEST:
        return None
    values = [{"x": day.isoformat(), "y": round(figure, 1)} for day, figure in points]
    figures = [figure for _, figure in points]
    low, high = min(figures), max(figures)
    room = max(1.0, (high - low) / 5)
    data = [{"legend": title, "values": values}]
    return LineChart(title, data, max(0, floor(low - room)), ceil(high + room))
