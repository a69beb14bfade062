"""What an approver is told of a device's open alerts: their titles, the gravest first, and what the first is about."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.command import Context
from bot.defender.models import DefenderAlert
from bot.graph.client import Graph
from bot.incidents import rank
from bot.responses.models import Fact
from cards.incident import assets_of
from handlers.reading import Sources

MOST_TITLES, MOST_THINGS = 6, 6
LONGEST = 60
NEEDS = (Graph.alert,)
_BEGINNING = datetime.min.replace(tzinfo=UTC)


def open_ones(alerts: Sequence[DefenderAlert]) -> list[DefenderAlert]:
    """Those that nobody has resolved, the gravest first, of the same severity the newest."""
    found = [alert for alert in alerts if alert.is_open]
    return sorted(found, key=lambda one: (rank(one.level), one.alert_creation_time or _BEGINNING), reverse=True)


def titles(alerts: Sequence[DefenderAlert]) -> tuple[str, ...]:
    """What the open ones are called, each title once, with how many have it."""
    counted = Counter(alert.title or alert.id for alert in open_ones(alerts))
    return tuple(f"{title} ({n})" if n > 1 else title for title, n in counted.items())[:MOST_TITLES]


async def evidence(context: Context, sources: Sources, alerts: Sequence[DefenderAlert]) -> tuple[Fact, ...]:
    """The things that the gravest open alert is about, but for devices; an empty value could not be read.

    Both services call an alert by the same id (graph-api 1.1, defender-api 11); Graph's tells its evidence.
    """
    gravest = next(iter(open_ones(alerts)), None)
    if gravest is None:
        return ()
    alert = await sources.read("alert", context.graph.alert(gravest.id))
    if alert is None:
        return (Fact(key="alert-evidence"),)
    things = [asset.name[:LONGEST] for asset in assets_of(alert.evidence) if asset.kind != "device" and asset.name]
    more = f" +{len(things) - MOST_THINGS}" if len(things) > MOST_THINGS else ""
    return (Fact(key="alert-evidence", value=", ".join(things[:MOST_THINGS]) + more or "-"),)
