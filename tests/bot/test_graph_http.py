import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from bot.errors import Unavailable
from bot.graph.client import Graph
from bot.graph.http import OPERATIONS
from tests.bot.wire_help import graph

SAMPLES = Path(__file__).parent / "samples" / "graph"
SINCE = datetime(2024, 5, 1, tzinfo=UTC)


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


class Service:
    """Answers in order, and keeps what it was asked."""

    def __init__(self, *bodies: Any) -> None:
        self.bodies = list(bodies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Give the next answer."""
        self.requests.append(request)
        return httpx.Response(200, json=self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0])

    def params(self) -> list[dict[str, str]]:
        """The query of each request."""
        return [dict(request.url.params) for request in self.requests]


def row(number: int, second: int) -> dict[str, Any]:
    return {"id": str(number), "lastUpdateDateTime": f"2024-05-01T00:00:{second:02}.1234567Z"}


async def test_changes_are_asked_for_without_expand():
    """The poll filters and sorts by the last update, at most fifty at a time, and never expands alerts."""
    service = Service(sample("incidents-list"))
    changes = await graph(service).incidents_changed_since(SINCE)
    assert [one.id for one in changes.incidents] == ["2972395"]
    assert service.params() == [
        {
            "$filter": "lastUpdateDateTime ge 2024-05-01T00:00:00.000000Z",
            "$orderby": "lastUpdateDateTime asc",
            "$top": "50",
        }
    ]


async def test_changes_of_some_statuses_alone():
    """The statuses that are asked for stand beside the moment in one filter."""
    service = Service({"value": []})
    await graph(service).incidents_changed_since(SINCE, statuses=["active", "inProgress"])
    assert service.params()[0]["$filter"] == (
        "lastUpdateDateTime ge 2024-05-01T00:00:00.000000Z and (status eq 'active' or status eq 'inProgress')"
    )


async def test_changes_go_on_from_the_last_row():
    """The cursor moves to the last row's time; that row is met again and returned once."""
    first = [row(n, n) for n in range(50)]
    service = Service({"value": first}, {"value": [first[-1], row(50, 50)]})
    changes = await graph(service).incidents_changed_since(SINCE)
    assert len(changes.incidents) == 51
    assert service.params()[1]["$filter"] == "lastUpdateDateTime ge 2024-05-01T00:00:49.123456Z"
    assert changes.until == datetime(2024, 5, 1, 0, 0, 50, 123456, tzinfo=UTC)


async def test_each_page_carries_its_headers():
    """The wish for all enum members and an id of its own go with every request, pages too."""
    link = "https://graph.test/v1.0/security/incidents?$skiptoken=x"
    service = Service({"value": [row(1, 1)], "@odata.nextLink": link}, {"value": [row(2, 1)]})
    assert len(await graph(service).incidents()) == 2
    assert {request.headers["Prefer"] for request in service.requests} == {"include-unknown-enum-members"}
    assert len({UUID(request.headers["client-request-id"]) for request in service.requests}) == 2


async def test_incidents_are_filtered_and_newest_first():
    """Status, severity and person are combined; pages hold fifty."""
    service = Service({"value": [row(n, 1) for n in range(50)]}, {"value": [row(50, 1)]})
    found = await graph(service).incidents(
        statuses=["active", "inProgress"], severities=["high"], assigned_to="o'hara@contoso.com", top=70
    )
    assert len(found) == 51
    assert service.params()[0] == {
        "$orderby": "lastUpdateDateTime desc",
        "$filter": "(status eq 'active' or status eq 'inProgress') and severity eq 'high'"
        " and assignedTo eq 'o''hara@contoso.com'",
        "$top": "50",
    }
    assert (service.params()[1]["$top"], service.params()[1]["$skip"]) == ("20", "50")


async def test_one_incident_comes_with_its_alerts():
    """Only here alerts are expanded, and never beside a filter."""
    service = Service(sample("incidents-list-expand-alerts")["value"][0])
    incident = await graph(service).incident("2972395")
    assert incident.alerts
    assert incident.alerts[0].evidence
    assert service.params() == [{"$expand": "alerts"}]


async def test_open_incidents_are_counted_by_the_service():
    """One row is fetched for its count; an answer without a count is unknown, not zero."""
    assert await graph(Service({"@odata.count": 17, "value": []})).open_incident_count() == 17
    with pytest.raises(Unavailable):
        await graph(Service({"value": []})).open_incident_count()


async def test_alerts_ask_for_open_ones_and_never_skip_beyond_the_limit():
    """New and in progress by default; a thousand at most, in one page, for `$skip` ends at 500."""
    service = Service({"value": [{"id": str(n)} for n in range(1000)]})
    assert len(await graph(service).alerts(top=5000)) == 1000
    assert service.params() == [
        {
            "$orderby": "lastUpdateDateTime desc",
            "$filter": "(status eq 'new' or status eq 'inProgress')",
            "$top": "1000",
        }
    ]


async def test_scores_of_so_many_days():
    """`$top` is the number of days."""
    service = Service(sample("securescores-list"))
    (score,) = await graph(service).secure_scores(7)
    assert score.max_score == 697
    assert service.params() == [{"$top": "7"}]


async def test_groups_are_checked_twenty_at_a_time():
    """Forty-five groups take three calls; the answer is in the spelling that was asked, each group once."""
    groups = [f"Group-{n}" for n in range(45)]
    service = Service({"value": ["group-3"]}, {"value": []}, {"value": ["GROUP-44", "group-99"]})
    client: Graph = graph(service)
    assert await client.member_groups("user", [*groups, "group-3"]) == {"group-3", "Group-44"}
    assert [len(json.loads(request.content)["groupIds"]) for request in service.requests] == [20, 20, 5]


async def test_no_groups_no_call():
    """Where nothing is asked, nobody is asked."""
    service = Service({"value": []})
    assert await graph(service).member_groups("user", []) == set()
    assert service.requests == []


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": "all"}])
async def test_an_unreadable_group_answer_grants_nothing(body: dict[str, object]):
    """Roles rest on this answer: what cannot be read is an error, never a membership."""
    with pytest.raises(Unavailable):
        await graph(Service(body)).member_groups("user", ["a"])


def test_each_operation_names_its_permission_and_page():
    """The table for `doctor` is complete, and what changes something is what was meant to."""
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS)
    assert all(one.permissions and one.page.startswith(("api/", "beta:")) for one in OPERATIONS)
    assert {one.name for one in OPERATIONS if not one.reads} == {
        *("confirm-compromised", "dismiss-risk", "revoke-sessions", "set-account-enabled", "set-password"),
        *("intune-scan", "lock-device", "reboot-device", "retire-device", "sync-device", "update-signatures"),
        *("wipe-device", "remediate-mail", "submit-file", "submit-mail", "submit-url"),
    }
    assert all(one.reads for one in OPERATIONS if one.method == "GET")
