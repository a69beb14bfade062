"""What Defender knows of files, addresses and domains (reference/defender-api.md section 13).

The company's files are those of its alerts' evidence; the rest of what is told of one follows from its hash, so that
it is the same each time. An unknown file is 404 (its devices and alerts: none), an unknown address was seen nowhere.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from bot.simulator import defender_forms as forms
from bot.simulator.defender_fields import ALERTS, MACHINES
from bot.simulator.defender_lists import page
from bot.simulator.incidents import Alert
from bot.simulator.indicators import check_domain, check_ip
from bot.simulator.limits import USUAL
from bot.simulator.moments import show
from bot.simulator.pipeline import Call, Operation, RefusedError
from bot.simulator.world import Customer, Device

LONGEST_LOOK_BACK = 720
_SHA1 = re.compile(r"[0-9a-f]{40}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_IMAGES = ("fileDetails", "imageFile", "parentProcessImageFile")
_MICROSOFTS = frozenset({"rundll32.exe"})


@dataclass(kw_only=True)
class Seen:
    """A file, address or domain that alerts name."""

    key: str
    sha256: str = ""
    size: int = 0
    names: list[str] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    def devices(self, customer: Customer) -> list[Device]:
        """The devices of those alerts, and for some things a few more."""
        named = {alert.machine_id for alert in self.alerts if alert.machine_id in customer.devices}
        chance = Random(self.key)
        known = sorted(customer.devices)
        more = chance.sample(known, min(len(known), chance.choice((0, 0, 0, 2, 7)))) if known else []
        return [customer.devices[name] for name in sorted(named | set(more)) if name]

    def span(self) -> tuple[datetime, datetime]:
        """When it was first and last seen."""
        return min(one.first_activity for one in self.alerts), max(one.last_activity for one in self.alerts)


def files(customer: Customer) -> dict[str, Seen]:
    """The files of the company's evidence, by SHA-1."""
    found: dict[str, Seen] = {}
    for alert, details in _details(customer):
        sha1 = details["sha1"]
        seen = found.setdefault(sha1, Seen(key=sha1, sha256=details["sha256"] or "", size=details["fileSize"]))
        seen.alerts.append(alert)
        if details["fileName"] not in seen.names:
            seen.names.append(details["fileName"])
    return found


def _details(customer: Customer) -> Iterator[tuple[Alert, Mapping[str, Any]]]:
    for alert in customer.alerts.values():
        for item in alert.evidence:
            for name in _IMAGES:
                details = item.get(name)
                if details and details.get("sha1"):
                    yield alert, details


def _named(customer: Customer, test: Callable[[Mapping[str, Any]], bool], key: str) -> Seen | None:
    alerts = [alert for alert in customer.alerts.values() if any(test(item) for item in alert.evidence)]
    return Seen(key=key, alerts=alerts) if alerts else None


def _file(call: Call) -> Seen:
    """The file of the path. Raises RefusedError."""
    name = call.path("file").lower()
    if not (_SHA1.fullmatch(name) or _SHA256.fullmatch(name)):
        raise RefusedError(400, "InvalidHashValue", "The hash is not a valid SHA-1 or SHA-256")
    known = files(call.customer)
    found = known.get(name) or next((seen for seen in known.values() if seen.sha256 == name), None)
    if found is None:
        raise RefusedError(404, "ResourceNotFound", f"File {name} was not found")
    return found


def _worldwide(seen: Seen) -> tuple[int, datetime, datetime]:
    """How many devices of the world have it, and since and until when it was seen there."""
    first, last = seen.span()
    if _MICROSOFTS & set(seen.names):
        return 180_022_000, first - timedelta(days=1900), last
    chance = Random(f"world:{seen.key}")
    return chance.choice((1, 3, 120, 41_000)), first - timedelta(days=chance.uniform(0.1, 300)), last


async def _get(call: Call) -> web.Response:
    """`api:files`."""
    seen = _file(call)
    everywhere, first, last = _worldwide(seen)
    signed = bool(_MICROSOFTS & set(seen.names))
    own = forms.coin(seen.key, "signed")
    signer = "Microsoft Windows" if signed else "Northwind Software Ltd." if own else None
    publisher = "Microsoft Corporation" if signed else signer
    facts = {
        "sha1": seen.key,
        "sha256": seen.sha256 or None,
        "globalPrevalence": everywhere,
        "globalFirstObserved": show(first),
        "globalLastObserved": show(last),
        "size": seen.size,
        "fileType": "APP" if forms.coin(seen.key, "type") else None,
        "isPeFile": any(name.endswith((".exe", ".dll")) for name in seen.names),
        "filePublisher": publisher,
        "fileProductName": "Windows" if signed else None,
        "signer": signer,
        "issuer": "Microsoft Windows Production PCA 2011" if signed else "Example Code Signing CA" if own else None,
        "signerHash": f"{Random(seen.key).getrandbits(160):040x}" if signer else None,
        "isValidCertificate": signed or (own and forms.coin(seen.key, "valid")),
        "determinationType": "Unknown",
        "determinationValue": None,
    }
    context = {"@odata.context": forms.context("Files", seen.key, single=True)}
    return web.json_response(context | facts)


def _look_back(call: Call) -> None:
    hours = call.request.query.get("lookBackHours", "1")
    if not hours.isdigit() or not 0 < int(hours) <= LONGEST_LOOK_BACK:
        raise RefusedError(400, "InvalidInput", f"lookBackHours is 1 to {LONGEST_LOOK_BACK}")


def _in_company(call: Call, seen: Seen | None, kind: str) -> dict[str, Any]:
    """What all three statistics have. `orgFirstSeen` of what was seen nowhere is null [I]."""
    _look_back(call)
    begin, end = seen.span() if seen else (None, None)
    return {
        "@odata.context": f"{forms.HOSTS[0]}/api/$metadata#microsoft.windowsDefenderATP.api.InOrg{kind}Stats",
        "organizationPrevalence": max(1, len(seen.devices(call.customer))) if seen else 0,
        "orgFirstSeen": show(begin) if begin else None,
        "orgLastSeen": show(end) if end else None,
    }


async def _stats(call: Call) -> web.Response:
    """`api:get-file-statistics`."""
    seen = _file(call)
    everywhere, first, last = _worldwide(seen)
    return web.json_response(
        _in_company(call, seen, "File")
        | {
            "sha1": seen.key,
            "globallyPrevalence": everywhere,
            "globalFirstObserved": show(first),
            "globalLastObserved": show(last),
            "topFileNames": list(seen.names),
        }
    )


def _by_sha1(call: Call) -> Seen | None:
    name = call.path("file").lower()
    if not _SHA1.fullmatch(name):
        raise RefusedError(400, "InvalidHashValue", "The hash is not a valid SHA-1")
    return files(call.customer).get(name)


async def _machines(call: Call) -> web.Response:
    """`api:get-file-related-machines`: SHA-1 only; of an unknown file none."""
    seen = _by_sha1(call)
    vary = call.core.quirks.vary
    devices = seen.devices(call.customer) if seen else []
    return page(call, devices, MACHINES, lambda device: forms.machine(device, vary=vary), "Machines")


async def _alerts(call: Call) -> web.Response:
    """`api:get-file-related-alerts`: SHA-1 only; of an unknown file none."""
    seen = _by_sha1(call)
    alerts = seen.alerts if seen else []
    return page(call, alerts, ALERTS, lambda one: forms.alert(one, call.customer, expand=False), "Alerts")


async def _ip(call: Call) -> web.Response:
    """`api:get-ip-statistics`."""
    address = call.path("address")
    check_ip(address)
    seen = _named(call.customer, lambda item: item.get("ipAddress") == address, address)
    return web.json_response(_in_company(call, seen, "IP") | {"ipAddress": address})


async def _domain(call: Call) -> web.Response:
    """`api:get-domain-statistics`."""
    name = call.path("domain").lower()
    check_domain(name)
    seen = _named(call.customer, lambda item: urlsplit(item.get("url") or "").hostname == name, name)
    return web.json_response(_in_company(call, seen, "Domain") | {"host": name})


def _operation(name: str, path: str, handler: Callable[[Call], Any], *roles: str) -> Operation:
    return Operation(
        name=f"defender.{name}", method="GET", path=path, handler=handler, roles=frozenset(roles), limits=USUAL
    )


_FILE = "/files/{file}"
FILE_OPERATIONS = (
    _operation("files.get", _FILE, _get, "File.Read.All"),
    _operation("files.stats", f"{_FILE}/stats", _stats, "File.Read.All"),
    _operation("files.machines", f"{_FILE}/machines", _machines, "Machine.Read.All", "Machine.ReadWrite.All"),
    _operation("files.alerts", f"{_FILE}/alerts", _alerts, "Alert.Read.All", "Alert.ReadWrite.All"),
    _operation("ips.stats", "/ips/{address}/stats", _ip, "Ip.Read.All"),
    _operation("domains.stats", "/domains/{domain}/stats", _domain, "URL.Read.All"),
)
