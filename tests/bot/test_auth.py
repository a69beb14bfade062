import asyncio
import gc

import httpx
import pytest

from bot.auth import CONNECTOR_SCOPE, DEFENDER_SCOPE, GRAPH_SCOPE, BearerAuth
from bot.clock import ManualClock
from bot.errors import ServiceError, Throttled, Unauthorised, Unavailable
from tests.bot.login_help import APP, OTHER, SECRET, START, TENANT, Login, failure, refusal, source
from tests.bot.wire_help import CHANGE, READ, api, error_body


async def test_a_token_is_asked_for_as_documented():
    """Client credentials go to the tenant's own endpoint, with exactly one scope."""
    login = Login()
    assert await source(login).token(TENANT, GRAPH_SCOPE) == "token-1"
    (form,) = login.forms
    assert login.urls[-1] == f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
    assert (form["grant_type"], form["client_id"], form["client_secret"], form["scope"]) == (
        "client_credentials",
        APP,
        SECRET,
        GRAPH_SCOPE,
    )


async def test_a_token_is_kept_per_tenant_and_scope():
    """The second question costs nothing; another tenant or scope never gets the same token."""
    login = Login()
    tokens = source(login)
    keys = [(TENANT, GRAPH_SCOPE), (TENANT, DEFENDER_SCOPE), (OTHER, GRAPH_SCOPE), (OTHER, CONNECTOR_SCOPE)]
    first = [await tokens.token(*key) for key in keys]
    assert [await tokens.token(*key) for key in keys] == first
    assert len(set(first)) == len(login.forms) == 4


async def test_a_tenants_authority_is_looked_up_once():
    """The MSAL app of a tenant is built once, whatever scopes are asked."""
    login = Login()
    tokens = source(login)
    for scope in (GRAPH_SCOPE, DEFENDER_SCOPE, CONNECTOR_SCOPE):
        await tokens.token(TENANT, scope)
    assert sum("openid-configuration" in url for url in login.urls) == 1


async def test_a_token_is_renewed_five_minutes_before_its_end():
    """At 54:59 of an hour the token is still good, at 55:00 a new one is fetched: the clock alone decides."""
    login, clock = Login(), ManualClock(START)
    tokens = source(login, clock)
    await tokens.token(TENANT, GRAPH_SCOPE)
    clock.move(55 * 60 - 1)
    assert await tokens.token(TENANT, GRAPH_SCOPE) == "token-1"
    clock.move(1)
    assert await tokens.token(TENANT, GRAPH_SCOPE) == "token-2"


async def test_a_short_lived_token_is_kept_for_half_its_life():
    """A token of four minutes is not fetched anew for each request."""
    login, clock = Login(seconds=240), ManualClock(START)
    tokens = source(login, clock)
    await tokens.token(TENANT, GRAPH_SCOPE)
    clock.move(119)
    assert await tokens.token(TENANT, GRAPH_SCOPE) == "token-1"
    clock.move(1)
    assert await tokens.token(TENANT, GRAPH_SCOPE) == "token-2"


async def test_many_who_ask_at_once_cause_one_request():
    """Fifty callers share one flight and get the same token."""
    login = Login()
    tokens = source(login)
    login.gate.clear()
    asking = [asyncio.create_task(tokens.token(TENANT, GRAPH_SCOPE)) for _ in range(50)]
    await asyncio.sleep(0.02)
    login.gate.set()
    assert set(await asyncio.gather(*asking)) == {"token-1"}
    assert len(login.forms) == 1


async def test_many_who_ask_at_once_share_a_failure():
    """One refused request is told to all, and the next question is a new request."""
    login = Login()
    login.step = refusal(401, "invalid_client", 7000215, "Invalid client secret provided.")
    tokens = source(login)
    outcomes = await asyncio.gather(*(tokens.token(TENANT, GRAPH_SCOPE) for _ in range(9)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Unauthorised}
    assert len(login.forms) == 1
    login.step = None
    assert await tokens.token(TENANT, GRAPH_SCOPE) == "token-2"


async def test_a_caller_that_gives_up_takes_nobody_with_it():
    """The flight goes on when the one who began it is cancelled."""
    login = Login()
    tokens = source(login)
    login.gate.clear()
    first = asyncio.create_task(tokens.token(TENANT, GRAPH_SCOPE))
    await asyncio.sleep(0.02)
    second = asyncio.create_task(tokens.token(TENANT, GRAPH_SCOPE))
    await asyncio.sleep(0)
    first.cancel()
    login.gate.set()
    assert await second == "token-1"
    assert first.cancelled() or (await asyncio.wait([first]))[0]


async def test_a_failure_nobody_waits_for_is_no_noise(caplog: pytest.LogCaptureFixture):
    """Where all who asked have gone, a failing flight does not end as asyncio's complaint."""
    login = Login()
    login.step = httpx.ConnectError("x")
    tokens = source(login)
    login.gate.clear()
    asking = asyncio.create_task(tokens.token(TENANT, GRAPH_SCOPE))
    await asyncio.sleep(0.02)
    asking.cancel()
    login.gate.set()
    await tokens.close()
    gc.collect()
    assert not [record for record in caplog.records if record.name == "asyncio"]


async def test_a_refused_token_is_dropped_and_a_newer_one_kept():
    """Of many who were refused with the old token, only the first drops it."""
    tokens = source(Login())
    old = await tokens.token(TENANT, GRAPH_SCOPE)
    tokens.drop(TENANT, GRAPH_SCOPE, old)
    new = await tokens.token(TENANT, GRAPH_SCOPE)
    tokens.drop(TENANT, GRAPH_SCOPE, old)
    assert (old, new, await tokens.token(TENANT, GRAPH_SCOPE)) == ("token-1", "token-2", "token-2")
    tokens.drop(TENANT, GRAPH_SCOPE)
    assert await tokens.token(TENANT, GRAPH_SCOPE) == "token-3"


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (refusal(401, "invalid_client", 7000215, "Invalid client secret."), Unauthorised, "AADSTS7000215"),
        (refusal(400, "unauthorized_client", 700016, "Not in the directory."), Unauthorised, "AADSTS700016"),
        (refusal(400, "invalid_request", 90002, "Tenant not found."), Unauthorised, "AADSTS90002"),
        (httpx.Response(400, json={"error": "invalid_scope"}), Unauthorised, "invalid_scope"),
        (refusal(400, "temporarily_unavailable", 90033, "A transient error."), Unavailable, "AADSTS90033"),
        (httpx.Response(429, headers={"Retry-After": "9"}), Throttled, ""),
        (httpx.Response(500, json={"error": "server_error"}), Unavailable, "server_error"),
        (httpx.Response(503, text="<html>"), Unavailable, ""),
        (httpx.Response(403, text="<html>"), Unavailable, ""),
        (httpx.Response(200, text="<html>"), Unavailable, "unreadable"),
        (httpx.Response(200, json={"odd": 1}), Unavailable, "unreadable"),
        (httpx.ConnectError("x"), Unavailable, "ConnectError"),
        (httpx.ReadTimeout("x"), Unavailable, "ReadTimeout"),
    ],
)
@pytest.mark.parametrize("during", ["token", "discovery"])
async def test_a_login_that_fails_is_told_apart(
    answer: httpx.Response | Exception, kind: type[ServiceError], code: str, during: str
):
    """Refused credentials, throttling and an outage are three things; none of them means that a call was sent."""
    login = Login()
    if during == "token":
        login.step = answer
    else:
        login.discovery = answer
    error = await failure(source(login))
    assert isinstance(error, kind)
    assert error.service == "login"
    assert error.code == code
    assert getattr(error, "sent", False) is False
    assert getattr(error, "retry_after", 9) == 9
    assert "Trace ID" not in str(error)


@pytest.mark.parametrize("tenant", ["common", "Organizations", "consumers", "", "a/b", "../x", "a?b", "-x", "a b"])
async def test_only_a_real_tenant_is_asked(tenant: str):
    """Nothing but an id or a domain gets into the authority's address."""
    login = Login()
    assert isinstance(await failure(source(login), tenant), Unauthorised)
    assert login.urls == []


class Guarded:
    """A service that takes only one token."""

    def __init__(self, good: str) -> None:
        self.good = good
        self.seen: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer 401 to every other token."""
        self.seen.append(request.headers["Authorization"])
        if self.seen[-1] == f"Bearer {self.good}":
            return httpx.Response(200, json={"id": "a"})
        return httpx.Response(401, json=error_body("Unauthorized"))


async def test_a_401_fetches_a_new_token_once():
    """The refused token is dropped, the new one is used and kept for the next call, for changes as well."""
    service = Guarded("token-2")
    made = api(service, auth=BearerAuth(source(Login()), TENANT, DEFENDER_SCOPE))
    await made.call(CHANGE, ids={"id": "x"}, body={"Comment": "c"})
    await made.call(READ, ids={"id": "x"})
    assert service.seen == ["Bearer token-1", "Bearer token-2", "Bearer token-2"]


async def test_a_service_that_refuses_every_token_is_not_asked_for_ever():
    """Two tokens per call, then the caller is told."""
    service = Guarded("none")
    with pytest.raises(Unauthorised):
        await api(service, auth=BearerAuth(source(Login()), TENANT, DEFENDER_SCOPE)).call(READ, ids={"id": "x"})
    assert service.seen == ["Bearer token-1", "Bearer token-2"]


async def test_a_change_without_a_token_was_not_sent():
    """While the login service is down, the caller of a change knows that nothing happened; it was tried again."""
    login, service = Login(), Guarded("token-1")
    login.step = httpx.Response(503)
    with pytest.raises(Unavailable) as caught:
        await api(service, auth=BearerAuth(source(login), TENANT, DEFENDER_SCOPE)).call(CHANGE, ids={"id": "x"})
    assert (caught.value.service, caught.value.sent) == ("login", False)
    assert service.seen == []
    assert len(login.forms) == 4
