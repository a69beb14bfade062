"""What of each customer can be read, and which permissions its administrator granted."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.auth import roles_of
from bot.capabilities.standing import covered
from bot.defender import http as defender
from bot.doctor.findings import Finding, ok, problem, unknown, warning
from bot.doctor.login import login_finding
from bot.doctor.patient import SCOPES, Patient
from bot.errors import Missing, MissingPermission, NotInPlan, ServiceError, Throttled, Unauthorised
from bot.graph import http as graph
from bot.http import Operation
from bot.permissions import APIS, Grant

ONE_ROW: Mapping[str, str | int] = {"$top": 1}
READS: Mapping[Operation, Mapping[str, str | int]] = {
    graph.INCIDENTS: ONE_ROW,
    graph.ALERTS: ONE_ROW,
    graph.SCORES: ONE_ROW,
    defender.MACHINES: ONE_ROW,
    defender.ACTIONS: ONE_ROW,
    defender.INVESTIGATIONS: ONE_ROW,
    defender.EXPOSURE: {},
    defender.CONFIGURATION: {},
}
"""What is read, with what is asked for: the least that the page documents."""
CLICKS = "Entra admin center > App registrations > the bot's app > API permissions > Add a permission"
NOTHING = "Nothing of this customer can be read there, and nothing can be done."


@dataclass
class Seen:
    """What became of the reads at one API: operation -> milliseconds, or why not."""

    took: dict[Operation, int] = field(default_factory=dict)
    failed: dict[Operation, ServiceError] = field(default_factory=dict)


async def access_findings(patient: Patient, customer: str) -> list[Finding]:
    """For both APIs: a token, its permissions against those that are needed, and one small read of each source."""
    found = await asyncio.gather(*(_api(patient, customer, service) for service in SCOPES))
    same = [findings[0] for findings in found if len(findings) == 1 and findings[0].id.endswith(".token")]
    if len(same) == len(SCOPES) and len({finding.says for finding in same}) == 1:
        return [replace(same[0], id="permissions.token")]  # the same reason twice is one problem
    return [finding for findings in found for finding in findings]


async def _api(patient: Patient, customer: str, service: str) -> list[Finding]:
    key = f"permissions.{service}"
    try:
        token = await patient.token(customer, SCOPES[service])
    except ServiceError as error:
        return [_of(customer, login_finding(f"{key}.token", error, patient.settings, customer, NOTHING))]
    seen = Seen()
    reads = [operation for operation in READS if operation.service == service]
    await asyncio.gather(*(_read(patient, customer, operation, seen) for operation in reads))
    wanted = [grant for grant in patient.grants if grant.service == service]
    found = [*_permissions(service, roles_of(token), wanted, seen), *_reads(service, roles_of(token), seen)]
    return [_of(customer, finding) for finding in found]


def _of(customer: str, finding: Finding) -> Finding:
    return replace(finding, customer=customer)


async def _read(patient: Patient, customer: str, operation: Operation, seen: Seen) -> None:
    began = time.monotonic()
    try:
        await patient.read(customer, operation, params=READS[operation])
    except Missing as error:
        if operation is not defender.MACHINES:  # which answers 404 where there are no devices
            seen.failed[operation] = error
            return
    except ServiceError as error:
        seen.failed[operation] = error
        return
    seen.took[operation] = round((time.monotonic() - began) * 1000)


def _permissions(service: str, roles: frozenset[str] | None, wanted: Sequence[Grant], seen: Seen) -> Iterator[Finding]:
    """The token's permissions against those that are needed."""
    key, api = f"permissions.{service}", APIS[service]
    if roles is None:
        yield unknown(key, f"{api}: the token does not show which permissions it carries.", do="See the reads below.")
        return
    missing = [grant for grant in wanted if not (covered(grant.name, roles) or grant.optional or _covered(grant, seen))]
    if missing and not roles & {grant.name for grant in wanted}:
        yield _nothing_granted(service, wanted)
    elif missing:
        yield from (_missing(grant) for grant in missing)
    else:
        needed = [grant for grant in wanted if not grant.optional]
        yield ok(
            key, f"{api}: all {len(needed)} permissions that the bot needs are granted.", facts={"roles": sorted(roles)}
        )
    yield from _too_many(service, roles, wanted)


def _covered(grant: Grant, seen: Seen) -> bool:
    """Whether all that it is needed for could be read without it: then a wider permission covers it."""
    users = [operation for operation in (*defender.OPERATIONS, *graph.OPERATIONS) if _wants(operation, grant)]
    return bool(users) and all(operation in seen.took for operation in users)


def _wants(operation: Operation, grant: Grant) -> bool:
    return operation.service == grant.service and grant.name in operation.permissions


def _missing(grant: Grant) -> Finding:
    """A problem; where only responses need it a warning, for a company may not want those."""
    sort = warning if grant.for_responses else problem
    granted = f"{CLICKS} > {_where(grant.service)} > Application permissions > {grant.name} > Grant admin consent."
    return sort(
        f"permissions.{grant.service}.{grant.name}",
        f"{grant.api}: the permission {grant.name} is not granted.",
        means=f"Without it these do not work, or show less: {', '.join(grant.users)}.",
        do=f"If you want them: {granted}" if grant.for_responses else granted,
        facts={"api": grant.api, "permission": grant.name, "needed_for": list(grant.users)},
    )


def _where(service: str) -> str:
    return f"{'APIs my organization uses > ' if service == 'defender' else ''}{APIS[service]}"


def _nothing_granted(service: str, wanted: Sequence[Grant]) -> Finding:
    names = [grant.name for grant in wanted if not grant.optional]
    return problem(
        f"permissions.{service}",
        f"{APIS[service]}: none of the {len(names)} permissions is granted.",
        means=NOTHING,
        do=f"{CLICKS} > {_where(service)} > Application permissions > {', '.join(names)} > Grant admin consent.",
        facts={"missing": names},
    )


def _too_many(service: str, roles: frozenset[str], wanted: Sequence[Grant]) -> Iterator[Finding]:
    spare = sorted(roles - {grant.name for grant in wanted})
    if spare:
        yield warning(
            f"permissions.{service}.unneeded",
            f"{APIS[service]}: granted, and not needed by this version: {', '.join(spare)}.",
            means="Whoever gets hold of the bot can do that, too.",
            do=f"{CLICKS.rpartition(' > ')[0]}: remove them, unless one stands in for a permission that is needed.",
            facts={"unneeded": spare},
        )


def _reads(service: str, roles: frozenset[str] | None, seen: Seen) -> Iterator[Finding]:
    """What could be read, in one line, and a line for each that could not."""
    took = {operation: seen.took[operation] for operation in READS if operation in seen.took}
    if took:
        names = ", ".join(_name(operation) for operation in took)
        says = f"{APIS[service]}: {names} can be read (slowest {max(took.values())} ms)."
        yield ok(f"reads.{service}", says, facts={operation.name: ms for operation, ms in took.items()})
    for operation, error in sorted(seen.failed.items(), key=lambda one: one[0].name):
        lacks = isinstance(error, MissingPermission) and roles is not None and not set(operation.permissions) <= roles
        if not lacks:  # what lacks a permission was said above, with its name
            yield _unread(operation, error)


def _unread(operation: Operation, error: ServiceError) -> Finding:
    key, name = f"reads.{operation.service}.{operation.name}", f"{APIS[operation.service]}: {_name(operation)}"
    facts = {"status": error.status, "code": error.code, "request_id": error.request_id}
    match error:
        case NotInPlan():
            says, means = f"{name}: not in this tenant's plan ({error.code}).", "What is made of it stays unknown."
            return warning(key, says, means=means, do="See the plan below.", facts=facts)
        case Throttled():
            says = f"{name}: asked too often just now ({error.status})."
            return warning(key, says, means="Cards come late.", do="Ask again in a minute.", facts=facts)
        case MissingPermission() | Unauthorised():
            says = f"{name}: refused ({error.status} {error.code}), though the token looks right."
            do = "A fresh grant takes some minutes: ask again. Then see whether Defender is set up in this tenant."
            return problem(key, says, means="What is made of it stays unknown.", do=do, facts=facts)
    why = "no answer in time" if error.code == "deadline" else f"{error.status or 'no answer'} {error.code}".rstrip()
    says = f"{name} cannot be read: {why}."
    do = "Ask again; if it stays so, look at the service health of Microsoft 365."
    return problem(key, says, means="What is made of it stays unknown until then.", do=do, facts=facts)


def _name(operation: Operation) -> str:
    return operation.name.replace("-", " ")
