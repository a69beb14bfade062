"""Intune's client against the printed answers and against the simulator."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.auth import GRAPH_SCOPE, BearerAuth, Secret, TokenSource
from bot.clock import ManualClock
from bot.errors import Missing, MissingPermission, NotInPlan, Rejected, Unavailable
from bot.graph.http import HttpGraph, headers
from bot.graph.intune.http import ACT, CALLS, READ
from bot.graph.intune.models import ManagedDevice
from bot.http import Api, new_client
from bot.http_errors import NEEDS_APPROVAL
from bot.simulator.core import CLIENT_ID, CLIENT_SECRET
from bot.simulator.faults import Fault
from bot.simulator.intune import Managed
from bot.simulator.server import Simulator
from bot.simulator.tokens import GRAPH
from tests.bot.wire_help import graph

SAMPLES = Path(__file__).parent / "samples" / "graph"
NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
ACTIONS = {
    "sync_device": ({}, "syncDevice", {}),
    "intune_scan": ({"quick": False}, "windowsDefenderScan", {"quickScan": False}),
    "update_signatures": ({}, "windowsDefenderUpdateSignatures", {}),
    "reboot_device": ({}, "rebootNow", {}),
    "lock_device": ({}, "remoteLock", {}),
    "retire_device": ({}, "retire", {}),
    "wipe_device": (
        {"keep_user_data": True, "keep_enrollment_data": False},
        "wipe",
        {"keepUserData": True, "keepEnrollmentData": False},
    ),
}


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(ManualClock(NOW), size="tiny").running() as running:
        yield running


@pytest.fixture
async def intune(sim: Simulator) -> AsyncIterator[HttpGraph]:
    async with new_client() as http:
        tokens = TokenSource(client_id=CLIENT_ID, credential=Secret(CLIENT_SECRET), login_url=sim.url, clock=sim.clock)
        auth = BearerAuth(tokens, sim.first.id, GRAPH_SCOPE)
        yield HttpGraph(Api(http, base_url=f"{sim.url}/v1.0", auth=auth, customer=sim.first.id, headers=headers))
        await tokens.close()


def windows(sim: Simulator) -> Managed:
    """A Windows device that Intune manages, and that is on."""
    devices = sim.first.intune.devices.values()
    found = next(one for one in devices if one.system == "Windows" and one.agent == "mdm")
    sim.first.set_online(sim.first.devices[found.machine], sim.clock.now(), online=True)
    return found


async def done(client: HttpGraph, name: str, device_id: str) -> None:
    await getattr(client, name)(device_id, **ACTIONS[name][0])


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("bare", [True, False])
async def test_the_printed_device_is_read(bare):
    """The example of the page is read, with the device in `value` as printed or bare as the service sends it."""
    printed = sample("manageddevice-get")
    body = printed["value"] if bare else printed
    device = await graph(lambda _request: httpx.Response(200, json=body)).managed_device(printed["value"]["id"])
    assert (device.name, device.azure_ad_device_id) == ("Device Name value", "Azure ADDevice Id value")
    assert (device.compliance_state, device.is_encrypted, device.is_personal) == ("compliant", True, False)
    (action,) = device.device_action_results
    assert (action.action_name, action.state, action.waits) == ("Action Name value", "pending", True)
    assert action.start_date_time == datetime(2017, 1, 1, 7, 58, 46, 715618, tzinfo=UTC)
    assert not device.by_defender_only


async def test_the_printed_list_is_read():
    """The list of the page is read, and asked for with the fields that matter; a device of another id is not taken."""
    asked = []

    def service(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, json=sample("manageddevices-list"))

    assert await graph(service).managed_devices(entra_device_id="o'b", user_principal_name="a@b") == []
    (device,) = await graph(service).managed_devices(entra_device_id="Azure ADDevice Id value")
    assert device.serial_number == "Serial Number value"
    assert asked[0]["$filter"] == "azureADDeviceId eq 'o''b' and userPrincipalName eq 'a@b'"
    assert {"azureADDeviceId", "managementAgent", "managementState"} <= set(asked[0]["$select"].split(","))


def test_odd_answers_are_read_as_unknown():
    """Null lists and the year 1 hide nothing; a device managed through Defender alone is told by its agent."""
    odd = {
        "id": "1",
        "deviceActionResults": None,
        "lastSyncDateTime": "0001-01-01T00:00:00Z",
        "managementAgent": "msSense",
    }
    device = ManagedDevice.model_validate(odd)
    assert (device.device_action_results, device.last_sync, device.by_defender_only) == ((), None, True)
    assert device.name == "1"


async def test_devices_are_listed_by_what_joins_them(sim: Simulator, intune: HttpGraph):
    """All devices of the customer's Intune, the one of an Entra device, those of a user."""
    wanted = windows(sim)
    assert {one.id for one in await intune.managed_devices()} == set(sim.first.intune.devices)
    assert [one.id for one in await intune.managed_devices(entra_device_id=wanted.entra_id)] == [wanted.id]
    of_user = await intune.managed_devices(user_principal_name=f"l.harbor@{sim.first.domain}")
    assert {one.user_principal_name for one in of_user} == {f"l.harbor@{sim.first.domain}"}
    assert await intune.managed_devices(user_principal_name="nobody@x") == []


async def test_each_action_is_accepted_and_seen_on_the_device(sim: Simulator, intune: HttpGraph):
    """Each action is one POST that is answered with nothing; the device shows it pending, then done or is gone."""
    for name, (_, word, body) in ACTIONS.items():
        device = windows(sim)
        device.results.clear()
        await done(intune, name, device.id)
        accepted = sim.first.intune.accepted[-1]
        assert (accepted.device, accepted.name, accepted.body) == (device.id, word, body)
        assert device.results[-1].state == "pending"
        first = await intune.managed_device(device.id)
        assert [(one.action_name, one.state) for one in first.device_action_results] == [(word, "active")]
        last = await intune.managed_device(device.id)
        assert last.device_action_results[0].state == "done"
        if name in {"retire_device", "wipe_device"}:
            with pytest.raises(Missing):
                await intune.managed_device(device.id)
            assert sim.first.intune.gone[device.id].wiped == (name == "wipe_device")
    assert len(sim.first.intune.accepted) == len(ACTIONS)


async def test_the_simulator_says_only_what_is_documented(sim: Simulator, intune: HttpGraph):
    """Every field that the simulated Intune sends stands in the printed example, or in graph-api.md section 5."""
    device = windows(sim)
    await intune.intune_scan(device.id, quick=True)
    sent = (await intune.managed_device(device.id)).wire()
    printed = sample("manageddevice-get")["value"]
    assert sent.keys() - printed.keys() == {"managementState", "@odata.context"}
    (result,), (example,) = sent["deviceActionResults"], printed["deviceActionResults"]
    assert result.keys() - example.keys() == {"scanType"}


async def test_a_device_that_is_off_stays_pending(sim: Simulator, intune: HttpGraph):
    """However often one looks, nothing happens on a device that is off."""
    device = windows(sim)
    sim.first.set_online(sim.first.devices[device.machine], NOW, online=False)
    await intune.reboot_device(device.id)
    states = [(await intune.managed_device(device.id)).device_action_results[0].state for _ in range(4)]
    assert states == ["pending"] * 4


async def test_what_the_system_cannot_do_is_not_supported(sim: Simulator, intune: HttpGraph):
    """A scan of a phone is accepted, and the device then says that it is not supported."""
    phone = next(one for one in sim.first.intune.devices.values() if one.system == "iOS")
    await intune.intune_scan(phone.id, quick=True)
    (result,) = (await intune.managed_device(phone.id)).device_action_results
    assert (result.state, result.scan_type) == ("notsupported", "quick")


async def test_each_action_needs_its_permission(sim: Simulator, intune: HttpGraph):
    """Without the privileged permission every action is refused, and the permission is named."""
    sim.first.roles[GRAPH].discard(ACT)
    for name in ACTIONS:
        with pytest.raises(MissingPermission) as refused:
            await done(intune, name, windows(sim).id)
        assert (refused.value.permission, sim.first.intune.accepted) == (ACT, [])


async def test_reading_needs_its_permission(sim: Simulator, intune: HttpGraph):
    """Without the reading permission neither the list nor a device can be read."""
    sim.first.roles[GRAPH].discard(READ)
    for reading in (intune.managed_devices(), intune.managed_device("x")):
        with pytest.raises(MissingPermission) as refused:
            await reading
        assert refused.value.permission == READ


async def test_without_intune_in_the_plan_all_is_refused(sim: Simulator, intune: HttpGraph):
    """A tenant with Defender for Business alone has no Intune: reading and acting are not in its plan."""
    device = windows(sim)
    sim.first.plan = "business"
    for calling in (intune.managed_devices(), intune.sync_device(device.id)):
        with pytest.raises(NotInPlan):
            await calling


async def test_a_second_administrator_is_no_missing_permission(sim: Simulator, intune: HttpGraph):
    """Where Intune wants another administrator's approval, its 403 refuses this call, under a code of its own."""
    sim.quirks.intune_approval = True
    with pytest.raises(Rejected) as refused:
        await intune.wipe_device(windows(sim).id, keep_user_data=False, keep_enrollment_data=False)
    assert (refused.value.status, refused.value.code) == (403, NEEDS_APPROVAL)
    assert sim.first.intune.accepted == []


async def test_a_lost_answer_may_have_been_carried_out(sim: Simulator, intune: HttpGraph):
    """After a wipe whose answer was lost, nothing is sent again, and the error says that it may have been accepted."""
    sim.faults.add("graph.intune.wipe", Fault(kind="reset", acted=True))
    with pytest.raises(Unavailable) as lost:
        await intune.wipe_device(windows(sim).id, keep_user_data=False, keep_enrollment_data=False)
    assert lost.value.sent
    assert len(sim.first.intune.accepted) == 1


async def test_a_device_managed_through_defender_takes_no_action(sim: Simulator, intune: HttpGraph):
    """A device that Intune knows through Defender alone is listed as such, and refuses actions."""
    device = windows(sim)
    device.agent = "msSense"
    assert (await intune.managed_device(device.id)).by_defender_only
    with pytest.raises(Rejected):
        await intune.sync_device(device.id)


async def test_unknown_devices_are_missing(intune: HttpGraph):
    """An id that Intune does not know is missing, for reading and for acting."""
    for calling in (intune.managed_device("nobody"), intune.reboot_device("nobody")):
        with pytest.raises(Missing):
            await calling


@pytest.mark.parametrize("name", CALLS)
async def test_calls_are_declared(name: str):
    """The operations that stand beside each method are those that it carries out."""
    seen = []

    def service(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, request.url.path.removeprefix("/v1.0").replace("the-id", "{id}")))
        if request.method == "POST":
            return httpx.Response(204)
        listed = request.url.path.endswith("managedDevices")
        return httpx.Response(200, json={"value": []} if listed else {"id": "the-id"})

    client = graph(service)
    more = ACTIONS.get(name, ({},))[0]
    await (client.managed_devices() if name == "managed_devices" else getattr(client, name)("the-id", **more))
    assert seen == [(operation.method, operation.path) for operation in CALLS[name]]
