"""The calls that make, read and cancel machine actions (reference/defender-api.md section 8), as one table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.simulator import defender_forms as forms
from bot.simulator.actions import AlreadyOverError, AlreadyRunningError, Order
from bot.simulator.limits import USUAL
from bot.simulator.pipeline import Call, Operation, RefusedError
from bot.simulator.world import Action, Device

WINDOWS_CLIENTS = frozenset({"Windows10", "Windows11"})
WINDOWS_SERVERS = frozenset({"WindowsServer2012R2", "WindowsServer2016", "WindowsServer2019", "WindowsServer2022"})
FIRST_WINDOWS_10 = "1703"
SECOND_WINDOWS_10 = "1709"
SHA1_LENGTH = 40
ALL_PLANS = frozenset({"business", "premium", "plan2"})
PLAN_2 = frozenset({"plan2"})
SYSTEMS = WINDOWS_CLIENTS | WINDOWS_SERVERS | {"Linux"}
CANCELLERS = frozenset(
    f"Machine.{name}"
    for name in (
        "CollectForensics",
        "Isolate",
        "RestrictExecution",
        "Scan",
        "Offboard",
        "StopAndQuarantine",
        "LiveResponse",
    )
)


@dataclass(frozen=True, kw_only=True)
class Starter:
    """A POST below `/machines/{id}` that starts a machine action.

    `enum` is the body field with its words (they become the action's scope), required where it has no `default`;
    `systems` where the action can run; `first_windows_10` the oldest version of Windows 10 that takes it; `either`:
    the page says both 200 and Created, so some are answered with one and some with the other.
    """

    segment: str
    type: str
    permission: str
    page: str
    enum: str = ""
    words: tuple[str, ...] = ()
    default: str | None = None
    systems: frozenset[str] = SYSTEMS
    first_windows_10: str = SECOND_WINDOWS_10
    plans: frozenset[str] = ALL_PLANS
    sha1: bool = False
    either: bool = False


STARTERS = (
    Starter(
        segment="isolate",
        type="Isolate",
        permission="Machine.Isolate",
        page="api:isolate-machine",
        enum="IsolationType",
        words=("Full", "Selective", "UnManagedDevice"),
        default="Full",
        first_windows_10=FIRST_WINDOWS_10,
    ),
    Starter(segment="unisolate", type="Unisolate", permission="Machine.Isolate", page="api:unisolate-machine"),
    Starter(
        segment="runAntiVirusScan",
        type="RunAntiVirusScan",
        permission="Machine.Scan",
        page="api:run-av-scan",
        enum="ScanType",
        words=("Quick", "Full"),
        systems=SYSTEMS | {"macOS"},
    ),
    Starter(
        segment="collectInvestigationPackage",
        type="CollectInvestigationPackage",
        permission="Machine.CollectForensics",
        page="api:collect-investigation-package",
        plans=PLAN_2,
    ),
    Starter(
        segment="restrictCodeExecution",
        type="RestrictCodeExecution",
        permission="Machine.RestrictExecution",
        page="api:restrict-code-execution",
        systems=WINDOWS_CLIENTS | WINDOWS_SERVERS,
        plans=PLAN_2,
    ),
    Starter(
        segment="unrestrictCodeExecution",
        type="UnrestrictCodeExecution",
        permission="Machine.RestrictExecution",
        page="api:unrestrict-code-execution",
        systems=WINDOWS_CLIENTS | WINDOWS_SERVERS,
        plans=PLAN_2,
    ),
    Starter(
        segment="StopAndQuarantineFile",
        type="StopAndQuarantineFile",
        permission="Machine.StopAndQuarantine",
        page="api:stop-and-quarantine-file",
        first_windows_10=FIRST_WINDOWS_10,
        systems=WINDOWS_CLIENTS | WINDOWS_SERVERS,
        plans=PLAN_2,
        sha1=True,
    ),
    Starter(
        segment="offboard",
        type="Offboard",
        permission="Machine.Offboard",
        page="api:offboard-machine-api",
        systems=WINDOWS_CLIENTS | WINDOWS_SERVERS,
        first_windows_10="",
        either=True,
    ),
)


async def body_of(call: Call, *names: str, comment: bool = True) -> Mapping[str, Any]:
    """The JSON object of a POST. Names of fields are case-sensitive: the wrong case is refused, as is no `comment`."""
    try:
        body = await call.json()
    except ValueError as bad:
        raise RefusedError(400, "InvalidRequestBody", "Request body is incorrect") from bad
    known = {name.casefold(): name for name in ("Comment", *names) if name}
    if not isinstance(body, dict) or any(known.get(str(name).casefold(), name) != name for name in body):
        raise RefusedError(400, "InvalidRequestBody", "Request body is incorrect")
    if comment:
        required(body, "Comment")
    return body


def required(body: Mapping[str, Any], name: str) -> str:
    """A text that must be there. Raises RefusedError 400."""
    value = body.get(name)
    if value is None or value == "":
        raise RefusedError(400, "MissingRequiredParameter", f"Required parameter {name} is missing")
    if not isinstance(value, str):
        raise RefusedError(400, "InvalidRequestBody", "Request body is incorrect")
    return value


def _order(call: Call, starter: Starter, body: Mapping[str, Any]) -> Order:
    scope = starter.default
    if starter.enum and (starter.enum in body or scope is None):
        scope = required(body, starter.enum)
    if starter.enum and scope not in starter.words:
        raise RefusedError(400, "InvalidInput", f"{starter.enum} is not one of {', '.join(starter.words)}")
    sha1 = required(body, "Sha1") if starter.sha1 else ""
    if sha1 and (len(sha1) != SHA1_LENGTH or set(sha1.lower()) - set("0123456789abcdef")):
        raise RefusedError(400, "InvalidHashValue", "Sha1 is not a valid hash")
    return Order(type=starter.type, scope=scope, comment=body["Comment"], requestor=call.app_name, file_sha1=sha1)


def _check_device(device: Device, starter: Starter, order: Order) -> None:
    if order.scope == "UnManagedDevice":
        if device.onboarding == "onboarded":
            raise RefusedError(400, "InvalidInput", "The device is managed: UnManagedDevice does not apply")
        return
    systems = WINDOWS_CLIENTS if order.scope == "Selective" and order.type == "Isolate" else starter.systems
    if device.os not in systems or device.onboarding != "onboarded":
        raise RefusedError(400, "OsPlatformNotSupported", f"The action is not supported on {device.os}")
    first = SECOND_WINDOWS_10 if order.scope == "Selective" else starter.first_windows_10
    if device.os == "Windows10" and (device.version or "").isdigit() and (device.version or "") < first:
        raise RefusedError(400, "ClientVersionNotSupported", f"Version {device.version} is too old for the action")


def _start(starter: Starter) -> Callable[[Call], Any]:
    async def start(call: Call) -> web.Response:
        device = find_device(call)
        body = await body_of(call, starter.enum, "Sha1" if starter.sha1 else "")
        order = _order(call, starter, body)
        _check_device(device, starter, order)
        unlisted = call.fault.unlisted if call.fault else 0
        try:
            action = call.core.dispatcher.submit(call.customer, device, order, unlisted)
        except AlreadyRunningError as running:
            raise RefusedError(400, "ActiveRequestAlreadyExists", "Action is already in progress") from running
        quirks = call.core.quirks
        form = (
            forms.created_action(action)
            if quirks.historic_created
            else forms.machine_action(action, in_list=False, vary=quirks.vary)
        )
        context = {"@odata.context": forms.context("MachineActions", action.id, single=True)}
        plain_ok = starter.either and forms.coin(action.id, starter.segment)
        return web.json_response(context | form, status=200 if plain_ok else 201)

    return start


def find_device(call: Call) -> Device:
    """The device of the path, by id or computer name. Raises RefusedError 404."""
    name = call.path("machine")
    device = call.customer.device(name)
    if device is None:
        raise RefusedError(404, "ResourceNotFound", f"Machine {name} was not found")
    return device


def find_action(call: Call) -> Action:
    """The action of the path. Raises RefusedError 404."""
    name = call.path("action")
    action = call.customer.actions.get(name)
    if action is None or action.listed_from > call.core.clock.now():
        raise RefusedError(404, "ResourceNotFound", f"MachineAction {name} was not found")
    return action


async def _get(call: Call) -> web.Response:
    action = find_action(call)
    form = forms.machine_action(action, in_list=False, vary=call.core.quirks.vary)
    context = {"@odata.context": forms.context("MachineActions", action.id, single=True)}
    return web.json_response(context | form if forms.coin(action.id, "context") else form)


async def _cancel(call: Call) -> web.Response:
    """`api:cancel-machine-action`; the comment is not marked required. What has ended: 400 (undocumented)."""
    action = find_action(call)
    try:
        body = await call.json() if await call.request.read() else {}
    except ValueError as bad:
        raise RefusedError(400, "InvalidRequestBody", "Request body is incorrect") from bad
    comment = body.get("Comment") if isinstance(body, dict) else None
    try:
        call.core.dispatcher.cancel(call.customer, action, str(comment or ""), call.app_name)
    except AlreadyOverError as over:
        raise RefusedError(400, "BadRequest", f"The action is already {action.status}") from over
    return web.json_response(forms.machine_action(action, in_list=False, vary=call.core.quirks.vary))


def _operation(starter: Starter) -> Operation:
    return Operation(
        name=f"defender.machines.{starter.segment}",
        method="POST",
        path=f"/machines/{{machine}}/{starter.segment}",
        handler=_start(starter),
        roles=frozenset({starter.permission}),
        limits=USUAL,
        plans=starter.plans,
    )


ACTION_OPERATIONS = (
    *(_operation(starter) for starter in STARTERS),
    Operation(
        name="defender.machineactions.get",
        method="GET",
        path="/machineactions/{action}",
        handler=_get,
        roles=frozenset({"Machine.Read.All", "Machine.ReadWrite.All"}),
        limits=USUAL,
    ),
    Operation(
        name="defender.machineactions.cancel",
        method="POST",
        path="/machineactions/{action}/cancel",
        handler=_cancel,
        roles=CANCELLERS,
        limits=USUAL,
    ),
)
