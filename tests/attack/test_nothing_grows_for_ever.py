"""What a running bot leaves in Redis: everything has an end or a bound."""

import asyncio
import contextlib
from collections import Counter
from datetime import timedelta

import redis as redis_client

from bot.demo import ADELE, ALEX, PATTI, TENANT
from bot.state.store import Change
from tests.integration.talk import ask, chat, heard, verbs

# What may stay without an end: one for each customer, device or conversation, or only while a request is open.
STANDING = {"all", "indexed", "audit", "head", "due", "subscription", "schedule", "watermark"}
STANDING |= {"request", "flight", "ask"}


def lasting(client: redis_client.Redis) -> list[str]:
    """The keys without an end."""
    return sorted(key.decode() for key in client.scan_iter() if client.ttl(key) == -1)


def shape(names: list[str]) -> Counter[str]:
    """How many there are of each kind: ours by kind, docket's by the part that is not a task's name."""
    parts = (name.split(":") for name in names)
    return Counter(p[2] if p[0] == "wk" and len(p) > 2 else ":".join(p[:2]) for p in parts)


async def test_what_stays_is_bounded(stage, redis):
    """After a day's work in small nothing without an end is left but what is one of a kind, and more work adds none."""
    here = chat(stage, [ADELE, ALEX, PATTI], "channel")
    await stage.say(PATTI, "/subscribe", here)
    await stage.until(lambda: len(heard(stage, here)) >= 2)
    with contextlib.closing(redis_client.Redis(unix_socket_path=str(redis.socket))) as client:
        counts = []
        for device in [
            d
            for d in stage.sim.first.devices.values()
            if d.online and d.os == "Windows11" and d.onboarding == "onboarded"
        ][:2]:
            for line in ("/devices all", f"/device {device.id}", "/incidents", "/whoami"):
                await stage.say(ADELE, line, here)
            card = await ask(stage, ADELE, f"/isolate {device.id} it talks to a bad host", here)
            await stage.until(lambda card=card: "approve" in verbs(card))
            await stage.click(ALEX, card, "reject", inputs={"reason": "no"})
            stage.sim.scenario.step("new_incident", TENANT)
            await asyncio.sleep(2.5)  # pollers and sweeps go on
            counts.append(shape(lasting(client)))
        ours = {name for name in counts[-1] if not name.startswith("wk")}
        assert ours <= STANDING, ours
        more = counts[1] - counts[0]
        assert not {name for name in more if not name.startswith("wk-jobs") and name != "all"}, counts
        await stage.until(
            lambda: sum(n for name, n in shape(lasting(client)).items() if name.startswith("wk-jobs")) < 30
        )
        assert client.xlen("wk-jobs:stream") < 20


async def test_a_due_time_without_a_record_goes_away(stage):
    """A record that ran out, or whose kind nobody knows any more, is not asked for at each sweep for ever."""
    store, now = stage.bot.store, stage.bot.services.clock.now()
    for kind in ("request", "of another version"):
        change = Change(kind=kind, id="gone", rev=0, data={"v": 1}, due=now + timedelta(seconds=1), keep=0.05)
        await store.commit(TENANT, [change])
    await asyncio.sleep(0.2)
    for kind in ("request", "of another version"):
        await stage.bot.jobs.wake(TENANT, kind, "gone")
    assert await store.due(TENANT, now + timedelta(minutes=1)) == []
