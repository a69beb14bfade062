"""/audit as an admin uses it: the card, its pages and filters, and the file that comes into the OneDrive."""

import re
from typing import Any

from bot.audit import Entry
from bot.audit.seals import Seals
from bot.audit.verify import Checked, verify_file
from bot.demo import ADELE, ALEX, ISAIAH, MEGAN, PATTI, TENANT
from bot.simulator.connector import Message
from bot.simulator.files import CONSENT, FILE
from tests.integration.conftest import CHANNEL, Stage, find_button
from tests.integration.talk import ask, audit, chat, heard, words

PERSONAL = f"a:{PATTI.id}"


def device(stage: Stage, n: int = 0) -> Any:
    """A device of the first company that answers."""
    return [one for one in stage.sim.first.devices.values() if one.online][n]


async def isolated(stage: Stage) -> str:
    """A request that Adele made and Megan approved; returns its id."""
    await stage.say(ADELE, f"isolate {device(stage).id} selective trying it out")
    card = await stage.shown('"verb": "approve"')
    data = find_button(card.activity, "approve")
    await stage.click(MEGAN, card, "approve")
    await stage.until(lambda: "Accepted by Defender" in stage.sim.connector.all[card.id].text)
    return str(data["id"])


async def written(stage: Stage, n: int) -> None:
    """So many entries in the trail, by as many people."""
    now = stage.bot.services.clock.now()
    for i in range(n):
        entry = Entry(at=now, what="approved", who=f"{TENANT}/p{i:02}", subject=f"action:{i}")
        await stage.bot.services.ledger.commit(TENANT, [], [entry])


def attached(stage: Stage, kind: str, conversation: str = PERSONAL) -> list[Message]:
    """The messages of a conversation with an attachment of that kind."""
    return [m for m in heard(stage, conversation) if m.activity.get("attachments", [{}])[0].get("contentType") == kind]


async def answer(stage: Stage, person: Any, card: Message, *, accept: bool = True, **more: Any) -> Any:
    """Answer a consent card as Teams does; `more` changes the activity."""
    value = stage.sim.connector.drive.answer(card.activity, stage.sim.url, accept=accept)
    activity = stage.activity(person, card.conversation) | {
        "type": "invoke",
        "name": "fileConsent/invoke",
        "value": value,
        "replyToId": card.id,
    }
    return await stage.send(activity | more)


async def offered(stage: Stage, line: str = "audit export jsonl") -> Message:
    """Write three entries, ask for an export, and return the card that offers it."""
    await written(stage, 3)
    await stage.say(PATTI, line, PERSONAL)
    await stage.shown("The file is ready")
    return attached(stage, CONSENT)[-1]


async def test_the_trail_of_a_response_is_read_and_narrowed_down(stage: Stage):
    """An admin sees who did what on which device by name, by device, person and request; the chain is verified."""
    key = await isolated(stage)
    name = device(stage).name.partition(".")[0]
    whole = words(await ask(stage, PATTI, "audit", PERSONAL))
    for part in (f"Isolate {name}", "Adele Vance", "Megan Bowen", "Watchkeeper by itself", "verified up to now", key):
        assert part in whole
    assert (await stage.bot.store.head(TENANT))[:12] in whole
    by_device = words(await ask(stage, PATTI, f"audit device {device(stage).name}", PERSONAL))
    assert "Approved" in by_device
    assert words(await ask(stage, PATTI, "audit device it", PERSONAL)).count("Isolate") == by_device.count("Isolate")
    other = words(await ask(stage, PATTI, f"audit device {device(stage, 1).name} 30 days", PERSONAL))
    assert ("Nothing in that time" in other, "Last 30 days" in other) == (True, True)
    by_person = words(await ask(stage, PATTI, "audit user megan", PERSONAL))
    assert ("Approved" in by_person, "Asked for" in by_person) == (True, False)
    by_request = words(await ask(stage, PATTI, f"audit request {key.lower()}", PERSONAL))
    assert by_request.count(key) >= 4


async def test_only_an_admin_reads_the_trail(stage: Stage):
    """Whoever is not an admin is told which role it takes, and nothing of the trail."""
    for person in (ISAIAH, ADELE, ALEX):
        said = words(await ask(stage, person, "audit", f"a:{person.id}"))
        assert ("needs the role admin" in said, "Head" in said) == (True, False)


async def test_older_pages_follow_each_other(stage: Stage):
    """Ten entries a page, newest first; Older leads to the next page, which is the last and leads back."""
    await written(stage, 14)
    first = await ask(stage, PATTI, "audit", PERSONAL)
    assert re.findall(r"p\d\d", words(first)) == [f"p{n:02}" for n in range(13, 3, -1)]
    older = find_button(first.activity, "run")
    assert older["id"] == "audit 7 days page 2"
    second = await stage.press(PATTI, older, "run", first.id, PERSONAL)
    assert re.findall(r"p\d\d", words(second)) == ["p03", "p02", "p01", "p00"]


async def test_a_changed_entry_is_named_on_the_card(stage: Stage):
    """Whoever changes an entry in Redis is found out at its position, on the card and in the next export."""
    redis = stage.bot.store._redis
    await written(stage, 3)
    rows = await stage.bot.store.audit(TENANT)
    await redis.delete(f"wk:{{{TENANT}}}:audit")
    for position, text, seal in rows:
        changed = text.replace("action:1", "action:7")
        await redis.xadd(f"wk:{{{TENANT}}}:audit", {"entry": changed, "hash": seal}, id=position)
    said = words(await ask(stage, PATTI, "audit", PERSONAL))
    assert f"broken at {rows[1][0]}" in said
    await stage.say(PATTI, "audit export", PERSONAL)
    assert "The chain is broken" in (await stage.shown("The file is ready")).text


async def test_an_export_comes_into_the_onedrive_and_verifies(stage: Stage):
    """The file is offered, uploaded where Teams said, shown, its card taken away, all of it in the trail; it holds."""
    card = await offered(stage)
    response = await answer(stage, PATTI, card)
    assert (response.status_code, response.content) == (200, b"")
    (file,) = stage.sim.connector.drive.files
    seals = Seals(stage.bot.settings.audit_key.get_secret_value())
    checked = verify_file(seals, file.splitlines(keepends=True))
    assert isinstance(checked, Checked)
    assert (checked.customer, checked.entries) == (TENANT, 3)
    await stage.until(lambda: "is in your OneDrive" in heard(stage, PERSONAL)[-1].text)
    (info,) = attached(stage, FILE)
    assert info.activity["attachments"][0]["name"].endswith(".jsonl")
    assert attached(stage, CONSENT) == []
    told = [(e["what"], e["who"], e["more"]) for e in (await audit(stage))[-2:]]
    assert [what for what, _, _ in told] == ["audit exported", "file handed over"]
    assert {who for _, who, _ in told} == {f"{TENANT}/{PATTI.entra_id}"}
    assert told[0][2] == {"format": "jsonl", "filters": "", "days": 7, "entries": 3}


async def test_a_redelivered_answer_uploads_once(stage: Stage):
    """The same answer again, with the same or a new activity id, is taken with 200 and does nothing more."""
    card = await offered(stage, "audit export csv")
    activity = stage.activity(PATTI, PERSONAL) | {
        "type": "invoke",
        "name": "fileConsent/invoke",
        "value": stage.sim.connector.drive.answer(card.activity, stage.sim.url),
    }
    assert (await stage.send(activity)).status_code == 200
    before = len(heard(stage, PERSONAL))
    for again in (activity, activity | {"id": "redelivered"}):
        assert (await stage.send(again)).status_code == 200
    assert (len(stage.sim.connector.drive.files), len(heard(stage, PERSONAL))) == (1, before)
    table = stage.sim.connector.drive.files[0].decode("utf-8-sig").splitlines()
    assert (len(table), table[0].split(",")[0]) == (4, '"position"')


async def test_a_declined_file_is_forgotten(stage: Stage):
    """Who declines hears so; the card goes, nothing is uploaded, and a later yes finds nothing."""
    card = await offered(stage)
    assert (await answer(stage, PATTI, card, accept=False)).status_code == 200
    assert "You declined" in heard(stage, PERSONAL)[-1].text
    assert attached(stage, CONSENT) == []
    await answer(stage, PATTI, card)
    assert "handed over or declined already" in heard(stage, PERSONAL)[-1].text
    assert stage.sim.connector.drive.files == []
    assert [e["what"] for e in await audit(stage)][-1] == "file declined"


async def test_nobody_else_takes_a_file(stage: Stage):
    """Another person, another chat, an id that was made up: nothing is uploaded, and the answer does not say more."""
    card = await offered(stage)
    elsewhere = chat(stage, [PATTI, ALEX], "groupChat")
    for person, conversation in ((ALEX, f"a:{ALEX.id}"), (PATTI, elsewhere), (ALEX, elsewhere)):
        activity = stage.activity(person, conversation) | {
            "type": "invoke",
            "name": "fileConsent/invoke",
            "value": stage.sim.connector.drive.answer(card.activity, stage.sim.url),
        }
        assert (await stage.send(activity)).status_code == 200
        assert "is not here for you" in heard(stage, conversation)[-1].text
    for context in ({"id": "f" * 32}, {"id": "x:card"}, {"id": 7}, {}, "text", None):
        value = stage.sim.connector.drive.answer(card.activity, stage.sim.url) | {"context": context}
        assert (await answer(stage, PATTI, card, value=value)).status_code == 200
    assert stage.sim.connector.drive.files == []


async def test_a_foreign_upload_address_gets_nothing(stage: Stage):
    """An address that is not SharePoint's (in this test: not this machine's) gets no byte of the file."""
    card = await offered(stage)
    for n, url in enumerate(("http://evil.example/x", "https://contoso.sharepoint.com.evil.example/x", "", None)):
        value = stage.sim.connector.drive.answer(card.activity, stage.sim.url)
        value["uploadInfo"]["uploadUrl"] = url
        assert (await answer(stage, PATTI, card, value=value)).status_code == 200
        assert len(stage.sim.connector.messages("UploadUrlNotAllowed")) == n + 1
    assert len(attached(stage, CONSENT)) == 1


async def test_a_channel_is_told_to_ask_in_the_personal_chat(stage: Stage):
    """Files are handed over in personal chats only; nothing is exported, and nothing written down."""
    said = words(await ask(stage, PATTI, "audit export", CHANNEL))
    assert "personal chat" in said
    assert "audit exported" not in [e["what"] for e in await audit(stage)]
