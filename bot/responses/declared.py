"""How a response is declared: what it is done to, who may ask, how its service carries it out. A leaf."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from bot.defender.client import Defender
from bot.graph.client import Graph
from bot.responses.models import DEVICE, Evidence, Request, Work
from bot.roles import Role


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """What follows the target's name in a command, kept under the service's own `name` for it.

    Either one of the `choices` (words people type -> the service's value, the default first), or a typed word or quoted
    text that `check` makes into the value (raising UsageError); `hint` stands for it in the usage. With both, one of
    the choices must be typed, and a form lists them. An `optional` one is taken only where it stands in quotes.
    """

    name: str
    choices: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[str], str] | None = None
    hint: str = ""
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class Remote:
    """One customer's services, as a response reaches them; `kept` finds a file that waited for the decision."""

    defender: Defender
    graph: Graph
    kept: Callable[[str], Awaitable[bytes | None]] | None = None


Call = Callable[..., Awaitable[Any]]
"""A method of `Defender` or `Graph`, named as such: `Defender.isolate`. See `bot.permissions`."""


@dataclass(frozen=True, kw_only=True)
class How:
    """How a response is carried out at its service and recognised there; all raise ServiceErrors.

    `send(remote, request, comment)` makes the one call. `find(remote, request)` lists what of the family is there for
    the target: what is active, what is ours, and what holds already. `look(remote, request)` says how the one that was
    sent stands; without it, what `send` says is the last that is known; what is not seen done in `settles` has failed.
    `cancel(remote, id, comment)` takes back what waits. `still(remote, request)` names (a catalogue key and values)
    what is no longer as it was when it was asked for. `needs` are the client methods that all but `send` call.
    """

    send: Callable[[Remote, "Request", str], Awaitable[Work]]
    find: Callable[[Remote, "Request"], Awaitable[Sequence[Work]]]
    look: Callable[[Remote, "Request"], Awaitable[Work]] | None = None
    cancel: Callable[[Remote, str, str], Awaitable[object]] | None = None
    still: Callable[[Remote, "Request"], Awaitable[tuple[str, Mapping[str, str]]]] | None = None
    needs: tuple[Call, ...] = ()
    settles: timedelta | None = None
    types: frozenset[str] = frozenset()
    family_types: frozenset[str] = frozenset()


Group = Literal["device", "file", "address", "live", "investigation", "user", "mail", "intune"]
Risk = Literal["low", "medium", "high"]


@dataclass(frozen=True, kw_only=True)
class Response:
    """A response, declared once: commands, buttons, policy, audit and help derive from it.

    `family` is the group in which one is in flight per target, `target` the kind of thing it is done to. `calls` are
    the client methods by which `how` sends. `approvals` 0 means it runs without a decision. `inverse` names the
    response that undoes it; `back` makes the inverse's parameters of a request's own and of what was read before
    (none: it cannot be undone), where it takes any. `plans` are the service plans of which any one has it (empty: all),
    `unsure` those of which the pages do not tell. `typed`: who asks types the target's name twice. `many`: it may be
    asked for several devices at once. `lasting`: its effect hurts until it is undone, so people are reminded of it.
    `each`: other parameters make another request, so that both may be open. `steers`: the condition of a policy's rules
    (`tags` or `device_values`) that looks at what the response changes.
    """

    name: str
    family: str
    how: How
    calls: tuple[Call, ...]
    risk: Risk
    asks: Role
    group: Group = "device"
    target: str = DEVICE
    approvals: int = 1
    needs_reason: bool = True
    parameters: tuple[Parameter, ...] = ()
    time_to_live: timedelta = timedelta(minutes=60)
    send_within: timedelta = timedelta(minutes=60)
    inverse: str = ""
    plans: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()
    typed: bool = False
    many: bool = False
    lasting: bool = False
    each: bool = False
    steers: Literal["", "tags", "device_values"] = ""
    back: Callable[[Mapping[str, str], Evidence], Mapping[str, str]] | None = None
