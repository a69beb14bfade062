"""What services say, and what a request makes of it: no more than was said, and of the service that said it."""

from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.capabilities.models import Known, Refusal
from bot.capabilities.standing import denied_since
from bot.defender.indicators.models import MOST_ACTIVE, Imported
from bot.defender.live.models import LibraryFile
from bot.defender.models import MachineAction
from bot.download import TOO_LARGE
from bot.errors import (
    Barred,
    Missing,
    MissingPermission,
    NotInPlan,
    Rejected,
    RoleTooLow,
    ServiceError,
    Throttled,
    Unauthorised,
    Unavailable,
)
from bot.http_errors import NEEDS_APPROVAL
from bot.library.answers import Answer
from bot.library.catalogue import SCRIPTS, VERSION
from bot.permissions import operations_of
from bot.responses import follow, indicator_list, indicators, live
from bot.responses.declared import How, Remote
from bot.responses.models import Attempt, Request, State, Target, Work
from bot.roles import Role
from handlers.responses import block_signin, isolate
from tests.responses.people import ADELE, HOUR, START, action, in_state, request
from tests.responses.stage import Stage

AT = ("graph", "users")
SAID = {"service": "graph", "code": "", "message": ""}


@pytest.mark.parametrize(
    ("error", "key", "more"),
    [
        (Throttled(*AT, retry_after=9), "throttled", {}),
        (
            RoleTooLow(*AT, role="Helpdesk", permission="User.Read"),
            "role_too_low",
            {"directory_role": "Helpdesk", "permission": "User.Read"},
        ),
        (MissingPermission(*AT, permission="User.Read"), "permission", {"permission": "User.Read"}),
        (NotInPlan(*AT, code="x"), "plan", {"code": "x"}),
        (Missing(*AT), "missing", {}),
        (Unauthorised(*AT), "unauthorised", {}),
        (Unavailable(*AT), "unavailable", {}),
        (ServiceError(*AT), "unavailable", {}),
        (Rejected(*AT, message="m" * 300), "rejected", {"message": "m" * 200}),
        (Rejected(*AT, code="ActiveRequestAlreadyExists"), "busy", {"code": "ActiveRequestAlreadyExists"}),
        (Rejected(*AT, message="It is Already In Progress."), "busy", {"message": "It is Already In Progress."}),
        (Unavailable(*AT, message="already in progress"), "unavailable", {"message": "already in progress"}),
        (Rejected(*AT, code="IndicatorsFull"), "indicators_full", {"code": "IndicatorsFull"}),
        (Rejected(*AT, code=NEEDS_APPROVAL), "needs_approval", {"code": NEEDS_APPROVAL}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_failure_is_told_as_what_it_was(error: ServiceError, key: str, more: dict[str, str]):
    """Each kind has its own line, with the service that failed and no more than 200 characters of its words."""
    assert follow.trouble_of(error) == (f"trouble.{key}", SAID | more)


async def tried(response: Any, *, find: Any = (), send: Any = None) -> tuple[Request, list[str]]:
    """An approved request after its first step, and the calls that went out; an exception is what a call met."""
    sent: list[str] = []

    async def found(_remote: Remote, _request: Request) -> list[Work]:
        if isinstance(find, Exception):
            raise find
        return list(find)

    async def called(_remote: Remote, _request: Request, comment: str) -> Work:
        sent.append(comment)
        if isinstance(send, Exception):
            raise send
        return Work(id="7", ours=True)

    stage = Stage(responses={response.name: replace(response, how=How(send=called, find=found))})
    key = await stage.approved(response.name, target=Target(id="u", name="u", kind="user"))
    await stage.work(key)
    return await stage.request(key), sent


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (None, State.SENT),
        (Unavailable(*AT), State.UNKNOWN),
        (TimeoutError(), State.UNKNOWN),
        (ServiceError(*AT), State.UNKNOWN),
        (Barred(*AT), State.UNKNOWN),
        (Unavailable(*AT, sent=False), State.APPROVED),
        (Throttled(*AT), State.APPROVED),
        (Unauthorised(*AT), State.APPROVED),
        (Rejected(*AT, code="ActiveRequestAlreadyExists"), State.APPROVED),
        (Rejected(*AT), State.FAILED),
        (Missing(*AT), State.FAILED),
        (MissingPermission(*AT), State.FAILED),
        (RoleTooLow(*AT, role="x"), State.FAILED),
        (NotInPlan(*AT), State.FAILED),
    ],
    ids=lambda value: f"{type(value).__name__}-{getattr(value, 'code', '')}" if not isinstance(value, State) else None,
)
async def test_what_a_failed_call_means(error: Exception | None, state: State):
    """Refused for good, certainly not carried out, or nobody knows: what is not known for sure is never sent again."""
    after, sent = await tried(block_signin.RESPONSE, send=error)
    assert (after.state, len(sent), len(after.attempts)) == (state, 1, 0 if state is State.APPROVED else 1)
    if isinstance(error, ServiceError):
        listed, none = await tried(block_signin.RESPONSE, find=error)
        assert (listed.state, none, listed.attempts) == (State.APPROVED, [], ())
        assert (listed.trouble, listed.trouble_values) == follow.trouble_of(error)


@pytest.mark.parametrize(("response", "service"), [(block_signin.RESPONSE, "graph"), (isolate.RESPONSE, "defender")])
async def test_an_answer_that_comes_too_late_is_the_services_that_was_asked(response: Any, service: str):
    """Where listing takes too long nothing is sent, and the card names the service that was slow."""
    waits, sent = await tried(response, find=TimeoutError())
    assert (waits.state, waits.trouble, waits.trouble_values) == (
        State.APPROVED,
        "trouble.unavailable",
        {"service": service},
    )
    assert not sent


@pytest.mark.parametrize(
    ("work", "taken"),
    [
        ({"likely": True}, True),
        ({"same": True, "state": "succeeded"}, True),
        ({"same": True, "state": "active"}, False),
        ({"same": False, "state": "succeeded"}, False),
    ],
)
def test_what_became_of_a_lost_call_is_not_guessed(work: dict[str, Any], taken):
    """What began then, or is in force as asked for, counts; another's action that is under way does not."""
    found = [Work(id="1"), Work(id="2", **work)]
    assert (follow._likely(found) == found[1]) is taken
    assert follow._ours(found) is None
    assert follow._ours([*found, Work(id="3", ours=True)]).id == "3"


@pytest.mark.parametrize(
    ("said", "state"), [("active", "handed over"), ("succeeded", "succeeded"), ("failed", "failed")]
)
def test_what_cannot_be_asked_again_ends_as_it_was_said(said: str, state: str):
    """An answer that only says "taken" is handed over, never done."""
    sent = in_state(State.SENT).model_copy(
        update={"attempts": (Attempt(number=1, began=START, action="7", said=said),), "status_at": START}
    )
    assert follow._as_said(sent) == Work(id="7", status="Pending", state=state, at=START)
    assert follow._as_said(sent.model_copy(update={"attempts": ()})).state == "handed over"


@pytest.mark.parametrize(
    ("unheard", "four_eyes", "role", "heard"),
    [
        (False, True, Role.OPERATOR, True),
        (True, True, Role.APPROVER, False),
        (True, False, Role.OPERATOR, False),
        (True, False, Role.APPROVER, True),
    ],
)
async def test_a_request_that_nobody_can_decide_says_so(unheard, four_eyes, role: Role, heard):
    """Where nobody else sees it, who asked must both be an approver and be let decide on an own request."""
    stage = Stage(four_eyes=four_eyes)
    made, _ = await stage.desk().propose(stage.proposal(ADELE, unheard=unheard, role=role))
    assert made.trouble == ("" if heard else "trouble.nobody_can_decide")


class Results:
    """A Defender that has this result of a session, or fails so."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def live_result(self, *_: Any, **__: Any) -> bytes:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def read(answer: Any, waited: timedelta) -> Any:
    """What is made of a session that was over at START, looked at so long after."""
    over = MachineAction.model_validate({"id": "1", "status": "Succeeded", "lastUpdateDateTimeUtc": START})
    looked = request(next_check=START + waited)
    return await live.result_of(Remote(defender=Results(answer), graph=None), looked, over, 0)


async def test_a_result_that_cannot_be_read_is_none():
    """One that is too large, or does not come within a quarter of an hour, is not waited for for ever."""
    assert await read(Rejected("defender", "liveresult", code=TOO_LARGE), HOUR) is None
    assert await read(Missing("defender", "liveresult"), timedelta(minutes=15)) is None
    with pytest.raises(Unavailable) as early:
        await read(Missing("defender", "liveresult"), timedelta(minutes=14, seconds=59))
    assert (early.value.sent, early.value.code) == (False, "no-result-yet")
    with pytest.raises(Rejected):
        await read(Rejected("defender", "liveresult", code="other"), HOUR)


@pytest.mark.parametrize(
    "answer", [b"", b"{}", b"<html>", b'{"error": {"code": "x"}}', b'"text"', b'{"script_output": 7}']
)
async def test_a_result_that_tells_nothing_may_yet_come(answer: bytes):
    """A body with neither an exit code nor output is no result, but maybe a moment's trouble, with its own code."""
    with pytest.raises(Unavailable) as broken:
        await read(answer, HOUR)
    assert (broken.value.sent, broken.value.code) == (False, live.GARBLED)


@pytest.mark.parametrize(
    ("asked", "listed", "changed"),
    [
        ({"ScriptName": "A.ps1", "Sha256": "AB"}, "ab", ""),
        ({"ScriptName": "a.ps1", "Sha256": "ab"}, "cd", "trouble.library_changed"),
        ({"ScriptName": "a.ps1", "Sha256": "ab"}, None, "trouble.library_changed"),
        ({"ScriptName": "a.ps1", "Sha256": ""}, "cd", ""),
        ({"FileName": "a.ps1"}, "cd", ""),
        ({"FileName": "b.ps1"}, "cd", "trouble.library_gone"),
        ({}, "cd", "trouble.library_gone"),
    ],
)
async def test_the_file_that_was_decided_about_is_the_one_that_is_run(asked: dict, listed: str | None, changed: str):
    """By its name without regard to case, and by its hash where that was known."""

    class Library:
        async def library_files(self) -> list[LibraryFile]:
            return [LibraryFile(file_name="a.ps1", sha256=listed)]

    there = Remote(defender=Library(), graph=None)  # type: ignore[arg-type]
    assert (await live.same_file(there, request(parameters=asked)))[0] == changed


def searched(checked: datetime | None, state: State = State.UNKNOWN) -> Request:
    return in_state(state).model_copy(update={"unknown_since": START, "checked": checked})


def test_a_list_is_waited_for_until_what_lacks_cannot_come_any_more():
    """Four minutes of searching; in any other state, and before the first look, nothing is given up."""
    patience = indicator_list.PATIENCE
    assert indicator_list._waited(searched(START + patience))
    assert not indicator_list._waited(searched(START + patience - timedelta(seconds=1)))
    assert not indicator_list._waited(searched(START + patience, State.SENDING))
    assert not indicator_list._waited(searched(None))


@pytest.mark.parametrize(
    ("commands", "state", "told"),
    [
        ([], "succeeded", {}),
        ([("PutFile", "Completed", [])], "succeeded", {}),
        ([("PutFile", "Completed", []), ("RunScript", "Failed", ["a", "b"])], "failed", {"live-error": "a; b"}),
        ([("RunScript", "Failed", [])], "failed", {}),
    ],
)
def test_a_session_with_a_command_that_failed_is_no_success(commands: list[Any], state: str, told: dict[str, str]):
    """Whatever the session says of itself; the command is named with what the device said."""
    listed = [
        {"index": n, "commandStatus": status, "errors": errors, "command": {"type": kind}}
        for n, (kind, status, errors) in enumerate(commands)
    ]
    over = MachineAction.model_validate({"id": "1", "status": "Succeeded", "commands": listed})
    work = live.judged(over, action("Succeeded"))
    named = {"live-command": "RunScript"} if state == "failed" else {}
    assert (work.state, work.result) == (state, named | told)
    cancelled = live.judged(over, action("Cancelled"))
    assert cancelled.state == "cancelled"


def test_an_answer_that_does_not_speak_of_all_is_none():
    """Where fewer or more results came than values were sent, nobody knows what became of them."""
    values = tuple(f"10.0.0.{n}" for n in range(3))
    listed = request(values=values)
    results = [Imported(id=str(n), indicator=value, is_failed=n == 1) for n, value in enumerate(values)]
    assert indicator_list.answered(listed, results).status == "2/3"
    for wrong in (results[:2], [*results, results[0]], []):
        with pytest.raises(Unavailable) as lost:
            indicator_list.answered(listed, wrong)
        assert lost.value.sent


@pytest.mark.parametrize(("held", "code"), [(MOST_ACTIVE, "IndicatorsFull"), (MOST_ACTIVE - 1, "x")])
async def test_a_tenant_is_called_full_only_where_it_is(held: int, code: str):
    """A refusal keeps its own words where there is room."""

    async def active(**_: Any) -> list[None]:
        return [None] * held

    remote = Remote(defender=SimpleNamespace(indicators=active), graph=None)
    refused = Rejected("defender", "submit", status=400, code="x", message="no")
    said = await indicators.why_refused(remote, refused)
    assert (said.code, said.status, said.message) == (code, 400, "no")


SCRIPT = SCRIPTS["kill-process"]


def answer(**more: Any) -> Answer:
    kept = {"applied": True, "target": "t", "before": {}, "after": {}, "changed": True, "undo": "", "error": ""}
    return Answer(**{"script": SCRIPT.name, "version": VERSION, **kept, **more})


@pytest.mark.parametrize(
    ("apply", "said", "state", "status"),
    [
        (True, answer(), "succeeded", "Succeeded"),
        (True, answer(changed=False), "failed", live.NOTHING_CHANGED),
        (True, answer(error="x"), "failed", live.SCRIPT_FAILED),
        (True, answer(applied=False), "failed", live.SCRIPT_FAILED),
        (True, None, "timed out", live.UNREADABLE),
        (False, answer(applied=False, changed=False), "succeeded", "Succeeded"),
        (False, answer(applied=True), "failed", live.SCRIPT_FAILED),
        (False, answer(applied=False, error="x"), "failed", live.SCRIPT_FAILED),
    ],
)
async def test_a_script_has_done_what_it_says_itself(apply, said: Answer | None, state: str, status: str):
    """Only what it claims to have applied and changed counts; a look alone need change nothing, and must not."""

    class Told(live.Job):
        async def _answer(self, *_: Any) -> Answer | None:
            return said

    over = MachineAction.model_validate({"id": "1", "status": "Succeeded"})
    remote: Any = None
    work = await Told(script=SCRIPT, apply=apply).read(remote, request(), over, action("Succeeded"))
    assert (work.state, work.status) == (state, status)
    cancelled = await Told(script=SCRIPT, apply=apply).read(remote, request(), over, action("Cancelled"))
    assert (cancelled.state, cancelled.status) == ("cancelled", "Cancelled")


@pytest.mark.parametrize(
    ("kind", "operation", "looked", "denied"),
    [
        ("permission", "update", None, True),
        ("permission", "update", START - HOUR, True),
        ("permission", "update", START, False),
        ("plan", "update", None, False),
        ("permission", "another", None, False),
    ],
)
def test_a_token_is_looked_at_again_after_a_refusal_for_want_of_a_permission(
    kind: str, operation: str, looked: datetime | None, denied
):
    """One of this response's own calls, refused since the token was read: it may have been granted meanwhile."""
    (update,) = operations_of(block_signin.RESPONSE.calls)
    name = update.name if operation == "update" else operation
    known = Known(roles_at=looked, refusals=(Refusal(service="graph", operation=name, kind=kind, at=START),))
    assert denied_since(known, block_signin.RESPONSE) is denied
