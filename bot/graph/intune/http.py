"""Intune over HTTP (graph-api.md section 5). Each operation names the documented page it follows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot import odata
from bot.graph.intune.models import ManagedDevice
from bot.http import Api, Operation, about, read_all, read_one
from bot.limits import INTUNE_READS, INTUNE_WRITES
from bot.wire import folded

READ = "DeviceManagementManagedDevices.Read.All"
ACT = "DeviceManagementManagedDevices.PrivilegedOperations.All"
FIELDS = (
    "id,deviceName,managedDeviceName,userPrincipalName,userDisplayName,azureADDeviceId,serialNumber,operatingSystem,"
    "osVersion,model,complianceState,managementState,managementAgent,managedDeviceOwnerType,isEncrypted,lastSyncDateTime"
)
_PAGES = "api/intune-devices-manageddevice-"
_PAGE_SIZE = 1000
_DEVICES = Operation(
    service="graph",
    name="managed-devices",
    method="GET",
    path="/deviceManagement/managedDevices",
    permissions=(READ,),
    page=f"{_PAGES}list",
    limits=INTUNE_READS,
    shares="Intune reads",
)
_DEVICE = replace(_DEVICES, name="managed-device", path="/deviceManagement/managedDevices/{id}", page=f"{_PAGES}get")


def _action(name: str, segment: str) -> Operation:
    """An action on a device: 204 without a body."""
    return Operation(
        service="graph",
        name=name,
        method="POST",
        path=f"/deviceManagement/managedDevices/{{id}}/{segment}",
        permissions=(ACT,),
        page=_PAGES + segment.lower(),
        reads=False,
        limits=INTUNE_WRITES,
        shares="Intune actions",
        empty=frozenset({204}),
    )


SYNC = _action("sync-device", "syncDevice")
SCAN = _action("intune-scan", "windowsDefenderScan")
SIGNATURES = _action("update-signatures", "windowsDefenderUpdateSignatures")
REBOOT = _action("reboot-device", "rebootNow")
LOCK = _action("lock-device", "remoteLock")
RETIRE = _action("retire-device", "retire")
WIPE = _action("wipe-device", "wipe")

CALLS: Mapping[str, tuple[Operation, ...]] = {
    "managed_devices": (_DEVICES,),
    "managed_device": (_DEVICE,),
    "sync_device": (SYNC,),
    "intune_scan": (SCAN,),
    "update_signatures": (SIGNATURES,),
    "reboot_device": (REBOOT,),
    "lock_device": (LOCK,),
    "retire_device": (RETIRE,),
    "wipe_device": (WIPE,),
}
"""The operations of each method; a test proves it. Permissions of commands follow from it."""


class HttpIntune:
    """`bot.graph.intune.client.Intune`, the part of `HttpGraph` that speaks with Intune."""

    _api: Api

    async def managed_devices(
        self, *, entra_device_id: str = "", user_principal_name: str = "", top: int = 5000
    ) -> Sequence[ManagedDevice]:
        """api/intune-devices-manageddevice-list, with `$select`: what was done to a device comes with one alone."""
        condition = odata.all_of(
            odata.equals("azureADDeviceId", entra_device_id) if entra_device_id else "",
            odata.equals("userPrincipalName", user_principal_name) if user_principal_name else "",
        )
        params: dict[str, str | int] = {"$select": FIELDS, "$top": min(top, _PAGE_SIZE)}
        if condition:
            params["$filter"] = condition
        values = await self._api.items(_DEVICES, params=params, top=top)
        found = read_all(_DEVICES, ManagedDevice, values)
        wanted = {"", folded(entra_device_id)}  # what is wiped must be the device that was meant
        return [one for one in found if not entra_device_id or folded(one.azure_ad_device_id) in wanted]

    async def managed_device(self, device_id: str) -> ManagedDevice:
        """api/intune-devices-manageddevice-get; its printed example holds the device in `value`."""
        answer = await self._api.call(_DEVICE, ids={"id": device_id})
        inner = answer.get("value")
        found = read_one(_DEVICE, ManagedDevice, inner if isinstance(inner, dict) else answer)
        about(_DEVICE, device_id, found.id)
        return found

    async def sync_device(self, device_id: str) -> None:
        """api/intune-devices-manageddevice-syncdevice."""
        await self._act(SYNC, device_id)

    async def intune_scan(self, device_id: str, *, quick: bool) -> None:
        """api/intune-devices-manageddevice-windowsdefenderscan."""
        await self._act(SCAN, device_id, {"quickScan": quick})

    async def update_signatures(self, device_id: str) -> None:
        """api/intune-devices-manageddevice-windowsdefenderupdatesignatures."""
        await self._act(SIGNATURES, device_id)

    async def reboot_device(self, device_id: str) -> None:
        """api/intune-devices-manageddevice-rebootnow."""
        await self._act(REBOOT, device_id)

    async def lock_device(self, device_id: str) -> None:
        """api/intune-devices-manageddevice-remotelock."""
        await self._act(LOCK, device_id)

    async def retire_device(self, device_id: str) -> None:
        """api/intune-devices-manageddevice-retire."""
        await self._act(RETIRE, device_id)

    async def wipe_device(self, device_id: str, *, keep_user_data: bool, keep_enrollment_data: bool) -> None:
        """api/intune-devices-manageddevice-wipe; both choices are always sent, so that no default decides."""
        await self._act(WIPE, device_id, {"keepEnrollmentData": keep_enrollment_data, "keepUserData": keep_user_data})

    async def _act(self, operation: Operation, device_id: str, body: Mapping[str, Any] | None = None) -> None:
        await self._api.call(operation, ids={"id": device_id}, body=body)
