"""How the Defender API answers with a list: cut by `$filter`, `$skip` and `$top` (defender-api.md section 4)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiohttp import web

from bot.simulator import defender_forms as forms
from bot.simulator.odata import Fields, ODataError, compile_filter
from bot.simulator.pipeline import Call, RefusedError

MAX_TOP = 10_000
OPTIONS = frozenset({"$filter", "$top", "$skip"})


def page(
    call: Call, items: Iterable[Any], fields: Fields, form: Callable[[Any], dict[str, Any]], kind: str
) -> web.Response:
    """A list, cut by `$filter`, `$skip` and `$top`. Raises RefusedError for what the pages do not document."""
    query = call.request.query
    if unknown := sorted(set(query) - OPTIONS - ({"$expand"} if kind == "Alerts" else set())):
        raise RefusedError(400, "ODataError", f"The query option '{unknown[0][:80]}' is not supported.")
    found = matching(query, items, fields)
    skip, top = _number(query, "$skip", 0), _number(query, "$top", MAX_TOP)
    if top > MAX_TOP:
        raise RefusedError(400, "ODataError", f"The limit of '{MAX_TOP}' for Top query has been exceeded.")
    quirks = call.core.quirks
    rows = found[skip : skip + min(top, quirks.page_size)]
    body: dict[str, Any] = {"@odata.context": forms.context(kind), "value": [form(row) for row in rows]}
    if quirks.next_links and quirks.page_size < top and skip + len(rows) < len(found):
        left = {"$top": str(top - len(rows))} if "$top" in query else {}
        link = call.request.url.update_query({**left, "$skip": str(skip + len(rows))})
        body["@odata.nextLink"] = str(link)
    return web.json_response(body)


def matching(query: Mapping[str, str], items: Iterable[Any], fields: Fields) -> list[Any]:
    """The items that `$filter` lets through. Raises RefusedError."""
    if "$filter" not in query:
        return list(items)
    try:
        test = compile_filter(query["$filter"], fields)
    except ODataError as bad:
        raise RefusedError(400, "ODataError", str(bad)) from bad
    return [item for item in items if test(item)]


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9:  # noqa: PLR2004 - more digits than any list has rows
        raise RefusedError(400, "ODataError", f"Invalid value for {name}.")
    return int(text)
