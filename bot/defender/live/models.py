"""Live response: what a session is told to do, how its commands stand, what a script said, and the library. A leaf."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from bot.wire import Instant, NullIsEmpty, WireModel, folded

CommandType = Literal["PutFile", "RunScript", "GetFile"]
ORDER: tuple[CommandType, ...] = ("PutFile", "RunScript", "GetFile")
"""The order in which a session takes its commands (api:run-live-response)."""


@dataclass(frozen=True, kw_only=True)
class LiveCommand:
    """One command of a session: `params` are the keys and values that the page names for its type."""

    type: CommandType
    params: tuple[tuple[str, str], ...]

    def body(self) -> dict[str, Any]:
        """As the call takes it."""
        return {"type": self.type, "params": [{"key": key, "value": value} for key, value in self.params]}


def put_file(name: str) -> LiveCommand:
    """Put a file of the library on the device."""
    return LiveCommand(type="PutFile", params=(("FileName", name),))


def run_script(name: str, arguments: str = "") -> LiveCommand:
    """Run a script of the library on the device, with its arguments in one line."""
    return LiveCommand(type="RunScript", params=(("ScriptName", name), ("Args", arguments)))


def get_file(path: str) -> LiveCommand:
    """Fetch a file from the device."""
    return LiveCommand(type="GetFile", params=(("Path", path),))


def in_order(commands: Sequence[LiveCommand]) -> list[LiveCommand]:
    """The same commands in the order in which the service takes them; those of one type keep theirs."""
    return sorted(commands, key=lambda one: ORDER.index(one.type))


class CommandParam(WireModel):
    """One key and its value."""

    key: str | None = None
    value: str | None = None


class CommandBody(WireModel):
    """What the device was told."""

    type: str | None = None
    params: Annotated[tuple[CommandParam, ...], NullIsEmpty] = ()

    def value(self, key: str) -> str:
        """The value of a key, empty where it is not there; keys are compared without regard to case."""
        return next((one.value or "" for one in self.params if folded(one.key) == folded(key)), "")


class CommandState(WireModel):
    """How one command of a session stands (defender-api 9): Created, Completed or Failed, and its errors."""

    index: int | None = None
    start_time: Instant | None = None
    end_time: Instant | None = None
    command_status: str | None = None
    errors: Annotated[tuple[str, ...], NullIsEmpty] = ()
    command: CommandBody = Field(default_factory=CommandBody)

    @property
    def state(self) -> str:
        """The folded status: created, completed, failed; empty where the service does not say."""
        return folded(self.command_status)


def states_of(commands: Sequence[Mapping[str, Any]]) -> list[CommandState]:
    """The commands of a machine action as they stand, in their order; one that cannot be read is left out."""
    found = []
    for place, one in enumerate(commands):
        try:
            state = CommandState.model_validate(one)
        except ValidationError:
            continue
        found.append(state if state.index is not None else state.model_copy(update={"index": place}))
    return sorted(found, key=lambda state: state.index or 0)


class ScriptResult(WireModel):
    """What a script left (api:get-live-response-result). The texts come from the device: trust none of it."""

    script_name: str | None = None
    exit_code: int | None = None
    script_output: str | None = None
    script_errors: str | None = None


def script_result(content: bytes) -> ScriptResult | None:
    """The result file of a RunScript; None where it is none. The printed sample holds a raw line break in a string."""
    try:
        value = json.loads(content.decode("utf-8-sig", errors="replace"), strict=False)
    except (ValueError, RecursionError):
        return None
    return ScriptResult.model_validate(value) if isinstance(value, dict) else None


class LibraryFile(WireModel):
    """A file of the live response library (api:list-library-files)."""

    file_name: str
    sha256: str | None = None
    description: str | None = None
    creation_time: Instant | None = None
    last_updated_time: Instant | None = None
    created_by: str | None = None
    has_parameters: bool | None = None
    parameters_description: str | None = None


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file for the library."""

    name: str
    content: bytes
    description: str = ""
    parameters: str = ""
    override: bool = False
