"""What an approver is told of a device, and what a policy rules for several, with the whole bot over HTTP."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from bot.demo import ADELE, ALEX, ISAIAH, MEGAN
from bot.simulator.world import LogonUser
from tests.integration.conftest import find_button, staged
from tests.integration.talk import ask, chat, heard, markdown, verbs, words

POLICY = """
priority_accounts = ["boss@contoso.com"]
[response.scan]
approvals = 1
[[rule]]
name = "servers by hand"
when.tags = ["server"]
then.forbidden = "Please call the duty officer."
"""


async def test_an_approver_sees_the_alerts_and_what_the_gravest_is_about(redis_server, tmp_path):
    """Titles once each with their number, the highest severity, the things that the gravest names, the time left.

    Of the device's users the one whom the policy lists is called out.
    """
    (tmp_path / "policy.toml").write_text(POLICY, encoding="utf-8")
    async with staged(redis_server.url, tmp_path, POLICY_FILE=str(tmp_path / "policy.toml")) as stage:
        alert = next(
            one
            for one in stage.sim.first.alerts.values()
            if one.machine_id and one.status != "resolved" and stage.sim.first.devices[one.machine_id].online
        )
        device = stage.sim.first.devices[alert.machine_id]
        for other in stage.sim.first.alerts.values():
            if other.machine_id == device.id and other is not alert:
                other.severity, other.status, other.title = "low", "new", "The same again"
        alert.severity = "high"
        seen = {"domain": "contoso", "first_seen": stage.sim.clock.now(), "last_seen": stage.sim.clock.now()}
        device.users = [LogonUser(account=name, **seen) for name in ("anna", "boss")]
        file = next(one for one in alert.evidence if one["@odata.type"].endswith(("fileEvidence", "processEvidence")))
        name = (file.get("fileDetails") or file["imageFile"])["fileName"]
        here = chat(stage, [ADELE, MEGAN], "channel")
        before = len(heard(stage, here))
        await stage.say(ADELE, f"/isolate {device.id} beacon", here)
        (card,) = await stage.until(lambda: [m for m in heard(stage, here)[before:] if "approve" in verbs(m)])
        assert "boss is a priority account of your policy" in words(card)
        assert "anna is a priority account" not in words(card)
        facts = markdown(card)
        said = dict(pairwise(facts))
        assert said["Highest severity"] == "high"
        assert said["Open alerts"].startswith(alert.title.split(" [")[0][:20])
        assert name in re.sub(r"\\([^\w\s])", r"\1", "\n".join(facts))
        assert "Evidence of the gravest" in words(card)
        assert re.search(r"Waits for a decision until [^(]+\(in (60 min|1 h|59 min)\)", words(card))


async def test_a_policy_is_explained_for_several_devices(redis_server, tmp_path):
    """One of them is forbidden, so that all are; each is told by itself, and nothing is asked for."""
    (tmp_path / "policy.toml").write_text(POLICY, encoding="utf-8")
    async with staged(redis_server.url, tmp_path, POLICY_FILE=str(tmp_path / "policy.toml")) as stage:
        devices = [d for d in stage.sim.first.devices.values() if d.onboarding == "onboarded"]
        plain, server = sorted(devices, key=lambda one: one.name.casefold())[:2]  # what is forbidden is not the first
        server.tags, plain.tags = ["Server"], []
        here = chat(stage, [ISAIAH])
        said = words(await ask(stage, ISAIAH, f"/policy test isolate {server.id},{plain.id} as operator", here))
        assert "**Not allowed.** Please call the duty officer." in said
        assert "1 approval by another person" in said
        assert "the strictest of what holds for each" in said
        assert "Rules, in their order" not in said
        here = chat(stage, [ISAIAH])
        intune = [d for d in stage.sim.first.intune.devices.values() if d.agent == "mdm" and d.name.isascii()]
        said = words(await ask(stage, ISAIAH, f"/policy test lock {intune[0].id}", here))
        assert '"Users"' in said  # whom Intune names, which a rule may ask about


def confirms(node: Any) -> Iterator[tuple[str, str]]:
    """The buttons that ask for a response: its name, and what stands on the button."""
    if isinstance(node, dict):
        if node.get("verb") == "propose" and "title" in node:
            yield node["data"]["id"].partition(":")[0], node["title"]
        for value in node.values():
            yield from confirms(value)
    elif isinstance(node, list):
        for value in node:
            yield from confirms(value)


async def test_a_button_says_what_the_policy_makes_of_it(redis_server, tmp_path):
    """A scan that the policy wants approved is not said to start; a tag is."""
    (tmp_path / "policy.toml").write_text(POLICY, encoding="utf-8")
    async with staged(redis_server.url, tmp_path, POLICY_FILE=str(tmp_path / "policy.toml")) as stage:
        device = next(d for d in stage.sim.first.devices.values() if d.onboarding == "onboarded")
        card = await ask(stage, ADELE, f"/respond {device.id}", chat(stage, [ADELE]))
        said = dict(confirms(card.activity))
        assert (said["scan"], said["tag"]) == ("Ask for approval", "Start")


async def test_after_the_approval_no_device_is_said_to_wait_for_a_decision(redis_server, tmp_path):
    """A filter's bare name is enough; the card of the approved request tells of each device how it stands."""
    async with staged(redis_server.url, tmp_path) as stage:
        devices = [d for d in stage.sim.first.devices.values() if d.onboarding == "onboarded"]
        for device in devices:
            device.risk = "High" if device in devices[:2] else "None"
        here = chat(stage, [ADELE, ALEX], "channel")
        before = len(heard(stage, here))
        await stage.say(ADELE, "/isolate high-risk beacon", here)
        (card,) = await stage.until(lambda: [m for m in heard(stage, here)[before:] if "approve" in verbs(m)])
        assert "Tap one to see them" in words(card)
        assert find_button(card.activity, "run")["id"] in {f"device {d.id}" for d in devices[:2]}
        seen: list[str] = []
        await stage.click(ALEX, card, "approve")

        def over() -> bool:
            seen.append(words(stage.sim.connector.all[card.id]))
            return "Each device got a request of its own" in seen[-1]

        await stage.until(over)
        after = [text for text in seen if "Approved for all devices" in text]
        assert after
        assert not any("waits for a decision" in text for text in after)
        listed = words(await ask(stage, ADELE, "/actions", chat(stage, [ADELE])))
        assert "Isolate 2 devices" in listed
        assert all(f"Isolate {d.name}**" not in listed for d in devices[:2])
