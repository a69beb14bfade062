"""The Bot Connector for tests: sending, editing, limits, refusals, and the keys that sign what the bot receives."""

import json

import jwt
import pytest

from bot.simulator import Fault

CHANNEL = "19:alerts@thread.tacv2"
BASE = "/v3/conversations/19%3Aalerts%40thread.tacv2"


@pytest.fixture
def chat(sim):
    opened = sim.connector.open(CHANNEL, sim.first.id)
    sim.connector.add_member(CHANNEL, "29:alex", "00000000-0000-0000-0000-0000000000020", "Alex Wilber")
    sim.connector.add_member(CHANNEL, "29:guest", "guest-oid", "Kim Guest", tenant="other", role="guest")
    return opened


def card(text):
    return {"type": "message", "attachments": [{"content": {"body": [{"text": text}]}}]}


async def test_post_edit_delete(api, sim, chat, clock):
    """A post is 201 with an id; an edit replaces it; a deleted one is gone; all of it is recorded with its time."""
    answer = await api.post(f"{BASE}/activities", card("incident 7"))
    assert answer.status_code == 201
    one = answer.json()["id"]
    clock.move(5)
    await api.call("PUT", f"{BASE}/activities/{one}", json=card("incident 7, resolved"))
    (message,) = sim.connector.messages(containing="incident 7")
    assert (len(message.revisions), "resolved" in message.text) == (2, True)
    assert (message.times[1] - message.times[0]).total_seconds() == 5
    assert (await api.call("DELETE", f"{BASE}/activities/{one}")).status_code == 200
    assert sim.connector.messages() == []
    assert [record.operation for record in sim.connector.records] == ["post", "edit", "delete"]
    gone = await api.call("PUT", f"{BASE}/activities/{one}", json=card("again"))
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "ActivityNotFoundInConversation")


async def test_threads(api, sim, chat):
    """A post without a thread begins one under its own id; with `;messageid=` it goes into that thread."""
    root = (await api.post(f"{BASE}/activities", card("root"))).json()["id"]
    await api.post(f"{BASE}%3Bmessageid%3D{root}/activities", card("reply"))
    assert [message.thread for message in sim.connector.messages()] == ["", root]


async def test_typing_is_no_message(api, sim, chat):
    """A typing activity is accepted and recorded, but is no card."""
    assert (await api.post(f"{BASE}/activities", {"type": "typing"})).status_code == 201
    assert (sim.connector.messages(), sim.connector.records[0].operation) == ([], "typing")


async def test_unknown_conversations_are_404(api, chat):
    """A conversation the bot never was in, or that is gone, is ConversationNotFound."""
    unknown = await api.post("/v3/conversations/nowhere/activities", card("x"))
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "ConversationNotFound")
    chat.gone = True
    assert (await api.post(f"{BASE}/activities", card("x"))).status_code == 404


@pytest.mark.parametrize("code", ["BotNotInConversationRoster", "ConversationBlockedByUser", "BotDisabledByAdmin"])
async def test_a_conversation_can_refuse(api, sim, chat, code):
    """Where the bot was removed, blocked or disabled, sending and reading the roster are 403 with that code."""
    chat.refusal = code
    for answer in (await api.post(f"{BASE}/activities", card("x")), await api.get(f"{BASE}/members/29%3Aalex")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, code)
    assert sim.connector.records == []


async def test_blocked_writes_are_a_subcode(api, chat):
    """MessageWritesBlocked comes as the sub-code of a 403."""
    chat.refusal = "MessageWritesBlocked"
    answer = await api.post(f"{BASE}/activities", card("x"))
    assert (answer.status_code, answer.json()["error"]["subCode"]) == (403, "MessageWritesBlocked")


async def test_size_is_measured_in_utf16(api, chat):
    """A message may have 100 KB in UTF-16; one byte pair more is 413."""
    empty = json.dumps(card(""), ensure_ascii=False, separators=(",", ":"))
    room = 50 * 1024 - len(empty)
    assert (await api.post(f"{BASE}/activities", card("x" * room))).status_code == 201
    answer = await api.post(f"{BASE}/activities", card("ü" * room + "x"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "MessageSizeTooBig")


async def test_bad_activities_are_400(api, chat):
    """No JSON and no type are BadSyntax."""
    for body in (b"{", b"[]", b'{"text": "x"}'):
        answer = await api.call("POST", f"{BASE}/activities", content=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadSyntax")


async def test_the_rate_of_a_conversation(api, sim, chat, clock):
    """Seven posts in a second, eight in two, sixty in half a minute; then 429 with Retry-After, per conversation."""
    statuses = [(await api.post(f"{BASE}/activities", card(str(n)))).status_code for n in range(8)]
    assert statuses == [201] * 7 + [429]
    sim.connector.open("other", sim.first.id)
    assert (await api.post("/v3/conversations/other/activities", card("x"))).status_code == 201
    clock.move(1)
    assert (await api.post(f"{BASE}/activities", card("8"))).status_code == 201
    refused = await api.post(f"{BASE}/activities", card("9"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "Throttled")
    clock.move(int(refused.headers["Retry-After"]))
    assert (await api.post(f"{BASE}/activities", card("9"))).status_code == 201
    sim.limiter.on = False
    assert (await api.post(f"{BASE}/activities", card("10"))).status_code == 201


async def test_edits_count_as_sends(api, chat):
    """An edit takes from the same rate as a post."""
    one = (await api.post(f"{BASE}/activities", card("x"))).json()["id"]
    statuses = [(await api.call("PUT", f"{BASE}/activities/{one}", json=card("y"))).status_code for _ in range(7)]
    assert statuses == [200] * 6 + [429]


async def test_members(api, chat):
    """A person is found by Teams id and by object id, with tenant and role; a stranger is 404; the roster is paged."""
    for name in ("29%3Aalex", "00000000-0000-0000-0000-0000000000020"):
        body = (await api.get(f"{BASE}/members/{name}")).json()
        assert (body["id"], body["aadObjectId"]) == ("29:alex", "00000000-0000-0000-0000-0000000000020")
    guest = (await api.get(f"{BASE}/members/29%3Aguest")).json()
    assert (guest["tenantId"], guest["userRole"]) == ("other", "guest")
    assert (await api.get(f"{BASE}/members/29%3Anobody")).status_code == 404
    first = (await api.get(f"{BASE}/pagedmembers?pageSize=1")).json()
    token = first["continuationToken"]
    second = (await api.get(f"{BASE}/pagedmembers?pageSize=1&continuationToken={token}")).json()
    assert [page["members"][0]["id"] for page in (first, second)] == ["29:alex", "29:guest"]
    assert "continuationToken" not in second


async def test_create_a_thread_and_a_chat(api, sim, chat):
    """Creating a conversation in a channel answers with the thread's address, for one person with their chat."""
    channel = {"isGroup": True, "channelData": {"channel": {"id": CHANNEL}}, "activity": card("first")}
    body = (await api.post("/v3/conversations", channel)).json()
    assert body["id"] == f"{CHANNEL};messageid={body['activityId']}"
    sim.connector.open("a:1alex", sim.first.id, kind="personal")
    sim.connector.add_member("a:1alex", "29:alex", "oid", "Alex Wilber")
    body = (await api.post("/v3/conversations", {"members": [{"id": "29:alex"}]})).json()
    assert body["id"] == "a:1alex"
    assert (await api.post("/v3/conversations", {"members": []})).status_code == 400


async def test_no_token_is_401(api, chat):
    """Without the bot's own token the Connector answers BotNotRegistered."""
    answer = await api.http.post(f"{BASE}/activities", json=card("x"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "BotNotRegistered")


async def test_a_post_that_is_shown_but_not_answered(api, sim, chat):
    """A 502 after acting leaves the message in the conversation."""
    sim.faults.add("connector.post", Fault(kind="html", acted=True))
    answer = await api.post(f"{BASE}/activities", card("incident 9"))
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (502, "text/html")
    assert len(sim.connector.messages("incident 9")) == 1


async def keys(api):
    metadata = (await api.http.get("/v1/.well-known/openidconfiguration")).json()
    assert metadata["issuer"] == "https://api.botframework.com"
    assert metadata["id_token_signing_alg_values_supported"] == ["RS256"]
    return (await api.http.get(metadata["jwks_uri"])).json()["keys"]


def opens(key, token, audience="bot"):
    options = {"verify_exp": False, "verify_nbf": False}
    return jwt.decode(token, jwt.PyJWK(key).key, algorithms=["RS256"], audience=audience, options=options)


async def test_inbound_tokens_are_signed(api, sim):
    """The published key, endorsed for msteams, opens a signed token; claims can be replaced or left out."""
    (key,) = await keys(api)
    assert (key["endorsements"], key["kty"]) == (["msteams"], "RSA")
    token = sim.signer.sign("bot", "https://smba.example/emea/", claims={"extra": 1, "serviceurl": None})
    claims = opens(key, token)
    assert jwt.get_unverified_header(token)["kid"] == key["kid"]
    assert (claims["iss"], claims["extra"], "serviceurl" in claims) == ("https://api.botframework.com", 1, False)
    with pytest.raises(jwt.InvalidSignatureError):
        opens(key, sim.signer.sign("bot", "https://smba.example/", foreign=True))


async def test_keys_rotate(api, sim):
    """After a rotation new tokens need the new key; the old one stays published or goes, as asked."""
    (old,) = await keys(api)
    new = sim.signer.rotate()
    assert [key["kid"] for key in await keys(api)] == [old["kid"], new]
    token = sim.signer.sign("bot", "https://smba.example/")
    assert jwt.get_unverified_header(token)["kid"] == new
    sim.signer.rotate(keep_old=False, endorsements=["webchat"])
    (left,) = await keys(api)
    assert left["endorsements"] == ["webchat"]
