"""The watcher of the Action center on a stage in memory: the simulated portal, Teams and a clock that is moved."""

import heapq
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bot.audit import Entry, Ledger
from bot.center import KIND, SUMMARY, CenterItem, CenterSummary
from bot.clock import ManualClock
from bot.defender.models import Investigation
from bot.errors import Missing, ServiceError
from bot.graph.models import GraphAlert
from bot.jobs import take_on
from bot.posts import Place
from bot.records import write
from bot.responses.declared import Response
from bot.services import Services
from bot.simulator import Simulator, defender_forms, graph_forms, names
from bot.simulator.cases import Scene
from bot.simulator.incidents import Alert
from bot.simulator.proposals import Plan, decide, propose
from bot.simulator.world import Customer, Device
from bot.state.memory import MemoryStore
from bot.state.store import Change
from bot.subscribers import save
from bot.subscriptions import Subscription
from bot.turn import Look, Shown
from handlers import center_watch
from tests.handlers.watch_teams import FakeTeams, Message

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
VIEWS = {view.kind: view for view in center_watch.VIEWS}
TITLE = re.compile(r'"text": "([^"]*)"')


class Portal:
    """Both services of one customer, as the simulator prints them; each can be made to fail."""

    def __init__(self, sim: Simulator, customer: Customer) -> None:
        self.sim = sim
        self.customer = customer
        self.down: dict[str, ServiceError] = {}
        self.hidden: set[str] = set()
        self.asked: list[str] = []

    def _call(self, what: str) -> None:
        self.asked.append(what)
        self.sim.tick(self.customer)
        if error := self.down.get(what):
            raise error

    def truth(self, alert: Alert) -> GraphAlert:
        """The alert as Graph would print it."""
        return GraphAlert.model_validate(graph_forms.alert(alert, self.customer))

    async def alerts(self, *, top: int = 100, statuses: Sequence[str] = ("new", "inProgress")) -> list[GraphAlert]:
        self._call("alerts")
        found = [a for a in self.customer.alerts.values() if a.status in statuses and a.id not in self.hidden]
        return [self.truth(alert) for alert in sorted(found, key=lambda a: a.updated, reverse=True)[:top]]

    async def alert(self, alert_id: str) -> GraphAlert:
        self._call("alert")
        if alert_id not in self.customer.alerts or alert_id in self.hidden:
            raise Missing("graph", "alert", status=404)
        return self.truth(self.customer.alerts[alert_id])

    async def investigations(self, *, state: str = "") -> list[Investigation]:
        self._call("investigations")
        found = [one for one in self.customer.investigations.values() if state in ("", one.state)]
        return [Investigation.model_validate(defender_forms.investigation(one)) for one in found]

    async def investigation(self, investigation_id: str) -> Investigation:
        self._call("investigation")
        if investigation_id not in self.customer.investigations:
            raise Missing("defender", "investigation", status=404)
        return Investigation.model_validate(
            defender_forms.investigation(self.customer.investigations[investigation_id])
        )


class CenterStage:
    """Subscribe, let things wait and be decided, poll, let the jobs work, look at what stands in Teams."""

    def __init__(self, responses: Mapping[str, Response] | None = None) -> None:
        self.clock = ManualClock(START)
        self.sim = Simulator(self.clock, size="tiny", throttling=False)
        for customer in (self.sim.first, self.sim.second):
            customer.alerts.clear()
            customer.investigations.clear()
            customer.incidents.clear()
        self.tenant = self.sim.first.id
        self.portals = {one.id: Portal(self.sim, one) for one in (self.sim.first, self.sim.second)}
        self.store = MemoryStore(self.clock)
        self.teams = FakeTeams(self.clock)
        self.chance = Random(7)  # noqa: S311 - the same things wait each time
        self.queue: list[tuple[datetime, int, str, str, str]] = []
        self.order = itertools.count()
        self.services = self.process("one", responses or {})

    @property
    def portal(self) -> Portal:
        """The first customer's."""
        return self.portals[self.tenant]

    def process(self, name: str, responses: Mapping[str, Response]) -> Services:
        """The services of one process."""
        return Services(
            defender=lambda customer: self.portals[customer],  # type: ignore[arg-type, return-value]
            graph=lambda customer: self.portals[customer],  # type: ignore[arg-type, return-value]
            teams=self.teams,  # type: ignore[arg-type]
            ledger=Ledger(self.store, "key"),
            clock=self.clock,
            wake=self._wake,
            worker=name,
            responses=dict(responses),
            memory=None,  # type: ignore[arg-type]
        )

    async def _wake(self, customer: str, kind: str, key: str) -> None:
        heapq.heappush(self.queue, (self.clock.now(), next(self.order), customer, kind, key))

    async def subscribe(self, name: str = "soc", customer: str = "", **more: Any) -> str:
        """A subscription that begins now; returns the conversation's id."""
        customer = customer or self.tenant
        where = {"tenant": customer, "service_url": "https://x", "bot_id": "28:b", "name": name}
        here = Place(id=f"19:{name}", kind="channel", **where)
        wanted = {"incidents": "", "requests": True, **more}
        subscription = Subscription(id=here.id, customer=customer, place=here, since=self.clock.now(), **wanted)
        entry = Entry(at=self.clock.now(), what="subscribed", who="me", subject=here.id)
        await save(self.services, subscription, entry)
        return here.id

    def device(self, customer: Customer | None = None) -> Device:
        """A device on which something can wait."""
        devices = (customer or self.sim.first).devices.values()
        return next(one for one in devices if one.onboarding == "onboarded")

    def propose(self, kind: str = "file", plan: Plan = Plan(), customer: Customer | None = None) -> Alert:  # noqa: B008 - frozen
        """Something begins to wait."""
        customer = customer or self.sim.first
        scene = Scene(customer, self.device(customer), names.ACCOUNTS[0], self.clock.now(), self.chance)
        return propose(scene, plan, kind)

    def decide(self, alert: Alert, *, approve: bool) -> None:
        """Somebody decides in the portal."""
        decide(self.sim.first, alert, self.clock.now(), approve=approve)

    async def look(self, seconds: float = 60.0, customer: str = "") -> None:
        """Time goes on, then a round of the watcher and the work that follows from it."""
        self.clock.move(seconds)
        await center_watch.poll(self.services, customer or self.tenant)
        await self.work()

    async def work(self, seconds: float = 30.0) -> None:
        """Let the jobs do what is due within that time; the clock moves to each of them."""
        until = self.clock.now() + timedelta(seconds=seconds)
        while self.queue and self.queue[0][0] <= until:
            due, _, customer, kind, key = heapq.heappop(self.queue)
            self.clock.move(max(0.0, (due - self.clock.now()).total_seconds()))
            later = await take_on(self.services, VIEWS[kind], _pointer, customer, key)
            if later:
                heapq.heappush(self.queue, (later, next(self.order), customer, kind, key))

    async def sweep(self) -> None:
        """What the sweep does after a crash: wake all that is due."""
        for due in await self.store.due(self.tenant, self.clock.now() + timedelta(seconds=40)):
            heapq.heappush(self.queue, (due.at, next(self.order), self.tenant, due.kind, due.id))

    async def forget(self, key: str) -> None:
        """Lose an item's record, as a failover of Redis can."""
        record = await self.store.get(self.tenant, KIND, key)
        assert record
        lost = Change(kind=KIND, id=key, rev=record.rev, was=record.state, data=None)
        await self.store.commit(self.tenant, [lost])

    async def rewrite(self, item: CenterItem) -> None:
        """Put another item in the place of a record."""
        record = await self.store.get(self.tenant, KIND, item.id)
        await self.store.commit(self.tenant, [write(KIND, item, self.clock.now(), record)])

    def cards(self, containing: str = "", conversation: str = "") -> list[Message]:
        """The messages whose present card holds a text."""
        return [
            one for one in self.teams.messages if containing in one.cards[-1] and conversation in {"", one.conversation}
        ]

    async def items(self, customer: str = "") -> list[CenterItem]:
        """The items that were written down, by their names."""
        records = await self.store.newest(customer or self.tenant, KIND)
        return sorted((CenterItem.model_validate(one.data) for one in records), key=lambda item: (item.kind, item.name))

    async def item(self, kind: str = "file") -> CenterItem:
        """The one item of a kind."""
        (found,) = [item for item in await self.items() if item.kind == kind]
        return found

    async def summaries(self, customer: str = "") -> list[CenterSummary]:
        """The summaries that were written."""
        records = await self.store.newest(customer or self.tenant, SUMMARY)
        return [CenterSummary.model_validate(one.data) for one in records]


def said(message: Message) -> list[str]:
    """The texts of a message's present card."""
    return TITLE.findall(message.cards[-1])


def whole(message: Message) -> dict[str, Any]:
    """A message's present card."""
    return dict(json.loads(message.cards[-1]))


def _pointer(look: Look) -> Shown:
    return Shown(card={"pointer": True, "at": str(look.now)}, summary="see below")
