import asyncio
import base64
import gzip
import json

import jwt
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.teams.microsoft import (
    APP,
    SERVICE,
    STRANGERS,
    TENANT,
    activity,
    bearer,
    claims,
    click,
    private_key,
    token,
)


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def with_payload_changed() -> str:
    head, _, signature = token().split(".")
    return ".".join((head, unpadded(json.dumps(claims(aud="else")).encode()), signature))


def hmac_with_public_key() -> str:
    """The classic confusion: an HS256 token whose secret is the public key, under the known key id."""
    return jwt.encode(claims(), "x" * 64, algorithm="HS256", headers={"kid": "first"})


BAD_TOKENS = {
    "no header": dict,
    "empty header": lambda: {"Authorization": ""},
    "another scheme": lambda: {"Authorization": "Basic dTpw"},
    "three parts": lambda: {"Authorization": f"Bearer {token()} more"},
    "lower-case scheme": lambda: {"Authorization": f"bearer {token()}"},
    "two spaces": lambda: {"Authorization": f"Bearer  {token()}"},
    "no token": lambda: {"Authorization": "Bearer"},
    "garbage": lambda: {"Authorization": "Bearer garbage"},
    "garbage in three parts": lambda: {"Authorization": "Bearer a.b.c"},
    "header is a list": lambda: {"Authorization": f"Bearer {unpadded(b'[]')}.YWJj.YWJj"},
    "header nested deep": lambda: {"Authorization": f"Bearer {unpadded(b'[' * 5000)}.YWJj.YWJj"},
    "wrong audience": lambda: bearer(aud="another-app"),
    "audience is a list": lambda: bearer(aud=[APP, "another-app"]),
    "no audience": lambda: bearer(aud=None),
    "wrong issuer": lambda: bearer(iss="https://sts.windows.net/x/"),
    "no issuer": lambda: bearer(iss=None),
    "expired": lambda: bearer(exp=1_600_000_000),
    "no expiry": lambda: bearer(exp=None),
    "not valid yet": lambda: bearer(nbf=4_000_000_000),
    "unknown kid": lambda: bearer(kid="unheard-of"),
    "no kid": lambda: {"Authorization": f"Bearer {jwt.encode(claims(), private_key(), algorithm='RS256')}"},
    "foreign key under a known kid": lambda: bearer(key="foreign"),
    "changed payload": lambda: {"Authorization": f"Bearer {with_payload_changed()}"},
    "alg none": lambda: {
        "Authorization": f"Bearer {jwt.encode(claims(), None, algorithm='none', headers={'kid': 'first'})}x"
    },
    "alg HS256": lambda: {"Authorization": f"Bearer {hmac_with_public_key()}"},
    "alg RS512": lambda: {
        "Authorization": "Bearer " + jwt.encode(claims(), private_key(), algorithm="RS512", headers={"kid": "first"})
    },
    "no serviceurl claim": lambda: bearer(serviceurl=None),
    "serviceurl claim is a list": lambda: bearer(serviceurl=[SERVICE]),
    "another serviceurl claim": lambda: bearer(serviceurl="https://smba.trafficmanager.net/amer/"),
    "key not endorsed for the channel": lambda: bearer(key="unendorsed", kid="unendorsed"),
}


@pytest.mark.parametrize("case", BAD_TOKENS)
async def test_a_bad_token_is_401_and_nothing_happens(world, case):
    """Each kind of bad token is answered 401 with an empty body; no turn runs and nothing is sent."""
    answer = await world.post(activity(), BAD_TOKENS[case]())
    assert (answer.status, await answer.read()) == (401, b"")
    assert not world.work.seen
    assert not world.microsoft.requests


async def test_two_authorization_headers_are_refused(world):
    """A second Authorization header is refused, even where both are good: which one counted would be a guess."""
    headers = [("Authorization", f"Bearer {token()}"), ("Authorization", f"Bearer {token()}")]
    answer = await world.http.post("/api/messages", json=activity(), headers=headers)
    assert answer.status == 401


async def test_a_good_token_runs_the_turn(world):
    """A message with a good token is answered 202 and becomes one turn."""
    answer = await world.post(activity(), bearer())
    assert (answer.status, await answer.read()) == (202, b"")
    assert [turn.text for turn in world.work.seen] == ["/score"]


@pytest.mark.parametrize("changes", [{"exp": -200}, {"nbf": 200}])
async def test_five_minutes_of_clock_difference_are_forgiven(world, changes):
    """A token that ended 200 seconds ago, or begins in 200, is still good."""
    now = claims()["exp"] - 3600
    answer = await world.post(activity(), bearer(**{name: now + by for name, by in changes.items()}))
    assert answer.status == 202


FORBIDDEN = {
    "foreign tenant": activity(channelData__tenant={"id": STRANGERS}, conversation__tenantId=STRANGERS),
    "foreign tenant of the conversation only": activity(conversation__tenantId=STRANGERS),
    "foreign tenant of the channel data only": activity(channelData__tenant={"id": STRANGERS}),
    "no tenant anywhere": activity(channelData=None, conversation__tenantId=None),
    "another channel": activity(channelId="slack"),
    "the emulator": activity(channelId="emulator"),
}


@pytest.mark.parametrize("case", FORBIDDEN)
async def test_an_authenticated_caller_may_still_not_be_allowed(world, case):
    """A good token for a tenant or channel that is not served is answered 403."""
    answer = await world.post(FORBIDDEN[case], bearer())
    assert (answer.status, await answer.read()) == (403, b"")
    assert not world.work.seen


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "http://smba.trafficmanager.net/emea/",
        "https://smba.trafficmanager.net.evil.example/",
        "https://smba.trafficmanager.net@evil.example/",
        "https://127.0.0.1/",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "no url",
    ],
)
async def test_a_service_url_off_the_list_is_403_and_never_called(world, url):
    """Even with a token that vouches for it, an unlisted service URL is refused and no request goes there."""
    answer = await world.post(activity(serviceUrl=url), bearer(serviceurl=url))
    assert answer.status == 403
    assert not world.microsoft.requests


async def test_the_tenant_is_read_without_channel_data(world):
    """Where channelData names no tenant, the conversation's tenantId counts, in any case of letters."""
    answer = await world.post(activity(channelData=None, conversation__tenantId=TENANT.upper()), bearer())
    assert answer.status == 202
    assert world.work.seen[0].conversation.tenant == TENANT


BAD_BODIES = {
    "empty": b"",
    "not JSON": b"{",
    "a list": b"[]",
    "a string": b'"message"',
    "a number": b"1",
    "null": b"null",
    "nested deep": b"[" * 100_000,
    "half a character": json.dumps(activity(text="\ud800")).encode(),
    "not UTF-8": b'{"type":"\xff"}',
    "UTF-16": json.dumps(activity()).encode("utf-16"),
}
BAD_FIELDS = {
    "type missing": activity(type=None),
    "type empty": activity(type=""),
    "type a number": activity(type=5),
    "serviceUrl missing": activity(serviceUrl=None),
    "serviceUrl a number": activity(serviceUrl=5),
    "channelId missing": activity(channelId=None),
    "from missing": activity(sender=None),
    "from a string": activity(sender="29:1"),
    "from without id": activity(sender={"name": "x"}),
    "from.aadObjectId an object": activity(sender={"id": "29:1", "aadObjectId": {}}),
    "recipient missing": activity(recipient=None),
    "conversation missing": activity(conversation=None),
    "conversation a string": activity(conversation="19:x"),
    "conversation a list": activity(conversation=[]),
    "conversation without id": activity(conversation__id=None),
    "conversation id a number": activity(conversation__id=5),
    "channelData a string": activity(channelData="x"),
    "channelData a list": activity(channelData=[]),
    "tenant a string": activity(channelData__tenant="x"),
    "tenant id a number": activity(channelData__tenant={"id": 5}),
    "value a list": activity(value=[]),
    "value a string": activity(value="x"),
    "invoke value a list": click(value=[]),
    "text a list": activity(text=[]),
    "entities a string": activity(entities="x"),
    "entities of strings": activity(entities=["x"]),
    "members a string": activity(type="conversationUpdate", membersAdded="x"),
}


@pytest.mark.parametrize("case", BAD_BODIES)
async def test_a_body_that_is_no_json_object_is_400(world, case):
    """With a good token, a body that is no JSON object is answered 400."""
    headers = bearer() | {"Content-Type": "application/json"}
    answer = await world.http.post("/api/messages", data=BAD_BODIES[case], headers=headers)
    assert (answer.status, await answer.read()) == (400, b"")
    assert not world.work.seen


async def test_what_nobody_reads_is_not_judged(world):
    """An odd timestamp, which nothing in the bot looks at, costs nobody the answer."""
    answer = await world.post(activity(timestamp="yesterday"), bearer())
    assert answer.status == 202
    assert len(world.work.seen) == 1


@pytest.mark.parametrize("case", BAD_FIELDS)
async def test_a_missing_or_mistyped_field_is_400(world, case):
    """With a good token, a JSON object that is no activity is answered 400."""
    answer = await world.post(BAD_FIELDS[case], bearer())
    assert (answer.status, await answer.read()) == (400, b"")
    assert not world.work.seen


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/json5", None])
async def test_another_content_type_is_415(world, content_type):
    """Only application/json is read; a missing content type is no guess at JSON."""
    headers = bearer() | ({"Content-Type": content_type} if content_type else {})
    skip = None if content_type else {"Content-Type"}
    answer = await world.http.post("/api/messages", data=b"{}", headers=headers, skip_auto_headers=skip)
    assert answer.status == 415


async def test_a_content_type_with_charset_is_fine(world):
    """`application/json; charset=utf-8` is what Teams sends."""
    headers = bearer() | {"Content-Type": "application/json; charset=utf-8"}
    answer = await world.http.post("/api/messages", data=json.dumps(activity()), headers=headers)
    assert answer.status == 202


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_another_method_is_405(world, method):
    """Only POST is served."""
    answer = await world.http.request(method, "/api/messages", headers=bearer())
    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"


async def chunks(size):
    for _ in range(size // 1024):
        yield b" " * 1024


async def test_a_large_body_is_413_however_it_comes(world):
    """More than 256 KB is refused: announced (before the token is looked at), in chunks, or compressed."""
    json_type = {"Content-Type": "application/json"}
    big = b" " * (257 * 1024)
    announced = await world.http.post("/api/messages", data=big, headers=json_type)
    chunked = await world.http.post("/api/messages", data=chunks(len(big)), headers=bearer() | json_type)
    packed = await world.http.post(
        "/api/messages", data=gzip.compress(big), headers=bearer() | json_type | {"Content-Encoding": "gzip"}
    )
    assert [announced.status, chunked.status, packed.status] == [413, 413, 413]


async def test_a_large_body_without_token_is_not_read(world):
    """A body of unknown length is not even read without a good token."""
    answer = await world.http.post(
        "/api/messages", data=chunks(257 * 1024), headers={"Content-Type": "application/json"}
    )
    assert answer.status == 401


async def test_a_body_just_within_the_limit_is_read(world):
    """A 10 000 character message and more fits."""
    answer = await world.post(activity(text="x" * 200_000), bearer())
    assert answer.status == 202


async def test_a_wrongly_compressed_body_is_400(world):
    """A body that says gzip and is none is the caller's mistake."""
    headers = bearer() | {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await world.http.post("/api/messages", data=b"no gzip at all", headers=headers)
    assert answer.status == 400


async def test_a_refusal_is_logged_with_its_reason_and_no_token(world):
    """One line says why; the token and its parts are nowhere in it."""
    header = bearer(aud="another-app")
    with structlog.testing.capture_logs() as lines:
        await world.post(activity(), header)
    (line,) = [line for line in lines if line["event"] == "message_refused"]
    assert line["status"] == 401
    assert line["reason"] == "token refused"
    assert all(part not in repr(lines) for part in header["Authorization"].removeprefix("Bearer ").split("."))


async def test_without_any_key_the_answer_is_503(world):
    """While the signing keys cannot be fetched nobody is let in, and the status says that it is our trouble."""
    world.microsoft.metadata = ConnectionError("down")
    answer = await world.post(activity(), bearer())
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert not world.work.seen


async def test_a_hanging_key_server_holds_up_only_those_who_need_it(world):
    """While a fetch for an unknown key hangs, callers with a known key are answered."""
    assert (await world.post(activity(), bearer())).status == 202
    world.microsoft.gate.clear()
    world.microsoft.asked.clear()
    world.seam.keys._asked = None  # five minutes later
    waiting = asyncio.create_task(world.post(activity(), bearer(kid="unheard-of")))
    await world.microsoft.asked.wait()
    assert (await world.post(activity(), bearer())).status == 202
    assert not waiting.done()
    world.microsoft.gate.set()
    assert (await waiting).status == 401


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        *activity(),
        *("value", "action", "name", "replyToId", "membersAdded", "membersRemoved", "attachments", "deliveryMode"),
        *("conversation__id", "conversation__conversationType", "channelData__team", "channelData__channel"),
        *("sender__aadObjectId", "sender__name", "recipient__id", "reactionsAdded", "expiration", "suggestedActions"),
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["message", "invoke", "conversationUpdate", "event"]), field=FIELDS, value=JSON)
async def test_no_body_makes_a_500(world, kind, field, value):
    """Whatever stands in any field, the answer is no 500."""
    changes = {"type": kind, "name": "adaptiveCard/action", "sender" if field == "from" else field: value}
    body = activity(**{name: new for name, new in changes.items() if new is not None})
    assert (await world.post(body, bearer())).status in {200, 202, 400, 401, 403, 501}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON, data=JSON, trigger=JSON)
async def test_no_button_makes_a_500(world, value, data, trigger):
    """Whatever a button carries, the answer is no 500."""
    for odd in ({"action": value}, {"action": {"type": "Action.Execute", "data": data}, "trigger": trigger}):
        assert (await world.post(click(value=odd), bearer())).status == 200
