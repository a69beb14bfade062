"""How live response sessions are carried out (defender-api 9): one session a device, followed as a machine action.

A session's own status tells whether its commands were carried out. What a script says is read when the session is over
and only then does the request end: a script that failed, or changed nothing, is no success. Output itself is not kept.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.defender.client import Defender
from bot.defender.live.models import CommandState, LiveCommand, ScriptResult, script_result, states_of
from bot.defender.models import MachineAction
from bot.download import TOO_LARGE
from bot.errors import Missing, Rejected, Unavailable
from bot.library import answers, arguments, catalogue
from bot.library.answers import Answer
from bot.library.catalogue import Script
from bot.responses.declared import How, Remote
from bot.responses.how import machine_action, of_action, sent_as
from bot.responses.models import Request, Work
from bot.responses.still import NEEDS as STILL_NEEDS
from bot.responses.still import same_device

TYPES = frozenset({"LiveResponse"})
MOST_OUTPUT = 4 * 1024 * 1024
"""How much of a result is read; scripts print up to 1 MB or so, and a person is handed no more than this anyway."""
RESULT_PATIENCE = timedelta(minutes=15)
"""For how long a session that is over may have no result yet."""
GARBLED, TRIES = "result-garbled", "result-tries"
PAUSES = (5, 10, 20, 30)
"""Seconds after which a result that cannot be read is fetched again; only then does it count as telling nothing."""
LONGEST = 300
SCRIPT_FAILED, NOTHING_CHANGED, UNREADABLE = "ScriptFailed", "NothingChanged", "AnswerUnreadable"
SCRIPT_NAME, FILE_NAME, HASH = "ScriptName", "FileName", "Sha256"
"""Parameters that name a script or another file of the library, and what it was when it was asked for."""

Commands = Callable[[Request], Sequence[LiveCommand]]
Read = Callable[[Remote, Request, MachineAction, Work], Awaitable[Work]]
Changed = tuple[str, Mapping[str, str]]


def session(commands: Commands, read: Read | None = None, *, library: bool = False) -> How:
    """What opens a session with these commands; `read` says what came of one that is over.

    `library`: it needs a file of the library, which must still be as it was when it was asked for.
    """

    async def send(defender: Defender, request: Request, comment: str) -> MachineAction:
        return await defender.run_live_response(request.target.id, commands=commands(request), comment=comment)

    async def look(remote: Remote, request: Request) -> Work:
        action = await remote.defender.machine_action(sent_as(request))
        work = judged(action, of_action(action, ours=request.marked(action.requestor_comment or "")))
        if not read or not action.is_final:
            return work
        try:
            return await read(remote, request, action, work)
        except Unavailable as error:
            if error.code != GARBLED:
                raise
            return _fetched_again(request, work)

    async def still(remote: Remote, request: Request) -> Changed:
        changed = await same_device(remote, request)
        return await same_file(remote, request) if library and not changed[0] else changed

    how = machine_action(send, types=TYPES, same=lambda _request, _action: False)
    needs = (*how.needs, *STILL_NEEDS)
    needs += (Defender.library_files,) if library else ()
    needs += (Defender.live_result,) if read else ()
    return replace(how, look=look, still=still, needs=needs)


def _fetched_again(request: Request, work: Work) -> Work:
    """It is not over yet: how often it was tried is kept with the request, so that a restart does not begin anew."""
    tried = _tried(request)
    told = {**work.result, TRIES: str(tried + 1)}
    pause = timedelta(seconds=PAUSES[tried])
    return work.model_copy(update={"state": "active", "status": request.status, "result": told, "pause": pause})


def _tried(request: Request) -> int:
    return int(request.result.get(TRIES, "0"))


def judged(action: MachineAction, work: Work) -> Work:
    """The action as the service tells it; a command that failed is named, and no action with one has succeeded."""
    failed = next((one for one in states_of(action.commands) if one.state == "failed"), None)
    if failed is None:
        return work
    state = "failed" if work.state == "succeeded" else work.state
    return work.model_copy(update={"state": state, "result": {**work.result, **_told(failed)}})


def _told(failed: CommandState) -> dict[str, str]:
    said = "; ".join(failed.errors)[:LONGEST]
    return {"live-command": failed.command.type or "", **({"live-error": said} if said else {})}


async def same_file(remote: Remote, request: Request) -> Changed:
    """Whether the library still has the file that people decided about."""
    named, wanted = request.parameters, request.parameters.get(HASH, "")
    name = named.get(SCRIPT_NAME) or named.get(FILE_NAME, "")
    listed = await remote.defender.library_files()
    found = next((one for one in listed if one.file_name.casefold() == name.casefold()), None)
    if found is None:
        return "trouble.library_gone", {"name": name}
    if wanted and (found.sha256 or "").casefold() != wanted.casefold():
        return "trouble.library_changed", {"name": name}
    return "", {}


async def result_of(remote: Remote, request: Request, action: MachineAction, index: int) -> ScriptResult | None:
    """What a script left; None where it cannot be read or does not come. Raises ServiceError where it may yet come.

    A broken or foreign body may be a moment's trouble: `Unavailable` with GARBLED, until it was fetched often enough.
    """
    try:
        content = await remote.defender.live_result(action.id, index, most=MOST_OUTPUT)
    except Missing as error:
        looked = request.next_check or request.created  # when this look was due: its time is not known here
        waited = looked - (action.updated or request.created)
        if waited < RESULT_PATIENCE:  # a 404 must not be taken for one of the action itself
            raise Unavailable(error.service, error.operation, sent=False, code="no-result-yet") from error
        return None
    except Rejected as error:
        if error.code == TOO_LARGE:
            return None
        raise
    found = script_result(content)
    if found and (found.exit_code is not None or found.script_output is not None):
        return found
    if _tried(request) < len(PAUSES):
        raise Unavailable("defender", "live-response-result", sent=False, code=GARBLED)
    return None


async def read_exit_code(remote: Remote, request: Request, action: MachineAction, work: Work) -> Work:
    """A script of the company's own: what it ended with. Any code but 0 is no success, nor is one that nobody knows."""
    if work.state != "succeeded":
        return work
    result = await result_of(remote, request, action, 0)
    if result is None:
        return work.model_copy(update={"state": "timed out", "status": UNREADABLE})
    if result.exit_code is None:
        return work
    told = {**work.result, "exit-code": str(result.exit_code)}
    if result.exit_code:
        return work.model_copy(update={"state": "failed", "status": SCRIPT_FAILED, "result": told})
    return work.model_copy(update={"result": told})


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one of our scripts is to do: `values` makes its arguments of a request's parameters."""

    script: Script
    values: Callable[[Mapping[str, str]], Mapping[str, str]] = dict
    undo: bool = False
    apply: bool = True

    def commands(self, request: Request) -> list[LiveCommand]:
        """First a run that only looks, then the one that acts: where the first fails, the second does not begin."""
        values = self.values(given(request))
        runs = (False, True) if self.apply else (False,)
        return [
            LiveCommand(
                type="RunScript",
                params=(
                    ("ScriptName", self.script.file),
                    ("Args", arguments.line(self.script, values, apply=apply, undo=self.undo)),
                ),
            )
            for apply in runs
        ]

    async def read(self, remote: Remote, request: Request, action: MachineAction, work: Work) -> Work:
        """What the script itself says: nothing counts as done that it does not claim, or that changed nothing."""
        answer = await self._answer(remote, request, action)
        if answer is None:
            told = {"status": UNREADABLE} if work.state == "succeeded" else {}
            state = "timed out" if work.state == "succeeded" else work.state  # it ran; what it did is not known
            return work.model_copy(update={"state": state, **told})
        work = work.model_copy(update={"result": {**work.result, **_facts(answer)}})
        if work.state != "succeeded":
            return work
        if answer.error or answer.applied is not self.apply:
            return work.model_copy(update={"state": "failed", "status": SCRIPT_FAILED})
        if self.apply and not answer.changed:
            return work.model_copy(update={"state": "failed", "status": NOTHING_CHANGED})
        return work

    async def _answer(self, remote: Remote, request: Request, action: MachineAction) -> Answer | None:
        """The answer of the last run that ended, the acting one if there is one."""
        ended = [one for one in states_of(action.commands) if one.state in {"completed", "failed"}]
        for one in reversed(ended):
            try:
                result = await result_of(remote, request, action, one.index or 0)
            except Unavailable:
                if one.state == "completed":
                    raise
                continue  # a command that failed may well have left nothing
            found = answers.find_answer((result.script_output or "") if result else "", self.script.name)
            if found or one.state == "completed":
                return found
        return None


def given(request: Request) -> dict[str, str]:
    """The parameters that people typed: without those that name the library's file."""
    return {name: value for name, value in request.parameters.items() if name not in {SCRIPT_NAME, HASH}}


def _facts(answer: Answer) -> dict[str, str]:
    facts = {
        "script-target": answer.target,
        "script-before": answers.words(answer.before),
        "script-after" if answer.applied else "script-would": answers.words(answer.after),
        "script-error": answer.error,
        "script-undo": answer.undo,
    }
    if answer.version != catalogue.VERSION:
        facts["script-version"] = answer.version
    return {name: value[:LONGEST] for name, value in facts.items() if value}


def scripted(job: Job) -> How:
    """What one of our scripts does in a session of its own."""
    return session(job.commands, job.read, library=True)
