"""Days on a stage in memory: the services, Teams, the store and the time are played, schedules and digests are not."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import handlers
from bot.audit import Entry, Ledger
from bot.clock import ManualClock
from bot.defender.models import Investigation, Machine, MachineAction, Score
from bot.digests import KIND, SCHEDULE, Digest, Schedule
from bot.errors import ServiceError
from bot.graph.client import IncidentChanges
from bot.graph.models import GraphAlert, Incident, SecureScore
from bot.jobs import take_on
from bot.services import Services
from bot.state.memory import MemoryStore
from bot.subscribers import ended_by_teams, find, save
from bot.turn import Actor, Conversation, Turn
from handlers import subscribe
from tests.responses.fake_teams import FakeTeams
from tests.responses.processes import Process, Through

TENANT = "00000000-0000-0000-0000-000000000001"
VIEWS = {view.kind: view for view in handlers.VIEWS}
POINTER = handlers.features(30.0).pointer
MOST_STEPS = 500


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class Company:
    """What Graph and Defender know of a customer; `down` names the calls that fail, and how."""

    clock: ManualClock
    incidents_: dict[str, Incident] = field(default_factory=dict)
    alerts_: list[GraphAlert] = field(default_factory=list)
    machines_: list[Machine] = field(default_factory=list)
    actions: list[MachineAction] = field(default_factory=list)
    waiting: list[Investigation] = field(default_factory=list)
    secure: float = 400.0
    configuration: float = 340.0
    exposure: float = 30.0
    down: dict[str, Exception] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if error := self.down.get(name) or self.down.get("everything"):
            raise error

    def incident_now(self, number: int, **more: Any) -> None:
        """An incident as it is from this moment on."""
        now = self.clock.now().isoformat()
        before = self.incidents_.get(str(number))
        kept = before.model_dump(by_alias=True, mode="json", exclude_unset=True) if before else {}
        base = {"severity": "medium", "status": "active", "createdDateTime": now, "displayName": f"Incident {number}"}
        values = base | kept | {"id": str(number), "lastUpdateDateTime": now} | more
        self.incidents_[str(number)] = Incident.model_validate(values)

    async def incidents(self, *, statuses: Sequence[str] = (), top: int = 50, **_: Any) -> list[Incident]:
        self._called("incidents")
        return [one for one in self.incidents_.values() if one.status in statuses][:top]

    async def incidents_changed_since(self, since: datetime, **_: Any) -> IncidentChanges:
        self._called("incidents_changed_since")
        found = sorted(self.incidents_.values(), key=lambda one: one.last_update_date_time)
        changed = tuple(one for one in found if one.last_update_date_time >= since)
        return IncidentChanges(incidents=changed, until=self.clock.now(), more=False)

    async def open_incident_count(self) -> int:
        self._called("open_incident_count")
        return sum(1 for one in self.incidents_.values() if one.is_open)

    async def alerts(self, **_: Any) -> list[GraphAlert]:
        self._called("alerts")
        return self.alerts_

    async def secure_scores(self, top: int = 1) -> list[SecureScore]:
        self._called("secure_scores")
        now = self.clock.now()
        return [SecureScore(id="s", created_date_time=now, current_score=self.secure, max_score=800.0)][:top]

    async def configuration_score(self) -> Score:
        self._called("configuration_score")
        return Score(score=self.configuration, time=self.clock.now())

    async def exposure_score(self) -> Score:
        self._called("exposure_score")
        return Score(score=self.exposure, time=self.clock.now())

    async def machines(self, *, filter: str = "", **_: Any) -> list[Machine]:  # noqa: A002 - OData's word
        self._called("machines")
        assert filter == "riskScore eq 'High'"
        return [one for one in self.machines_ if one.risk == "high"]

    async def machine_actions(
        self, *, types: Sequence[str] = (), since: datetime | None = None, **_: Any
    ) -> list[MachineAction]:
        self._called("machine_actions")
        found = [one for one in self.actions if one.type in types and (not since or one.created >= since)]
        return sorted(found, key=lambda one: one.created, reverse=True)

    async def investigations(self, *, state: str = "") -> list[Investigation]:
        self._called("investigations")
        return [one for one in self.waiting if one.state == state]


class Mornings:
    """The stage: subscribe, let days pass, look at what stands in Teams. `start` is a moment in UTC."""

    def __init__(self, start: str) -> None:
        self.clock = ManualClock(utc(start))
        self.store = MemoryStore(self.clock)
        self.teams = FakeTeams()
        self.companies: dict[str, Company] = {}
        self.count = 0

    @property
    def company(self) -> Company:
        """The first customer."""
        return self.of(TENANT)

    def of(self, customer: str) -> Company:
        """What the services know of a customer."""
        return self.companies.setdefault(customer, Company(self.clock))

    def services(self, process: Process | None = None) -> Services:
        """What a process works with; it may be killed at any of its awaits."""
        self.count += 1
        process = process or Process(f"worker-{self.count}")

        async def wake(_customer: str, _kind: str, _key: str) -> None:
            """Nothing relies on a wake-up: the due times are in the store."""

        services = Services(
            defender=lambda customer: Through(process, self.of(customer)),  # type: ignore[arg-type, return-value]
            graph=lambda customer: Through(process, self.of(customer)),  # type: ignore[arg-type, return-value]
            teams=Through(process, self.teams),  # type: ignore[arg-type]
            ledger=Ledger(Through(process, self.store), "audit key", pause=lambda _tried: 0.0),  # type: ignore[arg-type]
            clock=self.clock,
            wake=wake,
            worker=process.name,
            responses={},
            memory=None,  # type: ignore[arg-type]
            barred=ended_by_teams(lambda: services),
        )
        return services

    async def subscribe(
        self, words: str, conversation: str = "19:soc", zone: str = "Europe/Berlin", customer: str = TENANT
    ) -> str:
        """What /subscribe does; returns the conversation's id."""
        here = Conversation(id=conversation, kind="channel", tenant=customer, service_url="https://x", bot_id="28:b")
        who = Actor(id="me", tenant=customer, name="Me", mri="29:me")
        turn = Turn(kind="message", id=words, actor=who, conversation=here, zone=zone)
        asked = subscribe.COMMAND.parse(words)
        await subscribe.begin(self.services(), customer, turn, subscribe.with_zone(asked, zone), f"{customer}/me")
        return conversation

    async def unsubscribe(self, conversation: str = "19:soc") -> None:
        """End everything in a conversation."""
        subscription = await find(self.services(), TENANT, conversation)
        assert subscription
        entry = Entry(at=self.clock.now(), what="unsubscribed", who="me", subject=conversation)
        await save(self.services(), subscription.model_copy(update={"ended": "unsubscribed"}), entry)

    async def work(self, customer: str, kind: str, key: str, process: Process | None = None) -> datetime | None:
        """Take one record on, as its job does."""
        return await take_on(self.services(process), VIEWS[kind], POINTER, customer, key)

    async def until(self, moment: str | datetime, customer: str = TENANT) -> None:
        """Let time pass up to that moment (UTC), with a bot that does what is due when it is due."""
        end = utc(moment) if isinstance(moment, str) else moment
        for _ in range(MOST_STEPS):
            due = await self.store.due(customer, end + timedelta(microseconds=1))
            if not due:
                break
            self.clock.move(max(0.0, (due[0].at - self.clock.now()).total_seconds()))
            await self.work(customer, due[0].kind, due[0].id)
        else:
            raise AssertionError("it never becomes quiet")
        self.leap(end)

    def leap(self, moment: str | datetime) -> None:
        """Let time pass up to that moment (UTC) without a bot."""
        end = utc(moment) if isinstance(moment, str) else moment
        self.clock.move(max(0.0, (end - self.clock.now()).total_seconds()))

    async def days(self, count: int) -> None:
        """Let so many days pass."""
        await self.until(self.clock.now() + timedelta(days=count))

    async def digests(self, customer: str = TENANT) -> list[Digest]:
        """All that were made, the oldest first."""
        found = [Digest.model_validate(one.data) for one in await self.store.newest(customer, KIND)]
        return sorted(found, key=lambda one: one.meant_for)

    async def schedule(self, conversation: str = "19:soc", customer: str = TENANT) -> Schedule:
        """A conversation's schedule."""
        record = await self.store.get(customer, SCHEDULE, conversation)
        assert record
        return Schedule.model_validate(record.data)

    def cards(self, conversation: str = "19:soc") -> list[str]:
        """The digests that stand in a conversation, as JSON text, in the order of their coming."""
        shown = (one.shown for one in self.teams.messages.values() if one.address == conversation)
        return [json.dumps(one.card, ensure_ascii=False) for one in shown if one.summary.startswith("Digest")]

    async def mornings(self, zone: str, customer: str = TENANT) -> list[str]:
        """When each digest was filled, on the clocks of a zone."""
        place = ZoneInfo(zone)
        filled = [one.snapshot.at.astimezone(place) for one in await self.digests(customer) if one.snapshot]
        return [at.strftime("%m-%d %H:%M") for at in sorted(filled)]


def failure(status: int = 503) -> ServiceError:
    """A service that does not do what it is asked for."""
    return ServiceError("defender", "anything", status=status)
