"""The life of device actions: bodies, repeats, the stuck duplicate, offline devices, late listings, cancelling."""

import httpx
import pytest

from bot.simulator import Fault

ISOLATE = {"Comment": "R-1 because of <it>", "IsolationType": "Full"}


@pytest.fixture
def device(sim):
    found = sim.first.device("o'brien-pc")
    assert not found.isolated
    return found


def path(device, call="isolate"):
    return f"/api/machines/{device.id}/{call}"


async def status(api, action):
    return (await api.get(f"/api/machineactions/{action}")).json()["status"]


async def test_isolate_from_post_to_end(api, sim, clock, device):
    """POST is 201 Pending, then InProgress, then Succeeded; only then the device is isolated."""
    answer = await api.post(path(device), ISOLATE)
    body = answer.json()
    assert (answer.status_code, body["status"], body["type"], body["scope"]) == (201, "Pending", "Isolate", "Full")
    assert (body["requestorComment"], body["requestSource"]) == (ISOLATE["Comment"], "PublicApi")
    seen = []
    for seconds in (0, 4, 5, 2):
        clock.move(seconds)
        seen.append((await status(api, body["id"]), device.isolated))
    assert seen == [("Pending", False), ("InProgress", False), ("InProgress", False), ("Succeeded", True)]


async def test_release_ends_the_isolation(api, clock, device):
    """Unisolate has no scope and, when done, leaves the device free."""
    device.isolated = True
    body = (await api.post(path(device, "unisolate"), {"Comment": "over"})).json()
    clock.move(60)
    assert (body["scope"], await status(api, body["id"]), device.isolated) == (None, "Succeeded", False)


@pytest.mark.parametrize("end", ["Failed", "TimeOut"])
async def test_an_action_can_end_badly(api, sim, clock, device, end):
    """An action that fails or times out has no effect on the device."""
    sim.dispatcher.fates[device.id, "Isolate"] = end
    body = (await api.post(path(device), ISOLATE)).json()
    clock.move(60)
    assert (await status(api, body["id"]), device.isolated) == (end, False)


async def test_an_offline_device_waits(api, sim, clock, device):
    """For a device that is away the action stays Pending, and begins when it returns."""
    sim.first.set_online(device, clock.now(), online=False)
    body = (await api.post(path(device), ISOLATE)).json()
    clock.move(86_400)
    api.tokens.clear()
    assert await status(api, body["id"]) == "Pending"
    sim.first.set_online(device, clock.now(), online=True)
    assert await status(api, body["id"]) == "Pending"
    clock.move(30)
    assert (await status(api, body["id"]), device.isolated) == ("Succeeded", True)


async def test_an_action_nobody_takes_up_times_out(api, sim, clock, device):
    """After three days without the device the action ends as TimeOut."""
    sim.first.set_online(device, clock.now(), online=False)
    body = (await api.post(path(device), ISOLATE)).json()
    clock.move(3 * 86_400 + 1)
    api.tokens.clear()
    assert await status(api, body["id"]) == "TimeOut"


@pytest.mark.parametrize(
    ("call", "body", "code"),
    [
        ("isolate", {"IsolationType": "Full"}, "MissingRequiredParameter"),
        ("isolate", {"Comment": "", "IsolationType": "Full"}, "MissingRequiredParameter"),
        ("isolate", {"comment": "x", "IsolationType": "Full"}, "InvalidRequestBody"),
        ("isolate", {"Comment": "x", "isolationType": "Full"}, "InvalidRequestBody"),
        ("isolate", {"Comment": "x", "IsolationType": "full"}, "InvalidInput"),
        ("isolate", {"Comment": 7, "IsolationType": "Full"}, "InvalidRequestBody"),
        ("isolate", ["x"], "InvalidRequestBody"),
        ("isolate", {"Comment": "x", "IsolationType": "UnManagedDevice"}, "InvalidInput"),
        ("unisolate", {}, "MissingRequiredParameter"),
        ("runAntiVirusScan", {"Comment": "x"}, "MissingRequiredParameter"),
        ("runAntiVirusScan", {"Comment": "x", "ScanType": "Deep"}, "InvalidInput"),
        ("runAntiVirusScan", {"Comment": "x", "scanType": "Full"}, "InvalidRequestBody"),
    ],
)
async def test_bad_bodies_are_400(api, sim, device, *, call, body, code):
    """A missing comment, a wrong case and a wrong word are refused with their code, and nothing is accepted."""
    answer = await api.post(path(device, call), body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert sim.world.ledger.entries == []


async def test_a_body_that_is_not_json_is_400(api, device):
    """Broken JSON is InvalidRequestBody."""
    answer = await api.call("POST", path(device), content=b"{", headers={"Content-Type": "application/json"})
    assert answer.json()["error"]["code"] == "InvalidRequestBody"


@pytest.mark.parametrize(
    ("os", "version", "call", "kind", "expected"),
    [
        ("Windows10", "1607", "isolate", "Full", "ClientVersionNotSupported"),
        ("Windows10", "1703", "isolate", "Full", None),
        ("Windows10", "1703", "isolate", "Selective", "ClientVersionNotSupported"),
        ("Linux", "22.4", "isolate", "Full", None),
        ("Linux", "22.4", "isolate", "Selective", "OsPlatformNotSupported"),
        ("macOS", "14.6", "isolate", "Full", "OsPlatformNotSupported"),
    ],
)
async def test_systems_that_can_be_isolated(api, device, *, os, version, call, kind, expected):
    """Full wants Windows 10 1703, 11 or Linux; Selective wants Windows 10 1709 or 11."""
    device.os, device.version = os, version
    answer = await api.post(path(device, call), {"Comment": "x", "IsolationType": kind})
    assert (answer.json()["error"]["code"] if answer.status_code == 400 else None) == expected


async def test_an_unmanaged_device_can_be_contained(api, device):
    """UnManagedDevice is for a device that is not onboarded."""
    device.onboarding = "CanBeOnboarded"
    contained = await api.post(path(device), {"Comment": "x", "IsolationType": "UnManagedDevice"})
    assert contained.status_code == 201


async def test_a_repeat_is_refused(api, sim, device):
    """While one is active a second isolate is 400 ActiveRequestAlreadyExists, and so is a release."""
    await api.post(path(device), ISOLATE)
    for call, body in (("isolate", ISOLATE), ("unisolate", {"Comment": "x"})):
        answer = await api.post(path(device, call), body)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (400, "ActiveRequestAlreadyExists")
        assert error["message"] == "Action is already in progress"
    assert len(sim.world.ledger.entries) == 1


async def test_a_repeat_gets_the_active_action(api, sim, device):
    """In the other documented mode a repeat is 201 with the same action, which the ledger shows as not created."""
    sim.dispatcher.repeat = "existing"
    first = (await api.post(path(device), ISOLATE)).json()
    second = await api.post(path(device), {**ISOLATE, "Comment": "R-2"})
    assert (second.status_code, second.json()["id"]) == (201, first["id"])
    assert second.json()["requestorComment"] == ISOLATE["Comment"]
    assert [entry.created for entry in sim.world.ledger.entries] == [True, False]
    assert len(sim.world.ledger.created(device.id, "Isolate")) == 1


async def test_families_do_not_block_each_other(api, device):
    """A scan runs beside an isolation."""
    await api.post(path(device), ISOLATE)
    scan = await api.post(path(device, "runAntiVirusScan"), {"Comment": "x", "ScanType": "Quick"})
    assert scan.status_code == 201


async def test_the_stuck_duplicate_of_issue_5903(api, sim, clock, device):
    """A duplicate sticks in Pending, the device is released, then the duplicate ends late and isolates it again."""
    sim.dispatcher.repeat = "duplicate"
    first = (await api.post(path(device), ISOLATE)).json()
    stuck = (await api.post(path(device), ISOLATE)).json()
    assert first["id"] != stuck["id"]
    clock.move(30)
    release = (await api.post(path(device, "unisolate"), {"Comment": "over"})).json()
    clock.move(30)
    ended = [await status(api, one["id"]) for one in (first, stuck, release)]
    assert (ended, device.isolated) == (["Succeeded", "Pending", "Succeeded"], False)
    clock.move(600)
    assert (await status(api, stuck["id"]), device.isolated) == ("Succeeded", True)
    assert len(sim.world.ledger.created(device.id, "Isolate")) == 2


async def test_a_stuck_duplicate_can_be_freed(api, sim, clock, device):
    """A test may let the stuck duplicate go on now."""
    sim.dispatcher.repeat = "duplicate"
    await api.post(path(device), ISOLATE)
    stuck = (await api.post(path(device), ISOLATE)).json()
    clock.move(20)
    assert [action.id for action in sim.dispatcher.free_stuck(sim.first)] == [stuck["id"]]
    clock.move(20)
    assert await status(api, stuck["id"]) == "Succeeded"


async def test_accepted_but_not_answered(api, sim, clock, device):
    """The POST gets no answer and was accepted: it is in the ledger, and listed and begun only later."""
    sim.faults.add("defender.machines.isolate", Fault(kind="reset", acted=True, unlisted=120))
    with pytest.raises(httpx.TransportError):
        await api.post(path(device), ISOLATE)
    (entry,) = sim.world.ledger.created(comment="R-1")
    mine = {"$filter": f"machineId eq '{device.id}'"}
    clock.move(119)
    assert await api.rows("/api/machineactions", **mine) == []
    assert (await api.get(f"/api/machineactions/{entry.action_id}")).status_code == 404
    clock.move(2)
    (row,) = await api.rows("/api/machineactions", **mine)
    assert (row["id"], row["status"]) == (entry.action_id, "Pending")
    clock.move(30)
    assert (await status(api, entry.action_id), device.isolated) == ("Succeeded", True)


async def test_who_sends_again_too_early_is_doubled(api, sim, clock, device):
    """A second POST while the first is not yet listed is accepted too: the ledger shows what careless retries do."""
    sim.faults.add("defender.machines.isolate", Fault(kind="accept", unlisted=60))
    for _ in range(2):
        assert (await api.post(path(device), ISOLATE)).status_code == 201
    assert len(sim.world.ledger.created(device.id)) == 2


@pytest.mark.parametrize("move", [0, 5])
async def test_cancel_what_has_not_ended(api, clock, device, move):
    """Pending and InProgress can be cancelled: 200 with status, who, comment and time."""
    body = (await api.post(path(device), ISOLATE)).json()
    clock.move(move)
    answer = await api.post(f"/api/machineactions/{body['id']}/cancel", {"Comment": "no *longer*"})
    shown = answer.json()
    assert (answer.status_code, shown["status"]) == (200, "Cancelled")
    assert (shown["cancellationComment"], shown["cancellationRequestor"]) == ("no *longer*", "Watchkeeper")
    assert shown["cancellationDateTimeUtc"]
    clock.move(60)
    assert (await status(api, body["id"]), device.isolated) == ("Cancelled", False)


async def test_cancel_takes_no_comment(api, device):
    """The comment of a cancel is not required, nor is a body."""
    body = (await api.post(path(device), ISOLATE)).json()
    assert (await api.call("POST", f"/api/machineactions/{body['id']}/cancel")).status_code == 200


async def test_cancel_what_has_ended_or_never_was(api, clock, device):
    """A final action is 400 BadRequest, an unknown one 404."""
    body = (await api.post(path(device), ISOLATE)).json()
    clock.move(60)
    over = await api.post(f"/api/machineactions/{body['id']}/cancel", {"Comment": "x"})
    assert (over.status_code, over.json()["error"]["code"]) == (400, "BadRequest")
    unknown = await api.post("/api/machineactions/00000000-0000-0000-0000-00000000dead/cancel", {"Comment": "x"})
    assert unknown.status_code == 404


async def test_the_list_is_newest_first_and_filtered(api, clock, device):
    """`machineactions` lists the newest first and can be filtered by machine, type, status and time."""
    await api.post(path(device), ISOLATE)
    clock.move(1)
    await api.post(path(device, "runAntiVirusScan"), {"Comment": "x", "ScanType": "Full"})
    rows = await api.rows("/api/machineactions")
    times = [row["creationDateTimeUtc"] for row in rows]
    assert (rows[0]["type"], times) == ("RunAntiVirusScan", sorted(times, reverse=True))
    text = f"machineId eq '{device.id}' and (status eq 'Pending' or status eq 'InProgress') and type eq 'Isolate'"
    assert [row["type"] for row in await api.rows("/api/machineactions", **{"$filter": text})] == ["Isolate"]
    assert len(await api.rows("/api/machineactions", **{"$top": "1"})) == 1
    later = {"$filter": f"creationDateTimeUtc gt {rows[1]['creationDateTimeUtc']}"}
    assert await api.rows("/api/machineactions", **later) == rows[:1]
    refused = await api.get("/api/machineactions?$filter=requestorComment eq 'x'")
    assert refused.json()["error"]["code"] == "ODataError"


async def test_lists_spell_the_update_time_in_two_ways(big):
    """Some rows carry `lastUpdateTimeUtc`, some `lastUpdateDateTimeUtc`, never both; one action alone the latter."""
    rows = await big.rows("/api/machineactions")
    assert {("lastUpdateTimeUtc" in row, "lastUpdateDateTimeUtc" in row) for row in rows} == {
        (True, False),
        (False, True),
    }
    single = (await big.get(f"/api/machineactions/{rows[0]['id']}")).json()
    assert "lastUpdateDateTimeUtc" in single


async def test_the_sparse_answer_of_2019(api, sim, device):
    """In that mode a POST is answered InProgress, without scope and computer name."""
    sim.quirks.historic_created = True
    body = (await api.post(path(device), ISOLATE)).json()
    assert body["status"] == "InProgress"
    assert not {"scope", "computerDnsName"} & set(body)


@pytest.mark.parametrize(
    ("plan", "expected"), [("business", "DisabledFeature"), ("premium", "DisabledFeature"), ("plan2", None)]
)
async def test_plans(api, sim, device, plan, expected):
    """Defender for Business has isolate and scan but no stop-and-quarantine, restriction or package; Plan 2 has all."""
    sim.first.plan = plan
    for call, more in (
        ("StopAndQuarantineFile", {"Sha1": "a" * 40}),
        ("restrictCodeExecution", {}),
        ("collectInvestigationPackage", {}),
    ):
        answer = await api.post(path(device, call), {"Comment": "x", **more})
        assert answer.status_code == (403 if expected else 201)
        assert (answer.json()["error"]["code"] if expected else None) == expected
    assert (await api.post(path(device), ISOLATE)).status_code == 201
    hunt = await api.post("/api/advancedqueries/run", {"Query": "DeviceInfo"})
    assert hunt.status_code == (403 if expected else 200)


async def test_a_bad_hash_is_named(api, sim, device):
    """StopAndQuarantineFile wants 40 hex digits."""
    sim.first.plan = "plan2"
    answer = await api.post(path(device, "StopAndQuarantineFile"), {"Comment": "x", "Sha1": "xyz"})
    assert answer.json()["error"]["code"] == "InvalidHashValue"


async def test_start_investigation_answers_with_an_investigation(api, device):
    """A call of startInvestigation is 201 with an investigation, which the list then holds."""
    answer = await api.post(path(device, "startInvestigation"), {"Comment": "x"})
    assert (answer.status_code, answer.json()["machineId"], "type" in answer.json()) == (201, device.id, False)
    assert answer.json()["id"] in {row["id"] for row in await api.rows("/api/investigations")}


async def test_history_has_every_kind_of_end(big, company):
    """The company's history holds isolations that stand, failed and were released, and the truth agrees with it."""
    rows = await big.rows("/api/machineactions")
    assert {"Succeeded", "Failed", "TimeOut", "Cancelled"} <= {row["status"] for row in rows}
    last = {}
    for row in reversed(rows):
        if row["type"] in {"Isolate", "Unisolate"} and row["status"] == "Succeeded":
            last[row["machineId"]] = row["type"] == "Isolate"
    truth = {one.id for one in company.first.devices.values() if one.isolated}
    assert truth == {machine for machine, isolated in last.items() if isolated}
    assert truth
    assert not all(last.values())
