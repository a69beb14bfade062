"""Settings of devices, devices by tag or address, investigations and packages (defender-api.md 7, 8 and 10)."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from aiohttp import web

from bot.simulator import defender_forms as forms
from bot.simulator import investigations, moments
from bot.simulator.core import Core
from bot.simulator.defender_actions import body_of, find_action, find_device, required
from bot.simulator.limits import USUAL, Limit
from bot.simulator.packages import PACKAGE_NAME, packed
from bot.simulator.pipeline import Call, Operation, RefusedError
from bot.simulator.world import Device, LedgerEntry

WRITE_MACHINES = frozenset({"Machine.ReadWrite.All"})
READ_MACHINES = frozenset({"Machine.Read.All", "Machine.ReadWrite.All"})
VALUES = frozenset({"Normal", "Low", "High"})
TAG_ACTIONS = frozenset({"Add", "Remove"})
MOST_MACHINES = 500
BY_IP_WINDOW = timedelta(minutes=15)
BY_IP_DAYS = timedelta(days=30)
PACKAGE_LIMITS = (Limit(2, 60), Limit(120, 3600))


def mount_packages(app: web.Application, core: Core) -> None:
    """Serve the packages themselves, to whoever has the address."""

    async def download(request: web.Request) -> web.Response:
        action, until = core.packages.links.get(request.query.get("token", ""), ("", core.clock.now()))
        if core.clock.now() >= until:
            return web.Response(status=403, text="The link has expired.")
        core.packages.opened.append(action)
        return web.Response(body=packed(action), content_type="application/zip")

    app.router.add_get(f"/safedownload/{PACKAGE_NAME}", download)


async def _package_link(call: Call) -> web.Response:
    """`api:get-package-sas-uri`: 404 until the collection succeeded; the link stands in quotation marks of its own."""
    action = find_action(call)
    if action.type != "CollectInvestigationPackage" or action.status != "Succeeded":
        raise RefusedError(404, "ResourceNotFound", f"No package of {action.id} was found")
    link = call.core.packages.link(str(call.request.url.origin()), action.id, call.core.clock.now())
    return web.json_response({"@odata.context": forms.context("Edm.String"), "value": f'"{link}"'})


async def _investigate(call: Call) -> web.Response:
    """`api:initiate-autoir-investigation`: answers with an investigation, which holds neither comment nor asker."""
    device = find_device(call)
    body = await body_of(call)
    if device.os not in investigations.SYSTEMS or device.onboarding != "onboarded":
        raise RefusedError(400, "OsPlatformNotSupported", f"The action is not supported on {device.os}")
    customer, now = call.customer, call.core.clock.now()
    fate = call.core.dispatcher.fates.get((device.id, "StartInvestigation"), "")
    one = investigations.start(customer, device, now, fate)
    one.listed_from = now + timedelta(seconds=call.fault.unlisted if call.fault else 0)
    call.core.world.ledger.entries.append(
        LedgerEntry(
            tenant=customer.id,
            machine_id=device.id,
            type="StartInvestigation",
            comment=required(body, "Comment"),
            requestor=call.app_name,
            at=now,
            action_id=one.id,
        )
    )
    return web.json_response(forms.investigation(one), status=201)


async def _tag(call: Call) -> web.Response:
    """`api:add-or-remove-machine-tags`."""
    device = find_device(call)
    body = await body_of(call, "Value", "Action", comment=False)
    _tag_one(device, *_tag_words(body))
    return _machine(call, device)


async def _tag_many(call: Call) -> web.Response:
    """`api:add-or-remove-multiple-machine-tags`: at most 500 devices, all of which must exist."""
    body = await body_of(call, "Value", "Action", "MachineIds", comment=False)
    tag, action = _tag_words(body)
    ids = body.get("MachineIds")
    if ids is None:
        raise RefusedError(400, "MissingRequiredParameter", "Required parameter MachineIds is missing")
    if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
        raise RefusedError(400, "InvalidRequestBody", "Request body is incorrect")
    if len(ids) > MOST_MACHINES:
        raise RefusedError(
            400, "MaximumBatchSizeExceeded", f"Received {len(ids)} machines, {MOST_MACHINES} are allowed"
        )
    devices = [call.customer.devices.get(one) for one in ids]
    if None in devices:
        raise RefusedError(404, "ResourceNotFound", "Machine was not found")
    found = [device for device in devices if device]
    for device in found:
        _tag_one(device, tag, action)
    return _machines(call, found)


def _tag_words(body: Mapping[str, Any]) -> tuple[str, str]:
    tag, action = required(body, "Value"), required(body, "Action")
    if action not in TAG_ACTIONS:
        raise RefusedError(400, "InvalidInput", f"Action is not one of {', '.join(sorted(TAG_ACTIONS))}")
    return tag, action


def _tag_one(device: Device, tag: str, action: str) -> None:
    if action == "Remove":
        device.tags = [one for one in device.tags if one != tag]
    elif tag not in device.tags:
        device.tags.append(tag)


async def _set_value(call: Call) -> web.Response:
    """`api:set-device-value`."""
    device = find_device(call)
    body = await body_of(call, "DeviceValue", comment=False)
    device.value = _value(required(body, "DeviceValue"))
    return _machine(call, device)


def _value(value: str) -> str:
    if value not in VALUES:
        raise RefusedError(400, "InvalidInput", f"DeviceValue is not one of {', '.join(sorted(VALUES))}")
    return value


async def _update(call: Call) -> web.Response:
    """`api:update-machine-method`: the tags that are sent take the place of all that were there."""
    device = find_device(call)
    body = await body_of(call, "machineTags", "deviceValue", comment=False)
    tags, value = body.get("machineTags"), body.get("deviceValue")
    if unknown := set(body) - {"machineTags", "deviceValue"}:
        raise RefusedError(400, "InvalidRequestBody", f"Unknown property {min(unknown)[:80]}")
    if tags is not None and not (isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)):
        raise RefusedError(400, "InvalidRequestBody", "Request body is incorrect")
    if value is not None:
        device.value = _value(str(value))
    if tags is not None:
        device.tags = list(dict.fromkeys(tags))
    return _machine(call, device)


async def _by_tag(call: Call) -> web.Response:
    """`api:find-machines-by-tag`."""
    query = call.request.query
    tag, prefix = query.get("tag", ""), query.get("useStartsWithFilter", "false").casefold()
    if not tag:
        raise RefusedError(400, "MissingRequiredParameter", "Required parameter tag is missing")
    if prefix not in {"true", "false"}:
        raise RefusedError(400, "InvalidInput", "useStartsWithFilter is true or false")
    fits: Callable[[str], bool] = (lambda one: one.startswith(tag)) if prefix == "true" else (lambda one: one == tag)
    return _machines(call, [one for one in call.customer.devices.values() if any(map(fits, one.tags))])


_BY_IP = re.compile(r"ip='(?P<ip>[^']*)',timestamp=(?P<at>[^)]+)")


async def _by_ip(call: Call) -> web.Response:
    """`api:find-machines-by-ip`: the devices that were seen with the address within 15 minutes of the moment."""
    asked = _BY_IP.fullmatch(call.path("asked"))
    now = call.core.clock.now()
    try:
        at, _ = moments.read(asked["at"] if asked else "")
    except ValueError as bad:
        raise RefusedError(400, "InvalidInput", "The timestamp cannot be read") from bad
    if asked is None or not now - BY_IP_DAYS <= at <= now:
        raise RefusedError(400, "InvalidInput", "The timestamp is not within the last 30 days")
    seen = [
        one
        for one in call.customer.devices.values()
        if one.ip == asked["ip"] and abs(one.last_seen - at) <= BY_IP_WINDOW
    ]
    return _machines(call, seen)


def _machine(call: Call, device: Device) -> web.Response:
    form = forms.machine(device, vary=call.core.quirks.vary)
    return web.json_response({"@odata.context": forms.context("Machines", device.id, single=True), **form})


def _machines(call: Call, devices: list[Device]) -> web.Response:
    rows = [forms.machine(device, vary=call.core.quirks.vary) for device in devices]
    return web.json_response({"@odata.context": forms.context("Machines"), "value": rows})


def _operation(
    name: str,
    method: str,
    path: str,
    handler: Callable[[Call], Any],
    roles: frozenset[str],
    limits: tuple[Limit, ...] = USUAL,
) -> Operation:
    return Operation(name=f"defender.{name}", method=method, path=path, handler=handler, roles=roles, limits=limits)


DEVICE_OPERATIONS = (
    _operation("machines.findbytag", "GET", "/machines/findbytag", _by_tag, READ_MACHINES),
    _operation("machines.findbyip", "GET", "/machines/findbyip({asked})", _by_ip, READ_MACHINES),
    _operation("machines.tags.many", "POST", "/machines/AddOrRemoveTagForMultipleMachines", _tag_many, WRITE_MACHINES),
    _operation("machines.tags", "POST", "/machines/{machine}/tags", _tag, WRITE_MACHINES),
    _operation("machines.setDeviceValue", "POST", "/machines/{machine}/setDeviceValue", _set_value, WRITE_MACHINES),
    _operation("machines.update", "PATCH", "/machines/{machine}", _update, WRITE_MACHINES),
    _operation(
        "machines.startInvestigation",
        "POST",
        "/machines/{machine}/startInvestigation",
        _investigate,
        frozenset({"Alert.ReadWrite.All"}),
        (Limit(50, 3600),),
    ),
    _operation(
        "machineactions.getPackageUri",
        "GET",
        "/machineactions/{action}/getPackageUri",
        _package_link,
        READ_MACHINES,
        PACKAGE_LIMITS,
    ),
)
