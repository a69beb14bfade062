"""The main job over HTTP: an incident arrives, a device is isolated by two people, the card tells it to the end."""

from bot.demo import ADELE, MEGAN


async def test_whoami_names_role(stage):
    """A person learns the role that the directory's groups give them."""
    await stage.say(ADELE, "/whoami")
    message = await stage.shown("Adele Vance")
    assert "operator" in message.text.casefold(), message.text


async def test_isolation_by_two_people(stage):
    """An operator proposes, an approver approves, Defender isolates once, and the card tells it to its end."""
    machine = next(m for m in stage.sim.first.devices.values() if m.online)
    await stage.say(ADELE, f"/isolate {machine.id} selective beacon to a bad host")
    card = await stage.shown('"verb": "approve"')
    answer = await stage.click(MEGAN, card, "approve")
    assert answer["type"] == "application/vnd.microsoft.card.adaptive"
    await stage.until(lambda: [a for a in stage.sim.world.ledger.entries if a.type == "Isolate"])
    await stage.shown("Succeeded", 60)
    assert len([a for a in stage.sim.world.ledger.entries if a.type == "Isolate"]) == 1
