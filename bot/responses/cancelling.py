"""Taking back a machine action that waits or runs, as a response of its own (api:cancel-machine-action).

It is done when the action is Cancelled. One that ended otherwise first could not be taken back any more: the card then
says how it really ended.
"""

from collections.abc import Sequence

from bot.defender.client import Defender
from bot.defender.models import MachineAction
from bot.errors import Rejected
from bot.responses.declared import How, Remote
from bot.responses.models import Request, Work, WorkState


def of_cancelled(request: Request, action: MachineAction) -> Work:
    """How the cancelling stands, by how the action stands."""
    ended: WorkState = "succeeded" if action.state == "cancelled" else "failed"
    return Work(
        id=action.id,
        status=action.status or "",
        state=ended if action.is_final else "active",
        at=action.updated,
        who=action.cancellation_requestor or "",
        kind=action.type or "",
        ours=request.marked(action.cancellation_comment or ""),
        same=action.is_final,
    )


async def _read(remote: Remote, request: Request) -> Work:
    return of_cancelled(request, await remote.defender.machine_action(request.target.id))


async def _find(remote: Remote, request: Request) -> Sequence[Work]:
    """One that has ended needs no call, and none would help."""
    work = await _read(remote, request)
    return [work] if work.ours or work.same else []


async def _send(remote: Remote, request: Request, comment: str) -> Work:
    """What the service answers for one that has ended is not documented, so a refusal is followed by a look."""
    try:
        action = await remote.defender.cancel_machine_action(request.target.id, comment=comment)
    except Rejected:
        action = await remote.defender.machine_action(request.target.id)
        if action.is_active:
            raise
    return of_cancelled(request, action).model_copy(update={"ours": True})


CANCEL = How(send=_send, find=_find, look=_read, needs=(Defender.machine_action,))
