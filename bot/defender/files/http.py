"""Files, addresses and domains over HTTP (defender-api 13)."""

from collections.abc import Mapping

from bot.defender.files.models import AddressStats, FileFacts, FileStats
from bot.defender.models import DefenderAlert, Machine
from bot.defender.operations import reading
from bot.http import Api, Operation, read_all, read_one

FILE = reading("file", "/api/files/{id}", "File.Read.All", "api:get-file-information")
FILE_STATS = reading("file-stats", "/api/files/{id}/stats", "File.Read.All", "api:get-file-statistics")
# The two pages name the permissions of what they list, not that of files.
FILE_MACHINES = reading(
    "file-machines", "/api/files/{id}/machines", "Machine.Read.All", "api:get-file-related-machines"
)
FILE_ALERTS = reading("file-alerts", "/api/files/{id}/alerts", "Alert.Read.All", "api:get-file-related-alerts")
IP_STATS = reading("ip-stats", "/api/ips/{id}/stats", "Ip.Read.All", "api:get-ip-statistics")
DOMAIN_STATS = reading("domain-stats", "/api/domains/{id}/stats", "URL.Read.All", "api:get-domain-statistics")

CALLS: Mapping[str, tuple[Operation, ...]] = {
    "file": (FILE,),
    "file_stats": (FILE_STATS,),
    "file_machines": (FILE_MACHINES,),
    "file_alerts": (FILE_ALERTS,),
    "ip_stats": (IP_STATS,),
    "domain_stats": (DOMAIN_STATS,),
}


class HttpFiles:
    """`bot.defender.files.client.Files` for one customer."""

    _api: Api

    async def file(self, file_hash: str) -> FileFacts:
        """api:get-file-information."""
        return read_one(FILE, FileFacts, await self._api.call(FILE, ids={"id": file_hash}))

    async def file_stats(self, file_hash: str) -> FileStats:
        """api:get-file-statistics."""
        return read_one(FILE_STATS, FileStats, await self._api.call(FILE_STATS, ids={"id": file_hash}))

    async def file_machines(self, sha1: str) -> list[Machine]:
        """api:get-file-related-machines."""
        return read_all(FILE_MACHINES, Machine, await self._api.items(FILE_MACHINES, ids={"id": sha1}))

    async def file_alerts(self, sha1: str) -> list[DefenderAlert]:
        """api:get-file-related-alerts."""
        return read_all(FILE_ALERTS, DefenderAlert, await self._api.items(FILE_ALERTS, ids={"id": sha1}))

    async def ip_stats(self, address: str) -> AddressStats:
        """api:get-ip-statistics."""
        return read_one(IP_STATS, AddressStats, await self._api.call(IP_STATS, ids={"id": address}))

    async def domain_stats(self, domain: str) -> AddressStats:
        """api:get-domain-statistics."""
        return read_one(DOMAIN_STATS, AddressStats, await self._api.call(DOMAIN_STATS, ids={"id": domain}))
