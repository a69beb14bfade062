"""What the rest of the bot asks of Intune. The HTTP side stands in `http.py`."""

from collections.abc import Sequence
from typing import Protocol

from bot.graph.intune.models import ManagedDevice


class Intune(Protocol):
    """One customer's Intune. Each method raises `ServiceError`s of bot.errors with service `graph` or `login`.

    What starts something is answered with nothing: no id, no state. `managed_device` tells later what became of it.
    """

    async def managed_devices(
        self, *, entra_device_id: str = "", user_principal_name: str = "", top: int = 5000
    ) -> Sequence[ManagedDevice]:
        """Devices in Intune: all, that of an Entra device id, or those of a user."""

    async def managed_device(self, device_id: str) -> ManagedDevice:
        """One device with its action results; raises `Missing`."""

    async def sync_device(self, device_id: str) -> None:
        """Let the device report and fetch its policies."""

    async def intune_scan(self, device_id: str, *, quick: bool) -> None:
        """Let Defender Antivirus scan the device (Windows)."""

    async def update_signatures(self, device_id: str) -> None:
        """Let Defender Antivirus fetch its newest signatures (Windows)."""

    async def reboot_device(self, device_id: str) -> None:
        """Restart the device."""

    async def lock_device(self, device_id: str) -> None:
        """Lock the device's screen."""

    async def retire_device(self, device_id: str) -> None:
        """Take the company's apps, settings and mail off the device and the device out of Intune."""

    async def wipe_device(self, device_id: str, *, keep_user_data: bool, keep_enrollment_data: bool) -> None:
        """Reset the device to how it left the factory."""
