"""Microsoft Graph v1.0: devices in Intune and the actions on them (reference/graph-api.md section 5).

Names in `deviceActionResults` are not documented: here they are those of the paths, as issue 35 of
microsoftgraph/powershell-intune-samples shows one; issues 161 and 252 report that the list stays empty (a switch).
"""

from collections.abc import Awaitable, Callable, Mapping
from operator import attrgetter
from typing import Any

from aiohttp import web

from bot.simulator import intune
from bot.simulator.graph_pages import Listing, answer, shown
from bot.simulator.intune import Managed, RemoteAction
from bot.simulator.limits import Limit
from bot.simulator.moments import show
from bot.simulator.odata import Field, Fields
from bot.simulator.pipeline import Call, Operation, RefusedError

PRIVILEGED = "DeviceManagementManagedDevices.PrivilegedOperations.All"
CHANGE = "DeviceManagementManagedDevices.ReadWrite.All"
READ = frozenset({"DeviceManagementManagedDevices.Read.All", CHANGE})
PLANS = frozenset({"premium", "plan2"})
READS, WRITES = (Limit(2000, 20),), (Limit(200, 20),)
DEVICES = Fields(
    {
        "deviceName": Field(attrgetter("name")),
        "userPrincipalName": Field(attrgetter("user")),
        "operatingSystem": Field(attrgetter("system")),
        "complianceState": Field(attrgetter("compliance")),
        "azureADDeviceId": Field(attrgetter("entra_id")),
        "serialNumber": Field(attrgetter("serial")),
        "lastSyncDateTime": Field(attrgetter("last_sync"), "time"),
    },
    {},
)
_TYPE = "#microsoft.graph."
_ACTION_TYPES: Mapping[str, str] = {
    "remoteLock": "remoteLockActionResult",
    "windowsDefenderScan": "windowsDefenderScanActionResult",
}
BLOCKED = "The operation requires Multi Admin Approval. Send the header x-msft-approval-justification to ask for it."


def _result(action: RemoteAction) -> dict[str, Any]:
    form = {
        "@odata.type": _TYPE + _ACTION_TYPES.get(action.name, "deviceActionResult"),
        "actionName": action.name,
        "actionState": action.state,
        "startDateTime": show(action.started),
        "lastUpdatedDateTime": show(action.updated),
    }
    return form | ({"scanType": action.scan_type} if action.scan_type else {})


def _form(device: Managed, results: list[RemoteAction]) -> dict[str, Any]:
    """`managedDevice`, with what matters here."""
    return {
        "id": device.id,
        "userPrincipalName": device.user,
        "userDisplayName": device.user_name,
        "deviceName": device.name,
        "managedDeviceName": f"{device.user_name}_{device.system}",
        "managedDeviceOwnerType": device.owner,
        "managementAgent": device.agent,
        "managementState": device.management,
        "complianceState": device.compliance,
        "operatingSystem": device.system,
        "osVersion": device.version,
        "manufacturer": "Contoso",
        "model": device.model,
        "serialNumber": device.serial,
        "azureADRegistered": True,
        "azureADDeviceId": device.entra_id,
        "isEncrypted": device.encrypted,
        "jailBroken": "Unknown",
        "lastSyncDateTime": show(device.last_sync),
        "deviceActionResults": [_result(action) for action in results],
    }


async def _list(call: Call) -> web.Response:
    """`api/intune-devices-manageddevice-list`."""
    devices = call.customer.intune.devices.values()
    listing = Listing(
        kind="deviceManagement/managedDevices",
        items=sorted(devices, key=lambda device: device.name),
        fields=DEVICES,
        form=lambda device: _form(device, []),
        page=100,
        top=1000,
    )
    return answer(call, listing)


def _find(call: Call) -> Managed:
    found = call.customer.intune.devices.get(call.path("device"))
    if found is None:
        raise RefusedError(404, "ResourceNotFound", f"Device {call.path('device')} was not found.")
    return found


async def _get(call: Call) -> web.Response:
    """`api/intune-devices-manageddevice-get`; each look lets what waits go on."""
    device = _find(call)
    intune.look(call.customer, device, call.core.clock.now())
    results = device.results if call.core.quirks.intune_results else []
    form = shown(call, _form(device, results), call.request.query.get("$select", ""))
    context = "https://graph.microsoft.com/v1.0/$metadata#deviceManagement/managedDevices/$entity"
    return web.json_response({"@odata.context": context, **form})


def _act(name: str, required: tuple[str, ...] = ()) -> Callable[[Call], Awaitable[web.Response]]:
    async def act(call: Call) -> web.Response:
        device = _find(call)
        body = await _body(call)
        if any(type(body.get(field)) is not bool for field in required):
            raise RefusedError(400, "BadRequest", f"The request needs {', '.join(required)}.")
        if device.agent == "msSense":
            raise RefusedError(400, "BadRequest", "The action is not supported for this device.")
        if call.core.quirks.intune_approval:
            raise RefusedError(403, "Forbidden", BLOCKED)
        intune.submit(call.customer.intune, device, name, body, call.core.clock.now())
        return web.Response(status=204)

    return act


async def _body(call: Call) -> dict[str, Any]:
    if not await call.request.read():
        return {}
    try:
        body = await call.json()
    except ValueError as bad:
        raise RefusedError(400, "BadRequest", "Unable to read JSON request payload.") from bad
    if not isinstance(body, dict):
        raise RefusedError(400, "BadRequest", "Unable to read JSON request payload.")
    return body


def _action(name: str, *required: str, roles: frozenset[str] = frozenset({PRIVILEGED})) -> Operation:
    return Operation(
        name=f"graph.intune.{name}",
        method="POST",
        path=f"/{{device}}/{name}",
        handler=_act(name, required),
        roles=roles,
        limits=WRITES,
        bucket="graph.intune.writes",
        plans=PLANS,
    )


INTUNE_OPERATIONS = (
    Operation(
        name="graph.intune.list",
        method="GET",
        path="",
        handler=_list,
        roles=READ,
        limits=READS,
        bucket="graph.intune.reads",
        plans=PLANS,
    ),
    Operation(
        name="graph.intune.get",
        method="GET",
        path="/{device}",
        handler=_get,
        roles=READ,
        limits=READS,
        bucket="graph.intune.reads",
        plans=PLANS,
    ),
    _action("syncDevice"),
    _action("windowsDefenderScan", "quickScan"),
    _action("windowsDefenderUpdateSignatures"),
    _action("rebootNow"),
    _action("remoteLock"),
    _action("retire"),
    _action("wipe", roles=frozenset({PRIVILEGED, CHANGE})),
)
