"""Posts that were made again because no answer came, so that one may stand twice: when, for digest and status.

One record a day (UTC) and customer, kept for 40 days; a day keeps the first 500 moments.
"""

from datetime import UTC, datetime, timedelta

import structlog

from bot.errors import Conflict
from bot.services import Services
from bot.state.store import Change

log = structlog.get_logger()

KIND = "ambiguous"
KEPT_DAYS = 40
MOST = 500
TRIES = 5


async def note_repeat(services: Services, customer: str) -> None:
    """Write down that a post was made again. Raises StoreDown."""
    now = services.clock.now()
    key = now.astimezone(UTC).date().isoformat()
    for _ in range(TRIES):
        before = await services.store.get(customer, KIND, key)
        moments = [*(before.data["at"] if before else ()), now.isoformat()][:MOST]
        keep = timedelta(days=KEPT_DAYS).total_seconds()
        change = Change(kind=KIND, id=key, rev=before.rev if before else 0, data={"v": 1, "at": moments}, keep=keep)
        try:
            await services.ledger.commit(customer, [change])
        except Conflict:
            continue
        return
    log.warning("repeat_not_counted", customer=customer)


async def repeats_since(services: Services, customer: str, since: datetime) -> int:
    """How many posts were made again after that moment, as far as it is kept."""
    now = services.clock.now()
    days = [(now - timedelta(days=n)).astimezone(UTC).date() for n in range(KEPT_DAYS + 1)]
    wanted = [day.isoformat() for day in days if day >= since.astimezone(UTC).date()]
    records = await services.store.get_many(customer, KIND, wanted)
    return sum(1 for record in records for at in record.data["at"] if datetime.fromisoformat(at) > since)
