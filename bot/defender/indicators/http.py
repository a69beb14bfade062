"""Indicators over HTTP (defender-api 14)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus

from bot import odata
from bot.defender.indicators.models import Draft, Imported, Indicator, IndicatorType
from bot.defender.operations import changing, reading
from bot.errors import Rejected
from bot.http import Api, Operation, read_all, read_one, values_of
from bot.limits import DEFENDER_USUAL, Limit

_LARGEST_PAGE = 10_000
IMPORT_LIMITS = (Limit(30, 60.0),)
BATCH_LIMITS = (Limit(30, 60.0), Limit(1500, 3600.0))
ALL = "Ti.ReadWrite.All"
"""With `Ti.ReadWrite` an app sees its own indicators only, and would take others' for absent."""
_HASHES = frozenset({"FileSha1", "FileSha256", "FileMd5", "CertificateThumbprint"})


def _emptied(operation: Operation) -> Operation:
    return replace(operation, empty=frozenset({HTTPStatus.NO_CONTENT.value}))


INDICATORS = reading("indicators", "/api/indicators", ALL, "api:get-ti-indicators-collection")
SUBMIT = changing("submit-indicator", "/api/indicators", ALL, "api:post-ti-indicator")
IMPORT = changing("import-indicators", "/api/indicators/import", ALL, "api:import-ti-indicators", IMPORT_LIMITS)
DELETE = _emptied(
    changing(
        "delete-indicator",
        "/api/indicators/{id}",
        ALL,
        "api:delete-ti-indicator-by-id",
        DEFENDER_USUAL,
        method="DELETE",
    )
)
BATCH_DELETE = _emptied(
    changing("delete-indicators", "/api/indicators/BatchDelete", ALL, "api:batch-delete-ti-indicators", BATCH_LIMITS)
)

CALLS: Mapping[str, tuple[Operation, ...]] = {
    "indicators": (INDICATORS,),
    "indicators_for": (INDICATORS,),
    "indicators_titled": (INDICATORS,),
    "submit_indicator": (SUBMIT,),
    "import_indicators": (IMPORT,),
    "delete_indicator": (DELETE,),
    "delete_indicators": (BATCH_DELETE,),
}


class HttpIndicators:
    """`bot.defender.indicators.client.Indicators` for one customer."""

    _api: Api

    async def indicators(self, *, filter: str = "", top: int = 20_000) -> list[Indicator]:  # noqa: A002 - OData's word
        """api:get-ti-indicators-collection."""
        params: dict[str, str | int] = {"$filter": filter} if filter else {}
        values = await self._api.items(INDICATORS, params=params, top=top, page_size=_LARGEST_PAGE)
        return read_all(INDICATORS, Indicator, values)

    async def indicators_for(self, value: str, kind: IndicatorType) -> list[Indicator]:
        """api:get-ti-indicators-collection. Whether `eq` minds the case is not said: a hash is asked for twice."""
        spellings = (value.lower(), value.upper()) if kind in _HASHES else (value,)
        found: dict[str, Indicator] = {}
        for spelling in spellings:
            both = odata.all_of(odata.equals("indicatorValue", spelling), odata.equals("indicatorType", kind))
            found |= {one.id: one for one in await self.indicators(filter=both)}
        return list(found.values())

    async def indicators_titled(self, prefix: str) -> list[Indicator]:
        """api:get-ti-indicators-collection. `startswith` is shown for other lists only: without it all are read."""
        try:
            return await self.indicators(filter=odata.starts_with("title", prefix))
        except Rejected:
            return [one for one in await self.indicators() if (one.title or "").startswith(prefix)]

    async def submit_indicator(self, draft: Draft) -> Indicator:
        """api:post-ti-indicator."""
        return read_one(SUBMIT, Indicator, await self._api.call(SUBMIT, body=draft.wire()))

    async def import_indicators(self, drafts: Sequence[Draft]) -> list[Imported]:
        """api:import-ti-indicators. Failures of single entries stand inside a 200."""
        answer = await self._api.call(IMPORT, body={"Indicators": [draft.wire() for draft in drafts]})
        return read_all(IMPORT, Imported, values_of(IMPORT, answer))

    async def delete_indicator(self, indicator_id: str) -> None:
        """api:delete-ti-indicator-by-id."""
        await self._api.call(DELETE, ids={"id": indicator_id})

    async def delete_indicators(self, indicator_ids: Sequence[str]) -> None:
        """api:batch-delete-ti-indicators."""
        await self._api.call(BATCH_DELETE, body={"IndicatorIds": list(indicator_ids)})
