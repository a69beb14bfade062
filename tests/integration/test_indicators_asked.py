"""Indicators through the whole bot: typed, decided and undone in a channel; a list from a file in a personal chat."""

from bot.demo import ADELE, MEGAN, PATTI
from tests.integration.conftest import CHANNEL, Stage
from tests.integration.talk import ask, chat, words

URL = "https://login.bad.example/a"
ASKED = "/block hxxps://login[.]bad[.]example/a 30d high phishing page"


def held(stage: Stage, value: str):
    """The active indicator for a value."""
    entries = stage.sim.first.entries
    return next((one for one in entries.active(stage.sim.clock.now()) if one.value == value), None)


async def test_a_url_is_blocked_and_unblocked_from_a_channel(stage: Stage):
    """Asked for in the trade's spelling, approved by another, in force; the card's own button asks to undo it."""
    await ask(stage, PATTI, "/subscribe requests", CHANNEL)
    await stage.say(ADELE, ASKED, CHANNEL)
    card = await stage.shown("Block hxxps://login[.]bad[.]example/a: waits for a decision")
    assert held(stage, URL) is None
    assert URL not in words(card)
    await stage.click(MEGAN, card, "approve")
    blocked = await stage.until(lambda: held(stage, URL))
    assert (blocked.type, blocked.action, blocked.severity) == ("Url", "Block", "High")
    await stage.until(lambda: "Defender holds the indicator" in words(stage.sim.connector.all[card.id]))
    done = stage.sim.connector.all[card.id]
    await stage.click(ADELE, done, "propose", inputs={"reason": "the site was cleaned"})
    undo = await stage.shown("Remove the indicator of hxxps://login[.]bad[.]example/a: waits")
    await stage.click(MEGAN, undo, "approve")
    await stage.until(lambda: held(stage, URL) is None)
    await stage.until(lambda: "There is no indicator for it any more" in words(stage.sim.connector.all[undo.id]))


async def test_a_list_comes_as_a_file(stage: Stage):
    """A text file sent along in a personal chat becomes one request, and one call."""
    own = chat(stage, [ADELE])
    text = "\n".join(["# ticket 4711", *(f"host-{n}[.]bad.example" for n in range(40)), "198.51.100.7"])
    given = stage.sim.connector.drive.give("bad.txt", text.encode(), stage.sim.url)
    html = {"contentType": "text/html", "content": "<p>block-list</p>"}
    await stage.say(ADELE, "/block-list 7d phishing kit", own, attachments=[html, given])
    card = await stage.shown("Decide: Block 41 values")
    await ask(stage, PATTI, "/subscribe requests", CHANNEL)
    shown = await stage.until(lambda: stage.sim.connector.messages("Decide: Block 41 values", CHANNEL))
    await stage.click(MEGAN, shown[-1], "approve")
    await stage.until(lambda: held(stage, "198.51.100.7"))
    await stage.until(lambda: "Defender holds all of them: 41/41" in words(stage.sim.connector.all[card.id]))
    assert stage.sim.first.entries.said[-1][0] == "Block"
    await stage.click(ADELE, stage.sim.connector.all[card.id], "propose", inputs={"reason": "wrong"})
    undo = await stage.until(lambda: stage.sim.connector.messages("Remove the indicators of 41 values", CHANNEL))
    await stage.click(MEGAN, undo[-1], "approve")
    await stage.until(lambda: held(stage, "198.51.100.7") is None)


async def test_what_must_not_be_blocked_is_answered_so(stage: Stage):
    """The own domain, an address inside, a file's name: each is told why, and nothing is asked for."""
    own = chat(stage, [ADELE])
    assert "part of your own domain" in words(await ask(stage, ADELE, "/block fabrikam.example because", own))
    assert "inside a company" in words(await ask(stage, ADELE, "/block 192.168.1.1 because", own))
    assert "known by their hash" in words(await ask(stage, ADELE, "/block invoice.exe because", own))
    assert "nothing to remove" in words(await ask(stage, ADELE, "/unblock never.example because", own))


async def test_a_file_of_an_incident_is_blocked_from_its_card(stage: Stage):
    """The details of an incident offer its files, addresses and URLs; the request's card tells what is known of it."""
    own = chat(stage, [ADELE])
    number, sha256 = next(
        (alert.incident_id, item["fileDetails"]["sha256"])
        for alert in stage.sim.first.alerts.values()
        for item in alert.evidence
        if item.get("fileDetails") and stage.sim.first.incidents[alert.incident_id].status == "active"
    )
    details = await ask(stage, ADELE, f"/incident {number}", own)
    assert f'"block:{sha256}"' in words(details)
    offer = {"v": 1, "verb": "propose", "id": f"block:{sha256}", "rev": 0, "reason": "a dropper"}
    await stage.press(ADELE, offer, "propose", details.id, own)
    card = await stage.shown("Decide: Block SHA256")
    assert sha256 in words(card)
    assert "On these devices" in words(card)
