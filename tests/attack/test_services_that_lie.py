"""Services that answer with what was not asked for: another device's action, a page, a way to another host."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import stamina

from bot.defender.http import HttpDefender
from bot.errors import ServiceError, Unavailable
from bot.http import Api, new_client
from bot.responses.models import State, Target
from handlers.responses import isolate, release, tag
from tests.bot.wire_help import TOKEN, Script, defender, error_body, graph, ok
from tests.responses.over_http import HttpStage, staged_over_http

Lie = Callable[[httpx.Request, dict[str, Any]], dict[str, Any] | bytes]
MINE, OTHER = "a" * 40, "b" * 40


class Liar(httpx.AsyncBaseTransport):
    """Lets each request pass to the simulator and changes what it answers."""

    def __init__(self, lie: Lie) -> None:
        self.lie = lie
        self.inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, as the lie makes it."""
        answer = await self.inner.handle_async_request(request)
        content = await answer.aread()
        await answer.aclose()
        if not answer.is_success:
            return httpx.Response(answer.status_code, content=content, headers=answer.headers)
        told = self.lie(request, json.loads(content))
        content = told if isinstance(told, bytes) else json.dumps(told).encode()
        return httpx.Response(answer.status_code, content=content)

    async def aclose(self) -> None:
        """Close the way to the simulator."""
        await self.inner.aclose()


@asynccontextmanager
async def lied_to(lie: Lie) -> AsyncIterator[HttpStage]:
    """A stage whose Defender lies."""
    responses = [isolate.RESPONSE, release.RESPONSE, tag.RESPONSE]
    async with staged_over_http(responses) as stage, new_client(Liar(lie)) as client:
        honest: Api = stage.clients["defender"]._api
        api = Api(client, base_url=stage.sim.url, auth=honest._auth, customer=honest._customer)
        stage.clients["defender"] = HttpDefender(api)
        yield stage


def posted(request: httpx.Request, what: str) -> bool:
    return request.method == "POST" and request.url.path.endswith(what)


async def test_another_devices_action_is_not_ours():
    """Where a call is answered with another device's action, nobody knows what became of it; then ours is found."""

    def lie(request: httpx.Request, told: dict[str, Any]) -> dict[str, Any]:
        return (
            {**told, "id": "5382f7ea-7557-4ab7-9782-d50480024a4e", "machineId": OTHER}
            if posted(request, "/isolate")
            else told
        )

    async with lied_to(lie) as stage:
        key = await stage.asked("isolate", IsolationType="Full")
        await stage.work(key)
        assert (await stage.request(key)).state is State.UNKNOWN
        await stage.until_quiet()
        request = await stage.request(key)
        (action,) = stage.own(key)
        assert (request.state, request.attempt.action) == (State.SUCCEEDED, action.id)


async def test_the_end_of_another_action_is_not_the_end():
    """What is looked up by its id and comes back as another action says nothing of how ours stands."""

    def lie(request: httpx.Request, told: dict[str, Any]) -> dict[str, Any]:
        one = "/machineactions/" in request.url.path and request.method == "GET"
        return {**told, "id": "5382f7ea-7557-4ab7-9782-d50480024a4e", "status": "Succeeded"} if one else told

    async with lied_to(lie) as stage:
        stage.sim.first.set_online(stage.devices[0], stage.clock.now(), online=False)
        key = await stage.asked("isolate", IsolationType="Full")
        for _ in range(6):
            await stage.work(key)
            stage.clock.move(30)
        request = await stage.request(key)
        assert (request.state, request.trouble) == (State.SENT, "trouble.unavailable")
        assert not stage.devices[0].isolated


async def test_an_action_of_another_device_in_the_list_is_not_adopted():
    """A list that holds another device's isolation neither settles a request nor holds it up."""

    def lie(request: httpx.Request, told: dict[str, Any]) -> dict[str, Any]:
        if request.url.path.endswith("/machineactions") and request.method == "GET":
            stray = {"id": "x", "type": "Isolate", "scope": "Full", "status": "Pending", "machineId": OTHER}
            return {**told, "value": [stray, *told["value"]]}
        return told

    async with lied_to(lie) as stage:
        request = await stage.followed("isolate", IsolationType="Full")
        assert (request.state, request.attempt.adopted) == (State.SUCCEEDED, False)
        assert stage.devices[0].isolated


@pytest.mark.parametrize("page", [b"<html><body>Sign in</body></html>", b"[]", b"null", b'"ok"', b"\xff\xfe", b""])
async def test_a_page_in_place_of_an_answer_is_no_answer(page):
    """A 200 that cannot be read after a call means that it may have been carried out: found again, never doubled."""

    def lie(request: httpx.Request, told: dict[str, Any]) -> dict[str, Any] | bytes:
        return page if posted(request, "/isolate") else told

    async with lied_to(lie) as stage:
        request = await stage.followed("isolate", IsolationType="Full")
        assert request.state is State.SUCCEEDED
        assert len(stage.own()) == 1


ODD_ACTIONS: list[dict[str, Any]] = [
    {"status": ["Succeeded"]},
    {"status": {"value": "Succeeded"}},
    {"status": 3},
    {"status": "succeeded\u200b"},
    {"status": "Done"},
    {"status": None},
    {"lastUpdateDateTimeUtc": "tomorrow", "status": "InProgress"},
    {"commands": "x", "status": "InProgress"},
]


@pytest.mark.parametrize("odd", ODD_ACTIONS, ids=range(len(ODD_ACTIONS)))
async def test_an_odd_status_is_no_success(odd):
    """A status of another type or an unknown word never ends a request; it goes on being looked at."""

    def lie(request: httpx.Request, told: dict[str, Any]) -> dict[str, Any]:
        return {**told, **odd} if "/machineactions/" in request.url.path and request.method == "GET" else told

    async with lied_to(lie) as stage:
        key = await stage.asked("isolate", IsolationType="Full")
        for _ in range(8):
            await stage.work(key)
            stage.clock.move(30)
        request = await stage.request(key)
        assert (request.state, request.ended) == (State.SENT, None)


async def test_what_has_ended_does_not_begin_again():
    """An action that goes back from Succeeded to Pending changes nothing of what people were told."""
    ends = [True]

    def lie(request: httpx.Request, told: dict[str, Any]) -> dict[str, Any]:
        if "/machineactions/" in request.url.path and request.method == "GET":
            return {**told, "status": "Succeeded" if ends[0] else "Pending"}
        return told

    async with lied_to(lie) as stage:
        before = await stage.followed("isolate", IsolationType="Full")
        ends[0] = False
        stage.clock.move(3600)
        await stage.work(before.id)
        after = await stage.request(before.id)
        assert (after.state, after.status, after.ended) == (State.SUCCEEDED, "Succeeded", before.ended)


async def test_names_of_half_a_pair_hold_nothing_up():
    """A device whose name no text can hold is isolated all the same, or said to be unreadable: never left in doubt."""

    def lie(request: httpx.Request, told: dict[str, Any]) -> dict[str, Any]:
        return told

    async with lied_to(lie) as stage:
        stage.devices[0].name = "pc\ud800-\U0001f600"
        machine = await stage.clients["defender"].machine(stage.devices[0].id)
        assert machine.name == "pc\ufffd-\U0001f600"
        target = Target(id=machine.id, name=machine.name)
        request = await stage.followed("isolate", target=target, IsolationType="Full")
        assert request.state is State.SUCCEEDED
        assert len(stage.own()) == 1


CALLS: dict[str, Callable[[HttpDefender], Any]] = {
    "machine": lambda d: d.machine(MINE),
    "action": lambda d: d.machine_action(MINE),
    "isolate": lambda d: d.isolate(MINE, comment="c", isolation_type="Full"),
    "release": lambda d: d.unisolate(MINE, comment="c"),
    "scan": lambda d: d.run_antivirus_scan(MINE, comment="c", scan_type="Quick"),
    "restrict": lambda d: d.restrict(MINE, comment="c"),
    "unrestrict": lambda d: d.unrestrict(MINE, comment="c"),
    "collect": lambda d: d.collect_package(MINE, comment="c"),
    "offboard": lambda d: d.offboard(MINE, comment="c"),
    "quarantine": lambda d: d.quarantine_file(MINE, comment="c", sha1="a" * 40),
    "investigate": lambda d: d.start_investigation(MINE, comment="c"),
    "session": lambda d: d.run_live_response(MINE, commands=(), comment="c"),
    "tag": lambda d: d.change_tag(MINE, tag="t", action="Add"),
    "value": lambda d: d.set_value(MINE, value="Low"),
    "cancel": lambda d: d.cancel_machine_action(MINE, comment="c"),
}
CHANGES = sorted(set(CALLS) - {"machine", "action"})


@pytest.mark.parametrize("call", CALLS)
async def test_an_answer_about_another_thing_is_none(call):
    """An answer that names another device or action cannot be read; after a change that means: perhaps carried out."""
    with pytest.raises(Unavailable) as refused:
        await CALLS[call](defender(Script(ok({"id": OTHER, "machineId": OTHER, "status": "Succeeded"}))))
    assert (refused.value.code, refused.value.sent) == ("unreadable", True)


@pytest.mark.parametrize("call", CALLS)
async def test_ids_are_compared_without_regard_to_case(call):
    """The same device in capitals is the same device; an answer that leaves out whose it is is taken."""
    await CALLS[call](defender(Script(ok({"id": MINE.upper(), "machineId": MINE.upper()}))))
    await CALLS[call](defender(Script(ok({"id": MINE}))))


async def test_another_device_in_intune_is_not_taken_for_the_one_meant():
    """What is looked up by its id, and answered with another, is not wiped by mistake."""
    with pytest.raises(Unavailable):
        await graph(Script(ok({"id": OTHER, "deviceName": "x"}))).managed_device(MINE)
    stray = {"value": [{"id": OTHER, "deviceName": "x", "azureADDeviceId": OTHER}]}
    assert await graph(Script(ok(stray))).managed_devices(entra_device_id=MINE) == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", ["machine", "isolate"])
async def test_no_token_follows_a_redirect(call, status):
    """A service that sends the bot elsewhere is not followed, and its answer is no answer."""
    script = Script(httpx.Response(status, headers={"Location": "https://evil.example/steal"}))
    with stamina.set_testing(True, attempts=1), pytest.raises(ServiceError):
        await CALLS[call](defender(script))
    assert {request.url.host for request in script.requests} == {"service.test"}


LINKS = [
    "https://evil.example/api/machines?$skip=1",
    "//evil.example/api/machines?$skip=1",
    "http://service.test@evil.example/api/machines",
    "https://service.test:8443/api/machines",
    "ftp://evil.example/x",
]


@pytest.mark.parametrize("link", LINKS)
async def test_no_token_follows_a_next_page(link):
    """The next page is asked for at the service's own address, wherever its link points."""
    script = Script(ok({"value": [{"id": "1"}], "@odata.nextLink": link}), ok({"value": []}))
    await defender(script).machines()
    for request in script.requests:
        assert (request.url.scheme, request.url.host, request.url.port) == ("https", "service.test", None)
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"


IDS = [
    "../machineactions",
    "a/b",
    "a?b=c",
    "a#b",
    "a%2fb",
    "a\\b",
    "a b",
    "a'b",
    "a;b",
    "..%2f..",
    "\u2215x",
    "a\r\nX: y",
]


@pytest.mark.parametrize("odd", IDS)
async def test_no_id_leads_to_another_path(odd):
    """An id with characters of an address stays one part of the path, and names nothing else."""
    script = Script(httpx.Response(404, json=error_body("ResourceNotFound")))
    with pytest.raises(ServiceError):
        await defender(script).isolate(odd, comment="c", isolation_type="Full")
    (request,) = script.requests
    path = request.url.raw_path.decode()
    assert path.startswith("/api/machines/")
    assert path.endswith("/isolate")
    assert path.count("/") == 4
    assert not {"?", "#", "'", ";", "\\", " "} & set(path)


@pytest.mark.parametrize("odd", ["x' or 'a' eq 'a", "x')", "x'' or 1 eq 1", "a&$top=1", "a%27", "\u2019 or 1 eq 1"])
async def test_no_name_changes_a_filter(odd):
    """A name is one text of the filter, whatever quotes it holds."""
    script = Script(ok({"value": []}))
    await defender(script).machines_named(odd)
    params = script.requests[0].url.params
    assert set(params) == {"$filter", "$top"}
    inside = params["$filter"].removeprefix("startswith(computerDnsName,'").removesuffix("')")
    assert inside.replace("''", "'") == odd
    assert "'" not in inside.replace("''", "")


async def test_the_same_action_twice_in_a_list_is_one():
    """A list that names an id twice, on one page or on two, holds it once."""
    row = {"id": "1", "type": "Isolate", "status": "Pending", "machineId": MINE}
    script = Script(ok({"value": [row, row], "@odata.nextLink": "https://service.test/x"}), ok({"value": [row]}))
    assert [one.id for one in await defender(script).machine_actions(machine_id=MINE)] == ["1"]
