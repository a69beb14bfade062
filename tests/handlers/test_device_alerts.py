"""What an approver is told of a device's alerts."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from bot.defender.models import DefenderAlert
from bot.errors import Unavailable
from bot.graph.models import Evidence, FileDetails, GraphAlert
from handlers.device_alerts import evidence, open_ones, titles
from handlers.reading import Sources
from tests.responses.people import START

KIND = "#microsoft.graph.security."


def alert(key: str, severity: str, *, hours: float = 0, **more: Any) -> DefenderAlert:
    values = {"id": key, "title": f"title of {key}", "severity": severity, "status": "New"}
    at = START + timedelta(hours=hours)
    return DefenderAlert.model_validate({**values, "alertCreationTime": at, **more})


def test_open_alerts_stand_gravest_first_and_each_title_once():
    """Of one severity the newest is first; what is resolved is left out; a title that several have says how many."""
    alerts = [
        alert("low", "Low", hours=5),
        alert("over", "High", hours=6, status="Resolved"),
        alert("old", "Medium"),
        alert("new", "Medium", hours=1),
        alert("again", "Medium", hours=-1, title="title of old"),
    ]
    assert [one.id for one in open_ones(alerts)] == ["new", "old", "again", "low"]
    assert titles(alerts) == ("title of new", "title of old (2)", "title of low")


class Graph:
    """Knows the alert `grave`; `trouble` is its answer where there is any."""

    def __init__(self, *things: Evidence, trouble: Exception | None = None) -> None:
        self.things, self.trouble = things, trouble

    async def alert(self, alert_id: str) -> GraphAlert:
        assert alert_id == "grave"
        if self.trouble:
            raise self.trouble
        return GraphAlert(id=alert_id, evidence=self.things)


async def told(graph: Graph, *alerts: DefenderAlert) -> list[tuple[str, str]]:
    """The facts, as (key, value)."""
    context: Any = SimpleNamespace(graph=graph)
    return [(fact.key, fact.value) for fact in await evidence(context, Sources(1.0), alerts)]


async def test_the_gravest_alert_names_its_things():
    """Files, addresses and people, no devices, so many and the rest counted; nothing is asked without an alert."""
    files = [
        Evidence(odata_type=f"{KIND}fileEvidence", file_details=FileDetails(file_name=f"f{n}.exe")) for n in range(8)
    ]
    machine = Evidence(odata_type=f"{KIND}deviceEvidence", device_dns_name="pc-1")
    few, many = Graph(machine, files[0]), Graph(machine, *files)
    both = (alert("mild", "Low", hours=9), alert("grave", "High"))
    assert await told(few, *both) == [("alert-evidence", "f0.exe")]
    assert await told(many, *both) == [("alert-evidence", "f0.exe, f1.exe, f2.exe, f3.exe, f4.exe, f5.exe +2")]
    assert await told(Graph(machine), *both) == [("alert-evidence", "-")]
    assert await told(few) == []


async def test_evidence_that_cannot_be_read_is_unknown():
    """An empty value is shown as unknown; it is no empty list."""
    down = Graph(trouble=Unavailable("graph", "alert"))
    assert await told(down, alert("grave", "High")) == [("alert-evidence", "")]
