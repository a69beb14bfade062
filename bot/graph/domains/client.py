"""What the bot asks about a company's domains. The HTTP side stands in `http.py`."""

from typing import Protocol

from bot.graph.domains.models import Domain


class Domains(Protocol):
    """One customer's domains; errors as `bot.graph.client.Graph` has them."""

    async def domains(self) -> list[Domain]:
        """All domains of the tenant, those among them that nobody has verified yet."""
