"""What was last read of each source, and what stands in the way: the coverage that digest and status state."""

from datetime import timedelta

from bot.errors import MissingPermission, NotInPlan, ServiceError, Throttled
from bot.services import Services
from bot.sources import SOURCES, SourceState

KEPT_SECONDS = 90 * 24 * 3600.0
OFTEN_ENOUGH = timedelta(seconds=10)
"""A good read is not written down again within this time: it would say the same."""


async def note_read(services: Services, customer: str, source: str, error: ServiceError | None = None) -> None:
    """Write down that a source was read, or why not. Two reads at once may overwrite each other: either is true."""
    before = await state_of(services, customer, source)
    now = services.clock.now()
    if before.trouble == "" and error is None and before.good and timedelta(0) <= now - before.good < OFTEN_ENOUGH:
        return
    trouble, detail = trouble_of(error) if error else ("", "")
    after = SourceState(
        name=source,
        good=before.good if error else now,
        tried=now,
        trouble=trouble,
        detail=detail,
        since=(before.since if before.trouble else None) or now if error else None,
    )
    await services.store.put_value(customer, f"source:{source}", after.model_dump(mode="json"), KEPT_SECONDS)


async def state_of(services: Services, customer: str, source: str) -> SourceState:
    """What is known of one source; all empty where it was never read."""
    kept = await services.store.get_value(customer, f"source:{source}")
    return SourceState.model_validate(kept) if kept else SourceState(name=source)


async def coverage(services: Services, customer: str) -> list[SourceState]:
    """All sources of a customer, in the order of `SOURCES`."""
    return [await state_of(services, customer, source) for source in SOURCES]


def trouble_of(error: ServiceError) -> tuple[str, str]:
    """What stands in the way, as `SourceState.trouble` and `detail` have it."""
    match error:
        case MissingPermission():
            return "permission", error.permission
        case NotInPlan():
            return "plan", error.code
        case Throttled():
            return "busy", error.code
        case _:
            return "outage", error.code
