"""Every kind of fault, the limits, and the simulator's own control routes."""

import asyncio

import httpx
import pytest

from bot.simulator import Fault, Simulator
from bot.simulator.faults import KINDS, Faults
from bot.simulator.limits import Limit, Limiter

SCORE = "/api/exposureScore"
OPERATION = "defender.exposurescore"


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault(kind="throttled"), 429, "TooManyRequests"),
        (Fault(kind="error"), 500, "InternalServerError"),
        (Fault(kind="error", status=503), 503, "InternalServerError"),
        (Fault(kind="error", status=400, code="InvalidInput"), 400, "InvalidInput"),
        (Fault(kind="expired"), 401, "Unauthorized"),
        (Fault(kind="forbidden"), 403, "Forbidden"),
        (Fault(kind="plan"), 403, "DisabledFeature"),
    ],
)
async def test_a_fault_speaks_the_services_words(api, sim, fault, status, code):
    """A fault answers once, with the service's own body, and then the service is well again."""
    sim.faults.add(OPERATION, fault)
    answer = await api.get(SCORE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert (await api.get(SCORE)).status_code == 200


@pytest.mark.parametrize(("seconds", "header"), [(None, None), (7, "7"), (2.128, "2.128")])
async def test_retry_after_is_there_or_not(api, sim, seconds, header):
    """429 comes with or without Retry-After, whole or decimal."""
    sim.faults.add("graph.incidents.list", Fault(kind="throttled", retry_after=seconds))
    answer = await api.get("/v1.0/security/incidents")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, header)
    assert answer.json()["error"]["innerError"]["status"] == "429"


async def test_html_empty_and_garbage(api, sim):
    """A gateway's page, an empty body and broken JSON."""
    for kind in ("html", "empty", "garbage"):
        sim.faults.add(OPERATION, Fault(kind=kind))
    page, empty, garbage = [await api.get(SCORE) for _ in range(3)]
    assert (page.status_code, page.text.startswith("<html>")) == (502, True)
    assert (empty.status_code, empty.content) == (200, b"")
    with pytest.raises(ValueError, match="Unterminated"):
        garbage.json()


async def test_a_partial_answer_carries_a_warning(api, sim):
    """206 with a Warning header."""
    sim.faults.add("graph.alerts.list", Fault(kind="partial"))
    answer = await api.get("/v1.0/security/alerts_v2")
    assert (answer.status_code, "199" in answer.headers["Warning"]) == (206, True)


@pytest.mark.parametrize("acted", [False, True])
async def test_a_reset_loses_the_answer(api, sim, acted):
    """The connection ends without an answer; whether the call was carried out is the fault's choice."""
    device = sim.first.device("o'brien-pc")
    sim.faults.add("defender.machines.isolate", Fault(kind="reset", acted=acted))
    with pytest.raises(httpx.TransportError):
        await api.post(f"/api/machines/{device.id}/isolate", {"Comment": "x", "IsolationType": "Full"})
    assert bool(sim.world.ledger.created()) is acted


@pytest.mark.parametrize("acted", [False, True])
async def test_a_timeout_keeps_the_caller_waiting(api, sim, acted):
    """No answer comes in time; whether the call was carried out is the fault's choice."""
    device = sim.first.device("o'brien-pc")
    sim.faults.add("defender.machines.isolate", Fault(kind="timeout", acted=acted, seconds=30))
    body = {"Comment": "x", "IsolationType": "Full"}
    await api.get(SCORE)
    with pytest.raises(httpx.ReadTimeout):
        await api.post(f"/api/machines/{device.id}/isolate", body, timeout=0.2)
    assert bool(sim.world.ledger.created()) is acted


async def test_slow_is_late_but_true(api, sim):
    """A slow call gets the true answer in the end."""
    sim.faults.add(OPERATION, Fault(kind="slow", seconds=0.05))
    assert (await api.get(SCORE)).json()["score"] == sim.first.exposure.score


async def test_stopping_does_not_wait_for_faults(clock, http):
    """A simulator that is stopped lets go of the calls that still wait for an answer."""
    async with asyncio.timeout(5):
        async with Simulator(clock).running() as sim:
            sim.faults.add("login.token", Fault(kind="timeout", seconds=600))
            waiting = asyncio.create_task(http.post(f"{sim.url}/{sim.first.id}/oauth2/v2.0/token"))
            while sim.faults.waiting():  # noqa: ASYNC110 - nothing tells that a fault was met
                await asyncio.sleep(0.01)
        with pytest.raises(httpx.TransportError):
            await waiting


def test_faults_are_met_in_order_and_used_up():
    """A fault can skip calls, last for several, concern a family of operations or one customer."""
    faults = Faults()
    faults.add("defender.*", Fault(kind="reset", skip=1, times=2))
    faults.add("defender.machines.list", Fault(kind="slow", tenant="b"))
    met = [faults.take("defender.machines.list", "a") for _ in range(4)]
    assert [fault and fault.kind for fault in met] == [None, "reset", "reset", None]
    assert faults.take("graph.incidents.list", "b") is None
    assert faults.take("defender.machines.list", "b").kind == "slow"
    assert faults.waiting() == []


def test_faults_can_be_cleared():
    """`clear` takes all that wait away."""
    faults = Faults()
    faults.add("*", Fault(kind="error", times=9))
    faults.clear()
    assert faults.take("login.token") is None


@pytest.mark.parametrize(
    "bad", [{}, {"kind": "nonsense"}, {"kind": "slow", "hidden": 1}, {"kind": "slow", "seconds": "x"}]
)
def test_a_fault_that_makes_no_sense_is_refused(bad):
    """The control route's JSON is checked."""
    with pytest.raises(ValueError, match=r"kind|fields|numbers"):
        Fault.parse(bad)


def test_every_kind_can_be_parsed():
    """Each kind of fault can be asked for by name."""
    assert {Fault.parse({"kind": kind}).kind for kind in KINDS} == set(KINDS)


def test_the_limiter_says_when(clock):
    """Calls beyond the limit are told how long to wait, and after that they pass."""
    limiter, limits = Limiter(clock), (Limit(2, 60),)
    assert [limiter.wait(("a",), limits) for _ in range(3)] == [0, 0, 60]
    clock.move(20)
    assert limiter.wait(("a",), limits) == 40
    assert limiter.wait(("b",), limits) == 0
    clock.move(40)
    assert limiter.wait(("a",), limits) == 0


def test_refused_calls_can_count_too(clock):
    """Where refused calls count, as in Graph, asking again too early makes the wait longer."""
    limiter, limits = Limiter(clock), (Limit(2, 60),)
    limiter.wait(("a",), limits)
    clock.move(30)
    limiter.wait(("a",), limits)
    first = limiter.wait(("a",), limits, count_refused=True)
    clock.move(5)
    second = limiter.wait(("a",), limits, count_refused=True)
    assert (first, second) == (60, 55)
    clock.move(60)
    assert limiter.wait(("a",), limits) == 0


async def test_a_hundred_calls_a_minute(api, sim, clock):
    """R1: the 101st call of a minute to one endpoint is 429 with Retry-After; others are not touched by it."""
    statuses = [(await api.get(SCORE)).status_code for _ in range(101)]
    assert (statuses.count(200), statuses[-1]) == (100, 429)
    refused = await api.get(SCORE)
    assert refused.json()["error"]["code"] == "TooManyRequests"
    assert (await api.get("/api/configurationScore")).status_code == 200
    clock.move(int(refused.headers["Retry-After"]))
    assert (await api.get(SCORE)).status_code == 200
    sim.limiter.on = False
    assert {(await api.get(SCORE)).status_code for _ in range(101)} == {200}


async def control(api, path, body):
    return await api.http.post(f"/_simulator/{path}", json=body)


async def test_control_faults_and_state(api, sim):
    """Faults are queued over HTTP, and the state shows the truth: isolated devices and the ledger."""
    added = await control(api, "faults", {"operation": OPERATION, "kind": "error", "status": 503})
    assert added.json() == {"simulator": [[OPERATION, "error", 1]]}
    assert (await api.get(SCORE)).status_code == 503
    await control(api, "faults", {"operation": OPERATION, "kind": "error"})
    assert (await control(api, "faults/clear", {})).json() == {"simulator": []}
    device = sim.first.device("o'brien-pc")
    await api.post(f"/api/machines/{device.id}/isolate", {"Comment": "x", "IsolationType": "Full"})
    sim.clock.move(60)
    state = (await api.http.get("/_simulator/state")).json()["simulator"]
    assert device.name in state["customers"][sim.first.id]["isolated"]
    assert state["ledger"][0]["machine_id"] == device.id


async def test_control_world(api, sim):
    """Devices go away and return, things happen, keys rotate and switches turn over HTTP."""
    place = {"tenant": sim.first.id, "device": "o'brien-pc"}
    assert (await control(api, "device", {**place, "online": False})).json()["simulator"]["online"] is False
    assert sim.first.device("o'brien-pc").health == "Inactive"
    assert (await control(api, "step", {"event": "new_incident"})).json()["simulator"]["event"] == "new_incident"
    before = [key["kid"] for key in sim.signer.published()]
    await control(api, "keys/rotate", {"keep_old": False})
    assert before != [key["kid"] for key in sim.signer.published()]
    switched = {"repeat": "existing", "throttling": False, "many_alerts": 3, "plan": "plan2", "tenant": sim.first.id}
    shown = (await control(api, "behaviour", switched)).json()["simulator"]
    assert (shown["repeat"], shown["throttling"], shown["many_alerts"]) == ("existing", False, 3)
    assert sim.first.plan == "plan2"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"operation": OPERATION, "kind": "nonsense"}),
        ("faults", {"kind": "error"}),
        ("behaviour", {"nonsense": 1}),
        ("behaviour", {"repeat": "nonsense"}),
        ("behaviour", {"many_alerts": "x"}),
        ("device", {"tenant": "nobody"}),
        ("step", {"event": "nonsense"}),
        ("step", [1]),
    ],
)
async def test_control_mistakes_are_400(api, path, body):
    """A mistake at the control routes is said, not swallowed."""
    answer = await control(api, path, body)
    assert (answer.status_code, "error" in answer.json()) == (400, True)
