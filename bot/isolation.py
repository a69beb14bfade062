"""Which devices are isolated: the API has no such field, so it is derived from machine actions (defender-api 7).

The last isolation or release that succeeded, by the time it was completed, says how the device stands; one that is
still active says what is about to change. After one that timed out the device may have done it or not, so unless it
would have changed nothing, how the device stands is unknown. Actions older than the service keeps cannot be seen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from bot.defender.models import MachineAction

TYPES = ("Isolate", "Unisolate")
BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Network:
    """`state` of one device, and `since` when (the completion of the action that says so)."""

    state: Literal["isolated", "not isolated", "being isolated", "being released", "unknown"]
    since: datetime | None = None


def _completed(action: MachineAction) -> datetime:
    return action.updated or action.created or BEGINNING


def network_of(actions: Iterable[MachineAction]) -> Network:
    """How one device stands, by its isolation and release actions in any order."""
    relevant = [action for action in actions if action.kind in ("isolate", "unisolate")]
    active = [action for action in relevant if action.is_active]
    if active:
        newest = max(active, key=lambda action: action.created or BEGINNING)
        return Network(state="being isolated" if newest.kind == "isolate" else "being released", since=newest.created)
    last = max((a for a in relevant if a.state == "succeeded"), key=_completed, default=None)
    stands = "isolate" if last and last.kind == "isolate" else "unisolate"
    doubtful = [a for a in relevant if a.state == "timeout" and a.kind != stands]
    if any(last is None or _completed(a) >= _completed(last) for a in doubtful):
        return Network(state="unknown")
    return Network(state="isolated" if stands == "isolate" else "not isolated", since=last.updated if last else None)


def by_device(actions: Iterable[MachineAction]) -> dict[str, Network]:
    """How each device stands that ever had such an action."""
    grouped: dict[str, list[MachineAction]] = {}
    for action in actions:
        if action.machine_id:
            grouped.setdefault(action.machine_id, []).append(action)
    return {machine: network_of(theirs) for machine, theirs in grouped.items()}
