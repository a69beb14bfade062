"""What Microsoft Graph says of devices that Intune manages (graph-api.md section 5). A leaf: no I/O.

Values of enumerations are kept as sent; the properties compare them without regard to case.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from bot.wire import Instant, NullIsEmpty, WireModel, folded

DEFENDER_ONLY = "mssense"
"""`managementAgent` of a device that Intune knows through Defender alone: no action of Intune reaches it."""


class DeviceAction(WireModel):
    """One remote action as `deviceActionResults` shows it; it has no id.

    `scan_type` comes with scans alone (windowsDefenderScanActionResult).
    """

    action_name: str | None = None
    action_state: str | None = None
    scan_type: str | None = None
    start_date_time: Instant | None = None
    last_updated_date_time: Instant | None = None

    @property
    def kind(self) -> str:
        """Folded name of the action."""
        return folded(self.action_name)

    @property
    def state(self) -> str:
        """Folded: none, pending, canceled, active, done, failed, notsupported."""
        return folded(self.action_state)

    @property
    def waits(self) -> bool:
        """Whether it has not ended."""
        return self.state in {"pending", "active"}


class ManagedDevice(WireModel):
    """A device in Intune (api/intune-devices-manageddevice-get). `azure_ad_device_id` is Defender's `aadDeviceId`."""

    id: str
    device_name: str | None = None
    managed_device_name: str | None = None
    user_principal_name: str | None = None
    user_display_name: str | None = None
    azure_ad_device_id: str | None = Field(default=None, alias="azureADDeviceId")
    serial_number: str | None = None
    operating_system: str | None = None
    os_version: str | None = None
    model: str | None = None
    compliance_state: str | None = None
    management_state: str | None = None
    management_agent: str | None = None
    managed_device_owner_type: str | None = None
    is_encrypted: bool | None = None
    last_sync_date_time: Instant | None = None
    device_action_results: Annotated[tuple[DeviceAction, ...], NullIsEmpty] = ()

    @property
    def name(self) -> str:
        """What people call it; the id where the service knows no name."""
        return self.device_name or self.managed_device_name or self.id

    @property
    def by_defender_only(self) -> bool:
        """Whether it is managed through Defender alone, so that no action of Intune applies."""
        return folded(self.management_agent) == DEFENDER_ONLY

    @property
    def is_personal(self) -> bool:
        """Whether it belongs to its user and not to the company."""
        return folded(self.managed_device_owner_type) == "personal"

    @property
    def management(self) -> str:
        """Folded: managed, retirepending, retireissued, wipepending, wipeissued, wipefailed, wipecanceled ..."""
        return folded(self.management_state)

    @property
    def last_sync(self) -> datetime | None:
        """When it last reported to Intune; the service writes the year 1 where it never did."""
        moment = self.last_sync_date_time
        return moment if moment and moment.year > 1 else None
