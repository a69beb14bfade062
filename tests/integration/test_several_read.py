"""Before a decision on several devices the bot reads who uses each, in a bounded number of calls, whatever fails."""

from collections import Counter
from dataclasses import replace

import handlers
from bot.demo import ADELE, ALEX, MEGAN
from bot.simulator.faults import Fault
from bot.simulator.world import LogonUser
from tests.integration.conftest import Stage, staged
from tests.integration.talk import chat, heard, verbs, words

POLICY = """
priority_accounts = ["boss@contoso.com"]
[[rule]]
name = "the board"
when.priority_account = true
then.approvals = 2
"""
USERS = "defender.machines.logonusers"


def counted(stage: Stage) -> Counter[str]:
    """The calls that arrived at Defender since the last time, by operation."""
    found = Counter(name for name, *_ in stage.sim.calls if name.startswith("defender."))
    stage.sim.calls.clear()
    return found


async def asked(stage: Stage, line: str, here: str):
    """The newest card in the conversation with buttons for a decision, after that line."""
    before = len(heard(stage, here))
    await stage.say(ADELE, line, here)
    found = await stage.until(lambda: [m for m in heard(stage, here)[before:] if "approve" in verbs(m)])
    return found[-1]


async def test_a_priority_account_among_several_devices_is_seen_before_the_decision(redis_server, tmp_path):
    """It is named with its device and asks for two approvals; each device is read once, a refusal is said once."""
    (tmp_path / "policy.toml").write_text(POLICY, encoding="utf-8")
    watchers = [watcher.name for watcher in handlers.features(1.0).watchers]
    path = str(tmp_path / "policy.toml")
    async with staged(redis_server.url, tmp_path, without=watchers, POLICY_FILE=path) as stage:
        windows = [d for d in stage.sim.first.devices.values() if d.onboarding == "onboarded" and d.online]
        for n in range(10):
            copy = replace(windows[0], id=f"{n:02}" + "ab" * 19, name=f"copy-{n:02}")
            stage.sim.first.devices[copy.id] = copy
            windows.append(copy)
        devices = windows[:3]
        for device in devices:
            seen = {"first_seen": device.first_seen, "last_seen": device.last_seen}
            device.users = [LogonUser(account="ann", domain="contoso", **seen)]
        devices[1].users.append(LogonUser(account="boss", domain="contoso", **seen))
        here = chat(stage, [ADELE, ALEX, MEGAN], "channel")
        line = f"/isolate {','.join(device.id for device in devices)} beacon"
        counted(stage)
        card = await asked(stage, line, here)
        said = words(card)
        assert f"**{devices[1].name.partition('.')[0]}: boss is a priority account**" in said
        assert "users: boss, ann" in said
        assert "were not read:" not in said
        assert "0 of 2 approvals" in said
        assert counted(stage) == {"defender.machines.list": 1, USERS: 3, "defender.machineactions.list": 1}
        await asked(stage, line, here)
        assert counted(stage)[USERS] == 0, "one that is open already is shown, not read again"
        await _is_decided_twice(stage, here, devices)
        await _says_once_what_it_may_not_read(stage, windows)


async def _is_decided_twice(stage: Stage, here: str, devices) -> None:
    """One approval is not enough for what touches the account; the second sends each device its own action."""

    def newest():
        return [m for m in heard(stage, here) if "approve" in verbs(m)][-1]

    def isolated():
        return {a.machine_id for a in stage.sim.first.actions.values() if "beacon" in a.comment}

    await stage.click(ALEX, newest(), "approve")
    assert isolated() == set()
    await stage.click(MEGAN, newest(), "approve")
    await stage.until(lambda: isolated() == {device.id for device in devices})


async def _says_once_what_it_may_not_read(stage: Stage, devices) -> None:
    """Without the permission nobody is asked for fifty times, and the asking does not fail."""
    stage.sim.faults.add(USERS, Fault(kind="forbidden", times=100))
    counted(stage)
    here = chat(stage, [ADELE, ALEX, MEGAN], "channel")
    said = words(await asked(stage, f"/isolate {','.join(device.id for device in devices)} sweep", here))
    assert f"Users of {len(devices)} devices were not read:" in said
    assert said.count("lacks the permission **User.Read.All**") == 1
    assert "0 of 2 approvals" in said, "what was not read may be anybody"
    assert len(devices) > 10
    assert counted(stage)[USERS] <= 5
