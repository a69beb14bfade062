"""The client for live response: against the simulator, and documented samples through the real parser."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bot.auth import DEFENDER_SCOPE, BearerAuth, Secret, TokenSource
from bot.clock import ManualClock
from bot.defender.http import HttpDefender
from bot.defender.live.models import (
    LibraryFile,
    Upload,
    get_file,
    put_file,
    run_script,
    script_result,
    states_of,
)
from bot.defender.models import MachineAction
from bot.errors import Missing, MissingPermission, NotInPlan, Rejected, Throttled, Unavailable
from bot.http import Api, new_client
from bot.simulator.core import CLIENT_ID, CLIENT_SECRET
from bot.simulator.faults import Fault
from bot.simulator.live_sessions import LibraryFile as Stored
from bot.simulator.server import Simulator
from bot.simulator.tokens import DEFENDER
from bot.simulator.world import Device
from tests.bot import wire_help

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
SAMPLES = Path(__file__).parent / "samples" / "defender"
MOST = 4 * 1024 * 1024
SIGNED = b"Write-Output 1\r\n# SIG # Begin signature block\r\n# MIIx\r\n# SIG # End signature block\r\n"


@dataclass
class Bench:
    """The first company with Plan 2, its Defender, and devices that take a session."""

    sim: Simulator
    clock: ManualClock
    defender: HttpDefender
    devices: list[Device]

    def store(self, name: str, content: bytes = b"Write-Output 1") -> None:
        self.sim.first.library[name] = Stored(name=name, content=content, created=NOW, updated=NOW, by="admin")

    async def opened(self, *commands, device: int = 0) -> MachineAction:
        return await self.defender.run_live_response(self.devices[device].id, commands=commands, comment="[WK-1/1] x")

    async def after(self, action: MachineAction, seconds: float) -> MachineAction:
        self.clock.move(seconds)
        return await self.defender.machine_action(action.id)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock = ManualClock(NOW)
    async with Simulator(clock, size="tiny", throttling=False).running() as sim, new_client() as http:
        sim.first.plan = "plan2"
        tokens = TokenSource(client_id=CLIENT_ID, credential=Secret(CLIENT_SECRET), login_url=sim.url, clock=clock)
        auth = BearerAuth(tokens, sim.first.id, DEFENDER_SCOPE)
        devices = list(sim.first.devices.values())
        for device in devices:
            device.os, device.onboarding = "Windows11", "onboarded"
            sim.first.set_online(device, NOW, online=True)
        defender = HttpDefender(Api(http, base_url=sim.url, auth=auth, customer=sim.first.id))
        yield Bench(sim, clock, defender, devices)
        await tokens.close()


async def test_commands_go_in_the_order_that_the_service_takes(bench: Bench):
    """PutFile, RunScript, GetFile, whatever the order in which they were named; each with its documented keys."""
    bench.store("tool.exe")
    bench.store("look.ps1", b'# simulate: {"output": "found"}')
    bench.devices[0].inside.files["c:\\a.txt"] = b"content"
    action = await bench.opened(get_file("C:\\a.txt"), run_script("look.ps1", "-A b"), put_file("tool.exe"))
    assert [one.command.type for one in states_of(action.commands)] == ["PutFile", "RunScript", "GetFile"]
    assert states_of(action.commands)[1].command.value("ScriptName") == "look.ps1"
    assert states_of(action.commands)[1].command.value("args") == "-A b"
    assert (action.state, action.kind) == ("pending", "liveresponse")
    done = await bench.after(action, 60)
    assert done.state == "succeeded"
    assert [one.state for one in states_of(done.commands)] == ["completed"] * 3
    result = script_result(await bench.defender.live_result(action.id, 1, most=MOST))
    assert result
    assert (result.script_name, result.exit_code) == ("look.ps1", 0)
    assert "found" in (result.script_output or "")
    assert await bench.defender.live_result(action.id, 2, most=MOST) == b"content"
    assert bench.sim.links.tokens_seen == 0


async def test_a_command_that_fails_stops_the_rest(bench: Bench):
    """What comes after the first failure is never begun, and the session has failed."""
    bench.store("slow.ps1", b'# simulate: {"seconds": 900}')
    action = await bench.opened(run_script("slow.ps1"), get_file("C:\\a.txt"))
    running = await bench.after(action, 599)
    assert running.state == "inprogress"
    done = await bench.after(action, 60)
    assert done.state == "failed"
    first, second = states_of(done.commands)
    assert first.state == "failed"
    assert "10 minutes" in first.errors[0]
    assert (second.state, second.start_time) == ("created", None)
    with pytest.raises(Missing):
        await bench.defender.live_result(action.id, 0, most=MOST)


async def test_a_device_that_is_away_is_waited_for_three_days(bench: Bench):
    """The session stays Pending, begins when the device comes back, or times out after three days."""
    bench.store("a.ps1")
    for device in bench.devices[:2]:
        bench.sim.first.set_online(device, NOW, online=False)
    first, second = await bench.opened(run_script("a.ps1")), await bench.opened(run_script("a.ps1"), device=1)
    assert (await bench.after(first, 2 * 86_400)).state == "pending"
    bench.sim.first.set_online(bench.devices[0], bench.clock.now(), online=True)
    assert (await bench.after(first, 60)).state == "succeeded"
    assert (await bench.after(second, 86_400)).state == "timeout"


async def test_one_session_a_device_and_25_a_tenant(bench: Bench):
    """A second session on a device is refused by its code, a 26th of the tenant by 429."""
    bench.store("a.ps1")
    await bench.opened(run_script("a.ps1"))
    with pytest.raises(Rejected) as again:
        await bench.opened(run_script("a.ps1"))
    assert again.value.code == "ActiveRequestAlreadyExists"
    bench.sim.quirks.live_sessions = 2
    await bench.opened(run_script("a.ps1"), device=1)
    with pytest.raises(Throttled) as full:
        await bench.opened(run_script("a.ps1"), device=2)
    assert full.value.retry_after == 30


async def test_a_session_can_be_cancelled_until_it_is_over(bench: Bench):
    """A cancel in time leaves the later commands undone; one that comes too late is refused."""
    bench.store("a.ps1")
    action = await bench.opened(run_script("a.ps1"), run_script("a.ps1"))
    await bench.after(action, 5)
    assert (await bench.defender.cancel_machine_action(action.id, comment="no")).state == "cancelled"
    stopped = await bench.after(action, 600)
    assert [one.state for one in states_of(stopped.commands)] == ["created", "created"]
    other = await bench.opened(run_script("a.ps1"), device=1)
    await bench.after(other, 60)
    with pytest.raises(Rejected):
        await bench.defender.cancel_machine_action(other.id, comment="no")


async def test_plans_and_permissions_are_told(bench: Bench):
    """Without the permission, or in a plan without live response, the client says which of both it is."""
    with pytest.raises(Missing):
        await bench.defender.run_live_response("0" * 40, commands=[get_file("C:\\a")], comment="x")
    bench.sim.first.plan, bench.sim.quirks.business_live_response = "business", False
    with pytest.raises(NotInPlan):
        await bench.opened(get_file("C:\\a"))
    bench.sim.first.roles[DEFENDER] -= {"Machine.LiveResponse", "Library.Manage"}
    bench.clock.move(4000)
    with pytest.raises(MissingPermission) as session:
        await bench.opened(get_file("C:\\a"))
    assert session.value.permission == "Machine.LiveResponse"
    with pytest.raises(MissingPermission) as library:
        await bench.defender.library_files()
    assert library.value.permission == "Library.Manage"


@pytest.mark.parametrize(
    ("plan", "content", "ends"),
    [
        ("business", b"Write-Output 1", "failed"),
        ("business", SIGNED, "succeeded"),
        ("plan2", b"Write-Output 1", "succeeded"),
    ],
)
async def test_defender_for_business_runs_only_signed_scripts(bench: Bench, plan: str, content: bytes, ends: str):
    """An unsigned script fails there when it is run; a signed one runs; Plan 2 may allow both."""
    bench.sim.first.plan = plan
    bench.store("a.ps1", content)
    action = await bench.opened(run_script("a.ps1"))
    assert (await bench.after(action, 60)).state == ends


async def test_the_library_takes_lists_and_forgets_files(bench: Bench):
    """An upload is listed with its hash; the same name again needs override; a deleted file is gone."""
    made = await bench.defender.upload_library_file(
        Upload(name="a b.ps1", content=b"one", description="What it does", parameters="-A")
    )
    assert (made.file_name, made.has_parameters, made.parameters_description) == ("a b.ps1", True, "-A")
    with pytest.raises(Rejected):
        await bench.defender.upload_library_file(Upload(name="A B.ps1", content=b"two"))
    await bench.defender.upload_library_file(Upload(name="a b.ps1", content=b"two", override=True))
    (listed,) = await bench.defender.library_files()
    assert listed.sha256 == hashlib.sha256(b"two").hexdigest()
    assert bench.sim.second.library == {}
    await bench.defender.delete_library_file("a b.ps1")
    assert await bench.defender.library_files() == []
    with pytest.raises(Missing):
        await bench.defender.delete_library_file("a b.ps1")
    with pytest.raises(Missing):
        await bench.defender.delete_library_file("..")


async def test_a_file_above_20_mb_is_refused(bench: Bench):
    """The library takes 20 MB and no more."""
    await bench.defender.upload_library_file(Upload(name="b.bin", content=b"x" * (20 * 1024 * 1024)))
    with pytest.raises(Rejected):
        await bench.defender.upload_library_file(Upload(name="c.bin", content=b"x" * (20 * 1024 * 1024 + 1)))


async def test_a_link_ends_and_can_be_asked_for_again(bench: Bench):
    """Each reading asks for a link of its own; one that is older than half an hour opens nothing."""
    bench.devices[0].inside.files["c:\\a.txt"] = b"content"
    action = await bench.opened(get_file("C:\\a.txt"))
    await bench.after(action, 60)
    await bench.defender.live_result(action.id, 0, most=MOST)
    (secret,) = bench.sim.links.made
    bench.clock.move(timedelta(minutes=31).total_seconds())
    async with httpx.AsyncClient() as plain:
        assert (await plain.get(f"{bench.sim.url}/investigation-actions-data/{secret}")).status_code == 403
    assert await bench.defender.live_result(action.id, 0, most=MOST) == b"content"


async def test_a_result_is_never_longer_than_wanted(bench: Bench):
    """A megabyte of output is read; what is more than was wanted is refused by its code and not held in memory."""
    bench.store("a.ps1", json.dumps({"output": "y" * 1_000_000}).encode().join([b"# simulate: ", b""]))
    action = await bench.opened(run_script("a.ps1"))
    await bench.after(action, 60)
    result = script_result(await bench.defender.live_result(action.id, 0, most=MOST))
    assert result
    assert len(result.script_output or "") > 1_000_000
    with pytest.raises(Rejected) as large:
        await bench.defender.live_result(action.id, 0, most=999_999)
    assert large.value.code == "too-large"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="error"),
        Fault(kind="html"),
        Fault(kind="reset"),
        Fault(kind="forbidden"),
        Fault(kind="throttled"),
    ],
)
async def test_a_download_that_fails_names_no_link(bench: Bench, fault: Fault):
    """Whatever goes wrong behind the link, the error holds neither the link nor its signature."""
    bench.devices[0].inside.files["c:\\a.txt"] = b"content"
    action = await bench.opened(get_file("C:\\a.txt"))
    await bench.after(action, 60)
    bench.sim.faults.add("defender.liveresults.get", fault)
    with pytest.raises((Unavailable, Missing, Throttled)) as caught:
        await bench.defender.live_result(action.id, 0, most=MOST)
    (secret,) = bench.sim.links.made
    seen, error = "", caught.value
    while error is not None:
        seen += repr(error) + str(getattr(error, "request", ""))
        error = error.__cause__ or error.__context__
    assert secret not in seen


@pytest.mark.parametrize(
    "link",
    [
        "http://files.example/x",
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://user:word@files.example/x",
        "file:///etc/passwd",
        "//files.example/x",
        "",
        "https://",
        7,
        None,
    ],
)
async def test_links_that_are_not_followed(link: object):
    """Only https, to another machine, without a user's name: nothing else is asked for."""
    asked: list[httpx.Request] = []

    def service(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"value": link})

    with pytest.raises(Unavailable):
        await wire_help.defender(service).live_result("action", 0, most=10)
    assert len({str(request.url) for request in asked}) == 1


async def test_a_link_is_followed_without_our_token():
    """The request to the store of files carries no Authorization header, no cookie, and follows no redirect."""
    asked: list[httpx.Request] = []

    def service(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.url.host == "service.test":
            return httpx.Response(200, json={"value": '"https://files.example/x?sig=secret"'})
        if request.url.path == "/x":
            return httpx.Response(302, headers={"Location": "https://other.example/y"})
        return httpx.Response(200, content=b"never")

    with pytest.raises(Unavailable):
        await wire_help.defender(service).live_result("action", 0, most=10)
    assert [request.url.host for request in asked] == ["service.test", "files.example"]
    assert "Authorization" in asked[0].headers
    assert not {"authorization", "cookie"} & set(asked[1].headers)


def test_documented_samples_are_read():
    """The printed answers go through the models: commands, the library, a script's result with raw line breaks."""
    created = MachineAction.model_validate(_sample("machineaction-live-response-created"))
    first, second = states_of(created.commands)
    assert (first.index, first.state, first.command.type) == (0, "created", "RunScript")
    assert first.command.value("Args") == "OfficeClickToRun"
    assert second.command.value("Path").endswith(".dmp.zip")
    files = [LibraryFile.model_validate(one) for one in _sample("library-files-list")["value"]]
    assert [one.file_name for one in files] == ["script1.ps1", "script.sh", "memdump.exe"]
    assert files[0].parameters_description == "test"
    text = (SAMPLES / "live-response-runscript-transcript.json").read_text(encoding="utf-8")
    for content in (text, text.replace("\\n", "\n", 1), "\ufeff" + text):
        result = script_result(content.encode())
        assert result
        assert (result.exit_code, result.script_errors) == (0, "")
        assert "51 MB" in (result.script_output or "")


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe", b"{", b"null", b"[" * 100_000])
def test_what_is_no_script_result_is_none(content: bytes):
    """Nothing readable is said to be nothing, and never raises."""
    assert script_result(content) is None


def _sample(name: str) -> dict:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
