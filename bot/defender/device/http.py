"""Actions on a device, its settings and investigations over HTTP (defender-api 7, 8, 10)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot import odata
from bot.defender.device.client import DeviceValue, TagAction
from bot.defender.models import Investigation, Machine, MachineAction
from bot.defender.operations import changing, reading
from bot.http import Api, Operation, about, read_all, read_one
from bot.http_errors import unreadable
from bot.limits import Limit

PACKAGE_LIMITS = (Limit(2, 60.0), Limit(120, 3600.0))
INVESTIGATION_LIMITS = (Limit(50, 3600.0),)
_LARGEST_PAGE = 10_000
_BEGINNING = datetime.min.replace(tzinfo=UTC)

RESTRICT = changing(
    "restrict",
    "/api/machines/{id}/restrictCodeExecution",
    "Machine.RestrictExecution",
    "api:restrict-code-execution",
)
UNRESTRICT = changing(
    "unrestrict",
    "/api/machines/{id}/unrestrictCodeExecution",
    "Machine.RestrictExecution",
    "api:unrestrict-code-execution",
)
COLLECT = changing(
    "collect-package",
    "/api/machines/{id}/collectInvestigationPackage",
    "Machine.CollectForensics",
    "api:collect-investigation-package",
)
PACKAGE = reading(
    "package-link",
    "/api/machineactions/{id}/getPackageUri",
    "Machine.Read.All",
    "api:get-package-sas-uri",
    PACKAGE_LIMITS,
)
OFFBOARD = changing("offboard", "/api/machines/{id}/offboard", "Machine.Offboard", "api:offboard-machine-api")
QUARANTINE = changing(
    "quarantine-file",
    "/api/machines/{id}/StopAndQuarantineFile",
    "Machine.StopAndQuarantine",
    "api:stop-and-quarantine-file",
)
START_INVESTIGATION = changing(
    "start-investigation",
    "/api/machines/{id}/startInvestigation",
    "Alert.ReadWrite.All",
    "api:initiate-autoir-investigation",
    INVESTIGATION_LIMITS,
)
INVESTIGATION = reading("investigation", "/api/investigations/{id}", "Alert.Read.All", "api:get-investigation-object")
INVESTIGATIONS_OF = reading(
    "investigations-of-device",
    "/api/investigations",
    "Alert.Read.All",
    "api:get-investigation-collection",
    shares="investigations",
)
CHANGE_TAG = changing(
    "change-tag", "/api/machines/{id}/tags", "Machine.ReadWrite.All", "api:add-or-remove-machine-tags"
)
SET_VALUE = changing("set-value", "/api/machines/{id}/setDeviceValue", "Machine.ReadWrite.All", "api:set-device-value")

CALLS: Mapping[str, tuple[Operation, ...]] = {
    "restrict": (RESTRICT,),
    "unrestrict": (UNRESTRICT,),
    "collect_package": (COLLECT,),
    "package_link": (PACKAGE,),
    "offboard": (OFFBOARD,),
    "quarantine_file": (QUARANTINE,),
    "start_investigation": (START_INVESTIGATION,),
    "investigation": (INVESTIGATION,),
    "investigations_of": (INVESTIGATIONS_OF,),
    "change_tag": (CHANGE_TAG,),
    "set_value": (SET_VALUE,),
}


class HttpDeviceResponses:
    """`bot.defender.device.client.DeviceResponses` for one customer."""

    _api: Api

    async def restrict(self, machine_id: str, *, comment: str) -> MachineAction:
        """api:restrict-code-execution."""
        return await self._do(RESTRICT, machine_id, {"Comment": comment})

    async def unrestrict(self, machine_id: str, *, comment: str) -> MachineAction:
        """api:unrestrict-code-execution."""
        return await self._do(UNRESTRICT, machine_id, {"Comment": comment})

    async def collect_package(self, machine_id: str, *, comment: str) -> MachineAction:
        """api:collect-investigation-package."""
        return await self._do(COLLECT, machine_id, {"Comment": comment})

    async def package_link(self, action_id: str) -> str:
        """api:get-package-sas-uri. The page's sample has the address in quotation marks of its own."""
        answer = await self._api.call(PACKAGE, ids={"id": action_id})
        value = answer.get("value")
        link = value.strip().strip('"') if isinstance(value, str) else ""
        if not link:
            raise unreadable(PACKAGE.service, PACKAGE.name, "no link in value")
        return link

    async def offboard(self, machine_id: str, *, comment: str) -> MachineAction:
        """api:offboard-machine-api; 200 and 201 both mean that it was taken."""
        return await self._do(OFFBOARD, machine_id, {"Comment": comment})

    async def quarantine_file(self, machine_id: str, *, comment: str, sha1: str) -> MachineAction:
        """api:stop-and-quarantine-file."""
        return await self._do(QUARANTINE, machine_id, {"Comment": comment, "Sha1": sha1})

    async def start_investigation(self, machine_id: str, *, comment: str) -> Investigation:
        """api:initiate-autoir-investigation."""
        answer = await self._api.call(START_INVESTIGATION, ids={"id": machine_id}, body={"Comment": comment})
        found = read_one(START_INVESTIGATION, Investigation, answer)
        about(START_INVESTIGATION, machine_id, found.machine_id)
        return found

    async def investigation(self, investigation_id: str) -> Investigation:
        """api:get-investigation-object."""
        answer = await self._api.call(INVESTIGATION, ids={"id": investigation_id})
        return read_one(INVESTIGATION, Investigation, answer)

    async def investigations_of(self, machine_id: str, *, since: datetime | None = None) -> Sequence[Investigation]:
        """api:get-investigation-collection. One that has not begun may lack its start, so that is picked out here."""
        params: dict[str, str | int] = {"$filter": odata.equals("machineId", machine_id)}
        values = await self._api.items(INVESTIGATIONS_OF, params=params, page_size=_LARGEST_PAGE)
        found = read_all(INVESTIGATIONS_OF, Investigation, values)
        found = [one for one in found if (one.machine_id or machine_id).casefold() == machine_id.casefold()]
        kept = [one for one in found if since is None or one.start_time is None or one.start_time >= since]
        return sorted(kept, key=lambda one: one.start_time or _BEGINNING, reverse=True)

    async def change_tag(self, machine_id: str, *, tag: str, action: TagAction) -> Machine:
        """api:add-or-remove-machine-tags."""
        answer = await self._api.call(CHANGE_TAG, ids={"id": machine_id}, body={"Value": tag, "Action": action})
        found = read_one(CHANGE_TAG, Machine, answer)
        about(CHANGE_TAG, machine_id, found.id)
        return found

    async def set_value(self, machine_id: str, *, value: DeviceValue) -> Machine:
        """api:set-device-value."""
        answer = await self._api.call(SET_VALUE, ids={"id": machine_id}, body={"DeviceValue": value})
        found = read_one(SET_VALUE, Machine, answer)
        about(SET_VALUE, machine_id, found.id)
        return found

    async def _do(self, operation: Operation, machine_id: str, body: dict[str, Any]) -> MachineAction:
        answer = await self._api.call(operation, ids={"id": machine_id}, body=body)
        found = read_one(operation, MachineAction, answer)
        about(operation, machine_id, found.machine_id)
        return found
