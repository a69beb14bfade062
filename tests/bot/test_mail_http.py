"""The client for delivered mail and submissions: what it sends, and what it reads from the documented answers."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import stamina

from bot.errors import Unavailable
from bot.responses.mail import bulk_of
from tests.bot.wire_help import Script, graph, ok

SAMPLES = Path(__file__).parent / "samples" / "graph"
NETWORK_ID = "2b1c9f0e-5d4a-4c3b-8a7f-6e5d4c3b2a19"
SINCE, UNTIL = datetime(2026, 11, 1, 9, tzinfo=UTC), datetime(2026, 11, 23, 9, tzinfo=UTC)
HISTORY = "https://security.microsoft.com/action-center/history"


@pytest.fixture(autouse=True)
def no_waiting():
    """Retries happen, their pauses do not."""
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


def row(network_id: str = NETWORK_ID, recipient: str = "anna@contoso.com") -> dict:
    return {
        "id": "1",
        "networkMessageId": network_id,
        "recipientEmailAddress": recipient,
        "originalDelivery": {"location": "inbox_folder"},
        "latestDelivery": {"action": "delivered", "location": "junkFolder"},
        "senderDetail": {"fromAddress": "billing@example.test"},
    }


async def test_a_message_is_asked_for_by_id_recipient_and_days():
    """The documented parameters are sent; what is returned is the one that was asked for."""
    service = Script(ok({"value": [row(recipient="bob@contoso.com"), row(recipient="Anna@Contoso.com")]}))
    found = await graph(service).analyzed_email(NETWORK_ID, "anna@contoso.com", SINCE, UNTIL)
    assert (found.recipient_email_address, found.sender, found.location) == (
        "Anna@Contoso.com",
        "billing@example.test",
        "junkFolder",
    )
    assert dict(service.requests[0].url.params) == {
        "startTime": "2026-11-01",
        "endTime": "2026-11-23",
        "$filter": f"networkMessageId eq '{NETWORK_ID}' and recipientEmailAddress eq 'anna@contoso.com'",
    }


async def test_another_persons_mail_is_never_taken():
    """Where the service ignores the filter, nothing is found rather than somebody else's message."""
    service = Script(ok({"value": [row(recipient="bob@contoso.com")]}))
    assert await graph(service).analyzed_email(NETWORK_ID, "anna@contoso.com", SINCE, UNTIL) is None


async def test_a_place_tells_only_of_moves():
    """Where a message lies says whether a move is done; of a deletion it says nothing."""
    found = await graph(Script(ok({"value": [row()]}))).analyzed_email(NETWORK_ID, "anna@contoso.com", SINCE, UNTIL)
    remedies = ("moveToJunk", "moveToInbox", "moveToDeletedItems", "softDelete", "hardDelete")
    assert [found.rests_after(remedy) for remedy in remedies] == [True, False, False, None, None]


async def test_a_remedy_is_one_post():
    """The documented body goes out once; the Location comes back."""
    location = f'{HISTORY}?filters={{"bulkId":["b-1"]}}&tid=t'
    service = Script(httpx.Response(202, headers={"Location": location}))
    assert (
        await graph(service).remediate_mail(NETWORK_ID, "anna@contoso.com", "softDelete", name="[WK-1/1] why")
        == location
    )
    (request,) = service.requests
    assert json.loads(request.content) == {
        "displayName": "[WK-1/1] why",
        "description": "[WK-1/1] why",
        "severity": "medium",
        "action": "softDelete",
        "remediateSendersCopy": False,
        "analyzedEmails": [{"networkMessageId": NETWORK_ID, "recipientEmailAddress": "anna@contoso.com"}],
    }


async def test_a_remedy_without_an_answer_is_not_repeated():
    """It may have been taken; it is not sent again."""
    service = Script(httpx.ReadTimeout("gone"))
    with pytest.raises(Unavailable) as lost:
        await graph(service).remediate_mail(NETWORK_ID, "anna@contoso.com", "hardDelete", name="x")
    assert (lost.value.sent, len(service.requests)) == (True, 1)


@pytest.mark.parametrize(
    ("location", "bulk"),
    [
        (f'{HISTORY}?filters={{"bulkId":["b-1"]}}&tid=t', "b-1"),
        (f"{HISTORY}?filters=%7B%22bulkId%22%3A%5B%22b-2%22%5D%7D&tid=t", "b-2"),
        ('https://security.microsoft.com.example.test/action-center/history?filters={"bulkId":["b-1"]}', ""),
        (f'{HISTORY}?filters={{"bulkId":["../x"]}}', ""),
        ("", ""),
    ],
)
def test_a_bulk_id_is_read_from_the_documented_address_alone(location, bulk):
    """Another host, another form and no Location give no id."""
    assert bulk_of(location) == bulk


@pytest.mark.parametrize(
    "name", ["beta-emailthreats-create", "beta-emailthreats-create-with-tabl", "beta-filethreats-create"]
)
async def test_the_documented_answers_are_read(name):
    """Each documented answer has an id, a status and, where it is over, a result."""
    sample = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    found = await graph(Script(ok(sample))).submission("mail", sample["id"])
    assert (found.id, found.status, found.ended) == (sample["id"], sample["status"], sample["status"] == "succeeded")
    assert found.result.detail == sample["result"]["detail"]


async def test_submissions_go_to_beta():
    """Each sort has its own type and path, below /beta in the place of /v1.0."""
    made = httpx.Response(201, json={"id": "s-1", "status": "running"})
    service = Script(made)
    client = graph(service)
    await client.submit_url("https://login.example.test/", "phishing")
    await client.submit_mail("u-1", "AAMk", "u@contoso.com", "spam")
    await client.submit_file("a.exe", b"MZ", "malware")
    paths = [request.url.path for request in service.requests]
    assert paths == [
        f"/beta/security/threatSubmission/{name}" for name in ("urlThreats", "emailThreats", "fileThreats")
    ]
    url, mail, file = (json.loads(request.content) for request in service.requests)
    assert url == {
        "@odata.type": "#microsoft.graph.security.urlThreatSubmission",
        "category": "phishing",
        "webUrl": "https://login.example.test/",
    }
    assert mail["messageUrl"] == "https://graph.microsoft.com/beta/users/u-1/messages/AAMk"
    assert (file["fileName"], base64.b64decode(file["fileContent"])) == ("a.exe", b"MZ")


async def test_submissions_of_a_time_are_listed():
    """The documented filters are used."""
    service = Script(ok({"value": [{"id": "s-1", "status": "running", "webUrl": "https://a.test/"}]}))
    (found,) = await graph(service).submissions("url", SINCE)
    assert (found.web_url, found.ended) == ("https://a.test/", False)
    assert service.requests[0].url.params["$filter"] == (
        "createdDateTime ge 2026-11-01T09:00:00.000000Z and source eq 'administrator'"
    )
