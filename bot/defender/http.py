"""Defender over HTTP. Each operation names the documented page it follows (`api:` pages of the Defender docs)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from uuid import UUID

from bot import odata
from bot.defender.client import IsolationType, ScanType
from bot.defender.device import http as device
from bot.defender.files import http as files
from bot.defender.indicators import http as indicators
from bot.defender.live import http as live
from bot.defender.models import DefenderAlert, Investigation, LogonUser, Machine, MachineAction, Score
from bot.defender.operations import changing, reading
from bot.errors import Rejected
from bot.http import Api, Operation, about, read_all, read_one
from bot.wire import folded

PUBLIC_URL = "https://api.security.microsoft.com"
_LARGEST_PAGE = 10_000
_SEARCH_PAGE = 1_000
"""How many actions are fetched at a time where several types or statuses are picked out on our side."""
_BEGINNING = datetime.min.replace(tzinfo=UTC)


MACHINES = reading("machines", "/api/machines", "Machine.Read.All", "api:get-machines")
MACHINE = reading("machine", "/api/machines/{id}", "Machine.Read.All", "api:get-machine-by-id")
LOGON_USERS = reading("logon-users", "/api/machines/{id}/logonusers", "User.Read.All", "api:get-machine-log-on-users")
MACHINE_ALERTS = reading(
    "machine-alerts", "/api/machines/{id}/alerts", "Alert.Read.All", "api:get-machine-related-alerts"
)
ACTIONS = reading("machine-actions", "/api/machineactions", "Machine.Read.All", "api:get-machineactions-collection")
ACTION = reading("machine-action", "/api/machineactions/{id}", "Machine.Read.All", "api:get-machineaction-object")
INVESTIGATIONS = reading("investigations", "/api/investigations", "Alert.Read.All", "api:get-investigation-collection")
EXPOSURE = reading("exposure-score", "/api/exposureScore", "Score.Read.All", "api:get-exposure-score")
CONFIGURATION = reading(
    "configuration-score", "/api/configurationScore", "Score.Read.All", "api:get-device-secure-score"
)
ISOLATE = changing("isolate", "/api/machines/{id}/isolate", "Machine.Isolate", "api:isolate-machine")
UNISOLATE = changing("unisolate", "/api/machines/{id}/unisolate", "Machine.Isolate", "api:unisolate-machine")
SCAN = changing("scan", "/api/machines/{id}/runAntiVirusScan", "Machine.Scan", "api:run-av-scan")
# Any one of the permissions that start an action allows to cancel one; the bot has this one in any case.
CANCEL = changing("cancel", "/api/machineactions/{id}/cancel", "Machine.Isolate", "api:cancel-machine-action")

CALLS: Mapping[str, tuple[Operation, ...]] = {
    "machines": (MACHINES,),
    "machine": (MACHINE,),
    "machines_named": (MACHINES,),
    "machines_joined": (MACHINES,),
    "logon_users": (LOGON_USERS,),
    "machine_alerts": (MACHINE_ALERTS,),
    "machine_actions": (ACTIONS,),
    "machine_action": (ACTION,),
    "investigations": (INVESTIGATIONS,),
    "exposure_score": (EXPOSURE,),
    "configuration_score": (CONFIGURATION,),
    "isolate": (ISOLATE,),
    "unisolate": (UNISOLATE,),
    "run_antivirus_scan": (SCAN,),
    "cancel_machine_action": (CANCEL,),
}
"""The operations of each method of the client; a test proves it. Permissions of commands follow from it."""
GROUPS = (CALLS, device.CALLS, files.CALLS, indicators.CALLS, live.CALLS)
OPERATIONS = tuple(dict.fromkeys(chain.from_iterable(chain.from_iterable(group.values()) for group in GROUPS)))


class HttpDefender(device.HttpDeviceResponses, files.HttpFiles, indicators.HttpIndicators, live.HttpLiveResponse):
    """`bot.defender.client.Defender` for one customer."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def machines(self, *, filter: str = "", top: int = 10_000, skip: int = 0) -> list[Machine]:  # noqa: A002 - OData's word
        """api:get-machines. Answers 404 where there are no recent devices."""
        values = await self._api.items(
            MACHINES, params=_filter(filter), top=top, skip=skip, page_size=_LARGEST_PAGE, missing_is_end=True
        )
        return read_all(MACHINES, Machine, values)

    async def machine(self, machine_id: str) -> Machine:
        """api:get-machine-by-id."""
        found = read_one(MACHINE, Machine, await self._api.call(MACHINE, ids={"id": machine_id}))
        about(MACHINE, machine_id, found.id)
        return found

    async def machines_named(self, prefix: str) -> list[Machine]:
        """api:get-machines with the filter of api:exposed-apis-odata-samples."""
        return await self.machines(filter=odata.starts_with("computerDnsName", prefix))

    async def machines_joined(self, entra_device_id: str) -> list[Machine]:
        """api:get-machines filtered by `aadDeviceId`. Its page does not say whether such an id stands in quotes."""
        wanted = str(UUID(entra_device_id))
        try:
            found = await self.machines(filter=odata.equals("aadDeviceId", wanted))
        except Rejected:
            found = await self.machines(filter=f"aadDeviceId eq {wanted}")
        # where the service leaves the id out, it is the filter that is believed
        return [one for one in found if folded(one.aad_device_id) in {"", wanted}]

    async def logon_users(self, machine_id: str) -> list[LogonUser]:
        """api:get-machine-log-on-users."""
        return read_all(LOGON_USERS, LogonUser, await self._api.items(LOGON_USERS, ids={"id": machine_id}))

    async def machine_alerts(self, machine_id: str) -> list[DefenderAlert]:
        """api:get-machine-related-alerts."""
        values = await self._api.items(MACHINE_ALERTS, ids={"id": machine_id})
        return read_all(MACHINE_ALERTS, DefenderAlert, values)

    async def machine_actions(
        self,
        *,
        machine_id: str = "",
        types: Sequence[str] = (),
        statuses: Sequence[str] = (),
        since: datetime | None = None,
        top: int = 100,
    ) -> list[MachineAction]:
        """api:get-machineactions-collection. `or` is not documented there: several values are picked out here."""
        condition = odata.all_of(
            odata.equals("machineId", machine_id) if machine_id else "",
            odata.equals("type", types[0]) if len(types) == 1 else "",
            odata.equals("status", statuses[0]) if len(statuses) == 1 else "",
            odata.at_least("creationDateTimeUtc", since) if since else "",
        )
        kinds, states = {folded(kind) for kind in types}, {folded(status) for status in statuses}
        picks = len(types) > 1 or len(statuses) > 1
        found: list[MachineAction] = []
        skip = 0
        while len(found) < top:
            wanted = _SEARCH_PAGE if picks else top - len(found)
            page = await self._actions(condition, top=wanted, skip=skip)
            found += [
                one
                for one in page
                if one.kind in (kinds or {one.kind})
                and one.state in (states or {one.state})
                and (not machine_id or folded(one.machine_id) in {"", folded(machine_id)})
            ]
            skip += len(page)
            if len(page) < wanted:
                break
        return sorted(found, key=lambda one: one.created or _BEGINNING, reverse=True)[:top]

    async def _actions(self, condition: str, *, top: int, skip: int) -> list[MachineAction]:
        params = _filter(condition)
        values = await self._api.items(ACTIONS, params=params, top=top, skip=skip, page_size=_LARGEST_PAGE)
        return read_all(ACTIONS, MachineAction, values)

    async def machine_action(self, action_id: str) -> MachineAction:
        """api:get-machineaction-object."""
        found = read_one(ACTION, MachineAction, await self._api.call(ACTION, ids={"id": action_id}))
        about(ACTION, action_id, found.id)
        return found

    async def isolate(self, machine_id: str, *, comment: str, isolation_type: IsolationType) -> MachineAction:
        """api:isolate-machine."""
        return await self._do(ISOLATE, machine_id, {"Comment": comment, "IsolationType": isolation_type})

    async def unisolate(self, machine_id: str, *, comment: str) -> MachineAction:
        """api:unisolate-machine."""
        return await self._do(UNISOLATE, machine_id, {"Comment": comment})

    async def run_antivirus_scan(self, machine_id: str, *, comment: str, scan_type: ScanType) -> MachineAction:
        """api:run-av-scan."""
        return await self._do(SCAN, machine_id, {"Comment": comment, "ScanType": scan_type})

    async def cancel_machine_action(self, action_id: str, *, comment: str) -> MachineAction:
        """api:cancel-machine-action."""
        answer = await self._api.call(CANCEL, ids={"id": action_id}, body={"Comment": comment})
        found = read_one(CANCEL, MachineAction, answer)
        about(CANCEL, action_id, found.id)
        return found

    async def investigations(self, *, state: str = "") -> list[Investigation]:
        """api:get-investigation-collection."""
        params = _filter(odata.equals("state", state) if state else "")
        values = await self._api.items(INVESTIGATIONS, params=params, page_size=_LARGEST_PAGE)
        return read_all(INVESTIGATIONS, Investigation, values)

    async def exposure_score(self) -> Score:
        """api:get-exposure-score."""
        return read_one(EXPOSURE, Score, await self._api.call(EXPOSURE))

    async def configuration_score(self) -> Score:
        """api:get-device-secure-score."""
        return read_one(CONFIGURATION, Score, await self._api.call(CONFIGURATION))


def _filter(condition: str) -> dict[str, str | int]:
    return {"$filter": condition} if condition else {}
