"""The watcher of the Action center: what waits for approval there has one card, edited until it is over.

The portal alone decides (defender-api 1); this tells of it. All that waits is read each time, so nothing depends on
what an earlier round saw; a list that cannot be read changes nothing about what would stand in it.
"""

from collections.abc import Mapping
from datetime import timedelta

import structlog

from bot.center import KIND, SUMMARY, CenterItem, CenterSummary
from bot.command import View, Watcher
from bot.errors import Conflict
from bot.metrics import SOURCE_READS
from bot.posts import Post
from bot.records import mutate
from bot.services import Services
from bot.subscribers import active
from bot.turn import Look, Shown
from cards.center import center_card, center_summary_card
from handlers.center_look import NEEDS, Looked, look
from handlers.center_offers import Offers, offers_for
from handlers.center_round import CenterRound, index_of

log = structlog.get_logger()

SLOWER = 2.0
"""Rounds of this watcher are that many times as far apart as those for incidents: a person has seven days."""


async def poll(services: Services, customer: str) -> None:
    """Look at what waits, and bring the cards up to it. What was told of is followed even where nobody subscribes."""
    wanted = [s for s in await active(services, customer) if s.center]
    index, _ = await index_of(services, customer)
    if not wanted and not index.open:
        if index.places:  # who subscribes again gets a first summary again
            await CenterRound(services, customer, (), Offers(responses={})).take(Looked((), ()))
        return
    looked = await look(services, customer)
    SOURCE_READS.labels("action center", _outcome(looked.troubles)).inc()
    if looked.alerts is None and looked.investigations is None:
        return
    try:
        await CenterRound(services, customer, wanted, await offers_for(services, customer)).take(looked)
    except Conflict as error:  # the next round does it
        log.warning("center_overtaken", customer=customer, error=str(error))


def _outcome(troubles: Mapping[str, Exception]) -> str:
    return type(next(iter(troubles.values()))).__name__ if troubles else "ok"


async def step(services: Services, customer: str, key: str) -> None:
    """Show that one day fewer is left."""
    now = services.clock.now()

    def later(item: CenterItem) -> CenterItem:
        left = item.days_left(now)
        return item if left >= item.left else item.model_copy(update={"left": left, "content": item.content + 1})

    await mutate(services.ledger, customer, KIND, key, CenterItem, now, later)


def _render(record: CenterItem, post: Post, look: Look) -> Shown:
    return center_card(look, record, post.key)


def _render_summary(record: CenterSummary, _post: Post, look: Look) -> Shown:
    return center_summary_card(look, record)


VIEWS = (
    View(kind=KIND, model=CenterItem, render=_render, step=step),
    View(kind=SUMMARY, model=CenterSummary, render=_render_summary),
)


def watcher(seconds: float) -> Watcher:
    """The watcher beside an incident watcher of that pace."""
    return Watcher(name="center", every=timedelta(seconds=SLOWER * seconds).total_seconds(), poll=poll, needs=NEEDS)
