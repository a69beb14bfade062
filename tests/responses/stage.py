"""A company in one process, whose time stands still until it is moved: what outlives the processes of the bot."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.audit import Ledger
from bot.clock import ManualClock
from bot.command import View
from bot.jobs import take_on
from bot.policy.models import NO_POLICY
from bot.posts import Post
from bot.responses import follow, requests
from bot.responses.declared import Response
from bot.responses.desk import Desk, Proposal
from bot.responses.models import Evidence, Person, Request, Target
from bot.services import Services
from bot.simulator import Simulator
from bot.simulator.world import Action, Device
from bot.state.memory import MemoryStore
from bot.turn import Look, Shown
from handlers.responses import isolate, release, scan
from tests.responses.fake_teams import FakeTeams
from tests.responses.local_defender import LocalDefender, Wire
from tests.responses.people import ADELE, MEGAN, START, TENANT, place
from tests.responses.processes import Process, Through

RESPONSES = {response.name: response for response in (isolate.RESPONSE, release.RESPONSE, scan.RESPONSE)}
TYPES = {"isolate": "Isolate", "release": "Unisolate", "scan": "RunAntiVirusScan"}


def render(record: Request, post: Post, look: Look) -> Shown:
    """A card of which a test can read what it shows."""
    return Shown(card={"id": record.id, "content": record.content, "state": record.state.value}, summary=record.id)


def pointer(look: Look) -> Shown:
    return Shown(card={"pointer": True}, summary="see below")


VIEW = View(kind=requests.KIND, model=Request, render=render, step=follow.step)


class Stage:
    """The parts that outlive every process, and what a test does with them."""

    def __init__(self, *, four_eyes: bool = True, responses: Mapping[str, Response] = RESPONSES) -> None:
        self.clock = ManualClock(START)
        self.sim = Simulator(self.clock, size="tiny", throttling=False)
        self.defender = LocalDefender(self.sim, self.clock)
        self.teams = FakeTeams()
        self.store = MemoryStore(self.clock)
        self.ledger = Ledger(self.store, "audit key")
        self.responses = dict(responses)
        self.four_eyes = four_eyes
        self.policy = NO_POLICY
        self.barred: list[str] = []
        self.processes: list[Process] = []
        windows = [d for d in self.sim.first.devices.values() if d.os == "Windows11" and d.onboarding == "onboarded"]
        self.devices: Sequence[Device] = windows[:2]
        for device in self.devices:
            self.sim.first.set_online(device, START, online=True)

    def process(self) -> Process:
        """A new process."""
        self.processes.append(Process(f"worker-{len(self.processes)}"))
        return self.processes[-1]

    def services(self, process: Process | None = None) -> Services:
        """What a process works with."""
        process = process or self.process()

        async def wake(_customer: str, _kind: str, _key: str) -> None:
            """Nothing relies on a wake-up: the due times are in the store."""

        async def barred(_customer: str, where: Any) -> None:
            self.barred.append(where.id)

        return Services(
            defender=lambda _customer: Wire(process, self.defender),
            graph=lambda _customer: None,
            teams=Through(process, self.teams),
            ledger=Ledger(Through(process, self.store), "audit key", pause=lambda _tried: 0.0),
            clock=self.clock,
            wake=wake,
            worker=process.name,
            responses=self.responses,
            memory=None,
            four_eyes=self.four_eyes,
            policy=self.policy,
            barred=barred,
        )

    def desk(self, process: Process | None = None) -> Desk:
        """The people's side in a process. No two acts come at the same moment, so that their order is known."""
        self.clock.move(0.001)
        return Desk(self.services(process), TENANT)

    def proposal(self, who: Person, response: str = "isolate", device: int = 0, **more: Any) -> Proposal:
        """What somebody asks for."""
        declared, target = self.responses[response], self.devices[device]
        values = {
            "response": declared,
            "target": Target(id=target.id, name=target.name),
            "parameters": {p.name: next(iter(p.choices.values()), "") for p in declared.parameters},
            "reason": "a reason",
            "requester": who,
            "evidence": Evidence(read_at=self.clock.now()),
            "posts": (Post(key="card", place=place()),),
            "origin": "19:soc",
            **more,
        }
        return Proposal(**values)

    async def approved(self, response: str = "isolate", who: Person = ADELE, device: int = 0, **more: Any) -> str:
        """The id of a request that was asked and approved."""
        request, _ = await self.desk().propose(self.proposal(who, response, device, **more))
        if request.approvals_needed:
            await self.desk().approve(request.id, MEGAN)
        return request.id

    async def work(self, key: str, process: Process | None = None, view: View = VIEW) -> datetime | None:
        """Take one record on, as its job does."""
        return await take_on(self.services(process), view, pointer, TENANT, key)

    async def requests(self) -> list[Request]:
        """All requests, the oldest first."""
        found = [Request.model_validate(record.data) for record in await self.store.newest(TENANT, requests.KIND)]
        return sorted(found, key=lambda request: (request.created, request.id))

    async def request(self, key: str) -> Request:
        """One request."""
        record = await self.store.get(TENANT, requests.KIND, key)
        assert record
        return Request.model_validate(record.data)

    async def until_quiet(self, horizon: timedelta = timedelta(hours=6), view: View = VIEW) -> None:
        """Let all that is due happen in its time, with a process that lives, for so long."""
        process = self.process()
        end = self.clock.now() + horizon
        for _ in range(2000):
            due = await self.store.due(TENANT, end)
            if not due:
                return
            if due[0].at > self.clock.now():
                self.clock.move((due[0].at - self.clock.now()).total_seconds())
            if await self.work(due[0].id, process, view) is not None:
                self.clock.move(0.5)
        raise AssertionError("it never becomes quiet")

    def own(self, key: str = "") -> list[Action]:
        """The actions at the service that carry a mark of ours, or of that request, in the order of their making."""
        return [a for a in self.sim.first.actions.values() if a.comment.startswith(f"[{key}/" if key else "[WK-")]
