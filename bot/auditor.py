"""The auditor's report of each customer: what digest and status read."""

from bot.auditreport import KEPT_FINDINGS, KEPT_RUNS, AuditReport
from bot.services import Services

NAME = "auditor"
KEPT_SECONDS = 90 * 24 * 3600.0


async def last_report(services: Services, customer: str) -> AuditReport | None:
    """What the auditor found last; None where it has not run yet."""
    kept = await services.store.get_value(customer, NAME)
    return AuditReport.model_validate(kept) if kept else None


async def keep_report(services: Services, customer: str, report: AuditReport, before: AuditReport | None) -> None:
    """Write a run's report down, with those before it as far as they are kept."""
    runs = (report.last, *(before.runs if before else ()))[:KEPT_RUNS]
    findings = ((report.last,) if report.last.found else ()) + (before.findings if before else ())
    whole = report.model_copy(update={"runs": runs, "findings": findings[:KEPT_FINDINGS]})
    await services.store.put_value(customer, NAME, whole.model_dump(mode="json"), KEPT_SECONDS)
