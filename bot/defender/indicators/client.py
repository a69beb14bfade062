"""What the bot asks about indicators (custom allow and block). The HTTP side stands in `http.py`."""

from collections.abc import Sequence
from typing import Protocol

from bot.defender.indicators.models import Draft, Imported, Indicator, IndicatorType


class Indicators(Protocol):
    """One customer's indicators; errors as `bot.defender.client.Defender` has them."""

    async def indicators(self, *, filter: str = "", top: int = 20_000) -> list[Indicator]:  # noqa: A002 - OData's word
        """The active ones that match an OData filter, at most `top`; build the filter with bot.odata."""

    async def indicators_for(self, value: str, kind: IndicatorType) -> list[Indicator]:
        """The active ones for one value; a hash is found in either case."""

    async def indicators_titled(self, prefix: str) -> list[Indicator]:
        """The active ones whose title starts with the text."""

    async def submit_indicator(self, draft: Draft) -> Indicator:
        """Make it, or let it take the place of the one of the same type and value."""

    async def import_indicators(self, drafts: Sequence[Draft]) -> list[Imported]:
        """The same for up to 500 at once; each may fail by itself, which the results say."""

    async def delete_indicator(self, indicator_id: str) -> None:
        """Remove the one of that id; raises `Missing`."""

    async def delete_indicators(self, indicator_ids: Sequence[str]) -> None:
        """Remove up to 500 at once; raises `Missing` where there is no such one among them."""
