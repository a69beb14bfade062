"""The client of device actions and settings: against the simulator, and against odd answers."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import stamina

from bot.errors import Missing, MissingPermission, NotInPlan, Rejected, Throttled, Unavailable
from bot.simulator.faults import Fault
from bot.simulator.tokens import DEFENDER
from tests.bot.test_clients_against_simulator import Bench, open_bench
from tests.bot.wire_help import Script, defender, error_body, ok

SHA1 = "1f8b5c0e9d7a6b4c3d2e1f0a9b8c7d6e5f4a3b2c"
SAMPLES = Path(__file__).parent / "samples" / "defender"
LINK = "https://userrequests-us.securitycenter.windows.com:443/safedownload/WDATP_Investigation_Package.zip?token=TOKEN"


@pytest.fixture(autouse=True)
def no_waiting():
    """Retries happen, their pauses do not."""
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A company with Plan 2, which has all of it."""
    async for made in open_bench("company"):
        made.simulator.first.plan = "plan2"
        yield made


ACTIONS = {
    "restrict": ("RestrictCodeExecution", {}),
    "unrestrict": ("UnrestrictCodeExecution", {}),
    "collect_package": ("CollectInvestigationPackage", {}),
    "offboard": ("Offboard", {}),
    "quarantine_file": ("StopAndQuarantineFile", {"sha1": SHA1}),
}


@pytest.mark.parametrize("method", ACTIONS)
async def test_an_action_is_accepted_with_its_comment(bench: Bench, method):
    """Each call makes one action of its type, which carries the comment by which it is found again."""
    kind, more = ACTIONS[method]
    client, device = bench.defender(bench.simulator.first), bench.device()
    action = await getattr(client, method)(device.id, comment="[WK-1/1] why", **more)
    assert (action.type, action.machine_id, action.requestor_comment) == (kind, device.id, "[WK-1/1] why")
    assert len(bench.simulator.world.ledger.created(device.id, kind, "[WK-1/1]")) == 1
    bench.clock.move(60)
    assert (await client.machine_action(action.id)).state == "succeeded"
    listed = await client.machine_actions(machine_id=device.id, types=(kind,))
    assert [one.id for one in listed] == [action.id]


@pytest.mark.parametrize("method", ["restrict", "unrestrict", "collect_package", "quarantine_file"])
async def test_what_the_plan_lacks(bench: Bench, method):
    """Where the plan has it not, that is said so, and not as a missing permission."""
    client = bench.defender(bench.simulator.second)
    device = next(iter(bench.simulator.second.devices.values()))
    with pytest.raises(NotInPlan):
        await getattr(client, method)(device.id, comment="x", **ACTIONS[method][1])


async def test_a_contained_device(bench: Bench):
    """The isolation type of a device that is not onboarded is taken for such a device alone."""
    client = bench.defender(bench.simulator.first)
    unmanaged = next(one for one in bench.simulator.first.devices.values() if one.onboarding == "CanBeOnboarded")
    action = await client.isolate(unmanaged.id, comment="x", isolation_type="UnManagedDevice")
    assert (action.kind, action.scope) == ("isolate", "UnManagedDevice")
    with pytest.raises(Rejected):
        await client.isolate(bench.device().id, comment="x", isolation_type="UnManagedDevice")


async def test_the_link_of_a_package(bench: Bench):
    """Not there until it is collected; then an address without the quotation marks, which opens the package."""
    client, device = bench.defender(bench.simulator.first), bench.device()
    action = await client.collect_package(device.id, comment="x")
    with pytest.raises(Missing):
        await client.package_link(action.id)
    bench.clock.move(60)
    link = await client.package_link(action.id)
    assert link.startswith(f"{bench.simulator.url}/safedownload/")
    assert (await bench.http.get(link)).content[:2] == b"PK"


async def test_an_investigation(bench: Bench):
    """It is started, found among the device's and read by its id; one that began earlier is left out."""
    client, device = bench.defender(bench.simulator.first), bench.device()
    began = bench.clock.now()
    started = await client.start_investigation(device.id, comment="x")
    assert started.state == "Queued"
    bench.clock.move(30)
    assert (await client.investigation(started.id)).state == "Running"
    assert [one.id for one in await client.investigations_of(device.id, since=began)] == [started.id]
    later = began + timedelta(minutes=1)
    assert await client.investigations_of(device.id, since=later) == []
    every = await client.investigations_of(device.id)
    assert {one.machine_id for one in every} == {device.id}
    with pytest.raises(Missing):
        await client.investigation("1")


async def test_tags_and_value(bench: Bench):
    """One tag comes or goes and the others stay; the answer is the device as it is then."""
    client, device = bench.defender(bench.simulator.first), bench.device()
    device.tags = ["it's *old*"]
    assert (await client.change_tag(device.id, tag="new one", action="Add")).machine_tags == ("it's *old*", "new one")
    assert (await client.change_tag(device.id, tag="it's *old*", action="Remove")).machine_tags == ("new one",)
    assert (await client.set_value(device.id, value="High")).value == "high"
    assert (device.tags, device.value) == (["new one"], "High")


async def test_a_change_that_gets_no_answer_is_not_repeated(bench: Bench):
    """After a lost answer the service may have done it, so the client does not try again by itself."""
    client, device = bench.defender(bench.simulator.first), bench.device()
    bench.simulator.faults.add("defender.machines.startInvestigation", Fault(kind="reset", acted=True))
    with pytest.raises(Unavailable) as lost:
        await client.start_investigation(device.id, comment="x")
    assert lost.value.sent
    assert len(bench.simulator.world.ledger.created(device.id, "StartInvestigation")) == 1


async def test_a_missing_permission_is_named(bench: Bench):
    """A 403 for a setting names the permission that an administrator can grant."""
    bench.simulator.first.roles[DEFENDER].discard("Machine.ReadWrite.All")
    with pytest.raises(MissingPermission) as refused:
        await bench.defender(bench.simulator.first).set_value(bench.device().id, value="Low")
    assert refused.value.permission == "Machine.ReadWrite.All"


async def test_the_third_link_in_a_minute_waits(bench: Bench):
    """The service's limit for links is 2 a minute, and it says how long to wait."""
    client = bench.defender(bench.simulator.first)
    action = await client.collect_package(bench.device().id, comment="x")
    bench.clock.move(60)
    await client.package_link(action.id)
    await client.package_link(action.id)
    with pytest.raises(Throttled) as refused:
        await client.package_link(action.id)
    assert 0 < (refused.value.retry_after or 0) <= 60


async def test_the_sample_of_the_page_is_read():
    """The link in the documentation's own sample comes out without its quotation marks."""
    sample = json.loads((SAMPLES / "machineaction-get-package-uri.json").read_text(encoding="utf-8"))
    assert await defender(Script(ok(sample))).package_link("a") == LINK


@pytest.mark.parametrize("value", [None, 7, "", '""', ["x"]])
async def test_an_answer_without_a_link(value):
    """What holds no address is an answer that cannot be read, not an empty link."""
    with pytest.raises(Unavailable):
        await defender(Script(ok({"value": value}))).package_link("a")


async def test_offboarding_takes_both_answers():
    """200 and 201 both mean that it was taken."""
    for status in (200, 201):
        answer = httpx.Response(status, json={"id": "a", "type": "Offboard", "status": "Pending"})
        assert (await defender(Script(answer)).offboard("m", comment="x")).id == "a"


async def test_bodies_are_as_the_pages_write_them():
    """Names and values are in the case of the pages, which the service minds."""
    script = Script(ok())
    client = defender(script)
    await client.change_tag("a", tag="t", action="Add")
    await client.set_value("a", value="Normal")
    await client.quarantine_file("m", comment="c", sha1=SHA1)
    bodies = [json.loads(request.content) for request in script.requests]
    assert bodies == [
        {"Value": "t", "Action": "Add"},
        {"DeviceValue": "Normal"},
        {"Comment": "c", "Sha1": SHA1},
    ]


async def test_one_that_has_not_begun_is_not_left_out():
    """An investigation without a start time may be the one that was just asked for."""
    rows = [
        {"id": "2", "state": "Queued", "startTime": None, "machineId": "m'x"},
        {"id": "1", "state": "Benign", "startTime": "2020-01-01T00:00:00Z", "machineId": "m'x"},
    ]
    script = Script(ok({"value": rows}), httpx.Response(404, json=error_body("NotFound")))
    found = await defender(script).investigations_of("m'x", since=datetime(2026, 1, 1, tzinfo=UTC))
    assert [one.id for one in found] == ["2"]
    assert script.requests[0].url.params["$filter"] == "machineId eq 'm''x'"
