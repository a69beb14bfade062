"""A company's own domains (reference/graph-api.md section 6.4)."""

from typing import Any

from aiohttp import web

from bot.simulator.core import Core
from bot.simulator.graph import DIRECTORY
from bot.simulator.limits import Limit
from bot.simulator.pipeline import Call, Operation, mount


def _form(name: str, *, default: bool, initial: bool) -> dict[str, Any]:
    return {
        "id": name,
        "authenticationType": "Managed",
        "isAdminManaged": True,
        "isDefault": default,
        "isInitial": initial,
        "isRoot": True,
        "isVerified": True,
        "supportedServices": ["Email", "OfficeCommunicationsOnline"],
        "state": None,
        "passwordValidityPeriodInDays": 90,
    }


async def _list(call: Call) -> web.Response:
    own = call.customer.domain
    rows = [
        _form(own, default=True, initial=False),
        _form(f"{own.partition('.')[0]}.onmicrosoft.com", default=False, initial=True),
    ]
    context = "https://graph.microsoft.com/v1.0/$metadata#domains"
    return web.json_response({"@odata.context": context, "value": rows})


def mount_domains(app: web.Application, core: Core) -> None:
    """Serve the list; it comes before Graph's own routes."""
    mount(app, core, DIRECTORY, DOMAIN_OPERATIONS, "/v1.0/domains")


DOMAIN_OPERATIONS = (
    Operation(
        name="graph.domains.list",
        method="GET",
        path="",
        handler=_list,
        roles=frozenset({"Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All"}),
        limits=(Limit(5000, 10),),
    ),
)
