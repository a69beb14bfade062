"""A conversation that unsubscribed is told that nothing more is posted there by itself, and nothing is."""

from bot.demo import PATTI
from tests.integration.talk import ask, chat, heard


async def test_a_graver_incident_says_nothing_where_nobody_subscribes(stage):
    """An incident whose severity rises is announced only where incidents are still wanted."""
    left, stays = chat(stage, [PATTI], "channel"), chat(stage, [PATTI], "channel")
    for here in (left, stays):
        await stage.say(PATTI, "/subscribe", here)
        await stage.until(lambda here=here: len(heard(stage, here)) >= 2)
    stage.sim.scenario.step("new_incident", stage.sim.first.id)
    newest = stage.sim.first.incidents[str(stage.sim.first.next_incident - 1)]
    newest.severity, newest.title = "low", "Quiet beginning"
    for here in (left, stays):
        await stage.until(lambda here=here: [m for m in heard(stage, here) if "Quiet beginning" in m.text])
    await ask(stage, PATTI, "/unsubscribe", left)
    before = len(heard(stage, left))
    newest.severity = "high"
    stage.sim.scenario._touch(newest)
    await stage.until(lambda: [m for m in heard(stage, stays) if "Severity is now" in m.text])
    await ask(stage, PATTI, "/whoami", left)  # what would have been posted at the same moment is there by now
    assert len(heard(stage, left)) == before + 1
