"""What can be done to a device beside isolation and scan: settings, offboarding, investigations, packages."""

from datetime import timedelta

import httpx
import pytest

from bot.simulator import Fault
from bot.simulator.moments import show
from bot.simulator.tokens import DEFENDER

COMMENT = {"Comment": "R-1"}
SHA1 = "1f8b5c0e9d7a6b4c3d2e1f0a9b8c7d6e5f4a3b2c"


@pytest.fixture
def device(sim):
    sim.first.plan = "plan2"
    found = sim.first.device("o'brien-pc")
    found.tags = ["VIP"]
    return found


def path(device, call):
    return f"/api/machines/{device.id}/{call}"


async def done(api, clock, device, call, body=COMMENT):
    """Have it done, and give the action as it stands a minute later."""
    answer = await api.post(path(device, call), body)
    clock.move(60)
    return answer, (await api.get(f"/api/machineactions/{answer.json()['id']}")).json()


async def test_restricting_and_lifting_it(api, clock, device):
    """Each takes effect when it has succeeded, and not before."""
    answer, action = await done(api, clock, device, "restrictCodeExecution")
    assert (answer.status_code, answer.json()["status"], action["status"]) == (201, "Pending", "Succeeded")
    assert device.restricted
    await done(api, clock, device, "unrestrictCodeExecution")
    assert not device.restricted


async def test_a_file_is_quarantined(api, clock, device):
    """The action names the file that it is about, and the file is away when it has succeeded."""
    _, action = await done(api, clock, device, "StopAndQuarantineFile", {**COMMENT, "Sha1": SHA1})
    assert action["relatedFileInfo"] == {"fileIdentifier": SHA1, "fileIdentifierType": "Sha1"}
    assert device.quarantined == [SHA1]


@pytest.mark.parametrize("sha1", ["", "abc", "z" * 40, "a" * 64])
async def test_a_bad_hash_is_400(api, sim, device, sha1):
    """What is no SHA-1 is refused, and nothing is accepted."""
    answer = await api.post(path(device, "StopAndQuarantineFile"), {**COMMENT, "Sha1": sha1})
    assert answer.status_code == 400
    assert sim.world.ledger.entries == []


@pytest.mark.parametrize(
    "call", ["restrictCodeExecution", "unrestrictCodeExecution", "collectInvestigationPackage", "StopAndQuarantineFile"]
)
@pytest.mark.parametrize("plan", ["business", "premium"])
async def test_what_only_plan_2_has(api, sim, device, call, plan):
    """In the plans of small companies these four are 403 DisabledFeature; isolation and offboarding are not."""
    sim.first.plan = plan
    answer = await api.post(path(device, call), {**COMMENT, "Sha1": SHA1})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "DisabledFeature")
    assert (await api.post(path(device, "offboard"), COMMENT)).status_code in {200, 201}


async def test_an_offboarded_device_reports_no_more(api, sim, clock, device):
    """Both answers that the page promises occur, and afterwards the device is away for good."""
    statuses = set()
    for one in sim.first.devices.values():
        one.os, one.onboarding = "Windows11", "onboarded"
        sim.first.set_online(one, clock.now(), online=True)
        answer, action = await done(api, clock, one, "offboard")
        statuses.add(answer.status_code)
        assert (action["status"], one.offboarded, one.online) == ("Succeeded", True, False)
    assert statuses == {200, 201}
    sim.first.set_online(device, clock.now(), online=True)
    assert not device.online
    waits = (await api.post(path(device, "runAntiVirusScan"), {**COMMENT, "ScanType": "Quick"})).json()
    clock.move(600)
    assert (await api.get(f"/api/machineactions/{waits['id']}")).json()["status"] == "Pending"


async def test_offboarding_is_for_windows_and_wants_a_comment(api, device):
    """Without a comment it is 400, and on another system too."""
    assert (await api.post(path(device, "offboard"), {})).json()["error"]["code"] == "MissingRequiredParameter"
    device.os = "Linux"
    assert (await api.post(path(device, "offboard"), COMMENT)).json()["error"]["code"] == "OsPlatformNotSupported"


async def test_a_contained_device_is_not_isolated(api, clock, device):
    """Containment shows as an Isolate of its own scope, and leaves the device itself alone."""
    device.onboarding = "CanBeOnboarded"
    _, action = await done(api, clock, device, "isolate", {**COMMENT, "IsolationType": "UnManagedDevice"})
    assert (action["type"], action["scope"]) == ("Isolate", "UnManagedDevice")
    assert (device.contained, device.isolated) == (True, False)


async def test_a_package_has_an_address_when_it_was_collected(api, sim, clock, http, device):
    """404 until then; the address stands in quotation marks, opens the package, and ends."""
    created = (await api.post(path(device, "collectInvestigationPackage"), COMMENT)).json()
    address = f"/api/machineactions/{created['id']}/getPackageUri"
    assert (await api.get(address)).status_code == 404
    clock.move(60)
    value = (await api.get(address)).json()["value"]
    assert value[0] == value[-1] == '"'
    answer = await http.get(value.strip('"'))
    assert (answer.status_code, answer.content[:2]) == (200, b"PK")
    assert sim.packages.opened == [created["id"]]
    clock.move(600)
    assert (await http.get(value.strip('"'))).status_code == 403


async def test_an_address_may_be_asked_for_twice_a_minute(api, clock, device):
    """The third call in a minute is 429."""
    created = (await api.post(path(device, "collectInvestigationPackage"), COMMENT)).json()
    clock.move(60)
    address = f"/api/machineactions/{created['id']}/getPackageUri"
    assert [(await api.get(address)).status_code for _ in range(3)] == [200, 200, 429]


async def test_another_action_has_no_package(api, clock, device):
    """What is no collection answers 404, whatever its status."""
    _, action = await done(api, clock, device, "isolate", {**COMMENT, "IsolationType": "Full"})
    assert (await api.get(f"/api/machineactions/{action['id']}/getPackageUri")).status_code == 404


async def test_an_investigation_from_its_start_to_its_end(api, sim, clock, device):
    """It is queued, runs and ends; it names neither who asked nor why, but the ledger knows."""
    answer = await api.post(path(device, "startInvestigation"), {"Comment": "R-7 because"})
    body = answer.json()
    assert (answer.status_code, body["state"], body["machineId"]) == (201, "Queued", device.id)
    assert "R-7" not in answer.text
    states = []
    for seconds in (5, 60, 30):
        clock.move(seconds)
        states.append((await api.get(f"/api/investigations/{body['id']}")).json()["state"])
    assert states == ["Running", "Running", "Benign"]
    (entry,) = sim.world.ledger.created(device.id, "StartInvestigation", "R-7")
    assert entry.action_id == body["id"]


async def test_an_investigation_waits_for_its_device(api, sim, clock, device):
    """While the device is away it is PendingResource, and it goes on when the device is back."""
    sim.first.set_online(device, clock.now(), online=False)
    sim.dispatcher.fates[device.id, "StartInvestigation"] = "PartiallyRemediated"
    number = (await api.post(path(device, "startInvestigation"), COMMENT)).json()["id"]
    clock.move(600)
    assert (await api.get(f"/api/investigations/{number}")).json()["state"] == "PendingResource"
    sim.first.set_online(device, clock.now(), online=True)
    clock.move(90)
    assert (await api.get(f"/api/investigations/{number}")).json()["state"] == "PartiallyRemediated"


async def test_an_accepted_investigation_can_be_listed_late(api, sim, clock, device):
    """With the switch it is made at once and listed only later."""
    sim.faults.add("defender.machines.startInvestigation", Fault(kind="reset", acted=True, unlisted=120))
    with pytest.raises(httpx.TransportError):
        await api.post(path(device, "startInvestigation"), COMMENT)
    mine = {"$filter": f"machineId eq '{device.id}' and state eq 'Queued'"}
    assert len(sim.world.ledger.created(device.id, "StartInvestigation")) == 1
    assert await api.rows("/api/investigations", **mine) == []
    clock.move(121)
    newest = (await api.rows("/api/investigations", **{"$filter": f"machineId eq '{device.id}'"}))[0]
    assert newest["state"] == "Benign"


async def test_fifty_investigations_an_hour(api, device):
    """The fifty-first start in an hour is 429 with the time to wait."""
    answers = [await api.post(path(device, "startInvestigation"), COMMENT) for _ in range(51)]
    assert [one.status_code for one in answers] == [201] * 50 + [429]
    assert 3590 <= int(answers[-1].headers["Retry-After"]) <= 3600


async def test_tags_one_at_a_time(api, device):
    """Add and Remove leave the other tags, and say the device as it is now."""
    answer = await api.post(path(device, "tags"), {"Value": "lab", "Action": "Add"})
    assert (answer.status_code, answer.json()["machineTags"]) == (200, ["VIP", "lab"])
    answer = await api.post(path(device, "tags"), {"Value": "VIP", "Action": "Remove"})
    assert answer.json()["machineTags"] == device.tags == ["lab"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"Value": "x"}, "MissingRequiredParameter"),
        ({"Action": "Add"}, "MissingRequiredParameter"),
        ({"Value": "x", "Action": "add"}, "InvalidInput"),
        ({"value": "x", "Action": "Add"}, "InvalidRequestBody"),
    ],
)
async def test_bad_tags_are_400(api, device, body, code):
    """What the page requires must be there, in its own words and case."""
    assert (await api.post(path(device, "tags"), body)).json()["error"]["code"] == code


async def test_tags_of_many_devices(api, sim, device):
    """All of them or none: an unknown device is 404, and more than 500 are refused."""
    call, all_of_them = "/api/machines/AddOrRemoveTagForMultipleMachines", list(sim.first.devices)
    words = {"Value": "moved", "Action": "Add"}
    assert (await api.post(call, {**words, "MachineIds": [device.id, "0" * 40]})).status_code == 404
    assert "moved" not in device.tags
    many = await api.post(call, {**words, "MachineIds": ["0" * 40] * 501})
    assert many.json()["error"]["code"] == "MaximumBatchSizeExceeded"
    assert "501" in many.json()["error"]["message"]
    rows = (await api.post(call, {**words, "MachineIds": all_of_them})).json()["value"]
    assert {row["id"] for row in rows if "moved" in row["machineTags"]} == set(all_of_them)


async def test_the_value_of_a_device(api, device):
    """One of three words, exactly as the page writes them."""
    answer = await api.post(path(device, "setDeviceValue"), {"DeviceValue": "High"})
    assert (answer.status_code, answer.json()["deviceValue"], device.value) == (200, "High", "High")
    bad = await api.post(path(device, "setDeviceValue"), {"DeviceValue": "high"})
    assert bad.json()["error"]["code"] == "InvalidInput"


async def test_an_update_replaces_all_tags(api, device):
    """PATCH with tags loses those that were not sent: the trap that the page warns of."""
    answer = await api.call("PATCH", f"/api/machines/{device.id}", json={"machineTags": ["new"], "deviceValue": "Low"})
    assert (answer.status_code, device.tags, device.value) == (200, ["new"], "Low")
    assert (await api.call("PATCH", f"/api/machines/{device.id}", json={"riskScore": "Low"})).status_code == 400


async def test_devices_by_tag(api, sim, device):
    """The whole tag, or its beginning where that is asked for; without a tag it is 400."""
    rows = await api.rows("/api/machines/findbytag", tag="VIP", useStartsWithFilter="false")
    assert {row["id"] for row in rows} == {one.id for one in sim.first.devices.values() if "VIP" in one.tags}
    assert await api.rows("/api/machines/findbytag", tag="VI") == []
    rows = await api.rows("/api/machines/findbytag", tag="VI", useStartsWithFilter="true")
    assert device.id in {row["id"] for row in rows}
    assert (await api.get("/api/machines/findbytag")).status_code == 400


async def test_devices_by_address(api, clock, device):
    """Those seen with it within 15 minutes of the moment, which is one of the last 30 days."""
    device.ip = "10.9.9.9"

    async def found(at):
        return await api.get(f"/api/machines/findbyip(ip='10.9.9.9',timestamp={show(at)})")

    near, far = device.last_seen + timedelta(minutes=14), device.last_seen + timedelta(minutes=16)
    assert [row["id"] for row in (await found(near)).json()["value"]] == [device.id]
    assert (await found(far)).json()["value"] == []
    assert (await found(clock.now() - timedelta(days=31))).status_code == 400
    assert (await api.get("/api/machines/findbyip(ip='10.9.9.9',timestamp=yesterday)")).status_code == 400


async def test_settings_need_the_right_to_write(api, sim, device):
    """Machine.Read.All is enough to find devices by tag, and not to change one."""
    sim.first.roles[DEFENDER].discard("Machine.ReadWrite.All")
    for call, body in (("tags", {"Value": "x", "Action": "Add"}), ("setDeviceValue", {"DeviceValue": "Low"})):
        assert (await api.post(path(device, call), body)).status_code == 403
    assert (await api.get("/api/machines/findbytag?tag=VIP")).status_code == 200


async def test_a_large_company_has_a_device_to_contain(company):
    """There is one that could be onboarded and is not."""
    assert any(one.onboarding == "CanBeOnboarded" for one in company.first.devices.values())
