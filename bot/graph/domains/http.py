"""Domains over HTTP (graph-api 6.4)."""

from collections.abc import Mapping

from bot.graph.domains.models import Domain
from bot.graph.operations import reading
from bot.http import Api, Operation, read_all

DOMAINS = reading("domains", "/domains", "Domain.Read.All", "api/domain-list")
CALLS: Mapping[str, tuple[Operation, ...]] = {"domains": (DOMAINS,)}


class HttpDomains:
    """`bot.graph.domains.client.Domains` for one customer."""

    _api: Api

    async def domains(self) -> list[Domain]:
        """api/domain-list."""
        return read_all(DOMAINS, Domain, await self._api.items(DOMAINS))
