"""The filters by which devices are listed and named together, as the device itself tells."""

from collections.abc import Callable, Mapping

from bot.defender.models import Machine

FILTERS: Mapping[str, Callable[[Machine], bool]] = {
    "high-risk": lambda machine: machine.risk == "high",
    "medium-risk": lambda machine: machine.risk == "medium",
    "exposed": lambda machine: machine.exposure in ("high", "medium"),
    "inactive": lambda machine: machine.health not in ("active", ""),
    "all": lambda _machine: True,
}
