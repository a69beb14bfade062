"""What a session left on Defender's side: who may have it, and how it is fetched. It is never kept by the bot.

It goes to a personal chat alone, to who asked for the response or decided on it, and each time it is written down who
was given it. What is offered as a file is fetched again when the person agrees.
"""

import re
from dataclasses import dataclass

from bot.audit import Entry
from bot.command import Context
from bot.defender.client import Defender
from bot.defender.live.models import CommandState, ScriptResult, script_result, states_of
from bot.download import TOO_LARGE
from bot.errors import Missing, NotAllowed, NotFound, Rejected, Stale, UsageError
from bot.files import LONGEST_NAME, MOST_BYTES
from bot.responses import requests
from bot.responses.live import TYPES
from bot.responses.models import Person, Request
from bot.roles import Role

ROLE = Role.OPERATOR
NEEDS = (Defender.machine_action, Defender.live_result)
SOURCE = "live:"
MEGABYTES = MOST_BYTES // (1024 * 1024)
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True)
class Left:
    """What a session's last command left: the file of a GetFile, or a script's result."""

    request: Request
    command: CommandState
    content: bytes

    @property
    def script(self) -> ScriptResult | None:
        """What the script said, if it was one and can be read."""
        return script_result(self.content) if self.command.command.type == "RunScript" else None

    @property
    def path(self) -> str:
        """The file that was fetched."""
        return self.command.command.value("Path")

    def as_file(self) -> tuple[str, bytes]:
        """Name and content of the file that a person is handed. A program's name gets an ending that starts nothing."""
        script = self.script
        if script is None:
            name = _ODD.sub("_", self.path.rpartition("\\")[2] or "result")[-(LONGEST_NAME - 40) :]
            return f"{self.request.id}-{name}.bin", self.content
        text = (script.script_output or "").replace("\0", "")
        errors = (script.script_errors or "").replace("\0", "")
        text += f"\n--- errors ---\n{errors}" if errors.strip() else ""
        name = _ODD.sub("_", self.command.command.value("ScriptName"))[: LONGEST_NAME - 40]
        return f"{self.request.id}-{name}.txt", text.encode()


async def left_by(context: Context, name: str) -> Left:
    """What the request's session left. Raises UsageError, NotAllowed, NotFound, Stale, ServiceError."""
    request = await _allowed(context, name)
    action = await context.defender.machine_action(request.attempt.action if request.attempt else "")
    ended = [one for one in states_of(action.commands) if one.state in {"completed", "failed"}]
    for command in reversed(ended):
        try:
            content = await context.defender.live_result(action.id, command.index or 0, most=MOST_BYTES)
        except Missing:
            continue
        except Rejected as error:
            if error.code == TOO_LARGE:
                raise NotFound("error.live.output_large", most=MEGABYTES) from error
            raise
        return Left(request=request, command=command, content=content)
    raise NotFound("error.live.output_gone", id=request.id)


async def _allowed(context: Context, name: str) -> Request:
    """The request, if it is one of live response that is over and this person asked for it or decided on it."""
    if context.conversation.kind != "personal":
        raise UsageError("error.live.output_personal", id=name)
    request = await requests.get(context.services, context.customer, name)
    response = context.services.responses.get(request.response)
    if response is None or not response.how.types & TYPES or request.members:
        raise NotFound("error.live.no_output", id=request.id)
    me = Person(id=context.actor.id, tenant=context.actor.tenant, name=context.actor.name)
    if not any(me.same(one) for one in (request.requester, *(d.who for d in request.decisions))):
        raise NotAllowed("error.live.output_not_yours")
    if not request.final or request.attempt is None or not request.attempt.action:
        raise Stale("error.live.not_over", id=request.id, state=request.state.value)
    return request


async def fetch_output(context: Context, source: str) -> bytes:
    """The content of an offered file, fetched anew for the person who agreed to have it."""
    if not source.startswith(SOURCE):
        raise Stale("error.file_gone")
    left = await left_by(context, source.removeprefix(SOURCE))
    return left.as_file()[1]


async def note(context: Context, request: Request, what: str) -> None:
    """Write down who was given what, before it is given."""
    entry = Entry(
        at=context.now,
        what=what,
        who=f"{context.actor.tenant}/{context.actor.id}",
        subject=f"request:{request.id}",
        more={"response": request.response, "device": request.target.id},
    )
    await context.services.ledger.commit(context.customer, [], [entry])
