"""A request that nobody could decide says so, and is shown where people subscribe."""

from bot.demo import ADELE, MEGAN, PATTI


async def test_asker_is_told_and_a_subscription_helps(stage):
    """Asked in a personal chat without a subscription, the card says that nobody can decide; subscribing helps."""
    device = next(d for d in stage.sim.first.devices.values() if d.online)
    own = f"a:{ADELE.id}"
    await stage.say(ADELE, f"/isolate {device.id} full seen talking to a bad host", own)
    card = await stage.shown("Nobody who may decide sees this")
    assert card.conversation == own
    await stage.say(PATTI, "/subscribe requests")
    shown = await stage.until(lambda: stage.sim.connector.messages("seen talking to a bad host", "19:soc@thread.tacv2"))
    await stage.until(lambda: "Nobody who may decide" not in stage.sim.connector.all[card.id].text)
    await stage.click(MEGAN, shown[-1], "approve")
    await stage.until(lambda: [e for e in stage.sim.world.ledger.entries if e.type == "Isolate"])
