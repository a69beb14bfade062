"""What waits in the Action center now, for /actions and the digest: read live, with what the bot remembers of it."""

from collections.abc import Sequence
from datetime import datetime

from bot.center import CenterItem
from bot.defender.models import Investigation
from bot.graph.models import GraphAlert
from bot.services import Services
from handlers.center_look import Looked
from handlers.center_round import known
from handlers.center_steps import begun, waits


async def waiting_now(
    services: Services,
    customer: str,
    alerts: Sequence[GraphAlert] | None,
    investigations: Sequence[Investigation] | None,
    now: datetime,
) -> tuple[CenterItem, ...]:
    """What is told by itself, the earliest deadline first. Nothing is written down. Raises StoreDown."""
    seen = Looked(alerts=alerts, investigations=investigations).waiting()
    stored = await known(services, customer, sorted(seen))
    told = {key: waits(stored[key][0], one, {}, now) for key, one in seen.items() if key in stored}
    items = [told.get(key) or begun(customer, one, now) for key, one in seen.items()]
    return tuple(sorted((item for item in items if item.told), key=lambda item: item.deadline))
