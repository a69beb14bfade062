"""The simulator's devices and actions behind Defender's Protocol, without HTTP between."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.clock import ManualClock
from bot.defender.models import Machine, MachineAction
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
from bot.simulator import Fault, Simulator
from bot.simulator.actions import AlreadyOverError, AlreadyRunningError, Order
from bot.simulator.defender_forms import machine, machine_action
from bot.simulator.world import FAMILIES, Action, Device
from tests.responses.processes import Process

CHANGE_SECONDS = 25.0  # bot.http gives up on a changing call after that
READ_SECONDS = 15.0  # and follow.py on a listing


class LocalDefender:
    """The simulator's actions behind `bot.defender.client.Defender`, without HTTP between.

    Faults are the simulator's own, by the same names, and mean to the caller what bot.http makes of them.
    """

    def __init__(self, sim: Simulator, clock: ManualClock) -> None:
        self.sim, self.clock = sim, clock
        self.listed = 0
        self.blind: list[str] = []

    async def machine_actions(
        self,
        *,
        machine_id: str = "",
        since: datetime | None = None,
        top: int = 100,
        types: Sequence[str] = (),
        **_more: Any,
    ) -> list[MachineAction]:
        """As api:get-machineactions-collection with a filter on device, type, time of creation, or none."""
        self.listed += 1

        def answer(_fault: Any) -> list[MachineAction]:
            return [one for one in self._listed(machine_id, since) if not types or one.type in types][:top]

        return self._meet("machineactions.list", answer)

    async def machine_action(self, action_id: str) -> MachineAction:
        """As api:get-machineaction-object."""
        return self._meet("machineactions.get", lambda _fault: read(self._known(action_id), in_list=False))

    async def machines_named(self, prefix: str) -> list[Machine]:
        """As api:get-machines with a filter on the beginning of the name."""
        devices = self.sim.first.devices.values()
        named = [device for device in devices if device.name.casefold().startswith(prefix.casefold())]
        return self._meet("machines.list", lambda _fault: [read_machine(device) for device in named])

    async def machine(self, machine_id: str) -> Machine:
        """As api:get-machine-by-id."""
        if machine_id not in self.sim.first.devices:
            raise Missing("defender", "machine", status=404, code="ResourceNotFound")
        return self._meet("machines.get", lambda _fault: read_machine(self.sim.first.devices[machine_id]))

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

    def _listed(self, machine_id: str, since: datetime | None) -> list[MachineAction]:
        now = self.clock.now()
        fits = [a for a in self.sim.first.actions.values() if machine_id in ("", a.machine_id) and a.listed_from <= now]
        theirs = [a for a in fits if since is None or a.created >= since]
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
        limit = READ_SECONDS if name.startswith("machine") else CHANGE_SECONDS

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


def read_machine(device: Device) -> Machine:
    return Machine.model_validate(machine(device))


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
