"""Reads a customer's figures: what was read lately is kept for a minute, what was measured on a day for over a year.

What is read stands in the store for `KEPT`, shared by all replicas, because it is asked for often, changes rarely
(Secure Score once a day) and costs calls of the customer's budgets. A failed read is not kept.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import structlog
from pydantic import ValidationError

from bot.errors import Conflict
from bot.figures import EVERYTHING, FIELDS, Figures
from bot.history import KEPT_DAYS, KIND, Day
from bot.posting import holding
from bot.readings import READERS, read_now
from bot.records import readable
from bot.services import Services
from bot.state.store import Change

log = structlog.get_logger()

KEPT = timedelta(seconds=60)
READ_SECONDS = 15.0
TREND_DAYS = 30
KEY = "figures"
GLANCE = 0.1
"""Seconds between two looks at what another reader has found."""
TRIES = 5
REMEMBERED = 64
"""Readings that a process remembers as it understood them."""


async def latest(
    services: Services,
    customer: str,
    wanted: Sequence[str] = EVERYTHING,
    *,
    anew: bool = False,
    seconds: float = READ_SECONDS,
) -> Figures:
    """The figures of these sources as they were read within the last minute, or read now; `anew`: read now.

    Each source takes at most `seconds`; one that fails stands in `failures` and does not keep the others. Who comes
    while another reads waits for that, instead of asking Microsoft for the same. Raises StoreDown.
    """
    if anew:
        return await _completed(services, customer, Figures(), wanted, seconds)
    kept = await _kept(services, customer, wanted)
    if _has(kept, wanted):
        return kept
    async with holding(services, customer, KEY) as mine:
        kept = await (_kept(services, customer, wanted) if mine else _of_another(services, customer, wanted, seconds))
        return await _completed(services, customer, kept, wanted, seconds)


async def day_before(services: Services, customer: str, moment: datetime) -> Day | None:
    """The newest day's record whose figures were all read at or before that moment; None where there is none."""
    day = moment.astimezone(UTC).date()
    for first, end in ((0, 8), (8, KEPT_DAYS + 1)):
        days = await _days(services, customer, [day - timedelta(days=n) for n in range(first, end)])
        if found := next((one for one in days if one.at <= moment), None):
            return found
    return None


async def recent_days(services: Services, customer: str, count: int = TREND_DAYS) -> tuple[Day, ...]:
    """The records of so many days before today, and today's, oldest first; a day may be missing."""
    today = services.clock.now().date()
    return tuple(await _days(services, customer, [today - timedelta(days=n) for n in range(count, -1, -1)]))


async def write_day(services: Services, customer: str, figures: Figures) -> None:
    """Write what was read into today's record (UTC). A figure that was not read now keeps what was read before."""
    values: dict[str, float | int | None] = {**figures.values()}
    if not values:
        return
    if "secure" in values:  # the two belong together
        values.setdefault("secure_max", None)
    now = services.clock.now()
    key = now.date().isoformat()
    for _ in range(TRIES):
        before = await services.store.get(customer, KIND, key)
        data = {**(before.data if before else {"v": 1}), "id": key, "at": now.isoformat(), **values}
        keep = timedelta(days=KEPT_DAYS).total_seconds()
        change = Change(kind=KIND, id=key, rev=before.rev if before else 0, data=data, keep=keep)
        try:
            await services.ledger.commit(customer, [change])
        except Conflict:
            continue
        if before is None:  # once a day: the index of the kind forgets the days that ran out
            await services.store.newest(customer, KIND, limit=2 * KEPT_DAYS)
        return
    log.warning("day_not_written", customer=customer, day=key)


async def _completed(
    services: Services, customer: str, kept: Figures, wanted: Sequence[str], seconds: float
) -> Figures:
    """What was kept, and what is read now of the rest; all of it is kept from now on."""
    missing = [source for source in wanted if source not in kept.parts()]
    if not missing:
        return kept
    read = await read_now(services, customer, {source: READERS[source] for source in missing}, seconds)
    named = {FIELDS[source]: part for source, part in {**kept.parts(), **read.parts()}.items()}
    figures = Figures(**named, days=await recent_days(services, customer), tried=read.tried, failures=read.failures)
    value = {"text": figures.model_dump_json(exclude_none=True)}
    await services.store.put_value(customer, KEY, value, KEPT.total_seconds())
    return figures.only(wanted)


async def _kept(services: Services, customer: str, wanted: Sequence[str]) -> Figures:
    """What was read of these within the last minute; nothing where another version wrote what this one cannot read."""
    value = await services.store.get_value(customer, KEY)
    kept = _understood(str(value["text"]), tuple(wanted)) if value else Figures()
    now = services.clock.now()
    fresh = [source for source, part in kept.parts().items() if timedelta(0) <= now - part.at < KEPT]
    return kept.only(fresh)


@lru_cache(maxsize=REMEMBERED)
def _understood(text: str, wanted: tuple[str, ...]) -> Figures:
    """Those figures of a kept text: the same object for the same text, so that it is understood and shown once."""
    try:
        return Figures.model_validate_json(text).only(wanted)
    except ValidationError:
        return Figures()


def _has(kept: Figures, wanted: Sequence[str]) -> bool:
    return all(getattr(kept, FIELDS[source]) for source in wanted)


async def _of_another(services: Services, customer: str, wanted: Sequence[str], seconds: float) -> Figures:
    """What another reader finds, who reads just now; what it does not find is left to the caller."""
    begun, kept = services.clock.now(), Figures()
    for _ in range(int(seconds / GLANCE)):
        await services.clock.sleep(GLANCE)
        kept = await _kept(services, customer, wanted)
        if _has(kept, wanted) or (kept.tried and kept.tried >= begun):
            break
    return kept


async def _days(services: Services, customer: str, wanted: Sequence[date]) -> list[Day]:
    """The records of those days that exist, in the order asked for."""
    records = await services.store.get_many(customer, KIND, [day.isoformat() for day in wanted])
    return readable(records, Day)
