import contextlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import adaptivecards.elements
import httpx
import pytest

from bot.clock import ManualClock
from bot.errors import Barred, Missing, Rejected, ServiceError, Throttled, Unauthorised, Unavailable
from bot.http import new_client
from bot.teams.connector import Connector, try_again
from bot.teams.outbound import BUDGET, encode
from bot.teams.service_urls import TEAMS_HOSTS, ServiceUrls
from bot.turn import Conversation, Shown
from tests.teams.microsoft import BOT, CHANNEL, OBJECT_ID, PERSON, SERVICE, TENANT, Microsoft

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
THREAD = Conversation(
    id=CHANNEL, kind="channel", tenant=TENANT, service_url=SERVICE, bot_id=BOT, thread="1700000000000"
)
CHAT = Conversation(id="a:1/2?3", kind="personal", tenant=TENANT, service_url=SERVICE, bot_id=BOT)
CARD = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "Grüße", "wrap": None}]}
SHOWN = Shown(card=CARD, summary="Incident 7")
QUOTED = "19%3Achannel%40thread.tacv2%3Bmessageid%3D1700000000000"


class Token(httpx.Auth):
    """Puts a token on each request and counts how often it was asked."""

    def __init__(self):
        self.asked = 0

    def auth_flow(self, request):
        """Count and sign."""
        self.asked += 1
        request.headers["Authorization"] = "Bearer outbound"
        yield request


@pytest.fixture
def microsoft():
    return Microsoft()


@pytest.fixture
def token():
    return Token()


@pytest.fixture
async def connector(microsoft, token):
    async with microsoft.client(follow_redirects=True) as http:
        yield Connector(http, ServiceUrls(hosts=frozenset(TEAMS_HOSTS)), ManualClock(NOW), token)


def error(status, code="", **headers):
    return httpx.Response(status, json={"error": {"code": code, "message": "words"}}, headers=headers)


def path(request):
    return request.method, request.url.raw_path.decode()


async def test_a_post_into_a_thread(connector, microsoft):
    """A card is posted once, to the quoted conversation with its thread, as an object and with its summary."""
    assert await connector.post(THREAD, SHOWN) == "m-1"
    (request,) = microsoft.requests
    assert path(request) == ("POST", f"/emea/v3/conversations/{QUOTED}/activities")
    assert request.headers["Authorization"] == "Bearer outbound"
    assert json.loads(request.content) == {
        "type": "message",
        "from": {"id": BOT},
        "conversation": {
            "id": f"{CHANNEL};messageid=1700000000000",
            "conversationType": "channel",
            "tenantId": TENANT,
        },
        "replyToId": "1700000000000",
        "summary": "Incident 7",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": CARD}],
    }


async def test_no_id_can_leave_its_place_in_the_path(connector, microsoft):
    """Slashes and question marks in ids are quoted like everything else."""
    await connector.edit(CHAT, "../x", SHOWN)
    assert path(microsoft.requests[0]) == ("PUT", "/emea/v3/conversations/a%3A1%2F2%3F3/activities/..%2Fx")


async def test_a_text_goes_out_as_plain_text(connector, microsoft):
    """A text stands beside the card in one message and is never read as Markdown."""
    await connector.say(CHAT, SHOWN, "*done*")
    (body,) = microsoft.bodies
    assert (body["text"], body["textFormat"], len(body["attachments"])) == ("*done*", "plain", 1)


async def test_an_edit_replaces_the_message(connector, microsoft):
    """An edit is a PUT to the message, with the whole card."""
    microsoft.answers = [httpx.Response(200)]
    await connector.edit(THREAD, "m-9", SHOWN)
    assert path(microsoft.requests[0]) == ("PUT", f"/emea/v3/conversations/{QUOTED}/activities/m-9")
    assert microsoft.bodies[0]["id"] == "m-9"
    assert microsoft.bodies[0]["attachments"][0]["content"] == CARD


async def test_an_edit_that_a_page_answers_is_not_taken_for_done(connector, microsoft):
    """A 200 with a page instead of JSON says nothing about the message, so the edit has to be made again."""
    microsoft.answers = [httpx.Response(200, text="<html>please sign in</html>")]
    with pytest.raises(Unavailable):
        await connector.edit(CHAT, "m-1", SHOWN)


async def test_removing_deletes(connector, microsoft):
    """Removing a message is a DELETE without a body."""
    await connector.remove(SERVICE, CHAT.address, "m-9")
    assert path(microsoft.requests[0]) == ("DELETE", "/emea/v3/conversations/a%3A1%2F2%3F3/activities/m-9")
    assert microsoft.requests[0].content == b""


async def test_typing_is_tried_once_and_never_an_error(connector, microsoft):
    """The typing sign is sent once; whatever comes of it, nothing is raised."""
    for answer in (httpx.Response(202), error(500), error(429), httpx.ReadTimeout("slow")):
        microsoft.answers = [answer]
        await connector.typing(CHAT)
    assert [body["type"] for body in microsoft.bodies] == ["typing"] * 4


async def test_each_message_is_told_of_before_it_is_sent(microsoft, token):
    """What a conversation gets is counted, an edit and the typing sign too; looking somebody up is no message."""
    told: list[tuple[str, int]] = []
    microsoft.answers = [httpx.Response(201, json={"id": "1"})]
    async with microsoft.client() as http:
        urls = ServiceUrls(hosts=frozenset(TEAMS_HOSTS))

        def spoken(conversation: Conversation) -> None:
            told.append((conversation.id, len(microsoft.bodies)))

        connector = Connector(http, urls, ManualClock(NOW), token, spoken)
        await connector.post(CHAT, SHOWN)
        await connector.say(CHAT, None, "hello")
        await connector.edit(CHAT, "1", SHOWN)
        await connector.typing(CHAT)
        with contextlib.suppress(ServiceError):
            await connector.member(CHAT, PERSON)
    assert told == [(CHAT.id, number) for number in range(4)]


async def test_a_member_is_looked_up_in_the_conversation(connector, microsoft):
    """The roster answers who somebody is; both spellings of the Entra id are read."""
    entry = {"id": PERSON, "name": "Megan", "email": "m@x", "tenantId": TENANT, "userRole": "user"}
    microsoft.answers = [
        httpx.Response(200, json=entry | {"objectId": OBJECT_ID}),
        httpx.Response(200, json=entry | {"aadObjectId": OBJECT_ID, "userRole": "guest", "email": None}),
        httpx.Response(200, json={"id": PERSON, "userRole": "anonymous"}),
    ]
    user, guest, unknown = [await connector.member(THREAD, PERSON) for _ in range(3)]
    assert path(microsoft.requests[0]) == (
        "GET",
        "/emea/v3/conversations/19%3Achannel%40thread.tacv2/members/29%3A1person",
    )
    assert (user.id, user.tenant, user.guest, user.email) == (OBJECT_ID, TENANT, False, "m@x")
    assert (guest.id, guest.guest, guest.email) == (OBJECT_ID, True, "")
    assert (unknown.id, unknown.tenant, unknown.guest) == ("", "", True)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"name": 5}'])
async def test_an_unreadable_member_is_no_member(connector, microsoft, body):
    """A roster answer that cannot be read is the service's trouble, not a person without rights."""
    microsoft.answers = [httpx.Response(200, content=body)]
    with pytest.raises(Unavailable):
        await connector.member(THREAD, PERSON)


POST_ERRORS = [
    # answer, error, sent (of Unavailable), requests made
    (error(400, "BadSyntax"), Rejected, None, 1),
    (error(401, "BotNotRegistered"), Unauthorised, None, 1),
    (error(403, "BotNotInConversationRoster"), Barred, None, 1),
    (error(403, "ConversationBlockedByUser"), Barred, None, 1),
    (error(403, "BotDisabledByAdmin"), Barred, None, 1),
    (httpx.Response(403), Barred, None, 1),
    (httpx.Response(403, text="<html>a proxy"), Unavailable, True, 1),
    (httpx.Response(404, text="<html>a proxy"), Unavailable, True, 1),
    (httpx.Response(413, text="<html>a proxy"), Rejected, None, 1),
    (error(403, "InvalidBotApiHost"), Rejected, None, 1),
    (error(404, "ConversationNotFound"), Missing, None, 1),
    (error(412, "PreconditionFailed"), Throttled, None, 3),
    (error(413, "MessageSizeTooBig"), Rejected, None, 1),
    (error(429), Throttled, None, 3),
    (httpx.Response(429, text="<html>"), Throttled, None, 3),
    (error(429, **{"Retry-After": "2"}), Throttled, None, 3),
    (error(429, **{"Retry-After": "30"}), Throttled, None, 1),
    (error(408), Unavailable, True, 1),
    (error(500, "ServiceError"), Unavailable, True, 1),
    (httpx.Response(502, text="<html>bad gateway</html>"), Unavailable, True, 1),
    (error(503), Unavailable, True, 1),
    (error(504), Unavailable, True, 1),
    (httpx.Response(302, headers={"Location": "https://evil.example/"}), Unavailable, True, 1),
    (httpx.Response(201, json={}), Unavailable, True, 1),
    (httpx.Response(201, text="<html>"), Unavailable, True, 1),
    (httpx.Response(200, json=["m-1"]), Unavailable, True, 1),
    (httpx.ConnectError("refused"), Unavailable, False, 3),
    (httpx.ConnectTimeout("slow"), Unavailable, False, 3),
    (httpx.PoolTimeout("full"), Unavailable, False, 3),
    (httpx.ReadTimeout("slow"), Unavailable, True, 1),
    (httpx.WriteTimeout("slow"), Unavailable, True, 1),
    (httpx.ReadError("reset"), Unavailable, True, 1),
    (httpx.WriteError("reset"), Unavailable, True, 1),
    (httpx.RemoteProtocolError("closed"), Unavailable, True, 1),
]


@pytest.mark.parametrize("case", POST_ERRORS, ids=str)
async def test_a_post_is_repeated_only_when_it_was_certainly_not_accepted(connector, microsoft, case):
    """Each failure of a POST becomes our error; only 429, 412 and what was never sent is tried again, three times."""
    answer, kind, sent, requests = case
    microsoft.answers = [answer] * 5
    with pytest.raises(ServiceError) as caught:
        await connector.post(THREAD, SHOWN)
    assert type(caught.value) is kind
    assert getattr(caught.value, "sent", None) is sent
    assert len(microsoft.requests) == requests
    assert caught.value.service == "teams"
    assert "outbound" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "kind", "requests"),
    [
        (error(404, "ActivityNotFoundInConversation"), Missing, 1),
        (error(403), Barred, 1),
        (error(408), Unavailable, 3),
        (error(429), Throttled, 3),
        (error(500), Unavailable, 3),
        (httpx.Response(502, text="<html>"), Unavailable, 3),
        (httpx.ReadTimeout("slow"), Unavailable, 3),
        (httpx.ConnectError("refused"), Unavailable, 3),
    ],
    ids=str,
)
async def test_what_may_be_repeated_is_repeated_three_times(connector, microsoft, answer, kind, requests):
    """PUT, DELETE and GET do no harm twice: they are tried three times where the service is in trouble."""
    calls = [
        lambda: connector.edit(THREAD, "m-1", SHOWN),
        lambda: connector.remove(SERVICE, CHANNEL, "m-1"),
        lambda: connector.member(THREAD, PERSON),
    ]
    for call in calls:
        microsoft.answers, microsoft.requests = [answer] * 5, []
        with pytest.raises(kind):
            await call()
        assert len(microsoft.requests) == requests


async def test_a_repeated_post_ends_with_its_message_id(connector, microsoft):
    """Two refusals for the rate, then success: the message stands once and its id is returned."""
    microsoft.answers = [error(429), httpx.ConnectError("refused")]
    assert await connector.post(THREAD, SHOWN) == "m-3"


def test_how_long_is_waited():
    """A short Retry-After is waited for, a long one is the caller's, none means our own short pause."""

    def after(seconds):
        return try_again(Throttled("teams", "send", retry_after=seconds), repeatable=False)

    assert (after(None), after(1.5), after(2.1), after(3600)) == (True, 1.5, False, False)
    assert after(0.0) == 0.0
    assert not isinstance(after(0.0), bool)


def test_trouble_with_our_token_is_not_repeated_here():
    """The token source has its own retries; its errors pass through."""
    assert try_again(Unavailable("login", "token", sent=False), repeatable=True) is False
    assert try_again(Unauthorised("teams", "send"), repeatable=True) is False
    assert try_again(ValueError("a bug"), repeatable=True) is False


async def test_a_date_to_wait_for_is_understood(connector, microsoft):
    """Retry-After may be a date; the error carries the seconds until then."""
    microsoft.answers = [error(429, **{"Retry-After": "Mon, 23 Nov 2026 10:00:30 GMT"})]
    with pytest.raises(Throttled) as caught:
        await connector.post(THREAD, SHOWN)
    assert caught.value.retry_after == 30.0


async def test_no_token_hangs_on_an_error(connector, microsoft):
    """The failed request, with its token, is neither cause nor context of what is raised."""
    microsoft.answers = [httpx.ReadTimeout("slow")]
    with pytest.raises(Unavailable) as caught:
        await connector.post(THREAD, SHOWN)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


async def test_with_the_bots_own_client_a_late_failure_counts_as_sent(microsoft, token):
    """The shared client's hooks change nothing about what is certain: a time-out after sending stays uncertain."""
    async with new_client(httpx.MockTransport(microsoft._answer)) as http:
        connector = Connector(http, ServiceUrls(hosts=frozenset(TEAMS_HOSTS)), ManualClock(NOW), token)
        microsoft.answers = [httpx.ReadTimeout("slow")]
        with pytest.raises(Unavailable) as late:
            await connector.post(THREAD, SHOWN)
        microsoft.answers = [httpx.ConnectTimeout("slow")] * 3
        with pytest.raises(Unavailable) as early:
            await connector.post(THREAD, SHOWN)
    assert (late.value.sent, early.value.sent) == (True, False)


@pytest.mark.parametrize(
    "service_url",
    ["https://evil.example/", "http://smba.trafficmanager.net/", "https://smba.trafficmanager.net@evil.example/", ""],
)
async def test_no_token_and_no_request_leave_the_list(connector, microsoft, token, service_url):
    """To a service URL that is not on the list nothing is sent, and no token is even asked for."""
    stray = Conversation(**(vars(CHAT) | {"service_url": service_url}))
    with pytest.raises(Rejected, match="ServiceUrlNotAllowed"):
        await connector.post(stray, SHOWN)
    with pytest.raises(Rejected):
        await connector.edit(stray, "m-1", SHOWN)
    with pytest.raises(Rejected):
        await connector.member(stray, PERSON)
    await connector.typing(stray)
    assert (microsoft.requests, token.asked) == ([], 0)


async def test_a_redirect_is_not_followed(connector, microsoft):
    """A redirect ends the call, even where the shared client would follow it: the token goes nowhere else."""
    microsoft.answers = [httpx.Response(307, headers={"Location": "https://evil.example/"})] * 3
    with pytest.raises(Unavailable):
        await connector.edit(THREAD, "m-1", SHOWN)
    assert {request.url.host for request in microsoft.requests} == {"smba.trafficmanager.net"}


@pytest.mark.parametrize("message", ["", None])
async def test_an_empty_id_is_refused_before_sending(connector, microsoft, message):
    """Without a message id an edit would hit another address."""
    with pytest.raises(Rejected, match="BadAddress"):
        await connector.edit(THREAD, message, SHOWN)
    assert not microsoft.requests


def card_of(size):
    """A card whose message is `size` bytes of UTF-16 in all."""
    empty = len(encode({"card": {"text": ""}}).decode()) * 2
    return {"card": {"text": "x" * ((size - empty) // 2)}}


def test_the_budget_is_60_kb_of_utf_16():
    """A body of exactly 60 KB goes, two bytes more do not; letters outside ASCII are not counted as escapes."""
    assert len(encode(card_of(BUDGET)).decode("utf-8")) * 2 == BUDGET
    with pytest.raises(Rejected, match="MessageSizeTooBig"):
        encode(card_of(BUDGET + 2))
    assert encode({"text": "ü" * 25_000})
    assert len(encode({"text": "😀" * 14_000})) < BUDGET
    with pytest.raises(Rejected):
        encode({"text": "😀" * 16_000})


async def test_a_card_over_the_budget_is_not_sent(connector, microsoft):
    """A card that Teams would refuse is refused here, before a request."""
    with pytest.raises(Rejected, match="MessageSizeTooBig"):
        await connector.post(THREAD, Shown(card=card_of(BUDGET), summary=""))
    assert not microsoft.requests


def endless():
    card = {}
    card["body"] = card
    return card


@pytest.mark.parametrize(
    "card",
    [
        {"body": [adaptivecards.elements.TextBlock(text="x")]},
        {"body": {1, 2}},
        {"value": float("nan")},
        {"when": NOW},
        endless(),
    ],
    ids=["an element object", "a set", "not a number", "a date", "endless"],
)
async def test_a_card_that_is_no_json_is_refused_loudly(connector, microsoft, card):
    """The SDK would send card objects as JSON text without an error; here nothing is sent."""
    with pytest.raises(Rejected, match="NotJson"):
        await connector.post(THREAD, Shown(card=card, summary=""))
    assert not microsoft.requests


async def test_half_a_character_does_not_cost_the_card(connector, microsoft):
    """A lone surrogate, as in a damaged file name, becomes a question mark."""
    await connector.post(THREAD, Shown(card={"text": "a\ud800b"}, summary=""))
    assert microsoft.bodies[0]["attachments"][0]["content"] == {"text": "a?b"}


async def test_a_read_only_card_is_a_card(connector, microsoft):
    """Any mapping is sent as an object."""
    card: Mapping[str, object] = MappingProxyType({"body": [MappingProxyType({"type": "TextBlock"})]})
    await connector.post(THREAD, Shown(card=card, summary=""))
    assert microsoft.bodies[0]["attachments"][0]["content"] == {"body": [{"type": "TextBlock"}]}
