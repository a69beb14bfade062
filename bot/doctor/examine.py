"""The whole examination: everything is looked at side by side, and each thing has its time."""

import asyncio
from collections.abc import Mapping, Sequence

from bot.clock import Clock, SystemClock
from bot.command import Features
from bot.doctor.configured import identity_findings, settings_findings
from bot.doctor.customers import access_findings
from bot.doctor.endpoints import clock_finding, service_findings
from bot.doctor.findings import Finding, Report, ordered, unknown
from bot.doctor.library import library_findings
from bot.doctor.patient import LIMIT, Patient, admitted, all_of
from bot.doctor.people import people_findings, people_of
from bot.doctor.plan import plan_findings
from bot.doctor.redis_checks import redis_findings
from bot.doctor.ruled import policy_findings
from bot.doctor.software import software_findings
from bot.doctor.subscribed import subscription_findings
from bot.settings import Settings

AT_ONCE = 8
"""How many customers are looked at side by side."""
ROUNDS = 2.4
"""How many times a check's limit all customers together get: one of them takes two at most."""
Directories = dict[str, Mapping[str, bool | None]]


async def examine(
    settings: Settings,
    complaints: Sequence[str],
    features: Features,
    *,
    customer: str = "",
    clock: Clock | None = None,
    limit: float = LIMIT,
) -> Report:
    """Look at everything, or of the customers only at that one. It takes less than 3 times `limit` seconds."""
    clock = clock or SystemClock()
    found = [*settings_findings(settings, complaints), *identity_findings(settings, clock.now()), *software_findings()]
    found += policy_findings(settings, features)
    customers = sorted({customer} if customer else settings.allowed_tenants)
    directories: Directories = {}
    async with admitted(settings, features, clock, limit=limit) as patient:
        checks = [service_findings(patient), redis_findings(patient), _customers(patient, customers, directories)]
        found += await all_of("services", checks)
        found.append(clock_finding(patient))
    found += people_findings(settings, directories)
    return Report(at=clock.now(), findings=ordered(found))


async def _customers(patient: Patient, customers: Sequence[str], directories: Directories) -> list[Finding]:
    """Each customer, as many as the time allows."""
    room = asyncio.Semaphore(AT_ONCE)

    async def look(customer: str) -> list[Finding]:
        async with room:
            return await all_of("permissions", [_customer(patient, customer, directories)], customer)

    tasks = [asyncio.create_task(look(customer)) for customer in customers]
    if not tasks:
        return []
    done, late = await asyncio.wait(tasks, timeout=patient.limit * ROUNDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    found = [finding for task in tasks if task in done for finding in task.result()]
    if late:
        says = f"{len(late)} of {len(customers)} customers were not looked at: there was no time left."
        found.append(unknown("settings.customers.late", says, do="Use --customer ID for one of them."))
    return found


async def _customer(patient: Patient, customer: str, directories: Directories) -> list[Finding]:
    """One customer. Without a token nothing else is asked of Graph: it would only say the same again."""
    access, subscribed = await asyncio.gather(
        access_findings(patient, customer), subscription_findings(patient, customer)
    )
    if any(finding.id in {"permissions.graph.token", "permissions.token"} for finding in access):
        return [*access, *subscribed]
    plan, scripts, directories[customer] = await asyncio.gather(
        plan_findings(patient, customer), library_findings(patient, customer), people_of(patient, customer)
    )
    return [*access, *plan, *scripts, *subscribed]
