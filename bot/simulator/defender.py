"""The Defender API: devices, device actions, investigations, alerts of a device, scores (reference/defender-api.md).

There is no route that approves anything, because there is none in the API: such a call is 404.
"""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from bot.simulator import defender_forms as forms
from bot.simulator.core import Core
from bot.simulator.defender_actions import ACTION_OPERATIONS, PLAN_2, find_device
from bot.simulator.defender_devices import DEVICE_OPERATIONS, mount_packages
from bot.simulator.defender_fields import ACTIONS, ALERTS, INVESTIGATIONS, MACHINES
from bot.simulator.defender_lists import matching, page
from bot.simulator.file_facts import FILE_OPERATIONS
from bot.simulator.indicators import INDICATOR_OPERATIONS
from bot.simulator.limits import USUAL, Limit
from bot.simulator.live import LIVE_OPERATIONS, mount_results
from bot.simulator.moments import show
from bot.simulator.pipeline import Call, Exchange, Operation, RefusedError, Service, mount
from bot.simulator.tokens import DEFENDER
from bot.simulator.world import Score

READ_MACHINES = frozenset({"Machine.Read.All", "Machine.ReadWrite.All"})
READ_ALERTS = frozenset({"Alert.Read.All", "Alert.ReadWrite.All"})


def _error(exchange: Exchange, _status: int, code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "target": exchange.id}}


SERVICE = Service(
    name="defender",
    audience=DEFENDER,
    error=_error,
    says={
        "expired": (401, "Unauthorized", "Missing, invalid or expired token."),
        "forbidden": (403, "Forbidden", "The application does not have any of the required application permissions."),
        "plan": (403, "DisabledFeature", "The feature is disabled for this tenant."),
        "throttled": (429, "TooManyRequests", "Too many requests. Please try again later."),
        "error": (500, "InternalServerError", "An internal error occurred. Please retry."),
        "missing": (404, "NotFound", "The requested resource was not found."),
    },
)


def mount_defender(app: web.Application, core: Core) -> None:
    """Serve the API below `/api` and `/api/v1.0`."""
    mount(app, core, SERVICE, OPERATIONS, "/api/v1.0", "/api")
    mount_packages(app, core)
    mount_results(app, core)


async def _machines(call: Call) -> web.Response:
    devices = sorted(call.customer.devices.values(), key=lambda device: device.last_seen, reverse=True)
    if not devices and call.core.quirks.empty_machines_404:
        raise RefusedError(404, "ResourceNotFound", "No recent machines were found")
    vary = call.core.quirks.vary
    return page(call, devices, MACHINES, lambda device: forms.machine(device, vary=vary), "Machines")


async def _machine(call: Call) -> web.Response:
    device = find_device(call)
    form = forms.machine(device, vary=call.core.quirks.vary)
    return _entity(form, "Machines", device.id)


async def _logon_users(call: Call) -> web.Response:
    users = [forms.logon_user(user) for user in find_device(call).users]
    return web.json_response({"@odata.context": forms.context("Users"), "value": users})


async def _machine_alerts(call: Call) -> web.Response:
    device = find_device(call)
    alerts = [one for one in call.customer.alerts.values() if one.machine_id == device.id]
    alerts.sort(key=lambda one: one.created, reverse=True)
    expand = call.request.query.get("$expand") == "evidence"
    return page(call, alerts, ALERTS, lambda one: forms.alert(one, call.customer, expand=expand), "Alerts")


async def _machine_alert_count(call: Call) -> web.Response:
    device = find_device(call)
    alerts = [one for one in call.customer.alerts.values() if one.machine_id == device.id]
    return web.json_response(len(matching(call.request.query, alerts, ALERTS)))


async def _actions(call: Call) -> web.Response:
    now = call.core.clock.now()
    actions = [action for action in call.customer.actions.values() if action.listed_from <= now]
    actions.sort(key=lambda action: action.created, reverse=True)
    vary = call.core.quirks.vary
    return page(
        call, actions, ACTIONS, lambda action: forms.machine_action(action, in_list=True, vary=vary), "MachineActions"
    )


async def _investigations(call: Call) -> web.Response:
    now = call.core.clock.now()
    listed = [one for one in call.customer.investigations.values() if one.listed_from is None or one.listed_from <= now]
    found = sorted(listed, key=lambda one: int(one.id), reverse=True)
    return page(call, found, INVESTIGATIONS, forms.investigation, "Investigations")


async def _investigation(call: Call) -> web.Response:
    name = call.path("investigation")
    found = call.customer.investigations.get(name)
    found = found or next((one for one in call.customer.investigations.values() if one.alert_id == name), None)
    if found is None:
        raise RefusedError(404, "ResourceNotFound", f"Investigation {name} was not found")
    return _entity(forms.investigation(found), "Investigations", found.id)


async def _exposure(call: Call) -> web.Response:
    return _score(call.customer.exposure, "ExposureScore")


async def _configuration(call: Call) -> web.Response:
    return _score(call.customer.configuration, "ConfigurationScore")


async def _hunt(_call: Call) -> web.Response:
    """`api:run-advanced-query-api`, of Plan 2 only and being retired: finds nothing here."""
    return web.json_response({"Schema": [], "Results": []})


def _score(score: Score | None, kind: str) -> web.Response:
    if score is None:
        raise RefusedError(404, "ResourceNotFound", f"{kind} was not found")
    form = {"@odata.context": forms.context(kind, single=True), "time": show(score.time), "score": score.score}
    return web.json_response(form)


def _entity(form: dict[str, Any], kind: str, key: str) -> web.Response:
    """One entity; some samples carry `@odata.context` and some do not."""
    if forms.coin(key, "context"):
        form = {"@odata.context": forms.context(kind, key, single=True), **form}
    return web.json_response(form)


def _get(name: str, path: str, handler: Callable[[Call], Any], roles: frozenset[str]) -> Operation:
    return Operation(name=f"defender.{name}", method="GET", path=path, handler=handler, roles=roles, limits=USUAL)


OPERATIONS = (
    *DEVICE_OPERATIONS,
    *LIVE_OPERATIONS,
    _get("machines.list", "/machines", _machines, READ_MACHINES),
    _get("machines.get", "/machines/{machine}", _machine, READ_MACHINES),
    _get("machines.logonusers", "/machines/{machine}/logonusers", _logon_users, frozenset({"User.Read.All"})),
    _get("machines.alerts", "/machines/{machine}/alerts", _machine_alerts, READ_ALERTS),
    _get("machines.alerts.count", "/machines/{machine}/alerts/$count", _machine_alert_count, READ_ALERTS),
    _get("machineactions.list", "/machineactions", _actions, READ_MACHINES),
    _get("investigations.list", "/investigations", _investigations, READ_ALERTS),
    _get("investigations.get", "/investigations/{investigation}", _investigation, READ_ALERTS),
    _get("exposurescore", "/exposureScore", _exposure, frozenset({"Score.Read.All"})),
    _get("configurationscore", "/configurationScore", _configuration, frozenset({"Score.Read.All"})),
    Operation(
        name="defender.advancedqueries.run",
        method="POST",
        path="/advancedqueries/run",
        handler=_hunt,
        roles=frozenset({"AdvancedQuery.Read.All"}),
        limits=(Limit(45, 60), Limit(1500, 3600)),
        plans=PLAN_2,
    ),
    *ACTION_OPERATIONS,
    *INDICATOR_OPERATIONS,
    *FILE_OPERATIONS,
)
