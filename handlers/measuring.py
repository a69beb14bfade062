"""The watcher `measure`: once an hour the figures of each customer are read, and one record a day keeps them."""

from datetime import timedelta

from bot.command import Watcher
from bot.defender.client import Defender
from bot.figures import HIGHER_IS_BETTER
from bot.graph.client import Graph
from bot.measures import recent_days, write_day
from bot.readings import MEASURED, read_now
from bot.services import Services

EVERY = 3600.0
READ_SECONDS = 45.0
RECENT = timedelta(minutes=30)
"""A whole record that was written within this time is not made anew: each start of a process asks for one."""


async def poll(services: Services, customer: str) -> None:
    """Read every figure and write today's record (UTC); what cannot be read now keeps what was read before."""
    if not await _just_measured(services, customer):
        await write_day(services, customer, await read_now(services, customer, MEASURED, READ_SECONDS))


async def _just_measured(services: Services, customer: str) -> bool:
    today = await recent_days(services, customer, 0)
    whole = bool(today) and all(getattr(today[0], name) is not None for name in HIGHER_IS_BETTER)
    return whole and timedelta(0) <= services.clock.now() - today[0].at < RECENT


def watcher() -> Watcher:
    """The watcher; the jobs spread the customers over the hour, and ask for a first round soon after the start."""
    needs = (
        Graph.secure_scores,
        Graph.open_incident_count,
        Defender.configuration_score,
        Defender.exposure_score,
        Defender.machines,
    )
    return Watcher(name="measure", every=EVERY, poll=poll, needs=needs)
