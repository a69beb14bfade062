"""Two replicas of the bot on one Redis: clicks at both, jobs at both, one effect."""

import asyncio
import contextlib

import handlers
from bot.app import listening, running_bot, web_app
from bot.demo import ADELE, ALEX, MEGAN, TENANT
from tests.integration.conftest import Stage, settings_for
from tests.integration.talk import ask, audit, chat, verbs


async def test_the_same_press_at_both_counts_once(stage, redis, tmp_path):
    """Two approvers press at two replicas at once, each press delivered to both: one action, one approval, one card."""
    async with contextlib.AsyncExitStack() as stack:
        settings = settings_for(stage.sim, redis.url, tmp_path)
        other = await stack.enter_async_context(running_bot(settings, handlers.features(1.0)))
        port = await stack.enter_async_context(listening(web_app(other), "127.0.0.1", 0))
        twin = Stage(stage.sim, other, f"http://127.0.0.1:{port}", stage.http, stage.service_url)
        here = chat(stage, [ADELE, ALEX, MEGAN], "channel")
        device = next(
            d
            for d in stage.sim.first.devices.values()
            if d.online and d.os == "Windows11" and d.onboarding == "onboarded"
        )
        card = await ask(stage, ADELE, f"/isolate {device.id} it talks to a bad host", here)
        await stage.until(lambda: "approve" in verbs(card))
        presses = [where.click(who, card, "approve") for who in (ALEX, MEGAN) for where in (stage, twin)]
        await asyncio.gather(*presses)
        await stage.until(lambda: stage.sim.world.ledger.created(device.id, "Isolate"))
        await asyncio.sleep(1)  # for a second one, had there been a reason for it
        assert len(stage.sim.world.ledger.created(device.id, "Isolate")) == 1
        assert [entry["what"] for entry in await audit(stage)].count("approved") == 1
        cards = [m for m in stage.sim.connector.messages(conversation=here) if "bad host" in m.text]
        assert len(cards) == 1
        rows = await stage.bot.store.audit(TENANT)
        assert stage.bot.services.ledger.first_broken(rows) == ""
