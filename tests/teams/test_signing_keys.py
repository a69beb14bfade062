import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from bot.clock import ManualClock
from bot.teams.signing_keys import OPENID_URL, KeysUnavailable, SigningKeys
from tests.teams.microsoft import Microsoft, jwk

HOUR = 3600.0


@pytest.fixture
def microsoft():
    return Microsoft()


@pytest.fixture
def clock():
    return ManualClock(datetime(2026, 11, 23, 10, tzinfo=UTC))


@pytest.fixture
async def keys(microsoft, clock):
    async with microsoft.client() as http:
        cache = SigningKeys(http, OPENID_URL, clock, timeout=0.05)
        yield cache
        await cache.close()


async def settled(keys):
    """Wait for a fetch in the background."""
    await keys._flight


async def test_a_key_is_fetched_once_and_then_at_hand(keys, microsoft):
    """Many callers with the same key cost one fetch, also when they come together."""
    found = await asyncio.gather(*(keys.find("first") for _ in range(20)))
    assert {key.endorsements for key in found} == {frozenset({"msteams"})}
    assert await keys.find("first") is found[0]
    assert microsoft.documents == 1


async def test_start_fetches_before_anybody_asks(keys, microsoft):
    """After the start the keys are there, and the readiness probe says so."""
    assert not keys.loaded
    keys.start()
    await settled(keys)
    assert keys.loaded
    assert microsoft.documents == 1


async def test_a_rotated_key_is_found_at_its_first_use(keys, microsoft, clock):
    """A key id that appears later is fetched when a token first names it."""
    await keys.find("first")
    clock.move(HOUR)
    microsoft.keys["second"] = ["msteams"]
    assert (await keys.find("second")).endorsements == {"msteams"}


async def test_made_up_key_ids_ask_once_in_five_minutes(keys, microsoft, clock):
    """A flood of unknown key ids costs one fetch per pause, not one each."""
    await keys.find("first")
    clock.move(HOUR)
    assert [await keys.find(f"made-up-{number}") for number in range(50)] == [None] * 50
    assert microsoft.documents == 2
    clock.move(301)
    await keys.find("made-up")
    assert microsoft.documents == 3


async def test_a_withdrawn_key_is_forgotten_after_a_day(keys, microsoft, clock):
    """A day later a known key is served once more while a fetch runs behind it; then the new set counts."""
    await keys.find("first")
    microsoft.keys = {"second": ["msteams"]}
    clock.move(24 * HOUR)
    assert await keys.find("first") is not None
    await settled(keys)
    assert await keys.find("first") is None
    assert await keys.find("second") is not None
    assert microsoft.documents == 2


@pytest.mark.parametrize(
    "broken",
    [
        httpx.ConnectError("refused"),
        httpx.Response(500),
        httpx.Response(302, headers={"Location": "https://evil.example/"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(
            200,
            json={"jwks_uri": "http://login.botframework.com/keys", "keys": [jwk("second", ["msteams"])]},
        ),
        httpx.Response(200, json={"jwks_uri": "no url", "keys": []}),
    ],
    ids=["refused", "500", "redirect", "html", "a list", "keys over http", "no url"],
)
async def test_a_failing_refresh_keeps_the_old_keys(keys, microsoft, clock, broken):
    """Whatever is wrong with the documents, the keys of yesterday still count, and it is not asked all the time."""
    await keys.find("first")
    microsoft.metadata = broken
    clock.move(24 * HOUR)
    for _ in range(10):
        assert await keys.find("first") is not None
        await settled(keys)
    assert microsoft.documents == 2


async def test_a_hanging_refresh_ends_and_keeps_the_old_keys(keys, microsoft, clock):
    """A fetch that hangs is given up after its time-out; nobody with a known key waited for it."""
    await keys.find("first")
    microsoft.gate.clear()
    clock.move(24 * HOUR)
    assert await keys.find("first") is not None
    await settled(keys)
    assert await keys.find("first") is not None


async def test_without_any_key_it_says_so_and_asks_again_soon(keys, microsoft, clock):
    """Before the first success every caller is told that keys are unavailable; five seconds later it is tried again."""
    microsoft.metadata = httpx.ConnectError("refused")
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await keys.find("first")
    assert microsoft.documents == 1
    microsoft.metadata = None
    clock.move(5)
    assert await keys.find("first") is not None


async def test_one_unreadable_key_does_not_take_the_others_along(clock):
    """Keys of other kinds and broken entries are left out."""
    entries = [
        {"kty": "EC", "kid": "curve"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
        {"kty": "RSA"},
        "no key",
        jwk("first", ["msteams"]),
    ]

    def answer(request):
        found = {"jwks_uri": "https://login.botframework.com/keys", "keys": entries}
        return httpx.Response(200, json=found)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        keys = SigningKeys(http, OPENID_URL, clock)
        assert await keys.find("first") is not None
        assert await keys.find("broken") is None
        assert await keys.find("curve") is None


async def test_the_shared_clients_own_token_stays_at_home(microsoft, clock):
    """Keys are fetched without credentials, even where the shared client has some of its own."""
    seen = []

    def answer(request):
        seen.append(request.headers.get("Authorization"))
        return httpx.Response(500)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), auth=("user", "secret")) as http:
        with pytest.raises(KeysUnavailable):
            await SigningKeys(http, OPENID_URL, clock).find("first")
    assert seen == [None]
