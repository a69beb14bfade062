"""Faults that tests and the control route put in the way of a call.

A fault belongs to an operation (`defender.machines.isolate`, `graph.incidents.list`, `connector.post`, `login.token`
...; `*` at the end matches all that begin so) and is used up by the calls that meet it. Waiting is in real seconds,
because it concerns the network; `unlisted` is in seconds of the simulator's clock, because it concerns the service.
"""

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

Kind = Literal[
    "throttled",  # 429, with Retry-After where `retry_after` is set
    "error",  # `status` with the service's own error body (500, 503 ...)
    "html",  # `status` (502) with a page of HTML, as gateways send
    "timeout",  # no answer for `seconds`, then the connection ends
    "reset",  # the connection ends without an answer
    "slow",  # the true answer, after `seconds`
    "empty",  # 200 without a body
    "garbage",  # 200 with a body that is not JSON
    "expired",  # 401: the token has expired
    "forbidden",  # 403: the permission is missing
    "plan",  # 403: the plan lacks the feature
    "partial",  # 206 with a Warning header (Graph's federated answers)
    "accept",  # nothing wrong but `unlisted`
]
KINDS: tuple[str, ...] = get_args(Kind)
_STATUS = {"throttled": 429, "error": 500, "html": 502, "expired": 401, "forbidden": 403, "plan": 403}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    `acted`: the call is carried out before it fails, so that its answer is all that is lost. `unlisted`: an accepted
    device action is listed (and begun) only after that many seconds. `times`: how many calls meet it; `skip`: how
    many pass first. `tenant`: only calls for that customer. `code` and `message` replace those of the service's body.
    """

    kind: Kind
    status: int = 0
    retry_after: float | None = None
    seconds: float = 0
    acted: bool = False
    unlisted: float = 0
    times: int = 1
    skip: int = 0
    tenant: str = ""
    code: str = ""
    message: str = ""

    @property
    def answers(self) -> int:
        """The HTTP status it answers with."""
        return self.status or _STATUS.get(self.kind, 200)

    @staticmethod
    def parse(data: dict[str, Any]) -> "Fault":
        """From the control route's JSON. Raises ValueError."""
        known = {field.name: field for field in fields(Fault)}
        if unknown := sorted(set(data) - set(known)):
            raise ValueError(f"not a fault's fields: {', '.join(unknown)}")
        if data.get("kind") not in KINDS:
            raise ValueError(f"kind is one of: {', '.join(KINDS)}")
        fault = Fault(**data)
        if any(not isinstance(number, int | float) for number in (fault.seconds, fault.unlisted, fault.times)):
            raise ValueError("seconds, unlisted and times are numbers")
        return fault


@dataclass
class _Queued:
    operation: str
    fault: Fault
    skip: int
    times: int

    def concerns(self, operation: str, tenant: str) -> bool:
        same = operation == self.operation
        family = self.operation.endswith("*") and operation.startswith(self.operation[:-1])
        return (same or family) and self.fault.tenant in {"", tenant}


class Faults:
    """The faults that wait, in the order they were added."""

    def __init__(self) -> None:
        self._waiting: list[_Queued] = []

    def add(self, operation: str, fault: Fault) -> None:
        """Let the next calls of an operation meet the fault."""
        self._waiting.append(_Queued(operation, fault, fault.skip, fault.times))

    def clear(self) -> None:
        """Take every waiting fault away."""
        self._waiting.clear()

    def take(self, operation: str, tenant: str = "") -> Fault | None:
        """The fault this call meets, if any."""
        for queued in self._waiting:
            if not queued.concerns(operation, tenant):
                continue
            if queued.skip:
                queued.skip -= 1
                continue
            queued.times -= 1
            if queued.times <= 0:
                self._waiting.remove(queued)
            return queued.fault
        return None

    def waiting(self) -> list[tuple[str, str, int]]:
        """Operation, kind and how often, of what has not been met yet."""
        return [(queued.operation, queued.fault.kind, queued.times) for queued in self._waiting]
