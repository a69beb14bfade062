"""How a response is carried out through Intune (graph-api.md section 5), which answers without an id.

What became of it is read back from the device: `deviceActionResults` by the action's name and time, its management
state, its last sync, or that Intune knows it no more. Such an entry can never be told for surely ours, only for the
same: nothing there carries our mark. What cannot be seen is handed over, never done.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta

from bot.errors import Missing
from bot.graph.client import Graph
from bot.graph.intune.models import DeviceAction, ManagedDevice
from bot.responses.declared import How, Remote
from bot.responses.models import Request, State, Work, WorkState
from bot.wire import folded

LISTED = timedelta(minutes=30)
"""How long we look for an accepted action that the device does not list: Intune leaves some out for good (issues 161
and 252 of microsoftgraph/powershell-intune-samples)."""
ACCEPTED = "accepted"
GONE = "notInIntune"
SYNCED = "synced"
"""Statuses of ours, for what Intune has no word for: it took the call; it knows the device no more; the device came."""
RETIRES = ("retire", "removeCompanyData")
WIPES = ("wipe", "factoryReset", "factoryResetKeepEnrollmentData")
"""Names of what takes a device out of Intune: the path's first, then those of the beta enumeration `remoteAction`."""
USER = "intune-user"
"""The key of the fact in a request's evidence that names the device's user."""
STATES: dict[str, WorkState] = {
    "done": "succeeded",
    "failed": "failed",
    "notsupported": "failed",
    "canceled": "cancelled",
}
LEAVING: dict[str, WorkState] = {
    "pending": "active",
    "issued": "active",
    "failed": "failed",
    "canceled": "cancelled",
}
"""What `managementState` says of a retirement or a wipe, after the word for which of them it is."""

Send = Callable[[Graph, Request], Awaitable[None]]
Same = Callable[[Request, DeviceAction], bool]
Proof = Callable[[Request, ManagedDevice], Work | None]


def remote_action(
    send: Send,
    *,
    names: Sequence[str],
    family: Iterable[str] = (),
    same: Same = lambda _request, _action: True,
    proof: Proof = lambda _request, _device: None,
    leaves: bool = False,
) -> How:
    """What becomes an action on a device in Intune, listed there under one of `names`, the path's first.

    `family` are all names of which one is under way at a time; `same` whether an entry of ours by name does what a
    request asks; `proof` what else the device shows of it; `leaves`: the device leaves Intune by it.
    """
    mine = {folded(name) for name in names}
    rivals = mine | {folded(name) for name in family}

    def of(request: Request, action: DeviceAction) -> Work:
        alike = action.kind in mine and same(request, action)
        return _work(action, same=alike)

    async def sent(remote: Remote, request: Request, _comment: str) -> Work:
        await send(remote.graph, request)
        return Work(status=ACCEPTED, kind=names[0], ours=True)

    async def find(remote: Remote, request: Request) -> list[Work]:
        try:
            device = await remote.graph.managed_device(request.target.id)
        except Missing:
            searching = request.state is State.UNKNOWN and leaves
            return [_gone(names[0])] if searching else []
        listed = [one for one in device.device_action_results if one.kind in rivals]
        found = [of(request, one) for one in listed if one.waits or _came_of(request, one)]
        shown = proof(request, device)
        return [*found, shown] if shown else found

    async def look(remote: Remote, request: Request) -> Work:
        try:
            device = await remote.graph.managed_device(request.target.id)
        except Missing:
            if leaves:
                return _gone(names[0])
            raise
        if listed := _newest(request, device, mine):
            return of(request, listed)
        return proof(request, device) or _unseen(request, names[0])

    return How(send=sent, find=find, look=look, still=_still, needs=(Graph.managed_device,))


async def _still(remote: Remote, request: Request) -> tuple[str, dict[str, str]]:
    """Whether the device is still in Intune, under the name and of the user that people decided on."""
    try:
        device = await remote.graph.managed_device(request.target.id)
    except Missing:
        return "trouble.gone_from_intune", {"name": request.target.name}
    if device.name != request.target.name:
        return "trouble.renamed", {"name": request.target.name, "now": device.name}
    user = next((fact.value for fact in (request.evidence.facts if request.evidence else ()) if fact.key == USER), "")
    if user and device.user_principal_name and folded(user) != folded(device.user_principal_name):
        return "trouble.other_user", {"name": user, "now": device.user_principal_name}
    return "", {}


def _work(action: DeviceAction, *, same: bool) -> Work:
    return Work(
        status=action.action_state or "",
        state=STATES.get(action.state, "active"),
        at=action.last_updated_date_time or action.start_date_time,
        kind=action.action_name or "",
        same=same,
    )


def _gone(name: str) -> Work:
    return Work(status=GONE, state="handed over", kind=name, same=True)


def _unseen(request: Request, name: str) -> Work:
    """Intune took it and the device does not list it: it may still, for a while."""
    waited = (request.checked or request.created) - (request.sent_at or request.created)
    return Work(status=ACCEPTED, state="handed over" if waited >= LISTED else "active", kind=name)


def since(moment: datetime | None, request: Request) -> bool:
    """Whether something happened after this request was first sent."""
    return bool(moment and request.attempts and moment >= request.attempts[0].began)


def _came_of(request: Request, action: DeviceAction) -> bool:
    """Whether an entry that is over may stem from an attempt whose answer never came."""
    searching = request.state is State.UNKNOWN or action.state == "done"
    return searching and since(action.start_date_time, request)


def _newest(request: Request, device: ManagedDevice, mine: set[str]) -> DeviceAction | None:
    """The newest entry of that name: of the attempt that was sent, or, where another's was adopted, of any time."""
    attempt = request.attempt
    began = attempt.began if attempt and not attempt.adopted else None
    timed = [(one.start_date_time, one) for one in device.device_action_results if one.kind in mine]
    fitting = [(at, one) for at, one in timed if at and (began is None or at >= began)]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def came_by(request: Request, device: ManagedDevice) -> Work | None:
    """The proof of a sync: the device reported to Intune after it was asked to."""
    if not since(device.last_sync, request):
        return None
    return Work(status=SYNCED, state="succeeded", at=device.last_sync, kind="syncDevice", same=True)


def leaving(word: str, *, alone: bool) -> Proof:
    """The proof of a retirement (`word` retire) or a wipe: the device's management state.

    `alone`: the state says all that was asked for, so that another's is the same.
    """

    def proof(request: Request, device: ManagedDevice) -> Work | None:
        kind, found = next(
            ((one, device.management.removeprefix(one)) for one in ("retire", "wipe") if one in device.management),
            ("", ""),
        )
        state = LEAVING.get(found)
        if state is None or (state != "active" and folded(request.status) not in {f"{kind}pending", f"{kind}issued"}):
            return None  # what has failed or was cancelled counts where it was seen under way: it may be an old one
        return Work(status=device.management_state or "", state=state, kind=kind, same=alone and kind == word)

    return proof
