"""What can be done to a device beside isolation and scan. The HTTP side stands in `http.py`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from bot.defender.models import Investigation, Machine, MachineAction

TagAction = Literal["Add", "Remove"]
DeviceValue = Literal["Normal", "Low", "High"]


class DeviceResponses(Protocol):
    """Actions on one device, its settings and its investigations; errors as `bot.defender.client.Defender` has them."""

    async def restrict(self, machine_id: str, *, comment: str) -> MachineAction:
        """Let only programs signed by Microsoft run on the device."""

    async def unrestrict(self, machine_id: str, *, comment: str) -> MachineAction:
        """Let the device run any program again."""

    async def collect_package(self, machine_id: str, *, comment: str) -> MachineAction:
        """Have the device put together an investigation package."""

    async def package_link(self, action_id: str) -> str:
        """The address of a collected package, good for a short time; raises `Missing` until it is collected.

        Whoever has the address has the package: it is shown to one person, and neither logged nor kept.
        """

    async def offboard(self, machine_id: str, *, comment: str) -> MachineAction:
        """Take the device out of Defender: it reports no more."""

    async def quarantine_file(self, machine_id: str, *, comment: str, sha1: str) -> MachineAction:
        """Stop what runs of a file on the device and lock the file away."""

    async def start_investigation(self, machine_id: str, *, comment: str) -> Investigation:
        """Have Defender investigate the device by itself. The answer holds neither the comment nor who asked."""

    async def investigation(self, investigation_id: str) -> Investigation:
        """The investigation of that id; raises `Missing`."""

    async def investigations_of(self, machine_id: str, *, since: datetime | None = None) -> Sequence[Investigation]:
        """The device's investigations that began since then, newest first."""

    async def change_tag(self, machine_id: str, *, tag: str, action: TagAction) -> Machine:
        """Give the device one tag, or take it away; its other tags stay."""

    async def set_value(self, machine_id: str, *, value: DeviceValue) -> Machine:
        """Say how much the device matters to the company."""
