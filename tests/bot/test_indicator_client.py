"""The clients of indicators and of files against the documented samples and against the simulator."""

import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from bot.clock import ManualClock
from bot.defender.files.models import AddressStats, FileFacts, FileStats
from bot.defender.http import HttpDefender
from bot.defender.indicators.models import Draft, Imported, Indicator
from bot.errors import Missing, MissingPermission, Rejected, Unavailable
from bot.http import Api, new_client
from bot.simulator import Fault, Simulator
from bot.simulator.core import CLIENT_ID
from bot.simulator.file_facts import files
from bot.simulator.tokens import DEFENDER, Caller
from tests.bot.wire_help import defender

SAMPLES = Path(__file__).parent / "samples" / "defender"
NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
SHA1 = "220e7d15b011d7fac48f2bd61114db1022197f7f"


def sample(name):
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def draft(**more):
    return Draft(
        **{
            "type": "DomainName",
            "value": "bad.example",
            "action": "Block",
            "title": "[WK-1/1] x",
            "description": "why",
            "severity": "Medium",
            **more,
        }
    )


class Asked:
    """Answers every call with one body and keeps what it was asked."""

    def __init__(self, body, status=200):
        self.body, self.status, self.requests = body, status, []

    def __call__(self, request):
        """Give the answer."""
        self.requests.append(request)
        if self.body is None:
            return httpx.Response(self.status)
        return httpx.Response(self.status, json=self.body)

    @property
    def sent(self):
        return json.loads(self.requests[-1].content)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("indicator-entity", Indicator),
        ("file-get", FileFacts),
        ("file-stats", FileStats),
        ("ip-stats", AddressStats),
        ("domain-stats", AddressStats),
    ],
)
def test_a_documented_entity_is_read_without_losing_a_field(name, model):
    """What the page prints comes back as it was, times aside."""
    read = model.model_validate(sample(name)).wire()
    assert read.keys() == sample(name).keys()
    assert {key: value for key, value in read.items() if not str(value).endswith("Z")} == {
        key: value for key, value in sample(name).items() if not str(value).endswith("Z")
    }


async def test_the_documented_list_is_read():
    """Old actions are read as they stand; who made one is named; groups are kept."""
    service = Asked(sample("indicators-list"))
    first, second = await defender(service).indicators()
    assert (first.does, second.does) == ("alert", "alertandblock")
    assert first.maker == "TestPrdApp"
    assert (first.everywhere, second.everywhere) == (True, False)
    assert service.requests[0].url.path == "/api/indicators"


async def test_the_documented_import_is_read():
    """Each result names its value and whether it failed."""
    one, two = await defender(Asked(sample("indicators-import"))).import_indicators([draft(), draft()])
    assert (one.id, one.indicator, one.is_failed, one.failure_reason) == ("2841", SHA1, False, None)
    assert isinstance(two, Imported)


async def test_a_failed_result_without_an_id_is_read():
    """An entry that failed has no id, which does not make the answer unreadable."""
    body = {"value": [{"id": None, "indicator": "x", "isFailed": True, "failureReason": "Bad *value*"}]}
    (result,) = await defender(Asked(body)).import_indicators([draft()])
    assert (result.is_failed, result.failure_reason) == (True, "Bad *value*")


async def test_an_indicator_goes_out_as_documented():
    """The fields of the page in its spelling; the time of expiry in UTC; for all devices."""
    service = Asked(sample("indicator-entity"))
    await defender(service).submit_indicator(draft(expires=datetime(2026, 7, 1, tzinfo=UTC), action="Warn"))
    assert service.sent == {
        "indicatorValue": "bad.example",
        "indicatorType": "DomainName",
        "action": "Warn",
        "title": "[WK-1/1] x",
        "description": "why",
        "severity": "Medium",
        "rbacGroupNames": [],
        "expirationTime": "2026-07-01T00:00:00Z",
    }


async def test_an_audit_raises_alerts():
    """`Audit` is refused without generateAlert true, so it is sent along, and with no other action."""
    service = Asked(sample("indicator-entity"))
    await defender(service).submit_indicator(draft(action="Audit"))
    assert service.sent["generateAlert"] is True


async def test_a_hash_is_asked_for_in_both_spellings():
    """The portal may hold a hash in capitals; an address is asked for once, as it is."""
    service = Asked(sample("indicators-list"))
    found = await defender(service).indicators_for(SHA1, "FileSha1")
    filters = [request.url.params["$filter"] for request in service.requests]
    assert filters == [
        f"indicatorValue eq '{SHA1}' and indicatorType eq 'FileSha1'",
        f"indicatorValue eq '{SHA1.upper()}' and indicatorType eq 'FileSha1'",
    ]
    assert len(found) == 2
    await defender(service).indicators_for("http://bad.example/o'x", "Url")
    assert service.requests[-1].url.params["$filter"] == (
        "indicatorValue eq 'http://bad.example/o''x' and indicatorType eq 'Url'"
    )


async def test_deleting_is_answered_without_a_body():
    """204 is all there is to say; the batch goes out under the documented name."""
    service = Asked(None, 204)
    await defender(service).delete_indicator("17")
    assert (service.requests[0].method, service.requests[0].url.path) == ("DELETE", "/api/indicators/17")
    await defender(service).delete_indicators(["1", "2"])
    assert service.sent == {"IndicatorIds": ["1", "2"]}


async def test_a_submit_that_a_proxy_answered_may_have_been_carried_out():
    """A 200 without an indicator in it is not taken for done."""
    with pytest.raises(Unavailable) as unclear:
        await defender(Asked({"value": []})).submit_indicator(draft())
    assert unclear.value.sent


class _Signed(httpx.Auth):
    def __init__(self, sim):
        self._sim = sim

    async def async_auth_flow(self, request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign with a fresh token of the first company."""
        caller = Caller(
            app=CLIENT_ID,
            tenant=self._sim.first.id,
            audience=DEFENDER,
            roles=frozenset(self._sim.first.roles[DEFENDER]),
        )
        request.headers["Authorization"] = f"Bearer {self._sim.tokens.issue(caller)}"
        yield request


@pytest.fixture
async def sim():
    async with Simulator(ManualClock(NOW), size="tiny").running() as running:
        yield running


@pytest.fixture
async def remote(sim):
    async with new_client(proxies=False) as http:
        yield HttpDefender(Api(http, base_url=sim.url, auth=_Signed(sim), customer="a"))


async def test_an_indicator_lives_at_the_service(sim, remote):
    """Made, found by value in any case and by title, replaced, removed, and then gone."""
    made = await remote.submit_indicator(draft(type="FileSha1", value=SHA1))
    assert [one.id for one in await remote.indicators_for(SHA1.upper(), "FileSha1")] == [made.id]
    assert [one.id for one in await remote.indicators_titled("[WK-1/")] == [made.id]
    again = await remote.submit_indicator(draft(type="FileSha1", value=SHA1, action="Allowed"))
    assert (again.id, again.does) == (made.id, "allowed")
    await remote.delete_indicator(made.id)
    with pytest.raises(Missing):
        await remote.delete_indicator(made.id)
    assert await remote.indicators_for(SHA1, "FileSha1") == []


async def test_titles_are_found_where_the_filter_is_refused(sim, remote):
    """A service that knows no `startswith` here gets all indicators read, and the right ones are picked out."""
    made = await remote.submit_indicator(draft())
    await remote.submit_indicator(draft(value="other.example", title="[WK-2/1] x"))
    sim.faults.add("defender.indicators.list", Fault(kind="error", status=400, code="ODataError"))
    assert [one.id for one in await remote.indicators_titled("[WK-1/")] == [made.id]


async def test_an_import_and_its_end(sim, remote):
    """One that fails leaves the others made; they are removed together."""
    results = await remote.import_indicators([draft(), draft(type="IpAddress", value="1.2.3.4/8")])
    assert [one.is_failed for one in results] == [False, True]
    await remote.delete_indicators([one.id for one in results if one.id])
    assert await remote.indicators_titled("[WK-") == []


async def test_more_than_a_page_of_indicators_is_read(sim, remote):
    """All 15,000 are read where a page holds 10,000."""
    sim.first.entries.crowd(15_000, NOW)
    assert len(await remote.indicators()) == 15_000
    with pytest.raises(Rejected):
        await remote.submit_indicator(draft())


async def test_facts_are_read(sim, remote):
    """A file with its spread, its devices and its alerts; an address; a domain."""
    seen = next(iter(files(sim.first).values()))
    facts, stats = await remote.file(seen.sha256), await remote.file_stats(seen.key)
    assert facts.sha1 == seen.key
    assert stats.organization_prevalence == len(await remote.file_machines(seen.key))
    assert len(await remote.file_alerts(seen.key)) == len(seen.alerts)
    assert (await remote.ip_stats("2001:db8::1")).organization_prevalence == 0
    assert (await remote.domain_stats("never.example")).organization_prevalence == 0
    with pytest.raises(Missing):
        await remote.file("a" * 40)


async def test_a_lacking_permission_is_named(sim, remote):
    """Which permission reads files, addresses and indicators is said in the error."""
    sim.first.roles[DEFENDER] = {"Machine.Read.All"}
    for call, permission in (
        (remote.file(SHA1), "File.Read.All"),
        (remote.ip_stats("192.0.2.1"), "Ip.Read.All"),
        (remote.domain_stats("bad.example"), "URL.Read.All"),
        (remote.indicators(), "Ti.ReadWrite.All"),
        (remote.file_alerts(SHA1), "Alert.Read.All"),
    ):
        with pytest.raises(MissingPermission) as missing:
            await call
        assert missing.value.permission == permission


async def test_a_submit_without_an_answer_is_not_repeated(sim, remote):
    """The call was carried out once although its answer was lost."""
    sim.faults.add("defender.indicators.submit", Fault(kind="reset", acted=True))
    with pytest.raises(Unavailable) as lost:
        await remote.submit_indicator(draft())
    assert lost.value.sent
    assert len(sim.first.entries.said) == 1
