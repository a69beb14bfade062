"""What the bot asks about files, addresses and domains. The HTTP side stands in `http.py`."""

from typing import Protocol

from bot.defender.files.models import AddressStats, FileFacts, FileStats
from bot.defender.models import DefenderAlert, Machine


class Files(Protocol):
    """What one customer's Defender has seen; errors as `bot.defender.client.Defender` has them."""

    async def file(self, file_hash: str) -> FileFacts:
        """The file of that SHA-1 or SHA-256; raises `Missing`."""

    async def file_stats(self, file_hash: str) -> FileStats:
        """Where the file of that SHA-1 or SHA-256 was seen in the last 30 days; raises `Missing`."""

    async def file_machines(self, sha1: str) -> list[Machine]:
        """The devices that have the file; none for an unknown one. SHA-1 only."""

    async def file_alerts(self, sha1: str) -> list[DefenderAlert]:
        """The alerts that name the file; none for an unknown one. SHA-1 only."""

    async def ip_stats(self, address: str) -> AddressStats:
        """Where the address was seen in the last 30 days; an unknown one was seen on 0 devices."""

    async def domain_stats(self, domain: str) -> AddressStats:
        """Where the domain was seen in the last 30 days; an unknown one was seen on 0 devices."""
