"""A company in one process, whose time stands still until it is moved.

The simulator's devices stand behind Defender's Protocol, Teams remembers what it was sent, and the bot's processes can
be killed or held at any of their awaits.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from bot.audit import Ledger
from bot.clock import ManualClock
from bot.command import View
from bot.defender.models import MachineAction
from bot.errors import (
    Missing,
    MissingPermission,
    NotInPlan,
    Rejected,
    ServiceError,
    Throttled,
    Unauthorised,
    Unavailable,
)
from bot.jobs import take_on
from bot.posts import Post
from bot.responses import follow, requests
from bot.responses.desk import Desk, Proposal
from bot.responses.models import Evidence, Person, Request, Response, Target
from bot.services import Services
from bot.simulator import Fault, Simulator
from bot.simulator.actions import AlreadyOverError, AlreadyRunningError, Order
from bot.simulator.defender_forms import machine_action
from bot.simulator.world import FAMILIES, Action, Device
from bot.state.memory import MemoryStore
from bot.turn import Conversation, Look, Shown
from handlers import isolate, release, scan
from tests.responses.people import START, TENANT, place

CHANGE_SECONDS = 25.0  # bot.http gives up on a changing call after that
READ_SECONDS = 15.0  # and follow.py on a listing
RESPONSES = {response.name: response for response in (isolate.RESPONSE, release.RESPONSE, scan.RESPONSE)}
TYPES = {"isolate": "Isolate", "release": "Unisolate", "scan": "RunAntiVirusScan"}
How = Literal["die before", "die after", "hold before", "hold after"]


class Killed(BaseException):
    """The process died here: nothing of it runs any more, not even its own cleaning up."""


class Process:
    """A process of the bot. At the n-th thing it waits for from now on it may die, or be held until it is let go."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.upset = False
        self._count = 0
        self._how: How | None = None
        self._gate = asyncio.Event()

    def arm(self, count: int, how: How) -> None:
        """Let it meet its fate at that many awaits from now."""
        self._count, self._how = count, how

    def disarm(self) -> None:
        """Its fate passed by."""
        self._how = None

    def let_go(self) -> None:
        """Go on where it was held."""
        self._gate.set()

    async def through(self, act: Callable[[], Awaitable[Any]]) -> Any:
        """Wait for something outside the process."""
        self._alive()
        await asyncio.sleep(0)
        how = self._fate()
        await self._meet(how, "before")
        try:
            return await act()
        finally:
            await asyncio.sleep(0)
            await self._meet(how, "after")

    def _fate(self) -> How | None:
        self._count -= 1
        return self._how if self._count == 0 else None

    async def _meet(self, how: How | None, moment: str) -> None:
        if how == f"die {moment}":
            self.dead = self.upset = True
        if how == f"hold {moment}":
            self.upset = True
            await self._gate.wait()
        self._alive()

    def _alive(self) -> None:
        if self.dead:
            raise Killed


class Through:
    """Anything asynchronous as one process reaches it."""

    def __init__(self, process: Process, inner: Any) -> None:
        self._process, self._inner = process, inner

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._inner, name)

        async def call(*args: Any, **more: Any) -> Any:
            return await self._process.through(lambda: method(*args, **more))

        return call


class LocalDefender:
    """The simulator's actions behind `bot.defender.client.Defender`, without HTTP between.

    Faults are the simulator's own, by the same names, and mean to the caller what bot.http makes of them.
    """

    def __init__(self, sim: Simulator, clock: ManualClock) -> None:
        self.sim, self.clock = sim, clock
        self.listed = 0
        self.blind: list[str] = []

    async def machine_actions(self, *, machine_id: str = "", top: int = 100, **_more: Any) -> list[MachineAction]:
        """As api:get-machineactions-collection with a filter on the device."""
        self.listed += 1
        return self._meet("machineactions.list", lambda _fault: self._listed(machine_id)[:top])

    async def machine_action(self, action_id: str) -> MachineAction:
        """As api:get-machineaction-object."""
        return self._meet("machineactions.get", lambda _fault: read(self._known(action_id), in_list=False))

    async def isolate(self, machine_id: str, *, comment: str, isolation_type: str) -> MachineAction:
        """As api:isolate-machine."""
        return self._start("isolate", machine_id, comment, isolation_type)

    async def unisolate(self, machine_id: str, *, comment: str) -> MachineAction:
        """As api:unisolate-machine."""
        return self._start("unisolate", machine_id, comment, None)

    async def run_antivirus_scan(self, machine_id: str, *, comment: str, scan_type: str) -> MachineAction:
        """As api:run-av-scan."""
        return self._start("runAntiVirusScan", machine_id, comment, scan_type)

    async def cancel_machine_action(self, action_id: str, *, comment: str) -> MachineAction:
        """As api:cancel-machine-action."""

        def cancel(_fault: Fault | None) -> MachineAction:
            action = self._known(action_id)
            try:
                self.sim.dispatcher.cancel(self.sim.first, action, comment, "Watchkeeper")
            except AlreadyOverError:
                raise Rejected("defender", "cancel", status=400, code="BadRequest") from None
            return read(action, in_list=False)

        return self._meet("machineactions.cancel", cancel)

    def _start(self, segment: str, machine_id: str, comment: str, scope: str | None) -> MachineAction:
        device = self.sim.first.devices[machine_id]
        kind = segment[0].upper() + segment[1:]
        if any(self._in_the_way(action, device, kind) for action in self.sim.first.actions.values()):
            self.blind.append(comment)

        def start(fault: Fault | None) -> MachineAction:
            order = Order(type=kind, scope=scope, comment=comment, requestor="Watchkeeper")
            unlisted = fault.unlisted if fault else 0
            try:
                return read(self.sim.dispatcher.submit(self.sim.first, device, order, unlisted), in_list=False)
            except AlreadyRunningError:
                raise Rejected("defender", segment, status=400, code="ActiveRequestAlreadyExists") from None

        return self._meet(f"machines.{segment}", start)

    def _in_the_way(self, action: Action, device: Device, kind: str) -> bool:
        """Whether an active action of the family could be seen for a minute: who lists first does not call then."""
        family = FAMILIES.get(kind, kind)
        seen = action.listed_from <= self.clock.now() - timedelta(minutes=1)
        return seen and not action.final and (action.machine_id, action.family) == (device.id, family)

    def _meet(self, operation: str, act: Callable[[Fault | None], Any]) -> Any:
        fault = self.sim.faults.take(f"defender.{operation}")
        self.sim.dispatcher.advance(self.sim.first)
        answer = act(fault) if fault is None or fault.acted or fault.kind in ("accept", "slow") else None
        if fault and fault.kind in ("slow", "timeout"):
            self.clock.move(fault.seconds)
        if fault is None or fault.kind in ("accept", "slow"):
            return answer
        raise error_of(operation, fault)

    def _listed(self, machine_id: str) -> list[MachineAction]:
        now = self.clock.now()
        theirs = [a for a in self.sim.first.actions.values() if a.machine_id == machine_id and a.listed_from <= now]
        return [read(a, in_list=True) for a in sorted(theirs, key=lambda a: a.created, reverse=True)]

    def _known(self, action_id: str) -> Action:
        action = self.sim.first.actions.get(action_id)
        if action is None or action.listed_from > self.clock.now():
            raise Missing("defender", "machine-action", status=404, code="ResourceNotFound")
        return action


class Wire:
    """Defender as one process reaches it: a call that was held for too long has run into bot.http's time limit."""

    def __init__(self, process: Process, defender: LocalDefender) -> None:
        self._process, self._defender = process, defender

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method, clock = getattr(self._defender, name), self._defender.clock
        limit = READ_SECONDS if name.startswith("machine_action") else CHANGE_SECONDS

        async def call(*args: Any, **more: Any) -> Any:
            began = clock.now()

            async def in_time() -> Any:
                check(began, limit, name, clock.now(), sent=False)
                return await method(*args, **more)

            answer = await self._process.through(in_time)
            check(began, limit, name, clock.now(), sent=True)
            return answer

        return call


def check(began: datetime, limit: float, name: str, now: datetime, *, sent: bool) -> None:
    """Raise what bot.http raises when the time for a call is over."""
    if now - began > timedelta(seconds=limit):
        raise Unavailable("defender", name, sent=sent, code="deadline")


def read(action: Action, *, in_list: bool) -> MachineAction:
    return MachineAction.model_validate(machine_action(action, in_list=in_list))


def error_of(operation: str, fault: Fault) -> ServiceError:
    """What bot.http makes of the fault."""
    if fault.kind == "throttled":
        return Throttled("defender", operation, status=429, retry_after=fault.retry_after)
    simple: Mapping[str, type[ServiceError]] = {
        "expired": Unauthorised,
        "forbidden": MissingPermission,
        "plan": NotInPlan,
    }
    if fault.kind in simple:
        return simple[fault.kind]("defender", operation, status=fault.answers)
    by_status: Mapping[int, type[ServiceError]] = {404: Missing, 400: Rejected}
    if fault.kind == "error" and fault.answers in by_status:
        return by_status[fault.answers]("defender", operation, status=fault.answers, code=fault.code)
    return Unavailable("defender", operation, sent=True, status=fault.status or None)


@dataclass
class Message:
    """A message as Teams has it: its address, what it shows now, and all it ever showed."""

    address: str
    shown: Shown
    history: list[Shown] = field(default_factory=list)


@dataclass
class Mishap:
    """What the next call meets: an error, after or before the call was carried out."""

    error: ServiceError
    acted: bool = False


class FakeTeams:
    """`bot.teams.client.Teams` that remembers; `mishaps` are met by the next calls of `post` and `edit`.

    `meanwhile` holds what happens once while a call is under way: under `before post`, `after post`, `before edit`.
    """

    def __init__(self) -> None:
        self.meanwhile: dict[str, Callable[[], Awaitable[Any]]] = {}
        self.messages: dict[str, Message] = {}
        self.mishaps: dict[str, deque[Mishap]] = {"post": deque(), "edit": deque()}
        self.lost = 0
        self.calls: list[tuple[str, str]] = []

    async def post(self, conversation: Conversation, shown: Shown) -> str:
        """Post, unless a mishap comes first."""
        await self._meanwhile("before post")
        mishap = self._mishap("post")
        message = f"m{len(self.messages) + 1}"
        self.calls.append(("post", conversation.address))
        if mishap is None or mishap.acted:
            self.messages[message] = Message(conversation.address, shown, [shown])
        await self._meanwhile("after post")
        if mishap:
            self.lost += mishap.acted
            raise mishap.error
        return message

    async def edit(self, conversation: Conversation, message: str, shown: Shown) -> None:
        """Replace a message's card."""
        await self._meanwhile("before edit")
        mishap = self._mishap("edit")
        self.calls.append(("edit", message))
        if message not in self.messages:
            raise Missing("teams", "edit", status=404)
        if mishap is None or mishap.acted:
            self.messages[message].shown = shown
            self.messages[message].history.append(shown)
        if mishap:
            raise mishap.error

    async def typing(self, conversation: Conversation) -> None:
        """Nothing to see."""

    async def member(self, conversation: Conversation, person: str) -> Any:
        """Nobody asks."""
        raise NotImplementedError

    async def _meanwhile(self, moment: str) -> None:
        if moment in self.meanwhile:
            await self.meanwhile.pop(moment)()

    def _mishap(self, call: str) -> Mishap | None:
        return self.mishaps[call].popleft() if self.mishaps[call] else None


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
        self.barred: list[str] = []
        self.processes: list[Process] = []
        windows = [d for d in self.sim.first.devices.values() if d.os == "Windows11"]
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
            "parameters": {p.name: next(iter(p.choices.values())) for p in declared.parameters},
            "reason": "a reason",
            "requester": who,
            "evidence": Evidence(read_at=self.clock.now()),
            "posts": (Post(key="card", place=place()),),
            "origin": "19:soc",
            **more,
        }
        return Proposal(**values)

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
