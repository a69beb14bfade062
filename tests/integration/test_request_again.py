"""A request whose card is out of sight is shown again, where it can be decided, and to its own customer only."""

from bot.demo import ADELE, ALEX, MEGAN
from tests.integration.conftest import CHANNEL, OTHER_CHANNEL, ROBIN
from tests.integration.talk import ask, heard, verbs, words


async def waiting(stage) -> str:
    """The id of a request that waits in the asker's own chat."""
    device = next(d for d in stage.sim.first.devices.values() if d.online)
    await stage.say(ADELE, f"/isolate {device.id} full seen talking to a bad host", f"a:{ADELE.id}")
    await stage.shown('"verb": "approve"')
    (record,) = await stage.bot.store.newest("00000000-0000-0000-0000-000000000001", "request")
    return record.id


async def test_it_is_shown_and_decided_elsewhere(stage):
    """The card comes where somebody asked for it, and the approver decides on it there."""
    key = await waiting(stage)
    await stage.say(MEGAN, f"/request {key.lower()}")
    card = await stage.until(lambda: stage.sim.connector.messages(key, CHANNEL))
    await stage.click(MEGAN, card[0], "approve")
    await stage.until(lambda: [e for e in stage.sim.world.ledger.entries if e.type == "Isolate"])


async def test_the_list_of_what_waits_has_a_button_for_it(stage):
    """/actions offers "Show", which posts the request's card below; the older card there becomes a pointer."""
    key = await waiting(stage)
    listed = await ask(stage, ALEX, "/actions", CHANNEL)
    assert "run" in verbs(listed)
    line = {"v": 1, "verb": "run", "id": f"request {key}", "rev": 0}
    await stage.press(ALEX, line, "run", listed.id)
    first = await stage.until(lambda: [m for m in heard(stage, CHANNEL) if "approve" in verbs(m)])
    await stage.press(ALEX, line, "run", listed.id)
    await stage.until(lambda: [m for m in heard(stage, CHANNEL) if "approve" in verbs(m) and m.id != first[0].id])
    await stage.until(lambda: "approve" not in verbs(stage.sim.connector.all[first[0].id]))


async def test_another_customer_does_not_find_it(stage):
    """A request's id is worth nothing in another customer's conversation."""
    key = await waiting(stage)
    answer = await ask(stage, ROBIN, f"/request {key}", OTHER_CHANNEL)
    assert "seen talking" not in words(answer)
    assert "approve" not in verbs(answer)


async def test_an_odd_id_is_answered_with_the_usage(stage):
    """Whatever is no request's id is told how the command is written."""
    for odd in ("", "WK", "WK-../x", "<b>"):
        assert "/request ID" in words(await ask(stage, ALEX, f"/request {odd}", CHANNEL))
