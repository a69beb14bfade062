"""Graph's query options and paging: filter, order, top, skip, count, select, and the opaque next link."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import MultiDict

from bot.simulator.graph_forms import mask
from bot.simulator.odata import Fields, ODataError, compile_filter
from bot.simulator.pipeline import Call, RefusedError

PREFER = "include-unknown-enum-members"
MAX_PAGES = 1000
OPTIONS = frozenset({"$filter", "$orderby", "$top", "$skip", "$count", "$select", "$skiptoken"})


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A list: its items in their usual order, what may be filtered, how one is printed, and its limits.

    `top` is the largest page; above it `$top` is 400, or clamped where `clamp`. Above `skip`, `$skip` is 400.
    """

    kind: str
    items: Iterable[Any]
    fields: Fields
    form: Callable[[Any], dict[str, Any]]
    page: int
    top: int
    clamp: bool = False
    skip: int | None = None
    expands: frozenset[str] = frozenset()
    check: Callable[[Mapping[str, str], list[Any]], None] = lambda _query, _rows: None


def answer(call: Call, listing: Listing) -> web.Response:
    """A page of a list. Raises RefusedError."""
    query = dict(call.request.query)
    start = 0
    if "$skiptoken" in query:
        query, start = _resume(call, query["$skiptoken"])
    if unknown := sorted(name for name in query if name.startswith("$") and name not in OPTIONS | {"$expand"}):
        raise RefusedError(400, "BadRequest", f"The query parameter '{unknown[0][:80]}' is not supported.")
    expand = set(filter(None, query.get("$expand", "").split(",")))
    if expand - listing.expands:
        raise RefusedError(400, "BadRequest", f"Could not find a property named '{min(expand)[:80]}' to expand.")
    found = _ordered(query, _matching(query, listing), listing.fields)
    if "$skiptoken" not in call.request.query:
        start = _number(query, "$skip", 0)
    size = _size(query, listing, start)
    if start and call.core.quirks.repeat_rows and "$skiptoken" in call.request.query:
        start -= 1
    rows = found[start : start + size]
    listing.check(query, rows)
    body: dict[str, Any] = {"@odata.context": f"https://graph.microsoft.com/v1.0/$metadata#{listing.kind}"}
    if query.get("$count") == "true" and "$skiptoken" not in call.request.query:
        body["@odata.count"] = len(found)
    if start + len(rows) < len(found):
        body["@odata.nextLink"] = _next_link(call, query, start + len(rows))
    body["value"] = [shown(call, listing.form(row), query.get("$select", "")) for row in rows]
    return web.json_response(body)


def shown(call: Call, form: dict[str, Any], select: str = "") -> dict[str, Any]:
    """A form as this caller gets it: gated enum members masked, only the selected properties."""
    if select:
        wanted = {"id", *(name.strip() for name in select.split(","))}
        form = {name: value for name, value in form.items() if name in wanted}
    prefers = PREFER in ",".join(call.request.headers.getall("Prefer", [])).casefold()
    return form if prefers else dict(mask(form))


def _matching(query: Mapping[str, str], listing: Listing) -> list[Any]:
    if "$filter" not in query:
        return list(listing.items)
    try:
        test = compile_filter(query["$filter"], listing.fields)
    except ODataError as bad:
        raise RefusedError(400, "BadRequest", str(bad)) from bad
    return [item for item in listing.items if test(item)]


def _ordered(query: Mapping[str, str], items: list[Any], fields: Fields) -> list[Any]:
    for part in reversed([one for one in query.get("$orderby", "").split(",") if one.strip()]):
        name, *direction = part.split()
        if name not in fields.known or direction not in ([], ["asc"], ["desc"]):
            raise RefusedError(400, "BadRequest", f"Invalid $orderby: '{part.strip()[:80]}'.")
        read = fields.known[name].read
        items = sorted(items, key=lambda item: ((key := read(item)) is not None, key), reverse=direction == ["desc"])
    return items


def _size(query: Mapping[str, str], listing: Listing, start: int) -> int:
    size = _number(query, "$top", listing.page)
    if size > listing.top and not listing.clamp:
        raise RefusedError(400, "BadRequest", f"The limit of '{listing.top}' for Top query has been exceeded.")
    if listing.skip is not None and start > listing.skip and "$skip" in query:
        raise RefusedError(400, "BadRequest", f"The limit of '{listing.skip}' for Skip query has been exceeded.")
    if size == 0:
        raise RefusedError(400, "BadRequest", "Invalid value for $top.")
    return min(size, listing.top)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9:  # noqa: PLR2004 - more digits than any list has rows
        raise RefusedError(400, "BadRequest", f"Invalid value for {name}.")
    return int(text)


def _next_link(call: Call, query: Mapping[str, str], start: int) -> str:
    token = secrets.token_urlsafe(24)
    while len(call.core.pages) >= MAX_PAGES:
        call.core.pages.pop(next(iter(call.core.pages)))
    call.core.pages[token] = {
        "tenant": call.caller.tenant,
        "path": call.request.path,
        "query": dict(query),
        "start": start,
    }
    kept = MultiDict((name, value) for name, value in query.items() if name in {"$top", "$expand", "$filter"})
    return str(call.request.url.with_query({**kept, "$skiptoken": token}))


def _resume(call: Call, token: str) -> tuple[dict[str, str], int]:
    """What the link continues; a link that is forgotten, of another tenant or rebuilt for another list is 410."""
    page = call.core.pages.get(token)
    if page is None or page["tenant"] != call.caller.tenant or page["path"] != call.request.path:
        raise RefusedError(410, "BadRequest", "The page token is no longer valid.")
    query = {name: value for name, value in page["query"].items() if name != "$skip"}
    return query, page["start"]
