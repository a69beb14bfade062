"""Responses by live response from approval to their end: real parts, the simulator over HTTP, a moved clock."""

import json
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.defender.live.models import run_script
from bot.responses.live import HASH, SCRIPT_NAME
from bot.responses.models import State
from bot.simulator import Fault
from bot.turn import Look
from cards.request import request_card
from tests.responses.live_stage import LiveStage, live_stage
from tests.responses.people import ADELE

FILE = "C:\\Users\\Public\\invoice.exe"
RUN = "HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run"
HELLO = b'# simulate: {"output": "hello"}'


def _said(**changes: object) -> str:
    """An answer of the script that ends processes, as it prints it."""
    answer = {
        "script": "kill-process",
        "version": "1",
        "applied": True,
        "target": "x.exe",
        "before": {"running": "1"},
        "after": {"running": "0"},
        "changed": True,
        "undo": "",
        "error": "",
    }
    return json.dumps(answer | changes, separators=(",", ":"))


@pytest.fixture
async def stage() -> AsyncIterator[LiveStage]:
    async with live_stage() as stage:
        yield stage


UNDONE = [
    ("quarantine-file", "restore-file", {"Path": FILE}),
    ("remove-registry-key", "restore-registry-key", {"Key": RUN, "Value": "Invoice"}),
    ("remove-registry-key", "restore-registry-key", {"Key": "HKLM\\Software\\Classes\\CLSID\\Invoice"}),
    ("stop-service", "start-service", {"Service": "InvoiceSvc"}),
    ("disable-driver", "enable-driver", {"Driver": "InvoiceDrv"}),
    ("remove-task", "restore-task", {"Task": "\\Invoice update"}),
]


async def test_a_script_acts_and_its_inverse_undoes(stage: LiveStage):
    """The device changes as the script says, the request tells before and after, and the inverse brings all back."""
    for response, inverse, parameters in UNDONE:
        before = deepcopy(stage.inside)
        done = await stage.script(response, **parameters)
        assert done.state is State.SUCCEEDED, done
        assert done.result["script-before"] != done.result["script-after"]
        assert done.result["script-undo"] == inverse
        stage.inside.ran.clear()
        assert stage.inside != before
        undone = await stage.script(inverse, **parameters)
        assert undone.state is State.SUCCEEDED, undone
        stage.inside.ran.clear()
        assert stage.inside == before
    assert stage.inside.injected == []


async def test_a_script_looks_before_it_acts(stage: LiveStage):
    """One session, two runs: the first without -Apply, the second with it, and nothing else."""
    done = await stage.script("kill-process", Process="invoice.exe")
    assert (done.state, sorted(stage.inside.processes)) == (State.SUCCEEDED, [4, 640, 1200])
    first, second = (args for _, args in stage.inside.ran)
    assert second == f"{first} -Apply"
    (action,) = stage.own(done.id)
    assert action.comment.startswith(f"[{done.id}/1]")


async def test_one_process_of_several_is_ended(stage: LiveStage):
    """With an id only that process ends."""
    done = await stage.script("kill-process", Process="invoice.exe:4712")
    assert done.state is State.SUCCEEDED
    assert 4711 in stage.inside.processes
    assert 4712 not in stage.inside.processes


REFUSED = [
    ("quarantine-file", {"Path": "C:\\Windows\\System32\\lsass.exe"}),
    ("quarantine-file", {"Path": "C:\\nothing.exe"}),
    ("remove-registry-key", {"Key": RUN}),
    ("kill-process", {"Process": "lsass.exe"}),
    ("stop-service", {"Service": "Sense"}),
    ("disable-driver", {"Driver": "WdFilter"}),
    ("restore-task", {"Task": "\\Invoice update"}),
]


async def test_a_script_that_refuses_is_no_success(stage: LiveStage):
    """What a script refuses or cannot find ends as failed, with its own words, and the device is as it was."""
    before = deepcopy(stage.inside)
    for response, parameters in REFUSED:
        done = await stage.script(response, **parameters)
        assert (done.state, done.status) == (State.FAILED, "ScriptFailed")
        assert done.result["script-error"]
        assert "script-after" not in done.result
        stage.inside.ran.clear()
        assert stage.inside == before


UNCLAIMED = [
    ("", "AnswerUnreadable"),
    ('{"script": 7}', "AnswerUnreadable"),
    (_said(applied=True, changed=False), "NothingChanged"),
    (_said(applied=False, changed=True), "ScriptFailed"),
    (_said(applied=True, changed=True, error="Access denied"), "ScriptFailed"),
    (_said(applied=True, changed=True, script="stop-service"), "AnswerUnreadable"),
]


async def test_what_a_script_does_not_claim_is_not_shown_as_done(stage: LiveStage):
    """No answer, one that changed nothing, one that was not told to act: the service's success is not enough."""
    name = "watchkeeper-kill-process.ps1"
    for printed, status in UNCLAIMED:
        sha256 = stage.shelve(name, b"# simulate: " + json.dumps({"output": printed}).encode())
        stage.sim.first.library[name].name = "other.ps1"  # so that the script's own twin does not answer
        done = await stage.ended("kill-process", Process="x.exe", **{SCRIPT_NAME: "other.ps1", HASH: sha256})
        unknown = status == "AnswerUnreadable"
        assert (done.state, done.status) == (State.TIMED_OUT if unknown else State.FAILED, status), printed


async def test_a_script_of_ones_own_ends_by_its_exit_code(stage: LiveStage):
    """Code 0 is a success, any other is none; the code stands in the request, the output does not."""
    good = {SCRIPT_NAME: "a.ps1", HASH: stage.shelve("a.ps1", HELLO)}
    done = await stage.ended("run-script", **good, Args="-A 1")
    assert (done.state, done.result["exit-code"]) == (State.SUCCEEDED, "0")
    assert "hello" not in done.model_dump_json()
    bad = {SCRIPT_NAME: "b.ps1", HASH: stage.shelve("b.ps1", b'# simulate: {"exit_code": 3, "output": "secret"}')}
    done = await stage.ended("run-script", **bad)
    assert (done.state, done.status, done.result["exit-code"]) == (State.FAILED, "ScriptFailed", "3")
    assert "secret" not in done.model_dump_json()


async def test_a_script_that_takes_too_long_is_named(stage: LiveStage):
    """After ten minutes the service stops it: the request has failed, with the command and the service's words."""
    slow = {SCRIPT_NAME: "a.ps1", HASH: stage.shelve("a.ps1", b'# simulate: {"seconds": 900}')}
    done = await stage.ended("run-script", **slow)
    assert done.state is State.FAILED
    assert done.result["live-command"] == "RunScript"
    assert "10 minutes" in done.result["live-error"]


async def test_a_megabyte_of_output_is_no_trouble(stage: LiveStage):
    """The answer is found behind a megabyte of other output, and only small facts are kept."""
    key = {SCRIPT_NAME: "a.ps1", HASH: stage.shelve("a.ps1", b'# simulate: {"output": "' + b"y" * 1_000_000 + b'"}')}
    done = await stage.ended("run-script", **key)
    assert done.state is State.SUCCEEDED
    assert len(done.model_dump_json()) < 10_000


async def test_a_device_that_is_away_is_waited_for(stage: LiveStage):
    """Pending until the device is back, for up to three days; then it runs, or has timed out."""
    stage.sim.first.set_online(stage.devices[0], stage.clock.now(), online=False)
    sha256 = stage.shelve("a.ps1", HELLO)
    key = await stage.approved("run-script", ADELE, 0, parameters={SCRIPT_NAME: "a.ps1", HASH: sha256})
    for _ in range(20):
        await stage.work(key)
        stage.clock.move(3600)
    waiting = await stage.request(key)
    assert (waiting.state, waiting.status) == (State.SENT, "Pending")
    assert "Defender keeps it for three days at most" in str(request_card(Look(now=stage.clock.now()), waiting).card)
    stage.sim.first.set_online(stage.devices[0], stage.clock.now(), online=True)
    await stage.until_quiet()
    assert (await stage.request(key)).state is State.SUCCEEDED
    stage.sim.first.set_online(stage.devices[0], stage.clock.now(), online=False)
    key = await stage.approved("run-script", ADELE, 0, parameters={SCRIPT_NAME: "a.ps1", HASH: sha256})
    await stage.until_quiet(timedelta(days=4))
    assert (await stage.request(key)).state is State.TIMED_OUT


async def test_where_25_sessions_are_open_it_is_tried_again(stage: LiveStage):
    """A 429 puts it back; it is sent as soon as there is room, and not after its time to be sent."""
    stage.sim.quirks.live_sessions = 0
    sha256 = stage.shelve("a.ps1", HELLO)
    key = await stage.approved("run-script", ADELE, 0, parameters={SCRIPT_NAME: "a.ps1", HASH: sha256})
    await stage.work(key)
    waiting = await stage.request(key)
    assert (waiting.state, waiting.attempts) == (State.APPROVED, ())
    assert (waiting.trouble, waiting.trouble_values["service"]) == ("trouble.throttled", "defender")
    stage.sim.quirks.live_sessions = 25
    await stage.until_quiet()
    assert (await stage.request(key)).state is State.SUCCEEDED
    stage.sim.quirks.live_sessions = 0
    key = await stage.approved("run-script", ADELE, 0, parameters={SCRIPT_NAME: "a.ps1", HASH: sha256})
    await stage.until_quiet()
    assert (await stage.request(key)).state is State.EXPIRED
    assert len(stage.own()) == 1


async def test_a_session_of_somebody_else_is_waited_for(stage: LiveStage):
    """One session a device: a foreign one is neither adopted nor doubled, ours begins when it is over."""
    sha256 = stage.shelve("a.ps1", HELLO)
    await stage.defender_client.run_live_response(
        stage.devices[0].id, commands=[run_script("a.ps1")], comment="by hand"
    )
    key = await stage.approved("run-script", ADELE, 0, parameters={SCRIPT_NAME: "a.ps1", HASH: sha256})
    await stage.work(key)
    assert (await stage.request(key)).trouble == "trouble.other_action"
    await stage.until_quiet()
    done = await stage.request(key)
    assert done.state is State.SUCCEEDED
    assert done.attempt
    assert not done.attempt.adopted


async def test_a_script_that_was_exchanged_is_not_run(stage: LiveStage):
    """What people decided about is what runs: another file of that name, or none, ends the request unsent."""
    sha256 = stage.shelve("a.ps1", HELLO)
    stage.shelve("a.ps1", b"Remove-Item C:\\ -Recurse")
    done = await stage.ended("run-script", **{SCRIPT_NAME: "a.ps1", HASH: sha256})
    assert (done.state, done.trouble) == (State.FAILED, "trouble.library_changed")
    stage.sim.first.library.clear()
    done = await stage.ended("run-script", **{SCRIPT_NAME: "a.ps1", HASH: sha256})
    assert (done.state, done.trouble) == (State.FAILED, "trouble.library_gone")
    assert stage.own() == []


async def test_an_answer_that_got_lost_is_found_again(stage: LiveStage):
    """A session whose answer never came is found by its mark and followed, not opened twice."""
    sha256 = stage.shelve("a.ps1", HELLO)
    stage.sim.faults.add("defender.machines.runliveresponse", Fault(kind="reset", acted=True))
    done = await stage.ended("run-script", **{SCRIPT_NAME: "a.ps1", HASH: sha256})
    assert done.state is State.SUCCEEDED
    assert len(stage.own()) == 1


async def test_the_missing_plan_is_told(stage: LiveStage):
    """In a plan without live response over the API nothing is sent, and the request says that it was refused."""
    stage.sim.first.plan, stage.sim.quirks.business_live_response = "business", False
    done = await stage.ended("get-file", Path=FILE)
    assert (done.state, done.status) == (State.FAILED, "")
    assert stage.own() == []


async def test_a_file_is_fetched_and_one_is_put_there(stage: LiveStage):
    """GetFile and PutFile end with the session; what is not there is named by the service."""
    assert (await stage.ended("get-file", Path=FILE)).state is State.SUCCEEDED
    missing = await stage.ended("get-file", Path="C:\\nothing")
    assert (missing.state, missing.result["live-command"]) == (State.FAILED, "GetFile")
    sha256 = stage.shelve("tool.exe", b"MZ")
    assert (await stage.ended("put-file", FileName="tool.exe", **{HASH: sha256})).state is State.SUCCEEDED
    assert any(name.endswith("tool.exe") for name in stage.inside.files)


async def test_a_result_that_comes_late_is_waited_for(stage: LiveStage):
    """While the result of a session that is over cannot be read, the request stays open; then it is read."""
    stage.sim.faults.add("defender.machineactions.liveresult", Fault(kind="error", status=404, times=6))
    stage.sim.faults.add("defender.liveresults.get", Fault(kind="error", status=500, times=2))
    done = await stage.script("kill-process", Process="invoice.exe")
    assert done.state is State.SUCCEEDED
    assert stage.inside.ran


async def test_a_result_that_never_comes_is_not_waited_for_for_ever(stage: LiveStage):
    """After a while a session without a result ends: it is not known what the script did."""
    stage.sim.faults.add("defender.machineactions.liveresult", Fault(kind="error", status=404, times=10_000))
    done = await stage.script("kill-process", Process="invoice.exe")
    assert (done.state, done.status) == (State.TIMED_OUT, "AnswerUnreadable")


BROKEN = {
    "garbage": Fault(kind="garbage"),
    "empty": Fault(kind="empty"),
    "502": Fault(kind="html"),
    "cut": Fault(kind="reset"),
}


@pytest.mark.parametrize("broken", sorted(BROKEN))
async def test_a_result_that_comes_broken_is_fetched_again(stage: LiveStage, broken: str):
    """A broken body, a gateway's page or a cut connection is a moment's trouble: what the script did is told then."""
    stage.sim.faults.add("defender.liveresults.get", replace(BROKEN[broken], times=3))
    done = await stage.script("kill-process", Process="invoice.exe")
    assert (done.state, done.result["script-target"]) == (State.SUCCEEDED, "invoice.exe")


async def test_an_exit_code_that_comes_broken_is_fetched_again(stage: LiveStage):
    """A script of one's own that failed is not shown as done because its result was broken for a moment."""
    stage.sim.faults.add("defender.liveresults.get", Fault(kind="garbage", times=2))
    bad = {SCRIPT_NAME: "b.ps1", HASH: stage.shelve("b.ps1", b'# simulate: {"exit_code": 3, "output": ""}')}
    done = await stage.ended("run-script", **bad)
    assert (done.state, done.result["exit-code"]) == (State.FAILED, "3")


@pytest.mark.parametrize("response", ["kill-process", "run-script"])
async def test_a_result_that_stays_broken_is_fetched_a_handful_of_times(stage: LiveStage, response: str):
    """Five times in about a minute, counted in the request itself; then it is not known what the script did."""
    stage.sim.faults.add("defender.liveresults.get", Fault(kind="garbage", times=10_000))
    if response == "run-script":
        done = await stage.ended(response, **{SCRIPT_NAME: "a.ps1", HASH: stage.shelve("a.ps1", HELLO)})
    else:
        done = await stage.script(response, Process="invoice.exe")
    assert (done.state, done.status) == (State.TIMED_OUT, "AnswerUnreadable")
    ((_, _, left),) = stage.sim.faults.waiting()
    assert 10_000 - left == 5
    assert timedelta(0) < done.ended - done.sent_at < timedelta(minutes=3)


async def test_only_what_undoes_the_very_same_takes_it_back(stage: LiveStage):
    """A pending script is cancelled by its inverse on the same file, and left alone by one on another file."""
    stage.sim.first.set_online(stage.devices[0], stage.clock.now(), online=False)
    script = stage.sim.first.library["watchkeeper-quarantine-file.ps1"]
    with_script = {SCRIPT_NAME: script.name, HASH: script.sha256}

    async def approved(response: str, path: str) -> str:
        key = await stage.approved(response, ADELE, 0, parameters={"Path": path, **with_script})
        await stage.work(key)
        stage.clock.move(20)
        return key

    first = await approved("quarantine-file", FILE)
    await approved("restore-file", "C:\\other.exe")
    await stage.work(first)
    assert (await stage.request(first)).state is State.SENT
    await approved("restore-file", FILE)
    await stage.work(first)
    assert (await stage.request(first)).state is State.CANCELLED


async def test_a_device_that_is_gone_gets_no_session(stage: LiveStage):
    """A device that Defender no longer knows when it would be sent: nothing is sent, and the request says why."""
    script = stage.sim.first.library["watchkeeper-kill-process.ps1"]
    with_script = {SCRIPT_NAME: script.name, HASH: script.sha256}
    key = await stage.approved("kill-process", ADELE, 0, parameters={"Process": "invoice.exe", **with_script})
    del stage.sim.first.devices[stage.devices[0].id]
    await stage.until_quiet()
    ended = await stage.request(key)
    assert (ended.state, ended.trouble) == (State.FAILED, "trouble.device_gone")
    assert stage.own() == []
