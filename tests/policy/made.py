"""Responses and cases for the policy's tests; none of them is a real one, for the policy knows no single response."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.policy.load import parsed
from bot.policy.models import Case, Facts, Policy
from bot.responses.declared import How, Response
from bot.roles import Role


async def nothing(*_args: Any) -> Any:
    """A call that nobody makes here."""
    raise AssertionError("a policy calls nothing")


def declared(name: str, **more: Any) -> Response:
    """A response that isolates by another name."""
    values = {
        "name": name,
        "family": name,
        "how": How(send=nothing, find=nothing),
        "calls": (),
        "risk": "high",
        "asks": Role.OPERATOR,
        **more,
    }
    return Response(**values)


CUT = declared("cut", inverse="join")
JOIN = declared("join", inverse="cut", risk="medium")
LOOK = declared("look", risk="low", approvals=0)
BLOCK = declared("block", risk="medium", group="file", target="file")
ERASE = declared("erase", approvals=2, group="intune", target="managed")
STOP = declared("stop", risk="low", asks=Role.APPROVER)
FREEZE = declared("freeze", risk="medium", group="user", target="user")
RESPONSES = {one.name: one for one in (CUT, JOIN, LOOK, BLOCK, ERASE, STOP, FREEZE)}
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday
SERVER = Facts(
    tags=frozenset({"Server", "Berlin"}), value="high", risk="medium", severity="high", people=("anna", "ceo")
)
UNREAD = Facts()


def policy(text: str) -> Policy:
    """The policy of that text, checked as at the start."""
    return Policy(file=parsed(text, RESPONSES), source="policy.toml")


def case(response: Response = CUT, **more: Any) -> Case:
    """An operator asks for it on a server at noon."""
    kind = {"devices": "device"}.get(response.target, response.target)
    return replace(
        Case(
            response=response,
            requester=Role.OPERATOR,
            now=NOON,
            kind=kind,
            facts=SERVER if kind == "device" else UNREAD,
        ),
        **more,
    )
