from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot.auth import DEFENDER_SCOPE, GRAPH_SCOPE, BearerAuth, Secret, TokenSource
from bot.clock import ManualClock
from bot.defender.http import HttpDefender
from bot.errors import (
    Missing,
    MissingPermission,
    NotInPlan,
    Rejected,
    ServiceError,
    Throttled,
    Unauthorised,
    Unavailable,
)
from bot.graph.http import HttpGraph, headers
from bot.http import Api, new_client
from bot.simulator.core import CLIENT_ID, CLIENT_SECRET
from bot.simulator.directory import APPROVERS, EVERYONE, READERS
from bot.simulator.faults import Fault
from bot.simulator.incidents import Incident
from bot.simulator.server import Simulator
from bot.simulator.tokens import DEFENDER, GRAPH
from bot.simulator.world import Customer, Device

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


@dataclass
class Bench:
    """A simulator, and the bot's clients in front of it."""

    simulator: Simulator
    clock: ManualClock
    http: httpx.AsyncClient
    tokens: TokenSource

    def defender(self, customer: Customer) -> HttpDefender:
        """The Defender client of one customer."""
        auth = BearerAuth(self.tokens, customer.id, DEFENDER_SCOPE)
        return HttpDefender(Api(self.http, base_url=self.simulator.url, auth=auth, customer=customer.id))

    def graph(self, customer: Customer) -> HttpGraph:
        """The Graph client of one customer."""
        auth = BearerAuth(self.tokens, customer.id, GRAPH_SCOPE)
        base = f"{self.simulator.url}/v1.0"
        return HttpGraph(Api(self.http, base_url=base, auth=auth, customer=customer.id, headers=headers))

    def device(self) -> Device:
        """A device that can be isolated, with nothing under way."""
        devices = self.simulator.first.devices.values()
        busy = {one.machine_id for one in self.simulator.first.actions.values()}
        return next(
            one
            for one in devices
            if one.os == "Windows11" and one.onboarding == "onboarded" and one.online and one.id not in busy
        )

    def isolations(self, device: Device) -> list[str]:
        """The comments of the isolations that the service accepted for the device."""
        actions = self.simulator.first.actions.values()
        return [one.comment for one in actions if one.machine_id == device.id and one.type == "Isolate"]


@pytest.fixture(params=["tiny", "company"])
async def any_bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """Both sizes of the simulated world."""
    async for bench in open_bench(request.param):
        yield bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """The larger world."""
    async for bench in open_bench("company"):
        yield bench


async def open_bench(size: str) -> AsyncIterator[Bench]:
    clock = ManualClock(NOW)
    async with Simulator(clock, size=size).running() as simulator, new_client() as http:
        tokens = TokenSource(
            client_id=CLIENT_ID, credential=Secret(CLIENT_SECRET), login_url=simulator.url, clock=clock
        )
        yield Bench(simulator, clock, http, tokens)
        await tokens.close()


async def test_everything_can_be_read_for_each_customer(any_bench: Bench):
    """Each reading call gives exactly what that customer has, and nothing of the other's."""
    for customer in (any_bench.simulator.first, any_bench.simulator.second):
        defender, graph = any_bench.defender(customer), any_bench.graph(customer)
        machines = await defender.machines()
        assert {one.id for one in machines} == set(customer.devices)
        assert {one.id for one in await defender.machine_actions(top=10_000)} == set(customer.actions)
        assert {one.id for one in await defender.investigations()} == set(customer.investigations)
        assert {one.id for one in await graph.incidents(top=1000)} == set(customer.incidents)
        open_ones = {one.id for one in customer.alerts.values() if one.status in {"new", "inProgress"}}
        assert {one.id for one in await graph.alerts(top=1000)} == open_ones
        assert (await defender.exposure_score()).score == pytest.approx(customer.exposure and customer.exposure.score)
        assert (await defender.configuration_score()).score > 0
        assert len(await graph.secure_scores(90)) == len(customer.secure_scores)
        for device in list(customer.devices.values())[:5]:
            assert (await defender.machine(device.id)).name == device.name
            assert len(await defender.logon_users(device.id)) == len(device.users)
            of_device = [one for one in customer.alerts.values() if one.machine_id == device.id]
            assert len(await defender.machine_alerts(device.id)) == len(of_device)


async def test_all_changes_are_found_and_each_incident_opens(any_bench: Bench):
    """Polling from the beginning finds every incident, and each opens with its alerts."""
    customer = any_bench.simulator.first
    graph = any_bench.graph(customer)
    changes = await graph.incidents_changed_since(NOW - timedelta(days=3650))
    assert [one.last_update_date_time for one in changes.incidents] == sorted(
        one.last_update_date_time for one in changes.incidents
    )
    assert {one.id for one in changes.incidents} == set(customer.incidents)
    for one in changes.incidents[:20]:
        opened = await graph.incident(one.id)
        assert len(opened.alerts) == len(customer.alerts_of(customer.incidents[one.id]))
    open_ones = [one for one in customer.incidents.values() if one.status not in {"resolved", "redirected"}]
    assert await graph.open_incident_count() == len(open_ones)
    active = await graph.incidents_changed_since(NOW - timedelta(days=3650), statuses=("active", "inProgress"))
    wanted = {one.id for one in open_ones if one.status in {"active", "inProgress"}}
    assert {one.id for one in active.incidents} == wanted


async def test_many_incidents_of_one_moment_are_all_found(bench: Bench):
    """A hundred and thirty incidents that changed at the very same time lie across several pages."""
    customer = bench.simulator.first
    for number in range(900_000, 900_130):
        customer.incidents[str(number)] = Incident(
            id=str(number), title="x", severity="low", created=NOW, updated=NOW + timedelta(seconds=5)
        )
    changes = await bench.graph(customer).incidents_changed_since(NOW + timedelta(seconds=5))
    assert len(changes.incidents) == 130
    assert not changes.more


async def test_a_device_is_found_by_the_beginning_of_its_name(bench: Bench):
    """Quotes in names are names, not filters."""
    defender = bench.defender(bench.simulator.first)
    named = [one for one in bench.simulator.first.devices.values() if one.name.startswith("o'brien")]
    assert named
    assert {one.id for one in await defender.machines_named("o'brien")} == {one.id for one in named}
    assert await defender.machines_named("x') or startswith(computerDnsName,'") == []


async def test_a_long_list_is_followed_to_its_end(bench: Bench):
    """Next links lead through all pages, however small."""
    bench.simulator.quirks.page_size = 7
    assert len(await bench.defender(bench.simulator.first).machines()) == len(bench.simulator.first.devices)


@pytest.mark.parametrize("not_found", [True, False])
async def test_a_company_without_devices(bench: Bench, not_found: bool):  # noqa: FBT001 - a switch of the simulator
    """404 and an empty list both mean: no devices."""
    bench.simulator.first.devices.clear()
    bench.simulator.quirks.empty_machines_404 = not_found
    assert await bench.defender(bench.simulator.first).machines() == []


async def test_an_isolation_runs_to_its_end_and_back(bench: Bench):
    """Isolate, follow to the end, release: each step is seen through the API, newest first, with our comment."""
    defender, device = bench.defender(bench.simulator.first), bench.device()
    made = await defender.isolate(device.id, comment="R1 found malware", isolation_type="Full")
    assert (made.kind, made.is_active) == ("isolate", True)
    active = await defender.machine_actions(
        machine_id=device.id, types=["Isolate", "Unisolate"], statuses=["Pending", "InProgress"]
    )
    assert [(one.id, one.requestor_comment) for one in active] == [(made.id, "R1 found malware")]
    bench.clock.move(60)
    assert (await defender.machine_action(made.id)).state == "succeeded"
    released = await defender.unisolate(device.id, comment="R2 clean")
    bench.clock.move(60)
    since = await defender.machine_actions(machine_id=device.id, since=NOW)
    assert [one.id for one in since] == [released.id, made.id]


async def test_a_scan_is_cancelled_once(bench: Bench):
    """Cancelling works while it waits, and is rejected when it is over."""
    defender, device = bench.defender(bench.simulator.first), bench.device()
    made = await defender.run_antivirus_scan(device.id, comment="R3", scan_type="Quick")
    assert (await defender.cancel_machine_action(made.id, comment="changed my mind")).state == "cancelled"
    with pytest.raises(Rejected):
        await defender.cancel_machine_action(made.id, comment="again")


async def test_a_second_isolation_is_no_second_isolation(bench: Bench):
    """Either documented answer to a repetition, the same action or a refusal, leaves one action."""
    defender, device = bench.defender(bench.simulator.first), bench.device()
    bench.simulator.dispatcher.repeat = "existing"
    first = await defender.isolate(device.id, comment="R1", isolation_type="Full")
    second = await defender.isolate(device.id, comment="R1b", isolation_type="Full")
    assert second.id == first.id
    bench.simulator.dispatcher.repeat = "refuse"
    with pytest.raises(Rejected) as caught:
        await defender.isolate(device.id, comment="R1c", isolation_type="Full")
    assert caught.value.code == "ActiveRequestAlreadyExists"
    assert bench.isolations(device) == ["R1"]


AMBIGUOUS = [
    Fault(kind="error", acted=True),
    Fault(kind="error", status=503),
    Fault(kind="html", acted=True),
    Fault(kind="html"),
    Fault(kind="timeout", seconds=0.05, acted=True),
    Fault(kind="reset", acted=True),
    Fault(kind="reset"),
    Fault(kind="empty", acted=True, status=201),
    Fault(kind="garbage", acted=True, status=201),
]


@pytest.mark.parametrize("fault", AMBIGUOUS, ids=lambda fault: f"{fault.kind}{'-acted' * fault.acted}")
async def test_an_isolation_of_unknown_outcome_is_told_as_such(bench: Bench, fault: Fault):
    """After a fault on the way back nobody claims success or failure, and nothing is sent a second time."""
    bench.simulator.faults.add("defender.machines.isolate", fault)
    device = bench.device()
    with pytest.raises(Unavailable) as caught:
        await bench.defender(bench.simulator.first).isolate(device.id, comment="R1", isolation_type="Full")
    assert caught.value.sent
    assert bench.isolations(device) == (["R1"] if fault.acted else [])


@pytest.mark.parametrize(
    "fault", [Fault(kind="throttled", retry_after=1), Fault(kind="throttled"), Fault(kind="expired")]
)
async def test_an_isolation_that_was_turned_away_is_sent_again(bench: Bench, fault: Fault):
    """After 429 and an expired token the same call goes through, once."""
    bench.simulator.faults.add("defender.machines.isolate", fault)
    device = bench.device()
    await bench.defender(bench.simulator.first).isolate(device.id, comment="R1", isolation_type="Full")
    assert bench.isolations(device) == ["R1"]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(kind="forbidden"), MissingPermission),
        (Fault(kind="plan"), NotInPlan),
        (Fault(kind="throttled", retry_after=3600), Throttled),
        (Fault(kind="expired", times=9), Unauthorised),
    ],
)
async def test_a_refused_isolation_has_its_reason(bench: Bench, fault: Fault, kind: type[ServiceError]):
    """Missing permission, missing plan, long throttling and refused tokens are told apart."""
    bench.simulator.faults.add("defender.machines.isolate", fault)
    device = bench.device()
    with pytest.raises(kind):
        await bench.defender(bench.simulator.first).isolate(device.id, comment="R1", isolation_type="Full")
    assert bench.isolations(device) == []


@pytest.mark.parametrize("kind", ["throttled", "error", "html", "reset", "empty", "garbage", "expired", "partial"])
async def test_passing_troubles_of_reading_are_not_noticed(bench: Bench, kind: str):
    """One fault on each side is overcome by trying again."""
    bench.simulator.faults.add("defender.machines.list", Fault(kind=kind))  # type: ignore[arg-type]
    bench.simulator.faults.add("graph.incidents.list", Fault(kind=kind))  # type: ignore[arg-type]
    customer = bench.simulator.first
    assert len(await bench.defender(customer).machines()) == len(customer.devices)
    assert len(await bench.graph(customer).incidents(top=10)) == 10


async def test_graph_says_what_is_missing(bench: Bench):
    """A licence text on a 403 is about the plan; a bare 403 names the permission."""
    graph = bench.graph(bench.simulator.first)
    bench.simulator.faults.add("graph.incidents.list", Fault(kind="plan"))
    with pytest.raises(NotInPlan):
        await graph.incidents()
    bench.simulator.faults.add("graph.incidents.list", Fault(kind="forbidden"))
    with pytest.raises(MissingPermission) as caught:
        await graph.incidents()
    assert caught.value.permission == "SecurityIncident.Read.All"


async def test_a_permission_taken_away_is_missed_by_name(bench: Bench):
    """The token of the next hour lacks it, and the error names what to grant."""
    bench.simulator.first.roles[DEFENDER].discard("Machine.Isolate")
    with pytest.raises(MissingPermission) as caught:
        await bench.defender(bench.simulator.first).isolate(bench.device().id, comment="R1", isolation_type="Full")
    assert caught.value.permission == "Machine.Isolate"


async def test_what_does_not_exist_is_missing(bench: Bench):
    """Unknown ids are `Missing`, for devices, actions, incidents and people."""
    defender, graph = bench.defender(bench.simulator.first), bench.graph(bench.simulator.first)
    unknown = "00000000-0000-4000-8000-00000000dead"
    for call in (
        defender.machine("f" * 40),
        defender.machine_action(unknown),
        graph.incident("404404"),
        graph.member_groups(unknown, [READERS]),
    ):
        with pytest.raises(Missing):
            await call


async def test_group_membership_reaches_through_groups(bench: Bench):
    """A person in a group within a group belongs to both, whatever else is asked."""
    graph = bench.graph(bench.simulator.first)
    people = bench.simulator.first.directory
    member = next(iter(person for person in people.people.values() if person.upn.startswith("meganb")))
    others = [f"c0000000-0000-4000-8000-{number:012}" for number in range(30)]
    found = await graph.member_groups(member.id, [READERS, *others, APPROVERS, EVERYONE])
    assert found == {APPROVERS, EVERYONE}


async def test_a_tenant_that_did_not_consent(bench: Bench):
    """Where the app is not registered in a tenant, the login service's code is told, and nothing was sent."""
    bench.simulator.second.apps.clear()
    with pytest.raises(Unauthorised) as caught:
        await bench.defender(bench.simulator.second).machines()
    assert (caught.value.service, caught.value.code) == ("login", "AADSTS700016")


async def test_login_troubles_pass(bench: Bench):
    """One failure of the login service is overcome, also before an isolation."""
    bench.simulator.faults.add("login.token", Fault(kind="error", status=503))
    device = bench.device()
    await bench.defender(bench.simulator.first).isolate(device.id, comment="R1", isolation_type="Full")
    assert bench.isolations(device) == ["R1"]


async def test_what_a_tenant_has_bought(bench: Bench):
    """The subscriptions come with their service plans, which follow the tenant's plan; it takes a permission."""
    bench.simulator.second.plan = "business"
    plans = {}
    for customer in (bench.simulator.first, bench.simulator.second):
        (sku,) = await bench.graph(customer).subscribed_skus()
        plans[customer.id] = {plan.service_plan_name for plan in sku.service_plans if plan.works}
    assert plans[bench.simulator.first.id] >= {"MDE_SMB", "AAD_PREMIUM", "INTUNE_A"}
    assert plans[bench.simulator.second.id] == {"MDE_SMB"}


async def test_what_a_tenant_has_bought_needs_a_permission(bench: Bench):
    """Without LicenseAssignment.Read.All it is refused, and the permission is named."""
    bench.simulator.first.roles[GRAPH].discard("LicenseAssignment.Read.All")
    with pytest.raises(MissingPermission) as caught:
        await bench.graph(bench.simulator.first).subscribed_skus()
    assert caught.value.permission == "LicenseAssignment.Read.All"
