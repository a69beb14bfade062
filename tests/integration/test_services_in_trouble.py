"""When Defender, Graph or the sign-in fail: the card says which, why and what to do; a gap is never shown as a zero."""

from pathlib import Path

import pytest
import pytest_asyncio
import stamina

from bot.demo import ADELE, ALEX, PATTI
from bot.responses import requests
from bot.simulator.faults import Fault
from tests.integration.conftest import OTHER_TENANT, ROBIN, staged
from tests.integration.talk import BOTH, TENANT, ask, chat, heard, redis_of_its_own, words

pytestmark = pytest.mark.asyncio(loop_scope="module")

MANY = 60


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory):
    with redis_of_its_own() as redis, stamina.set_testing(True, attempts=2, cap=True):
        folder: Path = tmp_path_factory.mktemp("data")
        async with staged(redis.url, folder, without=("measure", "auditor", "capabilities"), **BOTH) as running:
            yield running


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def healthy(stage):
    """No fault outlives its test, and the next command of somebody else is answered."""
    await unspent(stage)
    yield
    stage.sim.faults.clear()
    await unspent(stage)
    here = chat(stage, [PATTI])
    assert "You are Patti" in words(await ask(stage, PATTI, "/whoami", here))


async def unspent(stage) -> None:
    """The calls of other tests do not count against the budget of this one."""
    redis = stage.bot.store._redis
    if spent := [name async for name in redis.scan_iter("wk:*:bucket:api:*")]:
        await redis.delete(*spent)


def device_of(stage) -> str:
    return next(d.id for d in stage.sim.first.devices.values() if d.os == "Windows11" and d.onboarding == "onboarded")


# command -> (line, the operation it cannot do without, whose it is, the permission it needs)
NEEDS = {
    "incidents": ("/incidents", "graph.incidents.list", "Microsoft Graph", "SecurityIncident.Read.All"),
    "incidents high": ("/incidents high", "graph.incidents.list", "Microsoft Graph", "SecurityIncident.Read.All"),
    "incident": ("/incident {incident}", "graph.incidents.get", "Microsoft Graph", "SecurityIncident.Read.All"),
    "devices": ("/devices", "defender.machines.list", "Microsoft Defender", "Machine.Read.All"),
    "devices threats": ("/devices threats", "graph.alerts.list", "Microsoft Graph", "SecurityAlert.Read.All"),
    "devices isolated": (
        "/devices isolated",
        "defender.machineactions.list",
        "Microsoft Defender",
        "Machine.Read.All",
    ),
    "device": ("/device {device}", "defender.machines.get", "Microsoft Defender", "Machine.Read.All"),
    "device by name": ("/device no-such", "defender.machines.list", "Microsoft Defender", "Machine.Read.All"),
    "scan": ("/scan {device}", "defender.machines.get", "Microsoft Defender", "Machine.Read.All"),
    "isolate": ("/isolate {device} because", "defender.machines.get", "Microsoft Defender", "Machine.Read.All"),
    "release": ("/release {device} because", "defender.machines.get", "Microsoft Defender", "Machine.Read.All"),
}
SILENT = ("did not answer", "cannot be reached")
TROUBLES: dict[str, tuple[Fault, tuple[str, ...]]] = {
    "401": (Fault(kind="expired", times=MANY), ("does not accept the bot's sign-in",)),
    "403 permission": (Fault(kind="forbidden", times=MANY), ("lacks the permission **{permission}**",)),
    "403 plan": (
        Fault(kind="plan", code="DisabledFeature", message="Not licensed here.", times=MANY),
        ("The plan of this tenant does not include it", "Not licensed here."),
    ),
    "429 with time": (Fault(kind="throttled", retry_after=90, times=MANY), ("try again in 90 s",)),
    "429 without": (Fault(kind="throttled", times=MANY), ("asks to slow down", "in a few minutes")),
    "400": (Fault(kind="error", status=400, code="ODataError", message="no *such* field", times=MANY), ("ODataError",)),
    "500": (Fault(kind="error", status=500, times=MANY), SILENT[:1]),
    "503": (Fault(kind="error", status=503, times=MANY), SILENT[:1]),
    "html": (Fault(kind="html", times=MANY), SILENT[:1]),
    "empty": (Fault(kind="empty", times=MANY), SILENT[:1]),
    "garbage": (Fault(kind="garbage", times=MANY), SILENT[:1]),
    "partial": (Fault(kind="partial", times=MANY), SILENT[:1]),
    "reset": (Fault(kind="reset", times=MANY), SILENT[:1]),
}


@pytest.mark.parametrize("how", TROUBLES)
@pytest.mark.parametrize("command", NEEDS)
async def test_trouble_is_named(stage, command, how):
    """A command whose source fails says whose trouble it is and what to do; it shows and changes nothing."""
    line, operation, service, permission = NEEDS[command]
    fault, said = TROUBLES[how]
    line = line.format(device=device_of(stage), incident=next(iter(stage.sim.first.incidents)))
    here = chat(stage, [ADELE])
    before = len(stage.sim.world.ledger.entries)
    stage.sim.faults.add(operation, fault)
    card = words(await ask(stage, ADELE, line, here))
    assert f"Trouble with {service}" in card
    for text in said:
        assert text.format(permission=permission) in card
    for wrong in ("Traceback", "No device matches", "No incident", "Something went wrong", "no device"):
        assert wrong not in card
    assert len(heard(stage, here)) == 1
    assert len(stage.sim.world.ledger.entries) == before
    assert await requests.still_open(stage.bot.services, TENANT) == []


async def test_no_devices_at_all_is_empty_not_trouble(stage):
    """The documented 404 of a tenant without devices is an empty list."""
    stage.sim.faults.add("defender.machines.list", Fault(kind="error", status=404, code="NotFound", times=MANY))
    here = chat(stage, [ADELE])
    assert "No device matches" in words(await ask(stage, ADELE, "/devices", here))


PARTS = {
    "score, secure": ("/score now", "graph.securescores.list", "Microsoft Secure Score (Microsoft Graph)"),
    "score, devices": ("/score now", "defender.configurationscore", "Secure Score for Devices (Defender)"),
    "score, exposure": ("/score now", "defender.exposurescore", "exposure score (Defender)"),
    "actions, queued": ("/actions", "defender.machineactions.list", "machine actions (Defender)"),
    "actions, investigations": ("/actions", "defender.investigations.list", "investigations (Defender)"),
    "actions, evidence": ("/actions", "graph.alerts.list", "evidence (Microsoft Graph)"),
    "history, outside": ("/actions history", "defender.machineactions.list", "machine actions (Defender)"),
    "device, users": ("/device {device}", "defender.machines.logonusers", "who logged on (Defender)"),
    "device, alerts": ("/device {device}", "defender.machines.alerts", "alerts (Defender)"),
    "device, actions": ("/device {device}", "defender.machineactions.list", "machine actions (Defender)"),
}
NOTHING = {
    "score, secure": ("0 of", "**0**"),
    "score, devices": ("**0**",),
    "score, exposure": ("**0 of 100**", "low exposure"),
    "actions, queued": ("Defender lists no action", "0 machine actions"),
    "actions, investigations": ("Nothing that the APIs show",),
    "actions, evidence": ("Nothing that the APIs show",),
    "history, outside": ("Nothing in the time that is kept",),
    "device, users": ("Nobody that Defender knows of",),
    "device, alerts": ("No open alerts", "0 open alerts"),
    "device, actions": ("None that Defender lists", "not isolated"),
}
PARTLY = {
    "500": Fault(kind="error", status=500, times=MANY),
    "403": Fault(kind="forbidden", times=MANY),
    "garbage": Fault(kind="garbage", times=MANY),
    "429": Fault(kind="throttled", retry_after=300, times=MANY),
}


@pytest.mark.parametrize("how", PARTLY)
@pytest.mark.parametrize("part", PARTS)
async def test_source_that_fails_is_named_as_not_read(stage, part, how):
    """Where one of several sources fails, the rest is shown and that one is named; it never looks empty or zero."""
    line, operation, name = PARTS[part]
    device = device_of(stage)
    here = chat(stage, [ADELE])
    stage.sim.faults.add(operation, PARTLY[how])
    card = words(await ask(stage, ADELE, line.format(device=device), here))
    assert "Could not be read: " in card
    assert name in card
    assert ("lacks the permission" in card) is (how == "403")
    for lie in NOTHING[part]:
        assert lie not in card


@pytest.mark.parametrize("part", ["device, users", "device, alerts", "device, actions"])
async def test_evidence_that_was_not_read_is_unknown_on_the_request(stage, part):
    """An approval card says "could not be read" where its evidence failed, and the request is made all the same."""
    _, operation, _ = PARTS[part]
    here, device = chat(stage, [ADELE, ALEX], "channel"), device_of(stage)
    stage.sim.faults.add(operation, Fault(kind="error", status=500, times=MANY))
    card = await ask(stage, ADELE, f"/isolate {device} because", here)
    assert "could not be read" in words(card)
    stage.sim.faults.clear()
    await stage.click(ADELE, card, "withdraw")
    assert await requests.still_open(stage.bot.services, TENANT) == []


async def test_all_scores_failing_is_trouble(stage):
    """Where no score can be read there is no card of scores but the trouble."""
    for operation in ("graph.securescores.list", "defender.configurationscore", "defender.exposurescore"):
        stage.sim.faults.add(operation, Fault(kind="error", status=500, times=MANY))
    here = chat(stage, [ADELE])
    assert "Trouble with" in words(await ask(stage, ADELE, "/score now", here))


SIGN_IN = {
    "down": (Fault(kind="error", status=503, times=MANY), "Microsoft sign-in cannot be reached"),
    "refusing": (Fault(kind="expired", times=MANY), "does not accept the bot's sign-in"),
    "unknown app": (Fault(kind="forbidden", times=MANY), "does not accept the bot's sign-in"),
    "html": (Fault(kind="html", times=MANY), "Microsoft sign-in"),
    "garbage": (Fault(kind="garbage", times=MANY), "Microsoft sign-in"),
}


@pytest.mark.parametrize("how", SIGN_IN)
async def test_sign_in_in_trouble(stage, how):
    """Where the token endpoint fails or refuses, the card says so; nothing of a secret is in it."""
    fault, said = SIGN_IN[how]
    here = chat(stage, [ROBIN], tenant=OTHER_TENANT)
    await ask(stage, ROBIN, "/whoami", here)  # Graph's token is there, Defender's is not yet
    stage.sim.faults.add("login.token", fault)
    card = words(await ask(stage, ROBIN, "/devices", here))
    assert said in card
    assert "simulator-secret" not in card
    assert "eyJ" not in card


async def test_trouble_of_one_customer_stays_there(stage):
    """While one customer's Defender fails the other's is read as always."""
    stage.sim.faults.add("defender.*", Fault(kind="error", status=500, times=MANY, tenant=TENANT))
    here, there = chat(stage, [ADELE]), chat(stage, [ROBIN], tenant=OTHER_TENANT)
    assert "Trouble with Microsoft Defender" in words(await ask(stage, ADELE, "/devices", here))
    assert "devices" in words(await ask(stage, ROBIN, "/devices all", there))
