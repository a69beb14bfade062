"""What is wrong is named, with what follows from it and what to do; one thing that is wrong hides no other."""

import asyncio
import contextlib
import io
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from bot.clock import SystemClock
from bot.demo import APP_ID, TENANT
from bot.doctor.command_line import Order, called
from bot.doctor.configured import identity_findings
from bot.doctor.endpoints import clock_finding
from bot.doctor.patient import Patient
from bot.doctor.people import people_findings
from bot.doctor.plan import told
from bot.graph.models import SubscribedSku
from bot.settings import examined
from bot.simulator.faults import Fault
from bot.simulator.tokens import DEFENDER, GRAPH
from tests.doctor.conftest import ASKER, BEGINS, DECIDER, FEATURES, as_text, pem_file, steady, with_secret
from tests.doctor.test_doctor_well import compare
from tests.moved_clock import MovedClock

EVERY = 1000  # times
OTHER = "00000000-0000-0000-0000-000000000002"
GROUP = "a0000000-0000-4000-8000-000000000003"


@contextlib.asynccontextmanager
async def silent() -> AsyncIterator[str]:
    """A server that takes every connection and says nothing; yields its address."""
    writers: list[asyncio.StreamWriter] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(OSError):
            await reader.read()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


async def test_a_missing_permission_is_named_with_its_click_path(ward):
    """It is a problem of its own, with API, exact name, the commands that need it, and where to grant it."""
    ward.sim.first.roles[DEFENDER].discard("Score.Read.All")
    ward.sim.first.roles[GRAPH].discard("SecurityAlert.Read.All")
    found = await ward.findings()
    score = found["permissions.defender.Score.Read.All"]
    assert (score.outcome, score.customer) == ("problem", TENANT)
    assert score.says == "WindowsDefenderATP: the permission Score.Read.All is not granted."
    assert "/score" in score.means
    assert score.do.endswith(
        "Add a permission > APIs my organization uses > WindowsDefenderATP > Application permissions"
        " > Score.Read.All > Grant admin consent."
    )
    assert "/score" in score.facts["needed_for"]
    alert = found["permissions.graph.SecurityAlert.Read.All"]
    assert "Add a permission > Microsoft Graph > Application permissions > SecurityAlert.Read.All" in alert.do
    assert "reads.defender.exposure-score" not in found, "said once is enough"
    assert "machines" in found["reads.defender"].says


async def test_what_only_responses_need_may_be_left_out(ward):
    """A permission for responses alone is a warning: who does not want them need not grant it."""
    ward.sim.first.roles[DEFENDER].discard("Machine.Offboard")
    found = (await ward.findings())["permissions.defender.Machine.Offboard"]
    assert (found.outcome, found.facts["needed_for"]) == ("warning", ["/offboard"])
    assert found.do.startswith("If you want them: Entra admin center")


async def test_a_wider_permission_covers_a_missing_one(ward):
    """Where the reads work without it, it is not called missing; the wider one is said to be more than is needed."""
    roles = ward.sim.first.roles[GRAPH]
    roles.discard("SecurityAlert.Read.All")
    roles.add("SecurityAlert.ReadWrite.All")
    found = await ward.findings()
    assert "permissions.graph.SecurityAlert.Read.All" not in found
    assert found["permissions.graph"].outcome == "ok"
    assert found["permissions.graph.unneeded"].facts == {"unneeded": ["SecurityAlert.ReadWrite.All"]}


async def test_what_is_granted_without_need_is_a_warning(ward):
    """Least privilege: each permission that nothing needs is named."""
    ward.sim.first.roles[DEFENDER] |= {"Url.Read.All", "Event.Write"}
    found = (await ward.findings())["permissions.defender.unneeded"]
    assert (found.outcome, found.facts["unneeded"]) == ("warning", ["Event.Write", "Url.Read.All"])


async def test_no_consent_at_all_is_one_line(ward):
    """A token without any permission that is needed is one problem, which names them all."""
    ward.sim.first.roles[GRAPH].clear()
    found = await ward.findings()
    assert "none of the" in found["permissions.graph"].says
    assert "SecurityIncident.Read.All" in found["permissions.graph"].do
    assert not [key for key in found if key.startswith("permissions.graph.")]


@pytest.mark.parametrize(
    ("tenant", "words"),
    [
        ("00000000-0000-0000-0000-000000000002", "administrator has not consented"),
        ("00000000-0000-0000-0000-000000000009", "there is no such tenant"),
    ],
)
async def test_a_tenant_without_a_token_is_explained_once(ward, tenant, words):
    """Both APIs lack a token for the same reason: that is one problem, and nothing else is asked of the tenant."""
    ward.sim.second.apps.clear()
    found = await ward.findings(tenant)
    assert words in found["permissions.token"].says
    assert not [key for key in found if key.startswith(("reads.", "plan."))]
    if "consented" in words:
        assert f"/{tenant}/adminconsent?client_id={APP_ID}&redirect_uri=" in found["permissions.token"].do


async def test_a_wrong_secret_is_said(ward):
    """A secret that Entra refuses is named as the reason, without its value; when a good one ends is unknown."""
    with_secret(ward).environ["APP_SECRET"] = "over-since-monday"
    found = await ward.findings()
    assert "the client secret is wrong, or is over" in found["permissions.token"].says
    assert found["services.connector"].means == "Nothing can be sent to Teams."
    assert found["identity.end"].outcome == "unknown"
    assert "Application.Read.All" in found["identity.end"].means


@pytest.mark.parametrize(
    ("days", "outcome", "words"),
    [(365, "ok", "365 days left"), (29, "warning", "29 days left"), (-3, "problem", "over for 3 days")],
)
def test_the_end_of_the_certificate(tmp_path, days, outcome, words):
    """A month before its end a certificate is warned about; one that is over is a problem."""
    now = datetime(2026, 11, 23, tzinfo=UTC)
    path, _ = pem_file(tmp_path, ends=now + timedelta(days=days))
    settings, _ = examined("serve", {"APP_CERTIFICATE": str(path)})
    (found,) = identity_findings(settings, now)
    assert found.outcome == outcome
    assert words in found.says
    assert bool(found.do) == (outcome != "ok")


def test_a_certificate_that_is_not_valid_yet(tmp_path):
    """One whose time has not come is a problem now."""
    path, _ = pem_file(tmp_path, ends=BEGINS + timedelta(days=99))
    settings, _ = examined("serve", {"APP_CERTIFICATE": str(path)})
    (found,) = identity_findings(settings, BEGINS - timedelta(days=1))
    assert found.outcome == "problem"
    assert "not valid before" in found.means


def test_a_managed_identity_has_no_end():
    """Nothing is warned about where a managed identity proves the app."""
    settings, _ = examined("serve", {"MANAGED_IDENTITY_CLIENT_ID": ASKER})
    (found,) = identity_findings(settings, BEGINS)
    assert found.outcome == "ok"


KINDS = {
    "defender.machines.list": ("plan", "reads.defender.machines", "warning", "not in this tenant's plan"),
    "defender.investigations.list": ("expired", "reads.defender.investigations", "problem", "refused (401"),
    "defender.machineactions.list": ("forbidden", "reads.defender.machine-actions", "problem", "refused (403"),
    "defender.exposurescore": ("throttled", "reads.defender.exposure-score", "warning", "asked too often"),
    "defender.configurationscore": ("html", "reads.defender.configuration-score", "problem", "502"),
    "graph.incidents.list": ("error", "reads.graph.incidents", "problem", "500 UnknownError"),
    "graph.securescores.list": ("timeout", "reads.graph.secure-scores", "problem", "no answer in time"),
}


async def test_a_source_that_cannot_be_read(ward):
    """Permission, plan, busy and outage are told apart for each source, and the others are read all the same."""
    ward.limit = 1.0
    for operation, (kind, *_) in KINDS.items():
        ward.sim.faults.add(operation, Fault(kind=kind, times=EVERY, seconds=3, acted=False))
    found = await ward.findings()
    for _, key, outcome, words in KINDS.values():
        assert found[key].outcome == outcome, key
        assert words in found[key].says, key
    assert "alerts can be read" in found["reads.graph"].says
    assert "reads.defender" not in found


async def test_a_tenant_without_devices_is_well(ward):
    """The documented 404 of an empty list of devices is no trouble."""
    ward.sim.first.devices.clear()
    found = await ward.findings()
    assert "reads.defender.machines" not in found
    assert "machines" in found["reads.defender"].says


@pytest.mark.parametrize(
    ("seconds", "outcome", "words"),
    [
        (0, "ok", "agrees with"),
        (-100, "warning", "100 s ahead of"),
        (100, "warning", "100 s behind"),
        (-500, "problem", "ahead"),
    ],
)
def test_a_wrong_clock(seconds, outcome, words):
    """A clock that is off by a minute is warned about, by four minutes a problem; the worst difference counts."""
    behind = {"Defender": 1.0, "Redis": float(seconds)}
    patient = Patient(
        settings=None, features=FEATURES, clock=SystemClock(), http=None, tokens=None, store=None, behind=behind
    )
    found = clock_finding(patient)
    assert found.outcome == outcome
    assert words in found.says


async def test_the_plan_is_told(ward):
    """What each tenant has bought is named, with the responses that it leaves out and what has those."""
    ward.environ["ALLOWED_TENANTS"] = f"{TENANT},{OTHER}"
    ward.sim.first.plan, ward.sim.second.plan = "plan2", "business"
    found = {one.customer: one for one in (await ward.report()).findings if one.id == "plan.bought"}
    assert "Defender for Endpoint Plan 2" in found[TENANT].says
    assert "Defender for Business" in found[OTHER].says
    assert "the plan lacks none" in found[TENANT].says
    assert "sync" in found[OTHER].facts["responses_lacking"]
    assert "/wipe (Intune)" in found[OTHER].says
    assert "/isolate" not in found[OTHER].says
    assert all(one.outcome == "ok" for one in found.values())


def test_a_plan_without_defender_is_a_warning():
    """Where nothing of Defender for devices works, that is said; a plan that is not ready does not count."""
    plans = [{"servicePlanName": "AAD_PREMIUM", "provisioningStatus": "Success"}]
    plans.append({"servicePlanName": "MDE_SMB", "provisioningStatus": "PendingActivation"})
    found = told([SubscribedSku.model_validate({"id": "a", "servicePlans": plans})], FEATURES.responses, TENANT, BEGINS)
    assert found.outcome == "warning"
    assert "Entra ID P1" in found.says


async def test_without_the_optional_permission_the_plan_is_unknown(ward):
    """LicenseAssignment.Read.All is no problem where it is missing: the plan is not known then."""
    ward.sim.first.roles[GRAPH].discard("LicenseAssignment.Read.All")
    report = await ward.report()
    found = {finding.id: finding for finding in report.findings}
    assert found["plan.bought"].outcome == "unknown"
    assert "LicenseAssignment.Read.All" in found["plan.bought"].means
    assert report.exit_code(strict=True) == 0


async def test_nobody_subscribed_is_a_problem(ward):
    """Where no conversation gets requests nobody would see one; one that Teams ended does not count."""
    with ward.redis.client() as client:
        client.flushall()
    await ward.subscribe(ended="the bot may not write there")
    found = await ward.findings()
    assert found["subscriptions.requests"].outcome == "problem"
    assert found["subscriptions.incidents"].outcome == "warning"
    assert "/subscribe" in found["subscriptions.requests"].do
    assert "No conversation gets the daily digest" in found["subscriptions.digest"].says


@pytest.mark.parametrize(
    ("roles", "outcome", "words"),
    [
        ({"OPERATOR": ASKER, "APPROVER": ASKER}, "problem", "One person alone may ask and decide"),
        ({"OPERATOR": ASKER, "APPROVER": DECIDER}, "warning", "One person alone may decide"),
        ({"OPERATOR": ASKER, "APPROVER": GROUP}, "ok", "one group alone may decide"),
        ({"OPERATOR": GROUP, "APPROVER": GROUP}, "ok", "one group asks and decides"),
        ({"OPERATOR": ASKER, "APPROVER": f"{ASKER},{DECIDER}"}, "ok", "several ids may decide"),
    ],
)
def test_two_pairs_of_eyes_must_be_possible(roles, outcome, words):
    """A person who alone may ask and decide can never have anything decided; of a group nobody knows."""
    settings, _ = examined("serve", {f"ROLES_{role}": ids for role, ids in roles.items()})
    asked = {TENANT: {ASKER: True, DECIDER: True, GROUP: False}}
    found = {finding.id: finding for finding in people_findings(settings, asked)}
    assert found["settings.four-eyes"].outcome == outcome
    assert words in found["settings.four-eyes"].says


async def test_the_directory_tells_people_from_groups(ward):
    """Each id of the roles is asked for; a group, or nothing, is no person there, and that is not known further."""
    ward.environ |= {"ROLES_OPERATOR": GROUP, "ROLES_APPROVER": DECIDER, "ROLES_ADMIN": ""}
    found = await ward.findings()
    assert found["settings.roles.directory"].facts == {"people": 1, "others": 1}
    assert found["settings.roles.directory"].outcome == "unknown"
    assert found["settings.four-eyes"].says.startswith("One person alone may decide.")
    assert found["settings.roles.admin"].outcome == "warning"


async def test_switching_four_eyes_off_is_a_warning(ward):
    """FOUR_EYES=0 is said as a risk."""
    ward.environ["FOUR_EYES"] = "0"
    found = (await ward.findings())["settings.four-eyes"]
    assert found.outcome == "warning"
    assert "FOUR_EYES=0" in found.says


async def test_an_unread_directory_is_no_verdict(ward):
    """Where the directory cannot be asked, whether one id is enough for four eyes is said to be uncertain."""
    ward.environ |= {"ROLES_APPROVER": DECIDER, "ROLES_ADMIN": ""}
    ward.sim.faults.add("graph.checkmembergroups", Fault(kind="error", times=EVERY))
    found = await ward.findings()
    assert found["settings.roles.directory"].outcome == "unknown"
    assert found["settings.four-eyes"].outcome == "warning"
    assert "If it is a person" in found["settings.four-eyes"].means


async def test_all_services_away(ward):
    """With nobody there each service is a problem, and the report is whole."""
    gone = "http://127.0.0.1:1"
    ward.environ |= {"LOGIN_URL": gone, "GRAPH_URL": gone, "DEFENDER_URL": gone, "BOT_OPENID_URL": gone}
    ward.environ["REDIS_URL"] = "redis://127.0.0.1:1/0"
    found = await ward.findings()
    for name in ("services.login", "services.graph", "services.defender", "services.bot-login", "redis.reached"):
        assert found[name].outcome == "problem", name
        assert "cannot be reached" in found[name].says
    assert found["services.clock"].outcome == "unknown"
    assert found["permissions.token"].outcome == "problem"
    assert found["subscriptions.requests"].outcome == "unknown"


async def test_all_services_hang(ward):
    """Servers that take a connection and never answer hold doctor up for as long as its limits say, no longer."""
    ward.limit = 0.3
    async with silent() as address:
        gone = f"http://{address}"
        ward.environ |= {"LOGIN_URL": gone, "GRAPH_URL": gone, "DEFENDER_URL": gone, "BOT_OPENID_URL": gone}
        ward.environ["REDIS_URL"] = f"redis://{address}/0"
        found = await ward.findings()
    for name in ("services.login", "services.graph", "services.defender", "redis.reached"):
        assert "gives no answer" in found[name].says, name
    assert "gives no answer in time" in found["permissions.token"].says


async def test_time_runs_out_for_many_customers(ward):
    """Customers for whom no time is left are counted, and named as a thing to ask for one by one."""
    ward.environ["ALLOWED_TENANTS"] = ",".join(f"00000000-0000-0000-0000-0000000000{n}" for n in range(10, 50))
    ward.limit = 0.2
    async with silent() as address:
        ward.environ["LOGIN_URL"] = f"http://{address}"
        found = await ward.findings()
    late = found["settings.customers.late"]
    assert late.outcome == "unknown"
    assert "of 40 customers were not looked at" in late.says
    assert "--customer" in late.do


async def test_a_certificate_of_a_service_that_cannot_be_believed(ward, tmp_path):
    """A TLS certificate that nobody vouches for is named as the reason, not as an outage."""
    path, _ = pem_file(tmp_path, ends=datetime.now(UTC) + timedelta(days=10))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    runner = web.AppRunner(web.Application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    ward.environ["GRAPH_URL"] = f"https://127.0.0.1:{runner.addresses[0][1]}/v1.0"
    found = (await ward.findings())["services.graph"]
    await runner.cleanup()
    assert found.outcome == "problem"
    assert "TLS certificate that cannot be believed" in found.says


async def test_everything_is_bad(ward, tmp_path):
    """Whatever can be wrong at once is said at once, readable and in order, as the golden file shows."""
    path, public = pem_file(tmp_path, ends=datetime(2021, 1, 1, tzinfo=UTC))
    ward.sim.apps[APP_ID].public_keys.append(public)
    ward.environ |= {"APP_CERTIFICATE": str(path), "ROLES_APROVER": ASKER, "FOUR_EYES": "perhaps", "AUDIT_KEY": "short"}
    ward.environ |= {"ROLES_OPERATOR": ASKER, "ROLES_ADMIN": ASKER}
    del ward.environ["ROLES_APPROVER"]
    ward.clock = MovedClock(-500)
    with ward.redis.client() as client:
        client.flushall()
        for name, value in {"appendonly": "no", "maxmemory-policy": "allkeys-lru"}.items():
            client.config_set(name, value)
    ward.sim.first.roles[DEFENDER] -= {"Machine.Isolate", "Score.Read.All"}
    ward.sim.first.roles[DEFENDER].add("Machine.Offboard")
    ward.sim.first.roles[GRAPH].clear()
    ward.sim.faults.add("defender.machines.list", Fault(kind="plan", times=EVERY))
    ward.sim.faults.add("defender.investigations.list", Fault(kind="expired", times=EVERY))
    report = await ward.report()
    assert report.exit_code() == 1
    compare("bad", steady(report))


def test_an_empty_environment_is_examined_all_the_same():
    """Without any setting each missing one is named, the rest says what it lacks, and the newcomer gets a hint."""
    names = ("LOGIN_URL", "GRAPH_URL", "DEFENDER_URL", "BOT_OPENID_URL")
    out = io.StringIO()
    assert called(Order(), FEATURES, dict.fromkeys(names, "http://127.0.0.1:1"), out) == 1
    for name in (
        "APP_ID",
        "APP_TENANT_ID",
        "ALLOWED_TENANTS",
        "REDIS_URL",
        "AUDIT_KEY",
        "ROLES_APPROVER",
        "APP_SECRET",
    ):
        assert f"{name} is missing" in out.getvalue()
    assert "Not tried: APP_ID" in out.getvalue()
    assert "doctor --simulated" in out.getvalue()


async def test_a_check_that_breaks_is_said(ward):
    """A mistake of doctor's own takes no other check along, and shows no stack."""
    with ward.redis.client() as client:
        key = next(key for key in client.scan_iter() if ":subscription:" in key and ":all:" not in key)
        client.hset(key, "data", "no JSON")  # as nothing of ours ever writes it
    report = await ward.report()
    found = {finding.id: finding for finding in report.findings}
    assert found["permissions.broken"].outcome == "unknown"
    assert "JSONDecodeError" in found["permissions.broken"].says
    assert found["redis.writes"].outcome == "ok"
    assert "Traceback" not in as_text(report)
