"""Live response and its library. The HTTP side stands in `http.py`."""

from collections.abc import Sequence
from typing import Protocol

from bot.defender.live.models import LibraryFile, LiveCommand, Upload
from bot.defender.models import MachineAction


class LiveResponse(Protocol):
    """Sessions on a device, and the tenant's library; errors as `bot.defender.client.Defender` has them."""

    async def run_live_response(
        self, machine_id: str, *, commands: Sequence[LiveCommand], comment: str
    ) -> MachineAction:
        """Open a session on the device; a device that is away is waited for up to three days.

        Raises `Throttled` where 25 sessions are open, `Rejected` with ActiveRequestAlreadyExists where one is open on
        the device.
        """

    async def live_result(self, action_id: str, index: int, *, most: int) -> bytes:
        """What the command at that place left, at most `most` bytes; the link to it never leaves the client.

        Raises `Missing` where there is nothing (yet), `Rejected` with the code `too-large` for more.
        """

    async def library_files(self) -> list[LibraryFile]:
        """The files of the library."""

    async def upload_library_file(self, upload: Upload) -> LibraryFile:
        """Put a file into the library, at most 20 MB; an existing one is replaced only with `override`."""

    async def delete_library_file(self, name: str) -> None:
        """Take a file out of the library; raises `Missing`."""
