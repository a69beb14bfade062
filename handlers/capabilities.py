"""The watcher `capabilities`: daily, and after each start, what the tenant's plan and our tokens hold is learnt."""

from bot.capabilities.learning import learn, learnt_lately
from bot.command import Watcher
from bot.graph.client import Graph
from bot.services import Services

EVERY = 86_400.0


async def poll(services: Services, customer: str) -> None:
    """Learn it, unless that was done within the last half day. Raises StoreDown."""
    if not await learnt_lately(services, customer):
        await learn(services, customer)


def watcher() -> Watcher:
    """The watcher; the jobs spread the customers over the day, and ask for a first round soon after the start."""
    return Watcher(name="capabilities", every=EVERY, poll=poll, needs=(Graph.subscribed_skus,))
