"""The simulated companies: no invented field, the same each time, varied and awkward enough, and things happen."""

import ast
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.clock import ManualClock
from bot.simulator import Simulator
from bot.simulator import defender_forms as defender
from bot.simulator import graph_forms as graph
from bot.simulator.cases import CASES
from bot.simulator.connector import Connector
from bot.simulator.directory import FIRST_TENANT, PLAYGROUND, SECOND_TENANT
from bot.simulator.graph_fields import INCIDENT_STATUSES, SERVICE_SOURCES
from bot.simulator.scenario import EVENTS
from bot.simulator.staff import GLOBAL_ADMINISTRATOR
from bot.simulator.world import Directory, Group

START = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HERE = Path(__file__).parent
DOCUMENTED = {
    name: set().union(*sources.values())
    for name, sources in json.loads((HERE / "documented_fields.json").read_text()).items()
}
SOURCE = HERE.parent.parent / "bot" / "simulator"


def world(**more):
    return Simulator(ManualClock(START), **{"size": "company", **more})


@pytest.fixture(scope="module")
def both():
    return list(world().world.customers.values())


def keys(form):
    if isinstance(form, dict):
        return set(form) | set().union(*(keys(value) for value in form.values()))
    return set().union(*(keys(value) for value in form)) if isinstance(form, list) else set()


def test_no_invented_field_in_defender(both):
    """Every field of every entity the Defender side prints is in the documentation's samples or text."""
    for customer in both:
        for device in customer.devices.values():
            assert keys(defender.machine(device)) <= DOCUMENTED["machine"]
            assert all(keys(defender.logon_user(user)) <= DOCUMENTED["logonUser"] for user in device.users)
        for action in customer.actions.values():
            for in_list in (True, False):
                assert keys(defender.machine_action(action, in_list=in_list)) <= DOCUMENTED["machineAction"]
            assert keys(defender.created_action(action)) <= DOCUMENTED["machineAction"]
        for one in customer.investigations.values():
            assert keys(defender.investigation(one)) == DOCUMENTED["investigation"]
        for alert in customer.alerts.values():
            if alert.machine_id:
                assert keys(defender.alert(alert, customer)) <= DOCUMENTED["defenderAlert"]


def test_no_invented_field_in_graph(both):
    """The same for incidents, alerts with all their kinds of evidence, and Secure Scores."""
    for customer in both:
        for incident in customer.incidents.values():
            assert keys(graph.incident(incident, customer)) <= DOCUMENTED["incident"]
        for alert in customer.alerts.values():
            assert keys(graph.alert(alert, customer)) <= DOCUMENTED["graphAlert"]
        for day in customer.secure_scores:
            assert keys(graph.secure_score(day, customer)) <= DOCUMENTED["secureScore"]


async def test_no_invented_field_in_answers_and_errors(api):
    """The same for tokens, scores and both kinds of error body, as they come over the wire."""
    assert keys((await api.get("/api/exposureScore")).json()) - {"@odata.context"} == DOCUMENTED["score"]
    assert keys((await api.get("/api/machines/nobody")).json()) == DOCUMENTED["defenderError"]
    assert keys((await api.get("/v1.0/security/incidents/0")).json()) <= DOCUMENTED["graphError"]


def test_enums_are_the_documented_ones(both):
    """Words of status, risk, health and source are members of the documented enums."""
    for customer in both:
        assert {one.status for one in customer.incidents.values()} <= INCIDENT_STATUSES
        assert {one.source for one in customer.alerts.values()} <= SERVICE_SOURCES
        devices = customer.devices.values()
        assert {one.risk for one in devices} <= {None, "None", "Informational", "Low", "Medium", "High"}
        assert {one.exposure for one in devices} <= {None, "None", "Low", "Medium", "High"}


def test_the_same_seed_makes_the_same_company():
    """Two simulators with one seed and start are alike in everything; another seed makes another company."""

    def shown(sim):
        return json.dumps(
            [
                [defender.machine(one) for one in sim.first.devices.values()],
                [graph.alert(one, sim.first) for one in sim.first.alerts.values()],
                [defender.machine_action(one, in_list=True) for one in sim.first.actions.values()],
            ]
        )

    assert shown(world()) == shown(world())
    assert shown(world()) != shown(world(seed=2))


def test_the_companies_have_their_sizes(both):
    """A hundred seats with 120 devices and dozens of incidents; a second company of 15 with shared device names."""
    first, second = both
    assert (first.id, first.seats, len(first.devices)) == (FIRST_TENANT, 100, 120)
    assert (second.id, len(second.devices)) == (SECOND_TENANT, 15)
    assert len(first.incidents) == 60
    shared = {one.name for one in first.devices.values()} & {one.name for one in second.devices.values()}
    assert shared >= {"frontdesk-01", "srv-file-01", "o'brien-pc"}
    assert not set(first.devices) & set(second.devices)


def test_the_company_is_varied(both):
    """Risks, health, systems, severities, statuses, sources and kinds of evidence all occur in variety."""
    first = both[0]
    devices, incidents, alerts = (list(x.values()) for x in (first.devices, first.incidents, first.alerts))
    assert {one.risk for one in devices} >= {"High", "Medium", "Low", None}
    assert len({one.health for one in devices}) >= 4
    assert {one.severity for one in incidents} == {"informational", "low", "medium", "high"}
    assert {one.status for one in incidents} == INCIDENT_STATUSES
    assert len({one.source for one in alerts}) >= 5
    kinds = {item["@odata.type"].rpartition(".")[2] for one in alerts for item in one.evidence}
    assert kinds >= {f"{kind}Evidence" for kind in ("device", "user", "file", "process", "analyzedMessage", "aiAgent")}
    assert {item["remediationStatus"] for one in alerts for item in one.evidence} >= {"pendingApproval", "active"}


def test_names_are_awkward(both):
    """Markdown, HTML, quotes and long words occur in device names, files and titles."""
    text = json.dumps(
        [[one.name for one in both[0].devices.values()], [graph.alert(one, both[0]) for one in both[0].alerts.values()]]
    )
    for odd in ("o'brien", "*", "_", "[", "](", "<b>", "`", "&", "x" * 60):
        assert odd in text


def test_nothing_lies_in_the_future(both):
    """No time of the company is after the moment it was made."""
    for customer in both:
        times = [
            one.updated for part in (customer.incidents, customer.alerts, customer.actions) for one in part.values()
        ]
        assert max(times) <= START
        assert max(one.last_seen for one in customer.devices.values()) <= START


def test_the_playground_people_are_the_first_tenants(both):
    """The six people of the Agents Playground stand in the first directory under its own, odd ids."""
    ids = [PLAYGROUND[f"user-id-{number}"].id for number in range(6)]
    assert ids[0] == "00000000-0000-0000-0000-0000000000020"
    assert set(ids) < set(both[0].directory.people)
    assert not set(ids) & set(both[1].directory.people)


def test_whoever_signs_in_or_stands_in_an_incident_is_in_the_directory(both):
    """The users of devices and the user evidence of alerts are people of the directory, under the same ids."""
    for customer in both:
        find = customer.directory.find
        assert all(find(f"{user.account}@{customer.domain}") for one in customer.devices.values() for user in one.users)
        accounts = [
            thing["userAccount"]
            for alert in customer.alerts.values()
            for thing in alert.evidence
            if thing["@odata.type"].endswith(".userEvidence")
        ]
        assert accounts
        assert all(one["azureAdUserId"] == find(one["userPrincipalName"]).id for one in accounts)


def test_each_company_has_administrators(both):
    """There are administrators by their own role and one through a group, and one Global Administrator at least."""
    for customer in both:
        roles = [role for person in customer.directory.people.values() for role in person.roles]
        assert GLOBAL_ADMINISTRATOR in roles
        assert len(roles) > 1
        assert any(group.roles and group.members for group in customer.directory.groups.values())


def test_groups_that_hold_each_other_end():
    """Membership through a circle of groups is answered all the same."""
    groups = {"a": Group(id="a", name="a", members={"b"}), "b": Group(id="b", name="b", members={"a", "me"})}
    assert Directory(groups=groups).member_of("me", ["a", "b", "c"]) == ["a", "b"]


def test_each_event_happens():
    """Every kind of event finds something to do in a company and moves what it should."""
    sim = world()
    for name in EVENTS:
        sim.clock.move(10)
        assert sim.scenario.step(name, FIRST_TENANT)["event"] == name


def test_events_show_in_the_incident():
    """A new incident, a merge, a severity raised and a reopening change status and time of the incidents."""
    sim = world()
    sim.clock.move(60)
    now = sim.clock.now()
    new = sim.first.incidents[sim.scenario.step("new_incident", FIRST_TENANT)["incident"]]
    assert (new.created, new.updated, len(sim.first.alerts_of(new))) == (now, now, 1)
    (alert,) = sim.first.alerts_of(new)
    assert (alert.machine_id is None) == (alert.investigation_id not in sim.first.investigations)
    raised = sim.scenario.step("severity_up", FIRST_TENANT)
    assert sim.first.incidents[raised["incident"]].severity == raised["severity"]
    merged = sim.scenario.step("merge", FIRST_TENANT)
    assert sim.first.incidents[merged["incident"]].redirect == merged["into"]
    reopened = sim.first.incidents[sim.scenario.step("reopen", FIRST_TENANT)["incident"]]
    assert (reopened.status, reopened.updated) == ("active", now)


def test_the_first_event_is_a_new_incident():
    """Whatever the seed, the first thing that happens is a new incident in the first company or the second."""
    for seed in range(5):
        assert world(size="tiny", seed=seed).scenario.step()["event"] == "new_incident"


def test_new_incidents_of_two_runs_differ():
    """Incidents of a later run have higher numbers than those of an earlier one."""
    early, late = world(size="tiny"), Simulator(ManualClock(START + timedelta(days=1)), size="tiny")
    numbers = [int(sim.scenario.step("new_incident", FIRST_TENANT)["incident"]) for sim in (early, late)]
    assert numbers[0] < numbers[1]


def test_an_empty_company_is_empty():
    """The empty size has people and nothing else, and nothing can happen in it."""
    sim = world(size="empty")
    assert (sim.first.devices, sim.first.incidents, sim.scenario.step()) == ({}, {}, None)
    assert sim.first.directory.people


def test_a_hundred_steps_keep_the_company_whole():
    """Many events later every alert belongs to an incident that exists and every merged one has a survivor."""
    sim = world()
    for _ in range(100):
        sim.clock.move(5)
        sim.scenario.step()
    for customer in sim.world.customers.values():
        assert {one.incident_id for one in customer.alerts.values()} <= set(customer.incidents)
        for one in customer.incidents.values():
            assert (one.status == "redirected") == (one.redirect is not None)
            assert one.redirect is None or one.redirect in customer.incidents


async def test_things_happen_by_themselves():
    """With the scenario on, incidents come without anybody's doing, and it ends with the server."""
    sim = Simulator(ManualClock(START), size="tiny")
    before = len(sim.first.incidents) + len(sim.second.incidents)
    async with sim.running(scenario=True):
        while len(sim.first.incidents) + len(sim.second.incidents) == before:
            await sim.clock.sleep(0)
    assert sim.clock.now() > START


def test_every_case_has_its_evidence():
    """Each kind of case carries evidence, and some wait for a decision."""
    assert all(case.evidence for case in CASES)
    assert {case.waiting for case in CASES} >= {"pendingApproval", "none", "remediated"}


def test_the_connector_begins_empty(both):
    """The Connector knows no conversation until a test opens one."""
    assert Connector(world()).chats == {}


def test_the_simulator_knows_nothing_of_the_bot():
    """The simulator imports nothing of the bot's but its clock: it follows the reference, not our clients."""
    for path in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            ours = [name for name in names if name.partition(".")[0] in {"bot", "cards", "handlers"}]
            assert [name for name in ours if not name.startswith(("bot.simulator", "bot.clock"))] == []
