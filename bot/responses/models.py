"""A request (a response that waits for a decision or is under way), and what it is made of.

A leaf: no I/O, no clock. Design section 5 draws the states.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot.posts import DAY, Shownable
from bot.responses.terms import Terms

WorkState = Literal["active", "succeeded", "partly done", "failed", "timed out", "cancelled", "handed over"]


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
    HANDED_OVER = "handed over"
    PARTLY = "partly done"


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
        State.HANDED_OVER,
        State.PARTLY,
    }
)
PENDING = "pending"
"""The services' word, folded, for what they took and the device has not yet done."""
DEVICE = "device"
LOST = "trouble.record_lost"
"""The trouble of one of several devices whose own request is no longer in the store."""
DEVICES = "devices"
"""The target kind of a request for several devices, each of which gets a request of its own."""


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
    """What it is done to: the service's id of it, and its name when it was asked for.

    `kind` is device, devices, file, indicator, user, mail, managed (an Intune device), library, submission or action.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    kind: str = DEVICE


class Fact(BaseModel):
    """One line of what an approver sees: `evidence.<key>` is its label; a text from outside, or a moment."""

    model_config = ConfigDict(frozen=True)

    key: str
    value: str = ""
    at: datetime | None = None


class Twin(BaseModel):
    """One more machine that Defender lists for the same device, as of one that was installed anew.

    None or empty: could not be read.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    tags: tuple[str, ...] | None = None
    device_value: str = ""
    risk: str = ""
    severity: str = ""


class Evidence(BaseModel):
    """What the approver is shown, read when the request was made (`read_at`). None or empty: could not be read.

    `severity` is the highest of the open alerts, "none" where there is none. `facts` tell of a target that is no
    device; `warnings` are what must not be overlooked, whatever the target. `users` are the accounts that it touches,
    by every name that is known of them. `twins`: the other machines of a device that Defender lists several times.
    """

    model_config = ConfigDict(frozen=True)

    read_at: datetime
    users: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    severity: str = ""
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
    twins: tuple[Twin, ...] = ()
    facts: tuple[Fact, ...] = ()
    warnings: tuple[Fact, ...] = ()


class Decision(BaseModel):
    """An approval, rejection, withdrawal, "send again" or "give up": who, when, why.

    `instead` holds the parameters that somebody who rejected would have agreed to.
    """

    model_config = ConfigDict(frozen=True)

    what: str
    who: Person
    at: datetime
    reason: str = ""
    instead: Mapping[str, str] = {}


class Attempt(BaseModel):
    """One approved sending: its number, when it began, and what it became at the service (id empty: none known).

    `said` is how that stood in the service's own answer.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    began: datetime
    action: str = ""
    adopted: bool = False
    said: WorkState = "active"


class Step(BaseModel):
    """One line of the story told on the card: a catalogue key and its values, and when."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    key: str
    values: Mapping[str, str] = {}


class Work(BaseModel):
    """What a response became at a service: a machine action, an investigation, a setting that holds.

    `id` and `status` are the service's own words, `kind` its word for what it is, `at` when it last changed. `ours`: it
    surely belongs to the request that is looked up. `same`: it does exactly what that request asks. `likely`: it began
    when the request's call went out, and nothing else tells whose it is. `result` holds small facts for the card, never
    a secret, a link or a file's content. `pause`: when to look again, where that is not as usual.
    """

    model_config = ConfigDict(frozen=True)

    id: str = ""
    status: str = ""
    state: WorkState = "active"
    at: datetime | None = None
    who: str = ""
    kind: str = ""
    ours: bool = False
    same: bool = False
    likely: bool = False
    result: Mapping[str, str] = {}
    pause: timedelta | None = None


class Member(BaseModel):
    """One device of a request for several: what was known of it, its own request, and how that stands.

    `users` are who logged on to it (None: not read), `warnings` what must not be overlooked before a decision.
    """

    model_config = ConfigDict(frozen=True)

    target: Target
    request: str = ""
    risk: str = ""
    value: str = ""
    tags: tuple[str, ...] | None = None
    last_seen: datetime | None = None
    users: tuple[str, ...] | None = None
    warnings: tuple[Fact, ...] = ()
    state: State = State.PROPOSED
    status: str = ""
    trouble: str = ""
    trouble_values: Mapping[str, str] = {}
    ended: datetime | None = None


class Request(Shownable):
    """A response that was asked for, from the asking to its end on the device.

    `parameters` are the service's own words (IsolationType, ScanType). `expires` ends the time to decide, `send_by` the
    time to send once approved. `status` is the machine action's own, `status_at` when the service last changed it.
    `checked` is when we last looked, `next_check` when we look again. `missing_since`: the service denies its action.
    `trouble` is a catalogue key for what stands in the way now, with `trouble_values`. `ask` names what may be asked
    for once at a time. `members` are the devices of a request for several; `batch` names that request on each of them.
    `values` is all that one call is for, where that is a list. `terms` are what the policy ruled. `result` are small
    facts that the service gave. `back` are the parameters of the inverse, where it takes any. `reminded` is when people
    were told again that it waits or lasts, `remind_at` when it is looked after for that once more.
    """

    response: str
    family: str
    target: Target
    ask: str = ""
    members: tuple[Member, ...] = ()
    batch: str = ""
    values: tuple[str, ...] = ()
    result: Mapping[str, str] = {}
    reminded: datetime | None = None
    remind_at: datetime | None = None
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
    terms: Terms = Terms()
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
    back: Mapping[str, str] = {}
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
            return self.remind_at
        if self.state is State.PROPOSED:
            return min(self.expires, self.terms.runs_at or self.expires)
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
    def waiting(self) -> tuple[Member, ...]:
        """The devices of a request for several that it waits for."""
        return tuple(one for one in self.members if one.state is State.SENT and one.status.casefold() == PENDING)

    @property
    def told_apart(self) -> bool:
        """Whether lists name it: a device's of a request for several only where a person must decide on it."""
        return not self.batch or self.state is State.UNKNOWN

    @property
    def mark(self) -> str:
        """What stands first in the action's Comment, one for each attempt."""
        return f"[{self.id}/{self.attempt.number if self.attempt else 0}]"

    def marked(self, comment: str) -> bool:
        """Whether an action's Comment is that of one of this request's attempts."""
        return comment.startswith(f"[{self.id}/")


def told(request: Request) -> dict[str, str]:
    """What every audit entry about a request says of it, so that it is found by its target; ids only."""
    more = {"batch": request.batch} if request.batch else {}
    if request.target.kind == DEVICE:
        return {"response": request.response, "device": request.target.id, **more}
    return {"response": request.response, "target": f"{request.target.kind}:{request.target.id}", **more}
