"""Files in the simulated Teams: which consent cards it takes, what it sends for an answer, and its OneDrive."""

import pytest

from bot.simulator.files import CONSENT, FILE

CHAT, GROUP = "a:alex", "19:group@thread.v2"
CARD = {"description": "d", "sizeInBytes": 3, "acceptContext": {"id": "f"}, "declineContext": {"id": "f"}}


@pytest.fixture
def chats(sim):
    sim.connector.open(CHAT, sim.first.id, kind="personal")
    sim.connector.open(GROUP, sim.first.id, kind="groupChat")


def message(content, kind=CONSENT, **more):
    return {"type": "message", "attachments": [{"contentType": kind, "name": "a.csv", "content": content, **more}]}


async def posted(api, body, chat="a%3Aalex"):
    return (await api.post(f"/v3/conversations/{chat}/activities", body)).status_code


async def test_a_consent_card_is_for_personal_chats(api, chats):
    """It is taken in a personal chat, whole, and refused elsewhere or where something is missing."""
    assert await posted(api, message(CARD)) == 201
    assert await posted(api, message(CARD), "19%3Agroup%40thread.v2") == 400
    for name in ("sizeInBytes", "acceptContext", "declineContext"):
        assert await posted(api, message({key: value for key, value in CARD.items() if key != name})) == 400
    assert await posted(api, message(CARD | {"sizeInBytes": 0})) == 400
    assert await posted(api, message(CARD, name="")) == 400


async def test_a_file_card_needs_its_address(api, chats):
    """The card of an uploaded file has contentUrl, uniqueId and fileType, or is refused."""
    content = {"uniqueId": "1", "fileType": "csv"}
    assert await posted(api, message(content, FILE, contentUrl="https://x")) == 201
    assert await posted(api, message(content, FILE)) == 400
    assert await posted(api, message({"uniqueId": "1"}, FILE, contentUrl="https://x")) == 400


async def test_an_accepted_file_is_uploaded_once(api, sim, chats, http):
    """Accepting gives an address that takes the whole file once, without a token; a wrong range is refused."""
    value = sim.connector.drive.answer(message(CARD), sim.url)
    assert (value["action"], value["context"], value["uploadInfo"]["fileType"]) == ("accept", {"id": "f"}, "csv")
    url = value["uploadInfo"]["uploadUrl"]
    for content, said, status in ((b"abc", "bytes 0-1/3", 416), (b"abc", "", 416), (b"abc", "bytes 0-2/3", 201)):
        assert (await http.put(url, content=content, headers={"Content-Range": said})).status_code == status
    assert (await http.put(url, content=b"abc", headers={"Content-Range": "bytes 0-2/3"})).status_code == 404
    assert sim.connector.drive.files == [b"abc"]


def test_a_declined_file_has_no_address(sim):
    """Declining echoes the context and names no place."""
    assert sim.connector.drive.answer(message(CARD), sim.url, accept=False) == {
        "type": "fileUpload",
        "action": "decline",
        "context": {"id": "f"},
    }
