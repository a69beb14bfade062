"""The ways in which responses are carried out: as a machine action, or as a setting that can be read back.

Data for `Response.how`; each is made of the one call that is the response's own.
"""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

from bot.defender.client import Defender
from bot.defender.models import MachineAction
from bot.errors import Missing
from bot.responses.declared import Call, How, Remote
from bot.responses.models import Request, Work, WorkState
from bot.responses.still import for_same_device
from bot.wire import folded

STATES: dict[str, WorkState] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "timeout": "timed out",
    "cancelled": "cancelled",
}
IN_FORCE = "InForce"
"""The status of a setting that was read back as asked for; ours, for the services have no word for it."""
SETTLING = timedelta(minutes=15)
"""For how long a setting that the service accepted may be read back as it was before."""

Send = Callable[[Defender, Request, str], Awaitable[MachineAction]]
Same = Callable[[Request, MachineAction], bool]
Holds = Callable[[Remote, Request], Awaitable[bool | None]]


def machine_action(
    send: Send, *, types: Iterable[str], family_types: Iterable[str] = (), same: Same | None = None
) -> How:
    """What becomes a machine action of these types (defender-api 8): listed by device, followed by its id.

    `family_types` are all types of which one is under way at a time; `same` says whether an action of the right type
    does what a request asks, by its scope unless told otherwise.
    """
    mine = frozenset(types)
    family = frozenset(family_types) or mine
    the_same = same or same_scope

    def work(request: Request, action: MachineAction, comment: str | None) -> Work:
        alike = action.kind in _kinds(mine) and the_same(request, action)
        return of_action(action, ours=request.marked(comment or ""), same=alike)

    async def sent(remote: Remote, request: Request, comment: str) -> Work:
        action = await send(remote.defender, request, comment)
        return work(request, action, action.requestor_comment or request.mark)  # some answers leave the comment out

    async def find(remote: Remote, request: Request) -> list[Work]:
        listed = await remote.defender.machine_actions(machine_id=request.target.id, top=100)
        found = [(work(request, one, one.requestor_comment), one) for one in listed if one.kind in _kinds(family)]
        return [each for each, one in found if each.ours or one.is_active]

    async def look(remote: Remote, request: Request) -> Work:
        action = await remote.defender.machine_action(sent_as(request))
        return work(request, action, action.requestor_comment)

    async def cancel(remote: Remote, action: str, comment: str) -> object:
        return await remote.defender.cancel_machine_action(action, comment=comment)

    needs = (Defender.machine_actions, Defender.machine_action, Defender.cancel_machine_action)
    how = How(send=sent, find=find, look=look, cancel=cancel, needs=needs, types=mine, family_types=family)
    return for_same_device(how)


def of_action(action: MachineAction, *, ours: bool = False, same: bool = False) -> Work:
    """A machine action in the words of the state machine."""
    return Work(
        id=action.id,
        status=action.status or "",
        state=STATES.get(action.state, "active"),
        at=action.updated,
        who=action.requestor or "",
        kind=action.type or "",
        ours=ours,
        same=same,
    )


def same_scope(request: Request, action: MachineAction) -> bool:
    """Where a choice was made and the action does not say its own, nobody knows whether it is the same."""
    wanted = {folded(value) for value in request.parameters.values()}
    return not wanted or folded(action.scope) in wanted


def sent_as(request: Request) -> str:
    """The service's id of what the newest attempt became. Raises Missing where there is none to ask for."""
    if request.attempt is None or not request.attempt.action:
        raise Missing("watchkeeper", "look up an attempt without an id")
    return request.attempt.action


def setting(
    send: Callable[[Remote, Request, str], Awaitable[Work]],
    holds: Holds,
    *,
    needs: tuple[Call, ...],
) -> How:
    """What changes a state at once and can be read back: `holds` says whether it is in force (None: cannot be told).

    What is in force already is not sent again; what was sent counts as done when it is read back so.
    """

    async def sent(remote: Remote, request: Request, comment: str) -> Work:
        return (await send(remote, request, comment)).model_copy(update={"ours": True})

    async def find(remote: Remote, request: Request) -> list[Work]:
        return [Work(status=IN_FORCE, state="succeeded", same=True)] if await holds(remote, request) else []

    async def look(remote: Remote, request: Request) -> Work:
        held = await holds(remote, request)
        said = request.attempt.said if request.attempt else "active"
        state: WorkState = said if held is None else "succeeded" if held else "active"
        return Work(
            id=request.attempt.action if request.attempt else "",
            status=IN_FORCE if held else request.status,
            state=state,
            same=bool(held),
        )

    return How(send=sent, find=find, look=look, needs=needs, settles=SETTLING)


def _kinds(types: Iterable[str]) -> set[str]:
    return {folded(kind) for kind in types}
