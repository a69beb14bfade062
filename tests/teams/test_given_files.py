"""Files that a person sends along with a message in a personal chat (teams-platform 7.4)."""

import httpx
import pytest

from bot.clock import ManualClock
from bot.errors import Missing, Rejected, UsageError
from bot.line import Commands
from bot.teams.connector import Connector
from bot.teams.inbound import Inbound
from bot.teams.service_urls import TEAMS_HOSTS, ServiceUrls
from bot.teams.turns import turn_of
from handlers import COMMANDS
from tests.teams.microsoft import Microsoft, activity
from tests.teams.test_teams_connector import NOW, Token

INFO = "application/vnd.microsoft.teams.file.download.info"
URL = "https://contoso-my.sharepoint.com/personal/x/_layouts/15/download.aspx?UniqueId=1&tempauth=secret"


@pytest.fixture
def microsoft():
    return Microsoft()


@pytest.fixture
async def connector(microsoft):
    async with microsoft.client() as http:
        yield Connector(http, ServiceUrls(hosts=frozenset(TEAMS_HOSTS)), ManualClock(NOW), Token())


def given(content, kind=INFO, name="bad.txt"):
    return {
        "contentType": kind,
        "contentUrl": "https://contoso-my.sharepoint.com/bad.txt",
        "name": name,
        "content": content,
    }


def files(*attachments):
    return turn_of(Inbound.model_validate(activity(attachments=list(attachments)))).files


def test_a_file_comes_with_its_turn():
    """Its name and its address; the text as HTML, which every message brings, is no file."""
    html = {"contentType": "text/html", "content": "<p>block-list</p>"}
    (file,) = files(html, given({"downloadUrl": URL, "uniqueId": "1", "fileType": "txt"}))
    assert (file.name, file.url) == ("bad.txt", URL)
    assert "secret" not in repr(file)


@pytest.mark.parametrize(
    "attachment",
    [
        given(None),
        given("text"),
        given({}),
        given({"downloadUrl": 7}),
        given({"downloadUrl": URL}, kind="image/png"),
        {},
    ],
)
def test_what_is_no_file_brings_none(attachment):
    """Other attachments, and those of another shape, are left alone."""
    assert files(attachment) == ()


def test_a_message_without_attachments_has_no_files():
    """Null and missing are the same."""
    assert files() == ()
    assert turn_of(Inbound.model_validate(activity(attachments=None))).files == ()


async def test_a_file_is_read_without_our_token(connector, microsoft):
    """The address is pre-authorised: a token of ours has no business there."""
    microsoft.answers = [httpx.Response(200, stream=httpx.ByteStream(b"bad.example"))]
    assert await connector.read_file(URL, most=100) == b"bad.example"
    (request,) = microsoft.requests
    assert (request.method, str(request.url)) == ("GET", URL)
    assert "Authorization" not in request.headers


async def test_a_file_that_is_too_large_is_refused(connector, microsoft):
    """No more than what was said is taken in."""
    microsoft.answers = [httpx.Response(200, stream=httpx.ByteStream(b"x" * 101))]
    with pytest.raises(Rejected) as refused:
        await connector.read_file(URL, most=100)
    assert refused.value.code == "too-large"


async def test_an_address_that_is_good_no_longer_is_said_to_be_gone(connector, microsoft):
    """The address opens the file for a short time only."""
    microsoft.answers = [httpx.Response(403)]
    with pytest.raises(Missing):
        await connector.read_file(URL, most=100)


@pytest.mark.parametrize(
    "url", ["https://evil.example/x", "http://127.0.0.1/x", "https://169.254.169.254/x", "file:///x", ""]
)
async def test_a_file_is_read_from_sharepoint_only(connector, microsoft, url):
    """Whoever forges an attachment does not make the bot ask anywhere."""
    with pytest.raises(Rejected) as refused:
        await connector.read_file(url, most=100)
    assert (refused.value.code, microsoft.requests) == ("DownloadUrlNotAllowed", [])


def test_a_list_may_be_longer_than_other_lines():
    """A command says how long its line may be; of all others 2,000 characters are taken."""
    commands = Commands(COMMANDS)
    values = " ".join(f"host-{n}.example" for n in range(400))
    command, words = commands.find(f"/block-list phishing\n{values}")
    assert (command.name, words) == ("block-list", f"phishing {values}")
    for line in (f"/block bad.example {values}", values):
        with pytest.raises(UsageError) as refused:
            commands.find(line)
        assert (refused.value.key, refused.value.values["most"]) == ("error.too_long", 2000)
