"""What replicas tell each other of themselves: small values in the store that belong to no customer."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.pulse import Beat, Pulse
from bot.services import Services
from bot.state.store import Store

EVERYBODY = "-"
"""Stands where values otherwise have a customer."""
PROCESSES, SWEPT, BEAT = "processes", "swept", "heartbeat"
GONE = timedelta(seconds=45)
"""A process that has said nothing for that long is not shown any more."""
TRIES = 5
SHORT, DAY = 3600.0, 24 * 3600.0


async def replicas(store: Store, now: datetime) -> list[Pulse]:
    """The processes that live, the oldest first."""
    kept = await store.get_value(EVERYBODY, PROCESSES)
    found = [Pulse.model_validate(value) for value in (kept or {}).values()]
    return sorted((pulse for pulse in found if now - pulse.at < GONE), key=lambda pulse: (pulse.started, pulse.worker))


async def tell_pulse(services: Services, pulse: Pulse) -> bool:
    """Write down what a process says of itself; False where others were at it all the time."""
    return await _change(services, lambda kept: {**kept, pulse.worker: pulse.model_dump(mode="json")})


async def leave(services: Services) -> None:
    """Take this process from the list."""
    await _change(services, lambda kept: {name: value for name, value in kept.items() if name != services.worker})


async def _change(services: Services, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> bool:
    """Change the list of processes, one writer at a time; those that are gone are left out."""
    store, now = services.store, services.clock.now()
    for _ in range(TRIES):
        if await store.lease(EVERYBODY, PROCESSES, services.worker, 2.0):
            living = {pulse.worker: pulse.model_dump(mode="json") for pulse in await replicas(store, now)}
            await store.put_value(EVERYBODY, PROCESSES, change(living), SHORT)
            await store.release(EVERYBODY, PROCESSES, services.worker)
            return True
        await services.clock.sleep(0.1)
    return False


async def note_swept(services: Services) -> None:
    """All that was due, and every poller, was asked for now."""
    await services.store.put_value(EVERYBODY, SWEPT, {"at": services.clock.now().isoformat()}, DAY)


async def swept(store: Store) -> datetime | None:
    """When that was last done; None: not within a day."""
    return _moment(await store.get_value(EVERYBODY, SWEPT))


async def note_polled(services: Services, customer: str, watcher: str) -> None:
    """A poller's round for a customer ran to its end, whatever the service said."""
    await services.store.put_value(customer, f"polled:{watcher}", {"at": services.clock.now().isoformat()}, DAY)


async def polled(store: Store, customer: str, watcher: str) -> datetime | None:
    """When that last happened; None: not within a day."""
    return _moment(await store.get_value(customer, f"polled:{watcher}"))


async def keep_beat(store: Store, beat: Beat) -> None:
    """Write down what became of a turn to beat."""
    await store.put_value(EVERYBODY, BEAT, beat.model_dump(mode="json"), 30 * DAY)


async def last_beat(store: Store) -> Beat:
    """What is known of the heart beat."""
    kept = await store.get_value(EVERYBODY, BEAT)
    return Beat.model_validate(kept) if kept else Beat()


def _moment(kept: Mapping[str, Any] | None) -> datetime | None:
    return datetime.fromisoformat(str(kept["at"])) if kept else None
