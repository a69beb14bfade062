"""The auditor: compares what the services hold with what was posted and done, mends it, counts it and says so.

It goes over each customer every few minutes. What it could not read was "not compared"; it never takes that for well.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog

from bot.auditor import keep_report, last_report
from bot.auditreport import KEPT_ALARMS, AuditReport
from bot.command import View, Watcher
from bot.coverage import trouble_of
from bot.defender.client import Defender
from bot.errors import ServiceError, StoreError
from bot.graph.client import Graph
from bot.metrics import AUDITOR_GAPS, AUDITOR_REPAIRED, AUDITOR_RUNS
from bot.services import Services
from handlers import audit_actions, audit_center, audit_incidents, audit_records, audit_requests
from handlers.alarms import tell
from handlers.center_look import NEEDS as CENTER_NEEDS
from handlers.findings import Findings

log = structlog.get_logger()

PACE = 300.0
CRASHED = "crashed"
NEEDS = (
    *(Graph.incidents_changed_since, Graph.incident, Defender.machine_actions, Defender.machine_action),
    *CENTER_NEEDS,
)


async def audit(services: Services, customer: str, views: Sequence[View], pace: float) -> AuditReport:
    """One run for a customer; returns its report as it was kept. Raises StoreDown.

    `pace` is the incident watcher's, in seconds.
    """
    before = await last_report(services, customer)
    found = Findings()
    marks = before.next if before else {}
    parts: dict[str, Callable[[], Awaitable[None]]] = {
        "incidents": partial(audit_incidents.compare_incidents, services, customer, found, marks, pace),
        "center": partial(audit_center.compare_center, services, customer, found, pace),
        "actions": partial(audit_actions.compare_actions, services, customer, found),
        "requests": partial(audit_requests.compare_requests, services, customer, found),
        "records": partial(
            audit_records.compare_records,
            services,
            customer,
            found,
            {view.kind: view for view in views},
            before.waits if before else {},
        ),
    }
    for name, compare in parts.items():
        await _compare(name, compare, found, customer)
    return await _report(services, customer, found, before)


async def _compare(name: str, compare: Callable[[], Awaitable[None]], found: Findings, customer: str) -> None:
    """One part, whose failure must not keep the others from being compared, nor go unsaid."""
    try:
        await compare()
    except ServiceError as error:
        found.unread[name] = trouble_of(error)[0]
    except StoreError:
        raise
    except Exception:
        found.unread[name] = CRASHED
        log.exception("audit_part_crashed", part=name, customer=customer)


async def _report(services: Services, customer: str, found: Findings, before: AuditReport | None) -> AuditReport:
    await tell(services, customer, found.alarms)
    run = found.run(services.clock.now())
    report = AuditReport(last=run, alarms=tuple(found.alarms[:KEPT_ALARMS]), waits=found.waits, next=found.marks)
    await keep_report(services, customer, report, before)
    AUDITOR_RUNS.labels("not compared" if run.unread else "found" if run.found else "well").inc()
    for metric, counts in ((AUDITOR_GAPS, run.gaps), (AUDITOR_REPAIRED, run.repaired)):
        for kind, n in counts.items():
            metric.labels(kind).inc(n)
    if not run.well:
        said = run.model_dump(mode="json", exclude={"at"}, exclude_defaults=True)
        log.warning("audit_found", customer=customer, **said)
    return report


def watcher(views: Sequence[View], poll_seconds: float, every: float = PACE) -> Watcher:
    """The auditor beside an incident watcher of that pace."""

    async def poll(services: Services, customer: str) -> None:
        await audit(services, customer, views, poll_seconds)

    return Watcher(name="auditor", every=every, poll=poll, needs=NEEDS)
