"""The policy's words: what the file may say, a case that is asked about, and what is ruled for it. A leaf.

Three layers speak about a response, each over the one before: `[defaults]`, `[response.NAME]`, and the first `[[rule]]`
whose conditions all hold. Beneath them lies what the response itself declares.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bot.errors import UsageError
from bot.responses.declared import Group, Response, Risk
from bot.responses.terms import Why
from bot.roles import Role
from bot.zones import find_zone

WEEK = 7 * 24 * 60
BOUNDS: Mapping[str, tuple[int, int]] = {
    "approvals": (0, 5),
    "decide_within_minutes": (1, WEEK),
    "send_within_minutes": (1, WEEK),
    "veto_minutes": (1, 24 * 60),
    "waiting_minutes": (10, WEEK),
    "standing_minutes": (60, WEEK),
}
"""The least and the most that a number may be."""
HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ROLES: Mapping[str, Role] = {role.word: role for role in (Role.OPERATOR, Role.APPROVER, Role.ADMIN)}

RoleWord = Literal["operator", "approver", "admin"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DeviceValue = Literal["low", "normal", "high"]
RiskScore = Literal["none", "informational", "low", "medium", "high"]
Severity = Literal["informational", "low", "medium", "high"]
Kind = Literal["device", "file", "indicator", "user", "mail", "managed", "library", "submission", "action"]


def _several(value: Any) -> Any:
    """A TOML array; what is none is left for pydantic to refuse."""
    return tuple(value) if isinstance(value, list) else value


def _span(value: str) -> str:
    found = HOURS.fullmatch(value)
    if not found or found.group(1, 2) == found.group(3, 4):
        raise ValueError('must be two times such as "18:00-08:00"')
    return value


def _zone(value: str) -> str:
    try:
        return find_zone(value)
    except UsageError:
        raise ValueError("is no time zone: name one such as Europe/Berlin") from None


Approvals = Annotated[int, Field(ge=BOUNDS["approvals"][0], le=BOUNDS["approvals"][1])]
Minutes = Annotated[int, Field(ge=1, le=WEEK)]
Veto = Annotated[int, Field(ge=BOUNDS["veto_minutes"][0], le=BOUNDS["veto_minutes"][1])]
Waiting = Annotated[int, Field(ge=BOUNDS["waiting_minutes"][0], le=BOUNDS["waiting_minutes"][1])]
Standing = Annotated[int, Field(ge=BOUNDS["standing_minutes"][0], le=BOUNDS["standing_minutes"][1])]
Sentence = Annotated[str, Field(min_length=1, max_length=300)]
Name = Annotated[str, Field(min_length=1, max_length=60)]
Zone = Annotated[str, AfterValidator(_zone)]
Span = Annotated[str, AfterValidator(_span)]
_ARRAY = (BeforeValidator(_several), Field(min_length=1))  # an empty list would be no condition at all
Words = Annotated[tuple[Name, ...], *_ARRAY]


class Strict(BaseModel):
    """What the file says: nothing unknown, nothing converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Defaults(Strict):
    """For every response. Neither can it forbid, nor let anything run by itself."""

    asks: RoleWord | None = None
    approvals: Approvals | None = None
    requester_may: bool | None = None
    decide_within_minutes: Minutes | None = None
    send_within_minutes: Minutes | None = None


class Effects(Defaults):
    """For one response, or what a rule does. One of approvals, veto, pre-approval and forbidden replaces the others."""

    veto_minutes: Veto | None = None
    forbidden: Sentence | None = None
    i_accept_the_risk: bool = False


class Then(Effects):
    """What a rule does."""

    preapproved: Literal[True] | None = None


class When(Strict):
    """A rule's conditions: all that are given must hold, each by any of its words. None: it does not ask."""

    responses: Words | None = None
    groups: Annotated[tuple[Group, ...], *_ARRAY] | None = None
    risks: Annotated[tuple[Risk, ...], *_ARRAY] | None = None
    targets: Annotated[tuple[Kind, ...], *_ARRAY] | None = None
    tags: Words | None = None
    device_values: Annotated[tuple[DeviceValue, ...], *_ARRAY] | None = None
    risk_scores: Annotated[tuple[RiskScore, ...], *_ARRAY] | None = None
    severities: Annotated[tuple[Severity, ...], *_ARRAY] | None = None
    priority_account: bool | None = None
    requesters: Annotated[tuple[RoleWord, ...], *_ARRAY] | None = None
    hours: Span | None = None
    days: Annotated[tuple[Day, ...], *_ARRAY] | None = None
    zone: Zone | None = None


class Rule(Strict):
    """When something holds, then something else than otherwise."""

    name: Name
    when: When = When()
    then: Then


class Reminders(Strict):
    """After how long something is said once more: that a response waits for its device, that its effect stands."""

    waiting_minutes: Waiting = 120
    standing_minutes: Standing = 24 * 60


class PolicyFile(Strict):
    """The whole file. `zone` is where hours and days are meant; `priority_accounts` are user principal names.

    Main mail addresses are recognised as well, but not by Defender, which names who logged on to a device.
    """

    zone: Zone | None = None
    priority_accounts: Annotated[tuple[Name, ...], BeforeValidator(_several)] = ()
    defaults: Defaults = Defaults()
    response: Mapping[str, Effects] = {}
    rule: Annotated[tuple[Rule, ...], BeforeValidator(_several)] = ()
    reminders: Reminders = Reminders()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a target. None or empty: it could not be read.

    Of a device they are those of its machine in Defender, whichever service it is reached through. `severity` is the
    highest of its open alerts, "none" where there is none. `people` are the accounts that use the device, or the one
    that it is done to, by every name that is known of it.
    """

    tags: frozenset[str] | None = None
    value: str = ""
    risk: str = ""
    severity: str = ""
    people: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """Somebody with that role asks for that response now. `kind` is the target's; `four_eyes` the setting.

    `typed` are the values beside the target; None: not known.
    """

    response: Response
    requester: Role
    now: datetime
    kind: str = ""
    facts: Facts = Facts()
    four_eyes: bool = True
    typed: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What holds for a case. `veto_minutes`: it runs by itself after them unless an approver rejects it before.

    `forbidden` is the sentence that says why. `places` names the parts of the policy that made it so ("rule 3: servers
    at night"), none where all is as declared; `why` says the same in texts of the catalogue.
    """

    asks: Role
    approvals: int
    requester_may: bool
    time_to_live: timedelta
    send_within: timedelta
    veto_minutes: int | None = None
    preapproved: bool = False
    forbidden: str = ""
    places: tuple[str, ...] = ()
    why: tuple[Why, ...] = ()

    @property
    def place(self) -> str:
        """The parts of the policy in one line, for the audit."""
        return "; ".join(self.places)

    @property
    def at_once(self) -> bool:
        """Whether it runs without anybody's decision, and without a time to object."""
        return not self.forbidden and self.veto_minutes is None and (self.preapproved or self.approvals == 0)


EMPTY = PolicyFile()


@dataclass(frozen=True, kw_only=True)
class Because:
    """One condition of a rule against a case: its name in the file, what it asks for and what is there.

    `actual` is None where that could not be read, and empty where there is none of it.
    """

    condition: str
    wanted: str
    actual: str | None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One rule against one case. `holds` None: it asks for what could not be read. `because` is what decided."""

    number: int
    name: str
    holds: bool | None
    because: tuple[Because, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The policy in force, the file that it was read from (empty: there is none), and what tells its text apart."""

    file: PolicyFile = EMPTY
    source: str = ""
    mark: str = ""

    def is_priority(self, account: str) -> bool:
        """Whether that account is listed as a priority account.

        Defender names who logged on without their domain: such a name is compared with the part before the @.
        """
        listed = {one.casefold() for one in self.file.priority_accounts}
        name = account.casefold().rpartition("\\")[2]
        return name in listed or ("@" not in name and name in {one.partition("@")[0] for one in listed})


NO_POLICY = Policy()


def clock_of(at: datetime, zone: str) -> str:
    """The short name that the zone's clocks have at that moment: CET, or UTC+05:30 where it has none."""
    local = at.astimezone(ZoneInfo(zone))
    name, offset = local.tzname() or "", local.strftime("%z")
    return name if name.isalpha() else f"UTC{offset[:3]}:{offset[3:5]}"


def spelled(hours: str, clock: str) -> str:
    """Hours with the name of their clock: `19:00 CET to 07:00 CET`."""
    begin, _, end = hours.partition("-")
    return f"{begin} {clock} to {end} {clock}"
