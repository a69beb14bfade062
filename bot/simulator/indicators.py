"""The calls about indicators (reference/defender-api.md section 14).

[I] where the pages are silent: the answer to a full tenant (400 BadRequest), to an application that may change its own
only and meets another's (403 Forbidden), and to a time of expiry that has passed (400 InvalidInput).
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from bot.simulator import defender_forms as forms
from bot.simulator.defender_lists import page
from bot.simulator.entries import Entries, Entry
from bot.simulator.limits import USUAL, Limit
from bot.simulator.moments import read, show
from bot.simulator.odata import Field, Fields
from bot.simulator.pipeline import Call, Operation, RefusedError

MOST_AT_ONCE = 500
ALL = "Ti.ReadWrite.All"
ROLES = frozenset({ALL, "Ti.ReadWrite"})
ACTIONS = frozenset({"Allowed", "Audit", "Block", "BlockAndRemediate", "Warn"})
SEVERITIES = frozenset({"Informational", "Low", "Medium", "High"})
REQUIRED = ("indicatorValue", "indicatorType", "action", "title", "description")
TEXTS = (*REQUIRED, "application", "expirationTime", "severity", "recommendedActions", "educateUrl", "externalID")
KNOWN = frozenset((*TEXTS, "rbacGroupNames", "rbacGroupIds", "generateAlert"))
_HEX = {"FileSha1": 40, "FileSha256": 64, "FileMd5": 32, "CertificateThumbprint": 40}
_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}", re.ASCII)
FIELDS = Fields(
    {
        "application": Field(attrgetter("application")),
        "createdByDisplayName": Field(attrgetter("source")),
        "expirationTime": Field(attrgetter("expires"), "time"),
        "generateAlert": Field(attrgetter("alerts"), "flag"),
        "title": Field(attrgetter("title")),
        "indicatorValue": Field(attrgetter("value")),
        "indicatorType": Field(attrgetter("type")),
        "creationTimeDateTimeUtc": Field(attrgetter("created"), "time"),
        "createdBy": Field(attrgetter("created_by")),
        "action": Field(attrgetter("action")),
        "severity": Field(attrgetter("severity")),
    },
    {"rbacGroupNames": (attrgetter("groups"), Fields({"": Field(lambda name: name)}, {}))},
    any_case=True,
)


def form(entry: Entry) -> dict[str, Any]:
    """`api:ti-indicator`; what is only observed comes with some."""
    shown: dict[str, Any] = {
        "id": entry.id,
        "indicatorValue": entry.value,
        "indicatorType": entry.type,
        "action": entry.action,
        "application": entry.application,
        "source": entry.source,
        "sourceType": "AadApp" if entry.app else "User",
        "title": entry.title,
        "creationTimeDateTimeUtc": show(entry.created),
        "createdBy": entry.created_by,
        "expirationTime": show(entry.expires) if entry.expires else None,
        "lastUpdateTime": show(entry.updated),
        "lastUpdatedBy": entry.updated_by,
        "severity": entry.severity,
        "description": entry.description,
        "recommendedActions": entry.recommended,
        "rbacGroupNames": list(entry.groups),
    }
    if forms.coin(entry.id, "observed"):
        shown |= {"rbacGroupIds": [], "generateAlert": entry.alerts, "createdByDisplayName": entry.source}
        shown |= {"historicalDetection": False, "category": 1, "educateUrl": entry.educate_url}
    return shown


def _visible(call: Call, entry: Entry) -> bool:
    return ALL in call.caller.roles or entry.app == call.caller.app


async def _list(call: Call) -> web.Response:
    now = call.core.clock.now()
    listed = [one for one in call.customer.entries.active(now) if one.listed_from is None or one.listed_from <= now]
    return page(call, [one for one in listed if _visible(call, one)], FIELDS, form, "Indicators")


async def _object(call: Call, *names: str) -> Mapping[str, Any]:
    try:
        body = await call.json()
    except ValueError as bad:
        raise RefusedError(400, "InvalidRequestBody", "Request body is incorrect") from bad
    if not isinstance(body, dict) or (names and set(body) - set(names)):
        raise RefusedError(400, "InvalidRequestBody", "Request body is incorrect")
    return body


def _checked(item: Any) -> Mapping[str, Any]:
    """The body of one indicator, in the documented shape. Names are case-sensitive. Raises RefusedError."""
    if not isinstance(item, dict) or set(item) - KNOWN:
        raise RefusedError(400, "InvalidRequestBody", "Request body is incorrect")
    for name in REQUIRED:
        if item.get(name) in (None, ""):
            raise RefusedError(400, "MissingRequiredParameter", f"Required parameter {name} is missing")
    if any(not isinstance(item.get(name) or "", str) for name in TEXTS):
        raise RefusedError(400, "InvalidRequestBody", "Request body is incorrect")
    if item["action"] not in ACTIONS or item.get("severity", "Low") not in SEVERITIES:
        raise RefusedError(400, "InvalidInput", "The action or severity is not supported")
    if item["action"] == "Audit" and item.get("generateAlert") is not True:
        raise RefusedError(400, "InvalidInput", "GenerateAlert must be true for the action Audit")
    groups = item.get("rbacGroupNames", [])
    if not (isinstance(groups, list) and all(isinstance(name, str) for name in groups)):
        raise RefusedError(400, "InvalidRequestBody", "Request body is incorrect")
    _check_value(item["indicatorType"], item["indicatorValue"])
    return item


def _check_value(kind: str, value: str) -> None:
    if kind in _HEX:
        if len(value) != _HEX[kind] or set(value.lower()) - set("0123456789abcdef"):
            raise RefusedError(400, "InvalidHashValue", f"'{value[:80]}' is not a valid hash")
    elif kind == "IpAddress":
        check_ip(value)
    elif kind == "DomainName":
        check_domain(value)
    elif kind == "Url":
        if not urlsplit(value).hostname or urlsplit(value).scheme not in {"http", "https"}:
            raise RefusedError(400, "InvalidUrl", f"'{value[:80]}' is not a valid URL")
    else:
        raise RefusedError(400, "InvalidInput", "The indicator type is not supported")


def check_ip(value: str) -> None:
    """Raise RefusedError where it is no single IP address."""
    try:
        ip_address(value)
    except ValueError as bad:
        raise RefusedError(400, "InvalidIpAddress", f"'{value[:80]}' is not a valid IP address") from bad


def check_domain(value: str) -> None:
    """Raise RefusedError where it is no domain."""
    if not _DOMAIN.fullmatch(value.lower()):
        raise RefusedError(400, "InvalidDomainName", f"'{value[:80]}' is not a valid domain name")


def _expiry(item: Mapping[str, Any], now: datetime) -> datetime | None:
    if item.get("expirationTime") is None:
        return None
    try:
        moment, _ = read(item["expirationTime"])
    except ValueError as bad:
        raise RefusedError(400, "InvalidRequestBody", "Request body is incorrect") from bad
    if moment.astimezone(UTC) <= now:
        raise RefusedError(400, "InvalidInput", "The expiration time has passed")
    return moment


def _save(call: Call, item: Mapping[str, Any]) -> Entry:
    """Create it, or change the active one of the same type and value."""
    now, entries = call.core.clock.now(), call.customer.entries
    expires = _expiry(item, now)
    entry = entries.about(item["indicatorType"], item["indicatorValue"], now)
    if entry is None:
        entry = _created(call, entries, item, now)
    elif not _visible(call, entry):
        raise RefusedError(403, "Forbidden", "The indicator belongs to another application")
    else:
        entry.updated_by = call.app_name
    entry.action, entry.title, entry.description = item["action"], item["title"], item["description"]
    entry.expires, entry.updated = expires, now
    entry.severity = item.get("severity") or entry.severity
    entry.recommended = item.get("recommendedActions") or entry.recommended
    entry.groups = list(item.get("rbacGroupNames", entry.groups))
    entry.alerts = bool(item.get("generateAlert", False))
    entry.educate_url = item.get("educateUrl")
    entries.said.append((entry.action, entry.value, entry.title))
    return entry


def _created(call: Call, entries: Entries, item: Mapping[str, Any], now: datetime) -> Entry:
    if len(entries.active(now)) >= entries.most:
        raise RefusedError(400, "BadRequest", f"The limit of {entries.most} active indicators was reached")
    entry = Entry(
        id=entries.next_id(),
        value=item["indicatorValue"],
        type=item["indicatorType"],
        action=item["action"],
        title=item["title"],
        description=item["description"],
        created=now,
        updated=now,
        created_by=call.caller.app,
        source=call.app_name,
        app=call.caller.app,
        application=item.get("application"),
        listed_from=now + timedelta(seconds=call.fault.unlisted) if call.fault else None,
    )
    entries.held[entry.id] = entry
    return entry


async def _submit(call: Call) -> web.Response:
    return web.json_response(form(_save(call, _checked(await _object(call)))))


async def _import(call: Call) -> web.Response:
    """Each fails by itself inside a 200; too many, or no list at all, is a 400."""
    items = (await _object(call, "Indicators")).get("Indicators")
    if not isinstance(items, list) or not items:
        raise RefusedError(400, "MissingRequiredParameter", "Required parameter Indicators is missing")
    _within(len(items))
    return web.json_response({"value": [_imported(call, item) for item in items]})


def _imported(call: Call, item: Any) -> dict[str, Any]:
    value = item.get("indicatorValue") if isinstance(item, dict) else None
    try:
        entry = _save(call, _checked(item))
    except RefusedError as refused:
        return {"id": None, "indicator": value, "isFailed": True, "failureReason": refused.message}
    return {"id": entry.id, "indicator": entry.value, "isFailed": False, "failureReason": None}


def _within(count: int) -> None:
    if count > MOST_AT_ONCE:
        text = f"Maximum batch size exceeded: received {count}, allowed {MOST_AT_ONCE}"
        raise RefusedError(400, "MaximumBatchSizeExceeded", text)


def _found(call: Call, name: Any) -> Entry:
    entry = call.customer.entries.held.get(name)
    if entry is None or not entry.active(call.core.clock.now()) or not _visible(call, entry):
        raise RefusedError(404, "ResourceNotFound", f"Indicator {name} was not found")
    return entry


def _remove(call: Call, *found: Entry) -> web.Response:
    for entry in found:
        del call.customer.entries.held[entry.id]
        call.customer.entries.said.append(("delete", entry.value, entry.title))
    return web.Response(status=204)


async def _delete(call: Call) -> web.Response:
    return _remove(call, _found(call, call.path("indicator")))


async def _batch_delete(call: Call) -> web.Response:
    ids = (await _object(call, "IndicatorIds")).get("IndicatorIds")
    if not isinstance(ids, list) or not ids:
        raise RefusedError(400, "MissingRequiredParameter", "Required parameter IndicatorIds is missing")
    _within(len(ids))
    if any(not isinstance(name, str) or not name.isdigit() for name in ids):
        raise RefusedError(400, "InvalidInput", "An indicator id is not valid")
    return _remove(call, *{name: _found(call, name) for name in ids}.values())


def _operation(
    name: str, method: str, path: str, handler: Callable[[Call], Any], limits: tuple[Limit, ...] = USUAL
) -> Operation:
    return Operation(
        name=f"defender.indicators.{name}",
        method=method,
        path=f"/indicators{path}",
        handler=handler,
        roles=ROLES,
        limits=limits,
    )


INDICATOR_OPERATIONS = (
    _operation("list", "GET", "", _list),
    _operation("submit", "POST", "", _submit),
    _operation("import", "POST", "/import", _import, (Limit(30, 60),)),
    _operation("batchdelete", "POST", "/BatchDelete", _batch_delete, (Limit(30, 60), Limit(1500, 3600))),
    _operation("delete", "DELETE", "/{indicator}", _delete),
)
