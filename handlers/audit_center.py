"""The auditor's part about the Action center: each thing that waits has its record, and a card where it is wanted.

Repairs are a round of the watcher's (`handlers.center_round`), made while no watcher is at it.
"""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from bot.center import KIND, CenterItem
from bot.errors import Conflict
from bot.posting import holding
from bot.services import Services
from bot.subscribers import active
from bot.subscriptions import Subscription
from handlers.center_look import Looked, look
from handlers.center_offers import offers_for
from handlers.center_round import CenterRound, index_of, known
from handlers.findings import Findings

log = structlog.get_logger()

PART = "center"
POLLER = "poll:center"
TRIES, PAUSE = 3, 2.0
LEAST_GRACE = timedelta(seconds=60)


async def compare_center(services: Services, customer: str, findings: Findings, pace: float) -> None:
    """Compare what waits with the records; mend what is missing. Raises ServiceError where a list cannot be read.

    What began to wait within two rounds of the watcher (`pace` in seconds) is left to it, and so are its first round
    after somebody subscribed and a conversation that has not had its first summary yet.
    """
    wanted = [s for s in await active(services, customer) if s.center]
    if not wanted:
        return
    looked = await look(services, customer)
    for trouble in looked.troubles.values():
        raise trouble
    before = await _missing(services, customer, wanted, looked, pace)
    findings.count(PART, len(looked.waiting()))
    after = before
    if any(before):
        after = await _mended(services, customer, wanted, looked, pace)
    for kind, missing, left in zip(("item", "item-card"), before, after, strict=True):
        findings.gap(kind, missing)
        findings.mended(kind, missing - left)


async def _missing(
    services: Services, customer: str, wanted: Sequence[Subscription], looked: Looked, pace: float
) -> tuple[int, int]:
    """How many things wait without a record, and how many lack a card in a conversation."""
    now, grace = services.clock.now(), max(LEAST_GRACE, 2 * timedelta(seconds=pace))
    index, _ = await index_of(services, customer)
    if index.looked is None and now - min(one.since for one in wanted) <= grace:
        return 0, 0
    if index.looked is None or now - index.looked > grace:
        grace = timedelta(0)  # no watcher has looked lately: whatever waits is overdue
    seen = looked.waiting()
    stored = await known(services, customer, sorted(seen))
    settled = [key for key, one in seen.items() if key in stored or not one.began or now - one.began >= grace]
    items = [stored[key][0] for key in settled if key in stored]
    this = CenterRound(services, customer, wanted, await offers_for(services, customer))
    told = [place for place in wanted if place.id in index.places]
    lacking = [item for item in items if now - item.seen >= grace and _lacks(this, item, told)]
    return sum(1 for key in settled if key not in stored), len(lacking)


def _lacks(this: CenterRound, item: CenterItem, places: Sequence[Subscription]) -> bool:
    return any(this.lacks(item, place) for place in places)


async def _mended(
    services: Services, customer: str, wanted: Sequence[Subscription], looked: Looked, pace: float
) -> tuple[int, int]:
    """Mend what is missing while no watcher is at it; returns what is missing then."""
    for _ in range(TRIES):
        async with holding(services, customer, POLLER) as mine:
            if mine:
                try:
                    offers = await offers_for(services, customer)
                    await CenterRound(services, customer, wanted, offers).take(looked)
                except Conflict as error:
                    log.info("audit_overtaken", customer=customer, kind=KIND, error=str(error))
                break
        await services.clock.sleep(PAUSE)
    return await _missing(services, customer, wanted, looked, pace)
