"""How each figure is read of Microsoft's services, and what came of it: one reader for each source."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from bot.coverage import note_read
from bot.errors import ServiceError, Unavailable
from bot.figures import FIELDS, DevicesReading, Figures, IncidentsReading, Reading, ScoreReading
from bot.metrics import SOURCE_READS
from bot.secure_history import newest_score, score_with_history
from bot.services import Services

log = structlog.get_logger()

Reader = Callable[[Services, str], Awaitable[Reading]]


async def read_now(services: Services, customer: str, readers: Mapping[str, Reader], seconds: float) -> Figures:
    """Ask all these sources now, beside each other, each for at most `seconds`; what came of each is written down.

    One that fails stands in `failures` and does not keep the others. Raises StoreDown.
    """
    failures: dict[str, ServiceError] = {}

    async def read(source: str, reader: Reader) -> Reading | None:
        part = None
        try:
            async with asyncio.timeout(seconds):
                part = await reader(services, customer)
        except TimeoutError:
            failures[source] = Unavailable(SERVICES[source], source, sent=False, code="deadline")
        except ServiceError as error:
            failures[source] = error
        await _noted(services, customer, source, failures.get(source))
        return part

    parts = await asyncio.gather(*(read(source, reader) for source, reader in readers.items()))
    named = {FIELDS[source]: part for source, part in zip(readers, parts, strict=True)}
    return Figures(**named, tried=services.clock.now(), failures=failures)


async def _noted(services: Services, customer: str, source: str, error: ServiceError | None) -> None:
    SOURCE_READS.labels(source, type(error).__name__ if error else "ok").inc()
    if error:
        log.info("source_not_read", customer=customer, source=source, error=str(error))
    await note_read(services, customer, source, error)


async def _device_score(services: Services, customer: str) -> ScoreReading:
    score = await services.defender(customer).configuration_score()
    return ScoreReading(at=services.clock.now(), score=score.score, scored=score.time)


async def _exposure_score(services: Services, customer: str) -> ScoreReading:
    score = await services.defender(customer).exposure_score()
    return ScoreReading(at=services.clock.now(), score=score.score, scored=score.time)


async def _devices(services: Services, customer: str) -> DevicesReading:
    machines = await services.defender(customer).machines()
    high = sum(1 for machine in machines if machine.risk == "high")
    return DevicesReading(at=services.clock.now(), machines=len(machines), high_risk=high)


async def _incidents(services: Services, customer: str) -> IncidentsReading:
    count = await services.graph(customer).open_incident_count()
    return IncidentsReading(at=services.clock.now(), open=count)


READERS: Mapping[str, Reader] = {
    "secure-score": score_with_history,
    "device-score": _device_score,
    "exposure-score": _exposure_score,
    "devices": _devices,
    "incidents": _incidents,
}
"""What a person asks for."""
MEASURED: Mapping[str, Reader] = {**READERS, "secure-score": newest_score}
"""What is written down each day: of Secure Score the newest alone, for Graph keeps its history."""
SERVICES: Mapping[str, str] = {
    "secure-score": "graph",
    "device-score": "defender",
    "exposure-score": "defender",
    "devices": "defender",
    "incidents": "graph",
}
