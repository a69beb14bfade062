import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.defender.client import Defender
from bot.defender.http import OPERATIONS
from bot.errors import Missing, MissingPermission, Rejected, Unavailable
from tests.bot.wire_help import Script, defender, error_body, ok

SAMPLES = Path(__file__).parent / "samples" / "defender"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


class Service:
    """Answers each path with what it was given, and keeps what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {name: body if isinstance(body, list) else [body] for name, body in answers.items()}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.bodies: list[Any] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Give the next answer for the last part of the path."""
        self.asked.append((f"{request.method} {request.url.path}", dict(request.url.params)))
        self.bodies.append(json.loads(request.content) if request.content else None)
        waiting = self.answers[request.url.path.rsplit("/", 1)[1]]
        body = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return body if isinstance(body, httpx.Response) else httpx.Response(200, json=body)


def action(number: int, second: int = 0, **more: str) -> dict[str, Any]:
    return {"id": str(number), "creationDateTimeUtc": f"2024-05-01T00:00:{second:02}Z", **more}


async def test_devices_are_listed():
    """The documented list becomes devices; the filter goes out as given."""
    service = Service(machines=sample("machines-list"))
    (machine,) = await defender(service).machines(filter="riskScore eq 'High'", top=5)
    assert machine.name == "mymachine1.contoso.com"
    assert service.asked == [("GET /api/machines", {"$filter": "riskScore eq 'High'", "$top": "5"})]


async def test_no_recent_devices_is_an_empty_list():
    """The page says 404 where there are none."""
    service = Service(machines=httpx.Response(404, json=error_body("ResourceNotFound")))
    assert await defender(service).machines() == []


async def test_devices_are_found_by_the_beginning_of_their_name():
    """A quote in what a person typed stays inside the literal."""
    service = Service(machines={"value": []})
    await defender(service).machines_named("o'brien")
    assert service.asked[0][1]["$filter"] == "startswith(computerDnsName,'o''brien')"


@given(st.text(st.characters(exclude_categories=["Cs"])))
async def test_a_name_arrives_as_it_was_typed(text: str):
    """Through URL encoding and back, the service reads the very filter we wrote."""
    service = Service(machines={"value": []})
    await defender(service).machines_named(text)
    quoted = text.replace("'", "''")
    assert service.asked[0][1]["$filter"] == f"startswith(computerDnsName,'{quoted}')"


JOINED = "80fe8ff8-2624-418e-9591-41f0491218f9"


async def test_devices_are_found_by_their_entra_id():
    """In whichever case it is written; a device of another id is none of them, one that is told without any is."""
    told = [{"id": "a", "aadDeviceId": JOINED.upper()}, {"id": "b", "aadDeviceId": JOINED[:-1] + "0"}, {"id": "c"}]
    service = Service(machines={"value": told})
    assert [one.id for one in await defender(service).machines_joined(JOINED.upper())] == ["a", "c"]
    assert service.asked[0][1]["$filter"] == f"aadDeviceId eq '{JOINED}'"
    assert (
        await defender(Service(machines=httpx.Response(404, json=error_body("NotFound")))).machines_joined(JOINED) == []
    )
    with pytest.raises(ValueError, match="badly formed"):
        await defender(service).machines_joined("x' or id ne '")


async def test_an_entra_id_is_asked_for_without_quotes_where_the_service_wants_none():
    """The page names the field and not how its values are written: a refusal is asked again the other way, once."""
    service = Script(httpx.Response(400, json=error_body("ODataError")), ok({"value": [{"id": "a"}]}))
    assert [one.id for one in await defender(service).machines_joined(JOINED)] == ["a"]
    assert [one.url.params["$filter"] for one in service.requests] == [
        f"aadDeviceId eq '{JOINED}'",
        f"aadDeviceId eq {JOINED}",
    ]
    refused = Script(httpx.Response(400, json=error_body("ODataError")))
    with pytest.raises(Rejected):
        await defender(refused).machines_joined(JOINED)
    assert len(refused.requests) == 2


async def test_a_device_is_fetched_by_id():
    """One device, or `Missing` for an unknown id."""
    found = sample("machine-get")
    assert (await defender(Service(**{found["id"]: found})).machine(found["id"])).risk == "low"
    with pytest.raises(Missing):
        await defender(Service(a=httpx.Response(404, json=sample("error-resource-not-found")))).machine("a")


async def test_what_hangs_on_a_device():
    """Users, alerts, investigations and scores are read from their documented samples."""
    service = Service(
        logonusers=sample("machine-logonusers-list"),
        alerts=sample("alerts-list"),
        investigations=sample("investigations-list"),
        exposureScore=sample("exposure-score"),
        configurationScore=sample("configuration-score"),
    )
    client: Defender = defender(service)
    assert [user.account_name for user in await client.logon_users("a")] == ["user1"]
    assert [alert.level for alert in await client.machine_alerts("a")] == ["low"]
    assert [one.state for one in await client.investigations(state="Running")] == ["Running"]
    assert (await client.exposure_score()).score == pytest.approx(33.49, abs=0.01)
    assert (await client.configuration_score()).score == 340
    assert service.asked[:3] == [
        ("GET /api/machines/a/logonusers", {}),
        ("GET /api/machines/a/alerts", {}),
        ("GET /api/investigations", {"$filter": "state eq 'Running'", "$top": "10000"}),
    ]


async def test_actions_come_newest_first_whatever_the_order_sent():
    """The order of the answer is not documented, so it is made here; an action without a time comes last."""
    service = Service(machineactions={"value": [{"id": "0"}, action(1, 1), action(3, 3), action(2, 2)]})
    assert [one.id for one in await defender(service).machine_actions()] == ["3", "2", "1", "0"]


async def test_one_type_and_status_are_picked_out_by_the_service():
    """Device, type, status and time go into one filter."""
    service = Service(machineactions={"value": []})
    await defender(service).machine_actions(
        machine_id="m", types=["Isolate"], statuses=["Pending"], since=datetime(2024, 1, 1, tzinfo=UTC), top=3
    )
    assert service.asked[0][1] == {
        "$filter": "machineId eq 'm' and type eq 'Isolate' and status eq 'Pending'"
        " and creationDateTimeUtc ge 2024-01-01T00:00:00.000000Z",
        "$top": "3",
    }


async def test_several_types_and_statuses_are_picked_out_here():
    """`or` is not documented for this list; values are compared without regard to case, page after page."""
    first = [action(n, type="RunAntiVirusScan", status="Pending") for n in range(998)]
    first += [action(998, type="isolate", status="pending"), action(999, type="Unisolate", status="Succeeded")]
    second = [action(1000, type="Unisolate", status="InProgress")]
    service = Service(machineactions=[{"value": first}, {"value": second}])
    found = await defender(service).machine_actions(
        machine_id="m", types=["Isolate", "Unisolate"], statuses=["Pending", "InProgress"]
    )
    assert {one.id for one in found} == {"998", "1000"}
    assert [asked[1]["$filter"] for asked in service.asked] == ["machineId eq 'm'"] * 2
    assert service.asked[1][1]["$skip"] == "1000"


async def test_changes_are_posted_as_documented():
    """Each body has exactly the documented names in the documented case."""
    created = httpx.Response(201, json=sample("machineaction-unrestrict-created-historic"))
    cancelled = sample("machineaction-get")
    m, x = created.json()["machineId"], cancelled["id"]
    service = Service(isolate=created, unisolate=created, runAntiVirusScan=created, cancel=cancelled)
    client = defender(service)
    made = await client.isolate(m, comment="R1 why", isolation_type="Selective")
    await client.unisolate(m, comment="R2")
    await client.run_antivirus_scan(m, comment="R3", scan_type="Quick")
    await client.cancel_machine_action(x, comment="R4")
    assert made.is_active
    assert list(zip([asked[0] for asked in service.asked], service.bodies, strict=True)) == [
        (f"POST /api/machines/{m}/isolate", {"Comment": "R1 why", "IsolationType": "Selective"}),
        (f"POST /api/machines/{m}/unisolate", {"Comment": "R2"}),
        (f"POST /api/machines/{m}/runAntiVirusScan", {"Comment": "R3", "ScanType": "Quick"}),
        (f"POST /api/machineactions/{x}/cancel", {"Comment": "R4"}),
    ]


async def test_a_repeated_action_is_rejected_with_its_code():
    """The code tells that another action is active; nothing is posted a second time."""
    busy = httpx.Response(400, json=error_body("ActiveRequestAlreadyExists", "Action is already in progress"))
    service = Service(isolate=busy)
    with pytest.raises(Rejected) as caught:
        await defender(service).isolate("m", comment="R1", isolation_type="Full")
    assert caught.value.code == "ActiveRequestAlreadyExists"
    assert len(service.asked) == 1


async def test_an_accepted_action_without_an_id_may_have_been_carried_out():
    """A 201 that nobody can read is ambiguous, not a failure."""
    with pytest.raises(Unavailable) as caught:
        await defender(Service(isolate=httpx.Response(201, json={}))).isolate("m", comment="", isolation_type="Full")
    assert caught.value.sent


async def test_each_operation_names_its_permission_and_page():
    """The table for `doctor` is complete: names are unique, permissions and pages are given, changes are POSTs."""
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS)
    assert all(one.permissions and one.page.startswith("api:") for one in OPERATIONS)
    assert all((one.method == "GET") == one.reads for one in OPERATIONS)
    forbidden = httpx.Response(403, json=error_body("Forbidden"))
    with pytest.raises(MissingPermission) as caught:
        await defender(Service(isolate=forbidden)).isolate("m", comment="", isolation_type="Full")
    assert caught.value.permission == "Machine.Isolate"
