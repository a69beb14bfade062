"""Files in the seam: the cards as Teams documents them, a person's answer as a turn, and where a file may go."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import ManualClock
from bot.errors import Barred, Missing, Rejected, Throttled, Unavailable
from bot.http import new_client
from bot.teams.client import FileOffer, StoredFile
from bot.teams.connector import Connector
from bot.teams.inbound import Inbound
from bot.teams.service_urls import TEAMS_HOSTS, ServiceUrls
from bot.teams.turns import turn_of
from bot.teams.upload import is_upload_address
from bot.turn import Answer, Click, Shown
from tests.teams.microsoft import Microsoft, activity, bearer
from tests.teams.test_teams_connector import CHAT, NOW, Token

URL = "https://contoso-my.sharepoint.com/personal/x/_api/upload?guid='1'&tempauth=secret"
INFO = {
    "contentUrl": "https://contoso-my.sharepoint.com/personal/x/Documents/a.csv",
    "name": "a.csv",
    "uploadUrl": URL,
    "uniqueId": "1150D938-8870-4044-9F2C-5BBDEBA70C8C",
    "fileType": "csv",
}


def consent(**changes):
    value = {"type": "fileUpload", "action": "accept", "context": {"id": "f1"}, "uploadInfo": INFO}
    more = {"type": "invoke", "name": "fileConsent/invoke", "text": None, "replyToId": "m-9"}
    return activity(**more, value=value | changes)


def press(**changes) -> Click:
    return turn_of(Inbound.model_validate(consent(**changes))).click


@pytest.fixture
def microsoft():
    return Microsoft()


@pytest.fixture
async def connector(microsoft):
    async with microsoft.client(follow_redirects=True) as http:
        yield Connector(http, ServiceUrls(hosts=frozenset(TEAMS_HOSTS)), ManualClock(NOW), Token())


async def test_a_file_is_offered_with_the_consent_card(connector, microsoft):
    """Type, name, size and contexts are as section 7.4 has them; the contexts carry an id and nothing that decides."""
    offer = FileOffer(id="f1", name="a.csv", description="Audit trail, 3 entries", size=17)
    assert await connector.offer_file(CHAT, offer) == "m-1"
    (attachment,) = microsoft.bodies[0]["attachments"]
    assert attachment == {
        "contentType": "application/vnd.microsoft.teams.card.file.consent",
        "name": "a.csv",
        "content": {
            "description": "Audit trail, 3 entries",
            "sizeInBytes": 17,
            "acceptContext": {"id": "f1"},
            "declineContext": {"id": "f1"},
        },
    }


async def test_an_uploaded_file_is_shown(connector, microsoft):
    """The file info card has the address, the id and the type that Teams gave."""
    file = StoredFile(name="a.csv", content_url=INFO["contentUrl"], unique_id=INFO["uniqueId"], file_type="csv")
    assert await connector.show_file(CHAT, file) == "m-1"
    (attachment,) = microsoft.bodies[0]["attachments"]
    assert attachment == {
        "contentType": "application/vnd.microsoft.teams.card.file.info",
        "contentUrl": INFO["contentUrl"],
        "name": "a.csv",
        "content": {"uniqueId": INFO["uniqueId"], "fileType": "csv"},
    }


async def test_the_asking_card_is_taken_back(connector, microsoft):
    """A message of the bot's is deleted by its id; that it is gone is the caller's to know."""
    await connector.take_back(CHAT, "m-9")
    assert (microsoft.requests[0].method, microsoft.requests[0].url.path.endswith("/activities/m-9")) == (
        "DELETE",
        True,
    )
    microsoft.answers = [httpx.Response(404, json={"error": {"code": "ActivityNotFoundInConversation"}})]
    with pytest.raises(Missing):
        await connector.take_back(CHAT, "m-9")


async def test_an_upload_is_one_put_of_the_whole(connector, microsoft):
    """Content-Length and Content-Range as documented, and without the bot's token, which is not SharePoint's."""
    microsoft.answers = [httpx.Response(201, json={"id": "x"})]
    await connector.upload_file(URL, b"0123456789")
    (request,) = microsoft.requests
    assert (request.method, str(request.url), request.content) == ("PUT", str(httpx.URL(URL)), b"0123456789")
    assert (request.headers["Content-Length"], request.headers["Content-Range"]) == ("10", "bytes 0-9/10")
    assert "Authorization" not in request.headers


@pytest.mark.parametrize(
    "url",
    [
        "http://contoso.sharepoint.com/x",
        "https://sharepoint.com/x",
        "https://evil.example/x",
        "https://contoso.sharepoint.com.evil.example/x",
        "https://evilsharepoint.com/x",
        "https://contoso.sharepoint.com:8443/x",
        "https://user@contoso.sharepoint.com/x",
        "https://contoso.sharepoint.com@evil.example/x",
        "https://evil.example\\@contoso.sharepoint.com/x",
        "https://contoso.sharepoint.com/x#y",
        "https://127.0.0.1/x",
        "http://localhost:3979/x",
        "//contoso.sharepoint.com/x",
        "file:///etc/passwd",
        "https://[::1",
        "",
    ],
)
async def test_a_file_goes_to_sharepoint_only(connector, microsoft, url):
    """An address that is not https on a host of SharePoint's gets no byte."""
    with pytest.raises(Rejected) as refused:
        await connector.upload_file(url, b"secret")
    assert (refused.value.code, microsoft.requests) == ("UploadUrlNotAllowed", [])


def test_the_simulator_may_take_a_file_on_this_machine_only():
    """In development this machine is allowed beside SharePoint, in production never."""
    for url in ("http://127.0.0.1:3979/onedrive/upload?session=1", "http://localhost:1/x"):
        assert (is_upload_address(url, loopback=True), is_upload_address(url)) == (True, False)
    assert not is_upload_address("http://10.0.0.1/x", loopback=True)


@given(st.text(max_size=60))
def test_no_text_makes_the_check_fail(text):
    """Whatever stands there, it is judged: nothing is raised."""
    assert is_upload_address(f"https://{text}") in {True, False}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(302, headers={"Location": "https://evil.example"}), Rejected),
        (httpx.Response(404, json={"error": {"code": "itemNotFound", "message": "gone"}}), Rejected),
        (httpx.Response(429, headers={"Retry-After": "7"}), Throttled),
        (httpx.Response(503), Unavailable),
        (httpx.ReadTimeout("late"), Unavailable),
        (httpx.ConnectError("no way"), Unavailable),
    ],
)
async def test_what_an_upload_meets_is_told_apart(connector, microsoft, answer, kind):
    """Refused, throttled and not answered are errors of SharePoint's; no redirect is followed, no address told."""
    microsoft.answers = [answer]
    with pytest.raises(kind) as met:
        await connector.upload_file(URL, b"secret")
    assert (met.value.service, len(microsoft.requests)) == ("sharepoint", 1)
    assert "tempauth" not in str(met.value)
    assert met.value.__context__ is None


async def test_an_upload_arrives_over_a_real_connection(aiohttp_server):
    """The bytes arrive as they are, through the transport of production."""
    from aiohttp import web  # noqa: PLC0415 - only this test serves

    got = []

    async def put(request: web.Request) -> web.Response:
        got.append((await request.read(), request.headers["Content-Range"], request.query["session"]))
        return web.Response(status=201)

    app = web.Application()
    app.router.add_put("/upload", put)
    server = await aiohttp_server(app)
    async with new_client(proxies=False) as http:
        urls = ServiceUrls(hosts=frozenset(), loopback=True)
        content = bytes(range(256)) * 400
        await Connector(http, urls, ManualClock(NOW)).upload_file(str(server.make_url("/upload?session=1")), content)
    assert got == [(content, f"bytes 0-{len(content) - 1}/{len(content)}", "1")]


def test_a_persons_answer_is_a_press():
    """Accepting and declining are presses that name the file; the answer to them is a message, not an invoke's body."""
    turn = turn_of(Inbound.model_validate(consent()))
    assert (turn.kind, turn.invoke) == ("click", False)
    assert turn.click == Click(v=1, verb="upload", id="f1", rev=0, inputs=INFO, message="m-9")
    assert press(action="decline", uploadInfo=None).verb == "decline-upload"


@pytest.mark.parametrize(
    "changes",
    [
        {"context": None},
        {"context": "f1"},
        {"context": {}},
        {"context": {"id": 7}},
        {"context": {"id": "x" * 601}},
        {"action": "other"},
        {"action": ["accept"]},
        {"action": None},
    ],
)
def test_an_answer_that_is_not_ours_is_no_press_of_ours(changes):
    """What is malformed becomes a press that no card of ours has, never an error."""
    assert (press(**changes).v, press(**changes).verb) == (0, "")


def test_only_texts_are_taken_from_the_upload_info():
    """What Teams would not send is left out; nothing else of the info travels on, least of all a verb."""
    inputs = press(uploadInfo={**INFO, "uploadUrl": 7, "name": None, "verb": "approve", "more": "x"}).inputs
    assert set(inputs) == {"contentUrl", "uniqueId", "fileType"}
    assert press(uploadInfo=["x"]).inputs == {}


async def test_the_answer_stands_as_a_message(world):
    """The invoke gets 200 with an empty body, and what is to be said is posted in the chat."""
    world.work.answer = Answer(shown=Shown(card={"type": "AdaptiveCard"}, summary="The file is yours"))
    response = await world.post(consent(), bearer())
    assert (response.status, await response.read()) == (200, b"")
    assert [body["summary"] for body in world.microsoft.bodies] == ["The file is yours"]


async def test_a_failed_answer_is_said_too(world):
    """Where the work fails, the person hears it with a reference, and Teams still gets its 200."""
    world.work.error = Barred("teams", "post")
    response = await world.post(consent(), bearer())
    assert (response.status, "failed" in world.microsoft.bodies[0]["text"]) == (200, True)
