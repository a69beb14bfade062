"""A policy in a running bot: what people are told of it, and what it does with what they ask for."""

import re

from bot.demo import ADELE, ALEX, ISAIAH, MEGAN, PATTI, TENANT
from bot.responses import requests
from tests.integration.conftest import staged
from tests.moved_clock import MovedClock

POLICY = """
zone = "UTC"
[response.release]
approvals = 2
[[rule]]
name = "servers by hand"
when.tags = ["server"]
then.forbidden = "Please call the duty officer."
[[rule]]
name = "test machines"
when.tags = ["lab"]
when.requesters = ["approver"]
then.preapproved = true
then.i_accept_the_risk = true
[[rule]]
name = "desks"
when.tags = ["desk"]
then.veto_minutes = 15
"""


async def test_people_meet_the_policy(redis_server, tmp_path):
    """What holds is shown and explained; a ban is said, a pre-approval runs at once, and silence lets a desk's run."""
    (tmp_path / "policy.toml").write_text(POLICY, encoding="utf-8")
    clock = MovedClock()
    path = str(tmp_path / "policy.toml")
    async with staged(redis_server.url, tmp_path, clock=clock, POLICY_FILE=path) as stage:
        server, lab, desk, plain = [d for d in stage.sim.first.devices.values() if d.online][:4]
        for device, tags in ((server, ["Server"]), (lab, ["Lab"]), (desk, ["Desk"]), (plain, [])):
            device.tags = tags
        await stage.say(ISAIAH, "/policy")
        whole = (await stage.shown("Who decides what")).text
        assert "policy.toml" in whole
        assert str(tmp_path) not in whole
        assert "servers by hand" in whole
        await _is_explained(stage, server, lab, plain)
        await stage.say(ADELE, f"/isolate {server.id} full beacon")
        assert "Please call the duty officer." in (await stage.shown("servers by hand): Please")).text
        await stage.say(ALEX, f"/isolate {lab.id} full trying it out")
        done = await stage.until(lambda: _isolations(stage, lab))
        assert "approved: by the policy, rule 2: test machines" in done[0].comment
        await stage.say(PATTI, "/subscribe requests")  # so that people watch for what they may object to
        await stage.shown("Subscribed")
        await stage.say(ADELE, f"/isolate {desk.id} full beacon")
        card = await stage.shown("Runs by itself at")
        assert _isolations(stage, desk) == []
        key = re.search(r"WK-\w{10}", card.text)[0]
        clock.move(15 * 60 + 2)
        await stage.bot.services.wake(TENANT, requests.KIND, key)  # the sweep would do it within 20 s of the machine's
        await stage.until(lambda: _isolations(stage, desk))
        assert "so the policy approved it" in stage.sim.connector.all[card.id].text


async def _is_explained(stage, server, lab, plain):
    """Cases of each kind, by people of several roles."""
    await stage.say(ISAIAH, f"/policy test isolate {server.id} as operator")
    assert "Not allowed" in (await stage.shown(f"isolate for {server.name}")).text
    await stage.say(ISAIAH, f"/policy test isolate {lab.id} as approver at sat 22:30")
    text = (await stage.shown("Runs at once")).text
    assert "22:30 UTC" in text
    await stage.say(MEGAN, f"/policy test isolate {plain.id}")
    assert "by somebody other than you" in (await stage.shown(f"isolate for {plain.name}")).text
    await stage.say(ISAIAH, "/policy test isolat it")
    await stage.shown("I know no response named isolat. Did you mean isolate?")
    await stage.say(ISAIAH, "/policy test zzzz it")
    await stage.shown("I know no response named zzzz. Please type")


def _isolations(stage, device):
    return [a for a in stage.sim.first.actions.values() if a.machine_id == device.id and a.type == "Isolate"]


async def test_help_goes_from_groups_to_a_response(stage):
    """Everyday commands and groups first; then a group, a response with who decides, and the command of that name."""
    await stage.say(ADELE, "/help")
    whole = (await stage.shown("What I can do")).text
    assert "help device" in whole
    assert "/isolate DEVICE" not in whole
    await stage.say(ADELE, "/help device")
    assert "/isolate DEVICE" in (await stage.shown("Also")).text
    await stage.say(ADELE, "/help /device")
    assert "/device NAME" in (await stage.shown("Examples")).text
    await stage.say(ADELE, "/help isolate")
    assert "1 approval by another person" in (await stage.shown("Who decides")).text
    await stage.say(ISAIAH, "/help isolate")
    await stage.shown("There is no command isolate that you may use")
