"""A response (something the bot does to a device) and a request (a response that waits for a decision or is under way).

A leaf: no I/O, no clock. Design section 5 draws the states.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from bot.defender.client import Defender
from bot.defender.models import MachineAction
from bot.posts import DAY, Shownable
from bot.roles import Role


class State(StrEnum):
    """Where a request stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    GIVEN_UP = "given up"


FINAL = frozenset(
    {
        State.SUCCEEDED,
        State.FAILED,
        State.TIMED_OUT,
        State.CANCELLED,
        State.REJECTED,
        State.EXPIRED,
        State.WITHDRAWN,
        State.GIVEN_UP,
    }
)


class Person(BaseModel):
    """Who did something: Entra object id, own tenant, and the name for show."""

    model_config = ConfigDict(frozen=True)

    id: str
    tenant: str
    name: str

    def same(self, other: "Person") -> bool:
        """Whether it is the same person: by ids, which are compared as Entra compares them, without regard to case."""
        return (self.id.casefold(), self.tenant.casefold()) == (other.id.casefold(), other.tenant.casefold())


class Target(BaseModel):
    """What it is done to: the machine id, and its name when it was asked for."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str


class Evidence(BaseModel):
    """What the approver is shown, read when the request was made (`read_at`). None or empty: could not be read."""

    model_config = ConfigDict(frozen=True)

    read_at: datetime
    users: tuple[str, ...] | None = None
    device_value: str = ""
    risk: str = ""
    exposure: str = ""
    health: str = ""
    os: str = ""
    last_seen: datetime | None = None
    open_alerts: tuple[str, ...] | None = None
    running: tuple[str, ...] | None = None
    isolation: str = ""
    last_time: str = ""
    last_time_at: datetime | None = None


class Decision(BaseModel):
    """An approval, rejection, withdrawal, "send again" or "give up": who, when, why."""

    model_config = ConfigDict(frozen=True)

    what: str
    who: Person
    at: datetime
    reason: str = ""


class Attempt(BaseModel):
    """One approved sending: its number, when it began, and the machine action it became (id empty: none known)."""

    model_config = ConfigDict(frozen=True)

    number: int
    began: datetime
    action: str = ""
    adopted: bool = False


class Step(BaseModel):
    """One line of the story told on the card: a catalogue key and its values, and when."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    key: str
    values: Mapping[str, str] = {}


class Request(Shownable):
    """A response that was asked for, from the asking to its end on the device.

    `parameters` are the service's own words (IsolationType, ScanType). `expires` ends the time to decide, `send_by` the
    time to send once approved. `status` is the machine action's own, `status_at` when the service last changed it.
    `checked` is when we last looked, `next_check` when we look again. `missing_since`: the service denies its action.
    `trouble` is a catalogue key for what stands in the way now, with `trouble_values`.
    """

    response: str
    family: str
    target: Target
    parameters: Mapping[str, str] = {}
    reason: str = ""
    requester: Person
    origin: str = ""
    created: datetime
    expires: datetime
    send_by: datetime | None = None
    state: State = State.PROPOSED
    approvals_needed: int = 1
    four_eyes: bool = True
    decisions: tuple[Decision, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    evidence: Evidence | None = None
    status: str = ""
    status_at: datetime | None = None
    sent_at: datetime | None = None
    ended: datetime | None = None
    checked: datetime | None = None
    next_check: datetime | None = None
    unknown_since: datetime | None = None
    missing_since: datetime | None = None
    trouble: str = ""
    trouble_values: Mapping[str, str] = {}
    inverse: str = ""
    story: tuple[Step, ...] = ()

    @property
    def stage(self) -> str:
        """The state that the store compares with each write."""
        return self.state.value

    @property
    def keep(self) -> float | None:
        """A request is kept for half a year after its end, and for good until then."""
        return 180 * DAY if self.final else None

    def step_due(self) -> datetime | None:
        """When the state machine wants to go on."""
        if self.final:
            return None
        if self.state is State.PROPOSED:
            return self.expires
        if self.state is State.APPROVED and self.next_check and self.send_by:
            return min(self.next_check, self.send_by)
        return self.next_check

    @property
    def final(self) -> bool:
        """Nothing more will happen."""
        return self.state in FINAL

    @property
    def attempt(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def approvals(self) -> tuple[Decision, ...]:
        """Who approved so far."""
        return tuple(d for d in self.decisions if d.what == "approved")

    @property
    def mark(self) -> str:
        """What stands first in the action's Comment, one for each attempt."""
        return f"[{self.id}/{self.attempt.number if self.attempt else 0}]"

    def marked(self, comment: str) -> bool:
        """Whether an action's Comment is that of one of this request's attempts."""
        return comment.startswith(f"[{self.id}/")


def told(request: Request) -> dict[str, str]:
    """What every audit entry about a request says of it, so that it is found by its device; ids only."""
    return {"response": request.response, "device": request.target.id}


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A choice that may follow the device's name: words people type -> the service's value, the default first."""

    name: str
    choices: Mapping[str, str]


Send = Callable[[Defender, Request, str], Awaitable[MachineAction]]
Call = Callable[..., Awaitable[Any]]
"""A method of `Defender` or `Graph`, named as such: `Defender.isolate`. See `bot.permissions`."""


@dataclass(frozen=True, kw_only=True)
class Response:
    """A response, declared once: commands, buttons, policy, audit and help derive from it.

    `types` are the machine-action types it shows up as, `family` the group in which one is in flight per device,
    `family_types` all machine-action types of that group. `send` calls the service (with the request and the comment)
    through the client's method `call`. `approvals` 0 means it runs without a decision. `inverse` names the
    response that undoes it.
    """

    name: str
    family: str
    types: frozenset[str]
    family_types: frozenset[str]
    send: Send
    call: Call
    risk: str
    asks: Role
    approvals: int = 1
    needs_reason: bool = True
    parameters: tuple[Parameter, ...] = ()
    time_to_live: timedelta = timedelta(minutes=60)
    send_within: timedelta = timedelta(minutes=60)
    inverse: str = ""
    plans: Mapping[str, bool] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
