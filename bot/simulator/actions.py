"""The life of a machine action: Pending, InProgress, and an end that has its effect on the device.

Nothing runs in the background: whoever looks first calls `advance`, which carries out what is due by then, in order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from bot.simulator.live_sessions import Session
from bot.simulator.world import FAMILIES, Action, Customer, Device, LedgerEntry, World

Repeat = Literal["refuse", "existing", "duplicate"]
PENDING = frozenset({"Pending", "InProgress"})


@dataclass
class Pace:
    """How long things take, in seconds of the clock.

    `start`: until an online device takes the action up. `run`: until it is done. `stuck`: how long the duplicate
    of issue 5903 stays Pending. `give_up`: until an action for a device that stays away ends as TimeOut (the three
    days that `api:run-live-response` names; for the other types not documented).
    """

    start: float = 4
    run: Mapping[str, float] = field(default_factory=lambda: {"Isolate": 6, "Unisolate": 6, "RunAntiVirusScan": 40})
    run_other: float = 10
    stuck: float = 600
    give_up: float = 3 * 86_400

    def running(self, type_: str) -> timedelta:
        """How long an action of this type runs."""
        return timedelta(seconds=self.run.get(type_, self.run_other))


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a POST of a device action asks for."""

    type: str
    scope: str | None
    comment: str
    requestor: str
    file_sha1: str = ""
    session: Session | None = None


class AlreadyRunningError(Exception):
    """An action of the same family is active: 400 ActiveRequestAlreadyExists."""


class AlreadyOverError(Exception):
    """The action has ended and cannot be cancelled."""


class Dispatcher:
    """Takes device actions in and carries them out.

    `repeat` says what a second POST of the same family meets while one is active: the documentation promises
    either `existing` (201 with the same action) or `refuse` (400); `duplicate` is what issue 5903 saw: a second
    action that sticks in Pending and ends later, out of order. `fates` decide how actions end: (machine id, type)
    to a status.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.pace = Pace()
        self.repeat: Repeat = "refuse"
        self.fates: dict[tuple[str, str], str] = {}

    def submit(self, customer: Customer, device: Device, order: Order, unlisted: float = 0) -> Action:
        """Accept an action, or answer with the active one. Raises AlreadyRunningError.

        An action that is `unlisted` for some seconds is accepted, but neither seen nor begun until then.
        """
        now = self.world.clock.now()
        self.advance(customer)
        family = FAMILIES.get(order.type, order.type)
        active = [action for action in active_of(customer, device, now) if action.family == family]
        same = next((action for action in active if action.type == order.type), None)
        if active and self.repeat != "duplicate":
            if same is None or self.repeat == "refuse":
                raise AlreadyRunningError
            self._note(customer, order, same, created=False)
            return same
        action = self._make(device, order, now, unlisted)
        if same is not None:
            action.stuck_until = now + timedelta(seconds=self.pace.stuck)
        customer.actions[action.id] = action
        self._note(customer, order, action, created=True)
        return action

    def cancel(self, customer: Customer, action: Action, comment: str, requestor: str) -> None:
        """Cancel what has not ended. Raises AlreadyOverError."""
        self.advance(customer)
        if action.final:
            raise AlreadyOverError
        now = self.world.clock.now()
        action.status, action.updated = "Cancelled", now
        action.cancelled, action.cancelled_by, action.cancel_comment = now, requestor, comment

    def advance(self, customer: Customer) -> None:
        """Carry out all that is due by now, in the order of time."""
        now = self.world.clock.now()
        while True:
            due = [(when, action) for action in customer.actions.values() if (when := self._next(customer, action))]
            if not due or (first := min(due, key=lambda pair: (pair[0], pair[1].created)))[0] > now:
                return
            self._step(customer, first[1], first[0])

    def free_stuck(self, customer: Customer) -> list[Action]:
        """Let the stuck duplicates begin now; returns them."""
        stuck = [action for action in customer.actions.values() if action.stuck_until and not action.final]
        for action in stuck:
            action.stuck_until = self.world.clock.now()
        return stuck

    def _make(self, device: Device, order: Order, now: datetime, unlisted: float) -> Action:
        return Action(
            id=self.world.guid(),
            type=order.type,
            scope=order.scope,
            requestor=order.requestor,
            comment=order.comment,
            machine_id=device.id,
            computer_name=device.name,
            created=now,
            updated=now,
            listed_from=now + timedelta(seconds=unlisted),
            file_sha1=order.file_sha1,
            session=order.session,
            fate=self.fates.get((device.id, order.type), "Succeeded"),
        )

    def _note(self, customer: Customer, order: Order, action: Action, *, created: bool) -> None:
        self.world.ledger.entries.append(
            LedgerEntry(
                tenant=customer.id,
                machine_id=action.machine_id,
                type=order.type,
                comment=order.comment,
                requestor=order.requestor,
                at=self.world.clock.now(),
                action_id=action.id,
                created=created,
            )
        )

    def _next(self, customer: Customer, action: Action) -> datetime | None:
        """When the action changes next; None where it has ended."""
        if action.status == "InProgress" and action.session:
            return action.session.due
        if action.status == "InProgress" and action.started:
            return action.started + self.pace.running(action.type)
        if action.status != "Pending":
            return None
        device = customer.devices[action.machine_id]
        away = action.created + timedelta(seconds=self.pace.give_up)
        if not device.online:
            return away
        ready = [action.listed_from, device.online_since, action.stuck_until]
        start = max(when for when in ready if when) + timedelta(seconds=self.pace.start)
        return max(start, action.updated)

    def _step(self, customer: Customer, action: Action, when: datetime) -> None:
        device = customer.devices[action.machine_id]
        action.updated = when
        if action.status == "Pending" and device.online:
            action.status, action.started = "InProgress", when
            if action.session:
                action.session.begin(when, device, customer)
            return
        if action.session and action.status == "InProgress":
            ended = action.session.go_on(when, device, customer)
            action.status = ended if ended != "Succeeded" else action.fate
            action.status = action.status or "InProgress"
            return
        action.status = action.fate if action.status == "InProgress" else "TimeOut"
        if action.status == "Succeeded":
            take_effect(device, action)
            if action.type == "Offboard":
                customer.set_online(device, when, online=False)


def active_of(customer: Customer, device: Device, now: datetime) -> list[Action]:
    """A device's actions that have not ended and are known by now."""
    return [
        action
        for action in customer.actions.values()
        if action.machine_id == device.id and not action.final and action.listed_from <= now
    ]


def take_effect(device: Device, action: Action) -> None:
    """What an action that succeeded does to the device."""
    type_ = action.type
    if action.scope == "UnManagedDevice":
        device.contained = True
    elif type_ in {"Isolate", "Unisolate"}:
        device.isolated = type_ == "Isolate"
    elif type_ in {"RestrictCodeExecution", "UnrestrictCodeExecution"}:
        device.restricted = type_ == "RestrictCodeExecution"
    elif type_ == "RunAntiVirusScan":
        device.scans += 1
    elif type_ == "StopAndQuarantineFile":
        device.quarantined.append(action.file_sha1)
    elif type_ == "Offboard":
        device.offboarded = True
