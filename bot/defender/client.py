"""What the rest of the bot asks of Defender. The HTTP side stands in `http.py`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from bot.defender.device.client import DeviceResponses
from bot.defender.files.client import Files
from bot.defender.indicators.client import Indicators
from bot.defender.live.client import LiveResponse
from bot.defender.models import DefenderAlert, Investigation, LogonUser, Machine, MachineAction, Score

IsolationType = Literal["Full", "Selective", "UnManagedDevice"]
ScanType = Literal["Quick", "Full"]


class Defender(DeviceResponses, Files, Indicators, LiveResponse, Protocol):
    """One customer's Defender. Each method raises `ServiceError`s of bot.errors with service `defender` or `login`.

    After a state-changing call, `Throttled`, `Rejected`, `Missing`, `MissingPermission`, `NotInPlan`, `Unauthorised`
    and `Unavailable(sent=False)` mean: certainly not carried out. `Unavailable(sent=True)`: perhaps carried out.
    """

    async def machines(self, *, filter: str = "", top: int = 10_000, skip: int = 0) -> list[Machine]:  # noqa: A002 - OData's word
        """Devices that match an OData filter, at most `top`; build the filter with bot.odata."""

    async def machine(self, machine_id: str) -> Machine:
        """The device of that id; raises `Missing`."""

    async def machines_named(self, prefix: str) -> list[Machine]:
        """Devices whose DNS name starts with the text."""

    async def machines_joined(self, entra_device_id: str) -> list[Machine]:
        """Devices of that Entra device id: several where one was installed anew, none where Defender lists none.

        Raises ValueError for what is no such id.
        """

    async def logon_users(self, machine_id: str) -> list[LogonUser]:
        """Who logged on to the device."""

    async def machine_alerts(self, machine_id: str) -> list[DefenderAlert]:
        """The device's alerts."""

    async def machine_actions(
        self,
        *,
        machine_id: str = "",
        types: Sequence[str] = (),
        statuses: Sequence[str] = (),
        since: datetime | None = None,
        top: int = 100,
    ) -> list[MachineAction]:
        """Actions, newest first, at most `top`: of one device or all, of these types and statuses, created since."""

    async def machine_action(self, action_id: str) -> MachineAction:
        """The action of that id; raises `Missing`."""

    async def isolate(self, machine_id: str, *, comment: str, isolation_type: IsolationType) -> MachineAction:
        """Cut the device off the network. Returns the action that was made, or the active one if there was one.

        With UnManagedDevice it is a device that does not report to Defender, and the others keep it away from them.
        """

    async def unisolate(self, machine_id: str, *, comment: str) -> MachineAction:
        """Release the device."""

    async def run_antivirus_scan(self, machine_id: str, *, comment: str, scan_type: ScanType) -> MachineAction:
        """Have the device scan itself."""

    async def cancel_machine_action(self, action_id: str, *, comment: str) -> MachineAction:
        """Cancel an action that is not final; what a final one answers is not documented (expect `Rejected`)."""

    async def investigations(self, *, state: str = "") -> list[Investigation]:
        """Automated investigations, of one state (`PendingApproval` ...) or all."""

    async def exposure_score(self) -> Score:
        """How exposed the devices are: 0 to 100, lower is better."""

    async def configuration_score(self) -> Score:
        """Microsoft Secure Score for Devices: higher is better; the service does not name the maximum."""
