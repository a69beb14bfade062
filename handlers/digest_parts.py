"""What a digest is made of: each part is read by itself, and one that cannot be read keeps no other."""

from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from bot import odata
from bot.audit.retention import head_line
from bot.auditor import last_report
from bot.coverage import note_read
from bot.defender.client import Defender
from bot.digests import (
    ActionCenter,
    AtRisk,
    Figure,
    Isolated,
    OffDevice,
    RequestLine,
    Requests,
    RiskyDevice,
    Snapshot,
    Trail,
    Upkeep,
)
from bot.errors import ServiceError, Unavailable
from bot.figures import SCORES, Figures, changes
from bot.graph.client import Graph
from bot.graph.models import GraphAlert
from bot.history import Day
from bot.isolation import TYPES, by_device
from bot.measures import day_before, latest
from bot.responses import requests
from bot.responses.models import Request, State
from bot.services import Services
from handlers.center_pending import waiting_now
from handlers.reading import Sources

T = TypeVar("T")

SERVICES = {"incidents": "graph", "alerts": "graph"}
MOST_ALERTS = 1000
MOST_ACTIONS = 5000
MOST_DEVICES = 5
MOST_REQUESTS = 3
STUCK_AFTER = timedelta(hours=1)
SCANNED_WITHIN = timedelta(days=7)
NO_DAY = Day(id="0001-01-01", at=datetime.min.replace(tzinfo=UTC))
SHOWN = ("secure", "devices", "exposure")
EXPOSURES = {"high": 0, "medium": 1, "low": 2}
SCAN = "RunAntiVirusScan"
IN_VAIN = ("failed", "cancelled", "timeout")
NEEDS = (
    *(Graph.incidents, Graph.incidents_changed_since, Graph.open_incident_count, Graph.alerts, Graph.secure_scores),
    *(Defender.configuration_score, Defender.exposure_score, Defender.machines, Defender.machine_actions),
    Defender.investigations,
)
"""The calls that a digest makes."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Whose digest, up to which moment and since when; `basis` is the digest before (None: there was none)."""

    services: Services
    customer: str
    at: datetime
    since: datetime
    basis: Snapshot | None
    seconds: float

    @property
    def defender(self) -> Defender:
        """The customer's Defender."""
        return self.services.defender(self.customer)

    @property
    def graph(self) -> Graph:
        """The customer's Graph."""
        return self.services.graph(self.customer)


class Covered:
    """Reads sources, each for at most as long as was asked; what came of it is written down for the coverage."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.sources = Sources(asked.seconds)

    async def read(self, source: str, reading: Awaitable[T]) -> T | None:
        """What the source answers, or None where it fails or takes too long. Raises StoreDown."""
        found = await self.sources.read(source, reading)
        await self.note(source, self.sources.failed.get(source))
        return found

    async def note(self, source: str, failed: Exception | None) -> None:
        """Write down what came of a reading; a second one that went well does not hide that the first failed."""
        error = failed if isinstance(failed, ServiceError) else None
        if failed and not error:
            error = Unavailable(SERVICES.get(source, "defender"), source, sent=False, code="deadline")
        await note_read(self.asked.services, self.asked.customer, source, error)


async def scores(asked: Asked, covered: Covered) -> tuple[tuple[Figure, ...], Day | None]:
    """The scores beside those of the digest before (else of the day before), and what the next one compares with."""
    figures = await latest(asked.services, asked.customer, SCORES, seconds=asked.seconds)
    covered.sources.failed.update(figures.failures)
    last = asked.basis.day if asked.basis else None
    before = last or await day_before(asked.services, asked.customer, asked.since)
    values = figures.values()
    day = Day(id=asked.at.date().isoformat(), at=asked.at, **values) if values else None
    return _figures(before, figures), day


def _figures(before: Day | None, now: Figures) -> tuple[Figure, ...]:
    return tuple(
        Figure(name=one.name, unit=one.unit, now=one.now, before=one.before)
        for one in changes(before or NO_DAY, now)
        if one.now is not None and one.name in SHOWN
    )


async def our_requests(asked: Asked) -> Requests:
    """What waits for a decision, oldest first, and what is stuck: unknown, or waiting for its device for long."""
    every = await requests.still_open(asked.services, asked.customer)
    still_open = [one for one in every if one.told_apart]
    waiting = sorted((r for r in still_open if r.state is State.PROPOSED), key=lambda r: r.created)
    stuck = sorted(((since, r) for r in still_open if (since := _stuck_since(r, asked.at))), key=lambda one: one[0])
    return Requests(
        waiting=len(waiting),
        stuck=len(stuck),
        rows=tuple(_line(r, r.created, r.terms.runs_at or r.expires) for r in waiting[:MOST_REQUESTS]),
        stuck_rows=tuple(_line(r, since, None) for since, r in stuck[:MOST_REQUESTS]),
    )


def _stuck_since(request: Request, now: datetime) -> datetime | None:
    if request.state is State.UNKNOWN:
        return request.unknown_since or request.created
    if request.state not in (State.APPROVED, State.SENDING, State.SENT):
        return None
    since = request.sent_at or request.created
    return since if now - since >= STUCK_AFTER else None


def _line(request: Request, since: datetime, until: datetime | None) -> RequestLine:
    return RequestLine(
        id=request.id,
        response=request.response,
        device=request.target.name,
        state=request.state.value,
        since=since,
        until=until,
        runs=until is not None and request.terms.runs_at is not None,
    )


async def audit_trail(asked: Asked) -> Trail:
    """How the audit trail ends, so that one who keeps digests can prove that nothing was cut off."""
    line = await head_line(asked.services, asked.customer)
    return Trail(head=line.head, entries=line.count, broken=bool(line.broken))


async def upkeep(asked: Asked) -> Upkeep | None:
    """What the auditor did since the last digest; None where it has not looked at incidents yet."""
    report = await last_report(asked.services, asked.customer)
    if report is None or "incidents" not in {*report.last.compared, *report.last.unread}:
        return None
    _, repaired = report.since(asked.since)
    return Upkeep(
        at=report.last.at,
        well=report.last.settled,
        unread=tuple(report.last.unread),
        repaired=sum(repaired.values()),
        alarms=report.last.alarms,
    )


async def open_alerts(asked: Asked, covered: Covered) -> list[GraphAlert] | None:
    """The open alerts; None where they could not be read, or are so many that counts of them would be wrong."""
    alerts = await covered.read("alerts", asked.graph.alerts(top=MOST_ALERTS))
    return None if alerts is None or len(alerts) >= MOST_ALERTS else alerts


async def action_center(asked: Asked, covered: Covered, alerts: Sequence[GraphAlert] | None) -> ActionCenter | None:
    """What waits in the Action center, as /actions pending reads it."""
    waiting = await covered.read("investigations", asked.defender.investigations(state="PendingApproval"))
    if waiting is None and alerts is None:
        return None
    found = await waiting_now(asked.services, asked.customer, alerts, waiting, asked.at)
    things = [item for item in found if item.shape == "entity"]
    return ActionCenter(
        investigations=None if waiting is None else len(found) - len(things),
        items=None if alerts is None else len(things),
        oldest=found[0].since if found else None,
        until=found[0].deadline if found else None,
    )


async def devices_at_risk(
    asked: Asked, covered: Covered, alerts: Sequence[GraphAlert] | None, scanned: set[str] | None
) -> AtRisk | None:
    """The devices at high risk, the most exposed first, and why they are."""
    machines = await covered.read("devices", asked.defender.machines(filter=odata.equals("riskScore", "High")))
    if machines is None:
        return None
    counts = Counter(machine for alert in alerts or () for machine in _named_by(alert))
    risky = sorted(machines, key=lambda m: (EXPOSURES.get(m.exposure, 3), -counts[m.id], m.name.casefold()))
    before = asked.basis.at_risk if asked.basis else None
    return AtRisk(
        total=len(risky),
        before=before.total if before else None,
        rows=tuple(
            RiskyDevice(
                id=m.id,
                name=m.name,
                exposure=m.exposure_level or "",
                alerts=None if alerts is None else counts[m.id],
                scanned=None if scanned is None else m.id in scanned,
            )
            for m in risky[:MOST_DEVICES]
        ),
    )


def _named_by(alert: GraphAlert) -> set[str]:
    return {item.mde_device_id for item in alert.evidence if item.is_device and item.mde_device_id}


async def scanned_lately(asked: Asked, covered: Covered) -> set[str] | None:
    """The devices on which a scan was started through Defender in the last days, and did not end in vain."""
    since = asked.at - SCANNED_WITHIN
    reading = asked.defender.machine_actions(types=(SCAN,), since=since, top=MOST_ACTIONS)
    actions = await covered.read("machine-actions", reading)
    return None if actions is None else {a.machine_id for a in actions if a.machine_id and a.state not in IN_VAIN}


async def off_the_network(asked: Asked, covered: Covered) -> Isolated | None:
    """The devices that are isolated, the longest first, and those of which that is unknown."""
    actions = await covered.read("machine-actions", asked.defender.machine_actions(types=TYPES, top=MOST_ACTIONS))
    if actions is None:
        return None
    names = {a.machine_id: a.computer_dns_name for a in reversed(actions) if a.machine_id and a.computer_dns_name}
    rows = [
        OffDevice(id=machine, name=names.get(machine) or machine, state=network.state, since=network.since)
        for machine, network in by_device(actions).items()
        if network.state in ("isolated", "unknown")
    ]
    rows.sort(key=lambda row: (row.since is None, row.since or asked.at, row.name))
    isolated = sum(1 for row in rows if row.state == "isolated")
    return Isolated(total=isolated, unknown=len(rows) - isolated, rows=tuple(rows[:MOST_DEVICES]))
