"""Two replicas on a Redis cluster, and on a master with Sentinels: the whole story, before and after a node dies."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

from bot.demo import ADELE, MEGAN, PATTI, TENANT
from bot.state.redis import RedisStore
from tests.integration.talk import chat, heard, verbs, words
from tests.replicas.pair import Pair, paired, until
from tests.replicas.redis_topologies import Cluster, Watched, standing, wait_for


async def isolated(pair: Pair, here: str, number: int) -> None:
    """Adele asks, Megan approves, the device is isolated once, and the card says so: turns, records and jobs work."""
    devices = [
        d for d in pair.sim.first.devices.values() if d.online and d.os == "Windows11" and d.onboarding == "onboarded"
    ]
    reason = f"it talks to bad host {number}"
    await pair.say(ADELE, f"/isolate {devices[number].id} {reason}", here)
    card = await pair.until(lambda: next((m for m in heard(pair, here) if reason in m.text and verbs(m)), None), 30)
    await pair.click(MEGAN, card, "approve")
    await pair.until(lambda: pair.actions(devices[number].id), 60)
    await pair.until(lambda: "Pending" in words(card) or "Succeeded" in words(card), 60)
    assert len(pair.actions(devices[number].id)) == 1


async def well(pair: Pair) -> None:
    """Both processes are ready again."""
    await asyncio.gather(*(bot.ready(pair.http, 40.0) for bot in pair.bots))


async def on_a_cluster(folder: Path) -> None:
    """With the keys spread over three masters all works; so it does after one of them died and came back."""
    with standing(Cluster) as cluster:
        async with paired(SimpleNamespace(url=cluster.url), folder) as pair:
            here = chat(pair, [ADELE, MEGAN, PATTI], "channel")
            await pair.say(PATTI, "/subscribe", here)
            await isolated(pair, here, 0)
            for node in (cluster.holder(f"{{{TENANT}}}"), cluster.holder("{wk-jobs}")):
                await asyncio.to_thread(node.end)
                await asyncio.sleep(1.5)  # the others notice
                await asyncio.to_thread(node.start)
                await asyncio.to_thread(wait_for, cluster.well)
            await well(pair)
            await isolated(pair, here, 1)


async def with_sentinels(folder: Path) -> None:
    """When the master dies, the Sentinels promote its replica, and the bot goes on there with what it knew."""
    with standing(Watched) as watched:
        async with paired(SimpleNamespace(url=watched.url), folder) as pair:
            here = chat(pair, [ADELE, MEGAN, PATTI], "channel")
            await pair.say(PATTI, "/subscribe", here)
            await isolated(pair, here, 0)
            await asyncio.to_thread(watched.master.end)
            await until(watched.promoted)
            await well(pair)
            await isolated(pair, here, 1)
            store = RedisStore.open(watched.url)
            assert len(await store.newest(TENANT, "request")) == 2
            await store.close()


async def test_on_a_cluster_and_with_sentinels(tmp_path):
    """Both kinds carry the bot, before and after a node died; they stand beside each other to save time."""
    folders = [tmp_path / name for name in ("cluster", "sentinels")]
    for folder in folders:
        folder.mkdir()
    await asyncio.gather(on_a_cluster(folders[0]), with_sentinels(folders[1]))
