import asyncio
import traceback
from collections.abc import AsyncGenerator, Iterator

import httpx
import pytest
import stamina
import stamina.instrumentation
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Missing, ServiceError, Throttled, Unauthorised, Unavailable
from bot.http import READ_SECONDS, Operation
from tests.bot.wire_help import CHANGE, READ, TOKEN, Script, api, error_body, ok


def busy(seconds: str = "") -> httpx.Response:
    return httpx.Response(429, json=error_body("TooManyRequests"), headers={"Retry-After": seconds} if seconds else {})


def down(status: int = 503) -> httpx.Response:
    return httpx.Response(status, json=error_body("InternalServerError"))


async def fail(script: Script, operation: Operation, **more: float) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await api(script).call(operation, ids={"id": "x"}, **more)
    return caught.value


async def test_a_call_is_made_as_declared():
    """Method, path, query, body and token are those of the operation and the call."""
    script = Script(ok())
    body = await api(script).call(CHANGE, ids={"id": "x y/z"}, params={"$top": 3}, body={"Comment": "so"})
    (request,) = script.requests
    assert body == {"id": "a"}
    assert (request.method, request.url.raw_path) == ("POST", b"/api/x%20y%2Fz?%24top=3")
    assert request.content == b'{"Comment":"so"}'
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "failing", [busy(), down(), httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.Response(200)]
)
async def test_a_read_is_tried_again_until_it_works(failing: httpx.Response | Exception):
    """429, 5xx, broken connections and unreadable answers of a GET are passing troubles."""
    script = Script(failing, failing, ok())
    assert await api(script).call(READ, ids={"id": "x"}) == {"id": "a"}
    assert len(script.requests) == 3


async def test_half_an_answer_is_no_answer():
    """A 206 lacks what a failed provider knew; it is asked again and never read as the whole."""
    half = httpx.Response(206, json={"value": []}, headers={"Warning": '199 - "Microsoft/MDATP/504/10000"'})
    assert await api(Script(half, ok())).call(READ, ids={"id": "x"}) == {"id": "a"}
    error = await fail(Script(half), READ)
    assert isinstance(error, Unavailable)
    assert (error.code, "MDATP" in error.message) == ("partial", True)


async def test_a_read_is_not_tried_for_ever():
    """Four attempts, then the last failure is told."""
    script = Script(down())
    assert isinstance(await fail(script, READ), Unavailable)
    assert len(script.requests) == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
async def test_a_refusal_is_not_tried_again(status: int):
    """What was refused once will be refused again."""
    script = Script(httpx.Response(status, json=error_body("BadRequest")))
    await fail(script, READ)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "failing",
    [
        down(500),
        down(503),
        httpx.Response(502, text="<html>"),
        httpx.ReadTimeout("x"),
        httpx.WriteError("x"),
        httpx.RemoteProtocolError("x"),
        httpx.Response(201),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[1]),
        RuntimeError("x"),
    ],
)
async def test_a_change_is_never_sent_twice_after_it_may_have_arrived(failing: httpx.Response | Exception):
    """Whatever is ambiguous about a POST is told at once and not repeated."""
    script = Script(failing, ok())
    error = await fail(script, CHANGE)
    assert isinstance(error, Unavailable)
    assert error.sent
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "failing", [busy(), busy("0"), httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x")]
)
async def test_a_change_is_tried_again_where_it_certainly_did_not_arrive(failing: httpx.Response | Exception):
    """A 429 and a connection that never came about are safe to repeat."""
    script = Script(failing, ok())
    assert await api(script).call(CHANGE, ids={"id": "x"}) == {"id": "a"}
    assert len(script.requests) == 2


async def test_an_unreachable_service_got_nothing():
    """When no attempt could connect, the caller knows that nothing was carried out."""
    error = await fail(Script(httpx.ConnectError("x")), CHANGE)
    assert isinstance(error, Unavailable)
    assert not error.sent


@pytest.mark.parametrize("failing", [busy("0.02"), httpx.Response(503, headers={"Retry-After": "0.02"})])
async def test_retry_after_is_honoured(failing: httpx.Response):
    """The pause before the next attempt is the one that the service asked for."""
    pauses: list[float] = []
    stamina.set_testing(False)
    stamina.instrumentation.set_on_retry_hooks([lambda details: pauses.append(details.wait_for)])
    try:
        await api(Script(failing, ok())).call(READ, ids={"id": "x"})
    finally:
        stamina.instrumentation.set_on_retry_hooks(None)
    assert pauses == [0.02]


async def test_a_pause_longer_than_the_time_left_is_not_begun():
    """The caller learns at once how long the service wants to be left alone."""
    script = Script(busy("120"))
    error = await fail(script, CHANGE)
    assert isinstance(error, Throttled)
    assert error.retry_after == 120
    assert len(script.requests) == 1


async def test_the_budget_is_asked_before_each_request():
    """Retries and pages count as much as first attempts; customer and operation are named."""
    asked: list[tuple[str, str]] = []

    async def budget(customer: str, operation: Operation, left: float) -> None:
        assert 0 < left <= READ_SECONDS
        asked.append((customer, operation.name))

    await api(Script(down(), ok()), budget=budget).call(READ, ids={"id": "x"})
    assert asked == [("contoso", "look"), ("contoso", "look")]


async def test_a_spent_budget_sends_nothing():
    """Where the budget refuses, the service is not asked."""

    async def budget(customer: str, operation: Operation, left: float) -> None:
        raise Throttled(operation.service, operation.name, retry_after=300)

    script = Script(ok())
    with pytest.raises(Throttled):
        await api(script, budget=budget).call(CHANGE, ids={"id": "x"})
    assert script.requests == []


async def test_a_deadline_during_the_answer_is_ambiguous():
    """The request was handed over when time ran out, so it may have been accepted."""

    async def hang(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(Unavailable) as caught:
        await api(hang).call(CHANGE, ids={"id": "x"}, seconds=0.05)
    assert (caught.value.sent, caught.value.code) == (True, "deadline")


class SlowToken(httpx.Auth):
    """A login service that does not answer: from the first token on, or from the one after a 401."""

    def __init__(self, free: int) -> None:
        self.free = free

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send the request `free` times, then wait for ever."""
        for _ in range(self.free):
            yield request
        await asyncio.Event().wait()


@pytest.mark.parametrize("free", [0, 1])
async def test_a_deadline_while_waiting_for_a_token_means_not_sent(free: int):
    """Neither before the first token nor after a 401 was anything accepted."""
    script = Script(httpx.Response(401, json=error_body("Unauthorized")))
    with pytest.raises(Unavailable) as caught:
        await api(script, auth=SlowToken(free)).call(CHANGE, ids={"id": "x"}, seconds=0.05)
    assert not caught.value.sent
    assert len(script.requests) == free


async def test_a_deadline_during_a_pause_tells_the_last_failure():
    """The reason for the pause is more useful than the fact that time ran out."""
    stamina.set_testing(False)
    script = Script(busy())
    error = await fail(script, CHANGE, seconds=0.1)
    assert isinstance(error, Throttled)


async def test_a_cancelled_caller_is_cancelled():
    """A cancellation from outside is neither swallowed nor turned into an error of ours."""

    async def hang(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    task = asyncio.create_task(api(hang).call(READ, ids={"id": "x"}))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("odd", ["", ".", "..", " .. "])
async def test_an_id_that_would_change_the_path_names_nothing(odd: str):
    """`/api/machines/../alerts` must not be reached through a device's id."""
    script = Script(ok())
    with pytest.raises(Missing):
        await api(script).call(READ, ids={"id": odd})
    assert script.requests == []


@given(st.text(min_size=1).filter(lambda text: text.strip() not in {"", ".", ".."}))
def test_no_id_leaves_its_place_in_the_path(text: str):
    """Whatever an id holds, it stays one segment: no slash, query or fragment comes out of it."""
    script = Script(ok())
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    asyncio.run(api(script).call(READ, ids={"id": text}))
    raw = script.requests[0].url.raw_path.decode()
    assert raw.startswith("/api/")
    assert not set("/?#") & set(raw.removeprefix("/api/"))


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "failing",
    [httpx.ConnectError(TOKEN), httpx.ReadTimeout(TOKEN), httpx.Response(401), down(), httpx.Response(200, text="x")],
)
async def test_no_error_carries_the_token(failing: httpx.Response | Exception):
    """Neither text nor repr nor any request that hangs on an error or its context shows the token."""
    error = await fail(Script(failing), READ)
    told = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
    assert TOKEN not in told
    assert not any(isinstance(link, httpx.HTTPError) for link in chain(error))


async def test_a_second_401_is_told():
    """Where a new token is refused as well, the caller hears of it."""
    assert isinstance(await fail(Script(httpx.Response(401)), READ), Unauthorised)
