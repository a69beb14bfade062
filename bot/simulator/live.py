"""Live response and its library (reference/defender-api.md section 9).

[I], because the pages do not say: the errors of a malformed body, of a name that is taken, of a file that is too large;
what a plan without live response answers; that PutFile's result is 404 like one that is not there yet; and that only
sessions of devices which are there count among the 25 at once.
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import BodyPartReader, web

from bot.simulator import defender_forms as forms
from bot.simulator import moments
from bot.simulator.actions import AlreadyRunningError, Order, active_of
from bot.simulator.core import Core
from bot.simulator.defender_actions import WINDOWS_CLIENTS, WINDOWS_SERVERS, body_of, find_action, find_device, required
from bot.simulator.limits import USUAL, Limit
from bot.simulator.live_sessions import Command, LibraryFile, Session
from bot.simulator.pipeline import Call, Exchange, Operation, RefusedError, Service, fail
from bot.simulator.world import Device

LARGEST_FILE = 20 * 1024 * 1024
KEYS: Mapping[str, tuple[str, ...]] = {
    "PutFile": ("FileName",),
    "RunScript": ("ScriptName", "Args"),
    "GetFile": ("Path",),
}
ORDER = tuple(KEYS)
OPTIONAL = frozenset({"Args"})
SYSTEMS = WINDOWS_CLIENTS | WINDOWS_SERVERS | {"Linux", "macOS"}
BUSINESS = frozenset({"business", "premium"})
_STORE = Service(
    name="store",
    audience="",
    error=lambda _exchange, _status, code, message: {"error": {"code": code, "message": message}},
    says={
        "forbidden": (403, "AuthenticationFailed", "Server failed to authenticate the request."),
        "throttled": (503, "ServerBusy", "The server is busy."),
        "error": (500, "InternalError", "The server encountered an internal error."),
    },
)
_BAD_BODY = (400, "InvalidRequestBody", "Request body is incorrect")


async def _run(call: Call) -> web.Response:
    """`api:run-live-response`: text says 201, the sample 200; both are given."""
    device = find_device(call)
    _check_plan(call, device)
    body = await body_of(call, "Commands")
    quirks, business = call.core.quirks, call.customer.plan in BUSINESS
    session = Session(
        commands=_commands(body.get("Commands")),
        refuse_unsigned=business or not quirks.unsigned_scripts,
        exit_code_fails=quirks.exit_code_fails,
    )
    _check_room(call, device)
    order = Order(
        type="LiveResponse",
        scope=None,
        comment=required(body, "Comment"),
        requestor=call.app_name,
        session=session,
    )
    try:
        action = call.core.dispatcher.submit(call.customer, device, order, call.fault.unlisted if call.fault else 0)
    except AlreadyRunningError as running:
        raise _busy() from running
    form = forms.machine_action(action, in_list=False, vary=quirks.vary)
    context = {"@odata.context": forms.context("MachineActions", action.id, single=True)}
    return web.json_response(context | form, status=200 if forms.coin(action.id, "live") else 201)


def _check_plan(call: Call, device: Device) -> None:
    business = call.customer.plan in BUSINESS
    if business and not call.core.quirks.business_live_response:
        raise RefusedError(403, "DisabledFeature", "Live response is not enabled for this tenant.")
    if device.os not in SYSTEMS or device.onboarding != "onboarded" or (business and device.os in WINDOWS_SERVERS):
        raise RefusedError(400, "OsPlatformNotSupported", f"The action is not supported on {device.os}")


def _commands(listed: Any) -> list[Command]:
    if not isinstance(listed, list) or not listed:
        raise RefusedError(400, "MissingRequiredParameter", "Required parameter Commands is missing")
    commands = [_command(one) for one in listed]
    places = [ORDER.index(one.type) for one in commands]
    if places != sorted(places):
        raise RefusedError(400, "InvalidInput", "Commands must come in the order PutFile, RunScript, GetFile")
    return commands


def _command(one: Any) -> Command:
    kind = str(one.get("type")) if isinstance(one, dict) else ""
    params = one.get("params") if isinstance(one, dict) else None
    if kind not in KEYS or not isinstance(params, list) or set(one) != {"type", "params"}:
        raise RefusedError(*_BAD_BODY)
    if any(not isinstance(param, dict) or set(param) != {"key", "value"} for param in params):
        raise RefusedError(*_BAD_BODY)
    given = {str(param["key"]): param["value"] for param in params}
    lacks = set(KEYS[kind]) - OPTIONAL - given.keys()
    if lacks or given.keys() - set(KEYS[kind]) or not all(isinstance(value, str) for value in given.values()):
        raise RefusedError(400, "MissingRequiredParameter", f"{kind} takes {', '.join(KEYS[kind])}")
    return Command(type=kind, params=given)


def _check_room(call: Call, device: Device) -> None:
    now, customer = call.core.clock.now(), call.customer
    if any(one.type == "LiveResponse" for one in active_of(customer, device, now)):
        raise _busy()
    there = [one for one in customer.devices.values() if one.online]
    running = sum(one.type == "LiveResponse" for each in there for one in active_of(customer, each, now))
    if running >= call.core.quirks.live_sessions:
        raise RefusedError(429, "TooManyRequests", "Too many live response sessions.", {"Retry-After": "30"})


def _busy() -> RefusedError:
    return RefusedError(400, "ActiveRequestAlreadyExists", "A live response session is already running on the device")


async def _link(call: Call) -> web.Response:
    """`api:get-live-response-result`: a link without the extra quotes, good for 30 minutes, to be asked for again."""
    action = find_action(call)
    place = int(call.path("index")) if call.path("index").isdigit() else -1
    commands = action.session.commands if action.session else []
    if not 0 <= place < len(commands) or commands[place].result is None:
        raise RefusedError(404, "ResourceNotFound", f"No result of command {place} was found")
    secret = call.core.links.make(call.customer.id, action.id, place, call.core.clock.now())
    link = f"{call.request.url.origin()}/investigation-actions-data/{secret}?sp=r&sr=b&sig={secret}"
    return web.json_response({"@odata.context": forms.context("Edm.String"), "value": link})


def mount_results(app: web.Application, core: Core) -> None:
    """Serve results to whoever has the address, as a store for files does: it takes no token beside a signature."""

    async def download(request: web.Request) -> web.StreamResponse:
        core.links.tokens_seen += "Authorization" in request.headers
        customer, name, place, until = core.links.made.get(request.match_info["secret"], ("", "", 0, core.clock.now()))
        if fault := core.faults.take("defender.liveresults.get", customer):
            return await fail(core, _STORE, Exchange(request, "store"), fault)
        if core.clock.now() >= until or "Authorization" in request.headers:
            return web.Response(status=403, text="Server failed to authenticate the request.")
        core.links.fetched.append((name, place))
        session = core.world.customers[customer].actions[name].session
        content = session.commands[place].result if session else None
        return web.Response(body=content or b"", content_type="application/octet-stream")

    app.router.add_get("/investigation-actions-data/{secret}", download)


async def _library(call: Call) -> web.Response:
    files = [_file_form(one) for one in call.customer.library.values()]
    return web.json_response({"@odata.context": forms.context("LibraryFiles"), "value": files})


def _file_form(file: LibraryFile) -> dict[str, Any]:
    form = {
        "fileName": file.name,
        "sha256": file.sha256,
        "description": file.description,
        "creationTime": moments.show(file.created),
        "lastUpdatedTime": moments.show(file.updated),
        "createdBy": file.by,
        "hasParameters": file.has_parameters,
    }
    return form | ({"parametersDescription": file.parameters} if file.parameters else {})


async def _upload(call: Call) -> web.Response:
    """`api:upload-library`: a form of several parts."""
    parts = await _parts(call.request)
    name, content = parts.get("File", ("", b""))
    if not name:
        raise RefusedError(400, "MissingRequiredParameter", "Required parameter File is missing")
    if len(content) > LARGEST_FILE:
        raise RefusedError(400, "InvalidInput", "The file is larger than 20 MB")
    library, now = call.customer.library, call.core.clock.now()
    before = library.get(name.casefold())
    if before and _said(parts, "OverrideIfExists") != "true":
        raise RefusedError(400, "BadRequest", f"A file named {name} exists already")
    file = LibraryFile(
        name=name,
        content=content,
        created=before.created if before else now,
        updated=now,
        by=call.app_name,
        description=_said(parts, "Description") or None,
        has_parameters=_said(parts, "HasParameters") == "true",
        parameters=_said(parts, "ParametersDescription") or None,
    )
    library[name.casefold()] = file
    return web.json_response({"@odata.context": forms.context("LibraryFiles", name, single=True), **_file_form(file)})


async def _parts(request: web.Request) -> dict[str, tuple[str, bytes]]:
    """The form's parts: file name (empty for a plain field) and content, of a file not more than is too much."""
    if not request.content_type.startswith("multipart/"):
        raise RefusedError(*_BAD_BODY)
    found: dict[str, tuple[str, bytes]] = {}
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name:
            content = bytearray()
            while len(content) <= LARGEST_FILE and (chunk := await part.read_chunk(65_536)):
                content += chunk
            found[part.name] = (part.filename or "", bytes(content))
    return found


def _said(parts: Mapping[str, tuple[str, bytes]], name: str) -> str:
    return parts.get(name, ("", b""))[1].decode().strip()


async def _delete(call: Call) -> web.Response:
    if call.customer.library.pop(call.path("file").casefold(), None) is None:
        raise RefusedError(404, "ResourceNotFound", "The file was not found")
    return web.Response(status=204)


_MANAGE = frozenset({"Library.Manage"})
LIVE_OPERATIONS = (
    Operation(
        name="defender.machines.runliveresponse",
        method="POST",
        path="/machines/{machine}/runliveresponse",
        handler=_run,
        roles=frozenset({"Machine.LiveResponse"}),
        limits=(Limit(10, 60),),
    ),
    Operation(
        name="defender.machineactions.liveresult",
        method="GET",
        path="/machineactions/{action}/GetLiveResponseResultDownloadLink(index={index})",
        handler=_link,
        roles=frozenset({"Machine.Read.All", "Machine.ReadWrite.All"}),
        limits=USUAL,
    ),
    Operation(
        name="defender.library.list",
        method="GET",
        path="/libraryfiles",
        handler=_library,
        roles=_MANAGE,
        limits=USUAL,
    ),
    Operation(
        name="defender.library.upload",
        method="POST",
        path="/libraryfiles",
        handler=_upload,
        roles=_MANAGE,
        limits=USUAL,
    ),
    Operation(
        name="defender.library.delete",
        method="DELETE",
        path="/libraryfiles/{file}",
        handler=_delete,
        roles=_MANAGE,
        limits=USUAL,
    ),
)
