"""The incident watcher on a stage in memory: Graph, Teams, the store and the time are played, nothing else is."""

import bisect
import heapq
import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import handlers
from bot.audit import Entry, Ledger
from bot.auditreport import AuditReport
from bot.clock import ManualClock
from bot.defender.models import Investigation, MachineAction
from bot.errors import Missing, ServiceError
from bot.graph.changes import read_changes
from bot.graph.client import IncidentChanges
from bot.graph.models import GraphAlert, Incident
from bot.incidents import IncidentRecord, SummaryRecord
from bot.jobs import take_on
from bot.posts import Place
from bot.services import Services
from bot.state.memory import MemoryStore
from bot.subscribers import ended_by_teams, save
from bot.subscriptions import Subscription
from bot.turn import Actor, Conversation, Turn
from handlers import auditor, incident_watch, subscribe
from tests.handlers.watch_teams import FakeTeams, Message

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TENANT = "00000000-0000-0000-0000-000000000001"
FEATURES = handlers.features(30.0)
VIEWS = {view.kind: view for view in FEATURES.views}


class FakeGraph:
    """Incidents as Graph lists them, in pages of at most 50, by the time of their last change."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.wire: dict[str, dict[str, Any]] = {}
        self.rows: list[Incident] = []
        self.down: ServiceError | None = None
        self.down_after_pages: int | None = None
        self.no_details: set[str] = set()
        self.pages = 0
        self.details: list[str] = []

    def put(self, number: int | str, *, at: datetime | None = None, **more: Any) -> None:
        """A new incident, or a change to one, at that time (now)."""
        moment = (at or self.clock.now()).isoformat()
        before = self.wire.get(str(number), {"severity": "medium", "status": "active", "createdDateTime": moment})
        named = {"id": str(number), "displayName": f"Incident {number}", "lastUpdateDateTime": moment}
        self.wire[str(number)] = before | named | more
        self.rows = []

    def _fail(self) -> None:
        if self.down:
            raise self.down

    async def _page(
        self, statuses: Sequence[str], since: datetime, skip: int, top: int
    ) -> tuple[Sequence[Incident], bool]:
        self._fail()
        self.pages += 1
        if self.down_after_pages is not None and self.pages > self.down_after_pages:
            raise ServiceError("graph", "incidents", status=503)
        self.rows = self.rows or sorted((Incident.model_validate(one) for one in self.wire.values()), key=_changed)
        rows = [row for row in self.rows if row.status in statuses] if statuses else self.rows
        first = bisect.bisect_left(rows, since, key=_changed) + skip
        return rows[first : first + top], len(rows) > first + top

    async def incidents_changed_since(
        self, since: datetime, *, statuses: Sequence[str] = (), page: int = 50, max_items: int = 1000
    ) -> IncidentChanges:
        return await read_changes(partial(self._page, statuses), since, page=page, max_items=max_items)

    async def incidents(self, *, statuses: Sequence[str] = (), top: int = 50, **_: Any) -> list[Incident]:
        self._fail()
        found = [Incident.model_validate(one) for one in self.wire.values() if one["status"] in statuses]
        return sorted(found, key=_changed, reverse=True)[:top]

    async def alerts(self, **_: Any) -> list[GraphAlert]:
        """Nothing waits in the Action center here; see tests/handlers/center_stage.py."""
        return []

    async def open_incident_count(self) -> int:
        self._fail()
        return sum(1 for one in self.wire.values() if one["status"] in ("active", "inProgress"))

    async def incident(self, incident_id: str) -> Incident:
        self._fail()
        self.details.append(incident_id)
        if incident_id in self.no_details:
            raise ServiceError("graph", "incident", status=500)
        if incident_id not in self.wire:
            raise Missing("graph", "incident", status=404)
        alerts = [{"id": "al1", "title": "Odd sign-in", "lastUpdateDateTime": START.isoformat()}]
        return Incident.model_validate({"alerts": alerts} | self.wire[incident_id])


class FakeDefender:
    """Machine actions as Defender lists them, newest first."""

    def __init__(self) -> None:
        self.actions: dict[str, MachineAction] = {}
        self.down: ServiceError | None = None
        self.lists = 0

    def put(self, number: str, comment: str, at: datetime, status: str = "Succeeded") -> None:
        wire = {"id": number, "type": "Isolate", "status": status, "computerDnsName": "laptop-1", "machineId": "m1"}
        times = {"creationDateTimeUtc": at.isoformat(), "lastUpdateDateTimeUtc": at.isoformat()}
        self.actions[number] = MachineAction.model_validate({**wire, **times, "requestorComment": comment})

    async def machine_actions(self, *, since: datetime | None = None, top: int = 100, **_: Any) -> list[MachineAction]:
        self.lists += 1
        if self.down:
            raise self.down
        found = [one for one in self.actions.values() if since is None or (one.created and one.created >= since)]
        return sorted(found, key=lambda one: str(one.created), reverse=True)[:top]

    async def investigations(self, **_: Any) -> list[Investigation]:
        """None."""
        return []

    async def machine_action(self, action_id: str) -> MachineAction:
        if self.down:
            raise self.down
        if action_id not in self.actions:
            raise Missing("defender", "machine-action", status=404)
        return self.actions[action_id]


def _changed(incident: Incident) -> datetime:
    return incident.last_update_date_time


class Watch:
    """The stage: subscribe, let incidents happen, poll, let the jobs work, look at what stands in Teams."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.store = MemoryStore(self.clock)
        self.graph = FakeGraph(self.clock)
        self.defender = FakeDefender()
        self.teams = FakeTeams(self.clock)
        self.queue: list[tuple[datetime, int, str, str]] = []
        self.order = itertools.count()
        self.services = self.process("one")

    def process(self, name: str) -> Services:
        """The services of one process."""
        services = Services(
            defender=lambda _: self.defender,  # type: ignore[arg-type, return-value]
            graph=lambda _: self.graph,  # type: ignore[arg-type, return-value]
            teams=self.teams,  # type: ignore[arg-type]
            ledger=Ledger(self.store, "key"),
            clock=self.clock,
            wake=self._wake,
            worker=name,
            responses={},
            memory=None,  # type: ignore[arg-type]
            barred=ended_by_teams(lambda: services),
        )
        return services

    async def _wake(self, _customer: str, kind: str, key: str) -> None:
        heapq.heappush(self.queue, (self.clock.now(), next(self.order), kind, key))

    async def subscribe(self, name: str = "soc", incidents: str = "informational", kind: str = "channel") -> str:
        """A subscription that begins now; returns the conversation's id."""
        place = Place(id=f"19:{name}", kind=kind, tenant=TENANT, service_url="https://x", bot_id="28:b", name=name)
        subscription = Subscription(
            id=place.id, customer=TENANT, place=place, incidents=incidents, requests=True, since=self.clock.now()
        )
        entry = Entry(at=self.clock.now(), what="subscribed", who="me", subject=place.id)
        await save(self.services, subscription, entry)
        return place.id

    async def begin(self, name: str = "soc", words: str = "") -> str:
        """What /subscribe does, with the summary of what is open; returns the conversation's id."""
        here = Conversation(id=f"19:{name}", kind="channel", tenant=TENANT, service_url="https://x", bot_id="28:b")
        who = Actor(id="me", tenant=TENANT, name="Me", mri="29:me")
        turn = Turn(kind="message", id=name, actor=who, conversation=here)
        asked = subscribe.COMMAND.parse(words)
        _, follow = await subscribe.begin(self.services, TENANT, turn, asked, f"{TENANT}/me")
        if follow:
            await self._wake(TENANT, *follow)
        await self.work()
        return here.id

    async def poll(self, services: Services | None = None) -> None:
        """One round of the watcher."""
        await incident_watch.poll(services or self.services, TENANT)

    async def audit(self) -> AuditReport:
        """One run of the auditor, and the work that follows from it."""
        report = await auditor.audit(self.services, TENANT, FEATURES.views, 30.0)
        await self.work()
        return report

    async def work(self, seconds: float = 600.0) -> None:
        """Let the jobs do what is due within that time; the clock moves to each of them."""
        until = self.clock.now() + timedelta(seconds=seconds)
        while self.queue and self.queue[0][0] <= until:
            due, _, kind, key = heapq.heappop(self.queue)
            self.clock.move(max(0.0, (due - self.clock.now()).total_seconds()))
            later = await take_on(self.services, VIEWS[kind], FEATURES.pointer, TENANT, key)
            if later:
                heapq.heappush(self.queue, (later, next(self.order), kind, key))

    async def sweep(self) -> None:
        """What the sweep does after a crash: wake all that is due."""
        for due in await self.store.due(TENANT, self.clock.now() + timedelta(seconds=40)):
            heapq.heappush(self.queue, (due.at, next(self.order), due.kind, due.id))

    async def turn(self, seconds: float = 30.0) -> None:
        """Time goes on, then a poll and the work that follows from it."""
        self.clock.move(seconds)
        await self.poll()
        await self.work()

    def cards(self, containing: str = "", conversation: str = "") -> list[Message]:
        """The messages whose present card holds a text."""
        return [
            one for one in self.teams.messages if containing in one.cards[-1] and conversation in {"", one.conversation}
        ]

    async def record(self, number: int | str) -> IncidentRecord | None:
        """The incident as it is kept."""
        found = await self.store.get(TENANT, "incident", str(number))
        return IncidentRecord.model_validate(found.data) if found else None

    async def summaries(self) -> list[SummaryRecord]:
        """The summaries that were written."""
        return [SummaryRecord.model_validate(one.data) for one in await self.store.newest(TENANT, "summary")]

    async def said(self) -> list[dict[str, Any]]:
        """The audit."""
        return [json.loads(text) for _, text, _ in await self.store.audit(TENANT)]
