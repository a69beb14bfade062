"""The simulated Action center: what investigations propose waits, and only people of the portal decide it."""

import asyncio
from datetime import timedelta

import pytest

from bot.clock import ManualClock
from bot.simulator import Simulator
from bot.simulator.proposals import PROPOSALS
from bot.simulator.scenario import PROPOSES_AT, PROPOSES_EVERY
from tests.simulator.conftest import START, Client

PREFER = {"Prefer": "include-unknown-enum-members"}
DAY = 86_400


async def control(api: Client, path: str, **body):
    """What one of the simulator's own routes answers."""
    answer = await api.http.post(f"/_simulator/{path}", json={"tenant": api.tenant, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()["simulator"]


async def statuses(api: Client, alert: str) -> tuple[str, list[str], str]:
    """How both services show it: the alert's investigation, the states of its things, the investigation's own state."""
    api.tokens.clear()
    shown = (await api.get(f"/v1.0/security/alerts_v2/{alert}", headers=PREFER)).json()
    inquiry = (await api.get(f"/api/investigations/{alert}")).json()
    found = [item["remediationStatus"] for item in shown["evidence"] if item["remediationStatus"] != "none"]
    return shown["investigationState"], found, inquiry["state"]


@pytest.mark.parametrize("kind", PROPOSALS)
async def test_a_proposal_waits_and_is_decided(api, clock, kind):
    """It begins to wait when it was arranged, in both services alike, and somebody approves it some time later."""
    made = await control(api, "proposal", kind=kind, begins=30, decided=180)
    assert await statuses(api, made["alert"]) == ("running", ["active"], "Running")
    clock.move(30)
    assert await statuses(api, made["alert"]) == ("pendingApproval", ["pendingApproval"], "PendingApproval")
    rows = await api.rows("/api/investigations", **{"$filter": "state eq 'PendingApproval'"})
    assert made["investigation"] in {row["id"] for row in rows}
    clock.move(180)
    assert await statuses(api, made["alert"]) == ("running", ["running"], "Running")
    clock.move(20)
    assert await statuses(api, made["alert"]) == ("successfullyRemediated", ["remediated"], "SuccessfullyRemediated")


async def test_a_person_decides_once(api):
    """The control route rejects what waits; what is decided cannot be decided again, and no API can decide at all."""
    made = await control(api, "proposal")
    state = (await api.http.get("/_simulator/state")).json()["simulator"]["customers"][api.tenant]
    assert made["alert"] in {one["alert"] for one in state["action_center"]}
    left = await control(api, "decide", alert=made["alert"], approve=False)
    assert made["alert"] not in {one["alert"] for one in left}
    assert (await statuses(api, made["alert"]))[1:] == (["declined"], "PartiallyRemediated")
    again = await api.http.post(
        "/_simulator/decide", json={"tenant": api.tenant, "alert": made["alert"], "approve": True}
    )
    assert again.status_code == 400


@pytest.mark.parametrize("verb", ["approve", "reject", "decide"])
async def test_no_api_route_decides(api, verb):
    """Neither Graph nor Defender has a route that approves or rejects: each is 404, and what waits goes on waiting."""
    made = await control(api, "proposal")
    for path in (
        f"/api/investigations/{made['investigation']}/{verb}",
        f"/v1.0/security/alerts_v2/{made['alert']}/{verb}",
        f"/v1.0/security/investigations/{made['investigation']}/actions/{verb}",
    ):
        assert (await api.post(path, {})).status_code == 404
    assert (await statuses(api, made["alert"]))[1] == ["pendingApproval"]


async def test_what_nobody_decides_is_over_after_seven_days(api, clock):
    """The week counts from when it began to wait, not from the alert."""
    made = await control(api, "proposal", begins=DAY)
    clock.move(DAY)
    assert (await statuses(api, made["alert"]))[1] == ["pendingApproval"]
    clock.move(7 * DAY - 60)
    assert (await statuses(api, made["alert"]))[1] == ["pendingApproval"]
    clock.move(120)
    assert await statuses(api, made["alert"]) == ("terminatedBySystem", ["declined"], "TerminatedBySystem")


async def test_one_appears_by_itself_and_is_decided():
    """While things happen by themselves, something waits within two minutes and is decided within six."""
    clock = ManualClock(START)
    sim = Simulator(clock, size="tiny")
    story = asyncio.ensure_future(sim.scenario.run())
    waits = []
    for _ in range(12 * 8):
        await asyncio.sleep(0)  # the story's own sleep of five seconds moves the clock
        for customer in (sim.first, sim.second):
            sim.tick(customer)
        ours = {step.alert for customer in (sim.first, sim.second) for step in customer.portal}
        waits.append(len(ours))
    story.cancel()
    assert clock.now() - START > timedelta(minutes=7)
    assert max(waits[: 12 * 2]) == 1
    assert waits[-1] == 0
    assert PROPOSES_AT < PROPOSES_EVERY
