"""The life of a live response session: its commands one after the other, the first that fails stops the rest.

Followed: defender-api.md section 9. Marked [I] where the pages do not say: that a script's exit code does not fail its
command, what stands in `errors`, and that an unsigned script fails when it is run, not when it is uploaded.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.simulator import moments
from bot.simulator.live_inside import DOWNLOADS
from bot.simulator.live_scripts import SCRIPTS, Printed, other_script

if TYPE_CHECKING:
    from bot.simulator.world import Customer, Device

SCRIPT_SECONDS = 600.0
LINK_LIFE = timedelta(minutes=30)
SIGNED = b"# SIG # Begin signature block"
TRANSCRIPT = (
    "Transcript started, output file is C:\\ProgramData\\Microsoft\\Windows Defender Advanced Threat Protection\\Temp\\"
    "PSScriptOutputs\\PSScript_Transcript_{0}.txt\n"
)


@dataclass(kw_only=True)
class LibraryFile:
    """A file of the library: `api:list-library-files`."""

    name: str
    content: bytes
    created: datetime
    updated: datetime
    by: str
    description: str | None = None
    has_parameters: bool = False
    parameters: str | None = None

    @property
    def sha256(self) -> str:
        """Its hash, as the library lists it."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def signed(self) -> bool:
        """Whether a signature block stands in it; nobody checks here whose."""
        return SIGNED in self.content


@dataclass(kw_only=True)
class Command:
    """One command of a session: `commands[]` of `api:run-live-response`, and the file it left."""

    type: str
    params: Mapping[str, str]
    started: datetime | None = None
    ended: datetime | None = None
    status: str = "Created"
    errors: list[str] = field(default_factory=list)
    result: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command will come to: after how long, its errors (none: it works), what it does and leaves."""

    seconds: float = 2
    errors: tuple[str, ...] = ()
    act: Callable[[], bytes | None] = lambda: None


@dataclass(kw_only=True)
class Session:
    """A machine action's commands. `refuse_unsigned`: the tenant's plan or settings let only signed scripts run."""

    commands: list[Command]
    refuse_unsigned: bool = False
    exit_code_fails: bool = False
    at: int = 0
    due: datetime | None = None
    outcome: Outcome | None = None

    def begin(self, when: datetime, device: "Device", customer: "Customer") -> None:
        """Take the next command up."""
        command = self.commands[self.at]
        command.started = when
        self.outcome = self._outcome(command, device, customer)
        self.due = when + timedelta(seconds=self.outcome.seconds)

    def go_on(self, when: datetime, device: "Device", customer: "Customer") -> str:
        """End the command that is due and take up the next; the status of the session once it is over."""
        command, outcome = self.commands[self.at], self.outcome or Outcome()
        command.ended, command.errors = when, list(outcome.errors)
        if not outcome.errors:
            command.result = outcome.act()
            if self.exit_code_fails and command.type == "RunScript" and _exit_code(command.result):
                command.errors = [f"The script ended with exit code {_exit_code(command.result)}"]
        command.status = "Failed" if command.errors else "Completed"
        self.at += 1
        if command.errors:
            return "Failed"
        if self.at == len(self.commands):
            return "Succeeded"
        self.begin(when, device, customer)
        return ""

    def forms(self) -> list[dict[str, Any]]:
        """As `commands[]` shows them."""
        return [
            {
                "index": place,
                "startTime": moments.show(one.started) if one.started else None,
                "endTime": moments.show(one.ended) if one.ended else None,
                "commandStatus": one.status,
                "errors": one.errors,
                "command": {"type": one.type, "params": [{"key": k, "value": v} for k, v in one.params.items()]},
            }
            for place, one in enumerate(self.commands)
        ]

    def _outcome(self, command: Command, device: "Device", customer: "Customer") -> Outcome:
        if command.type == "GetFile":
            return _get(command.params["Path"], device)
        name = command.params["FileName" if command.type == "PutFile" else "ScriptName"]
        file = customer.library.get(name.casefold())
        if file is None:
            return Outcome(errors=(f"File {name} was not found in the library",))
        if command.type == "PutFile":
            return Outcome(act=lambda: device.inside.files.update({f"{DOWNLOADS}\\{name}".lower(): file.content}))
        if self.refuse_unsigned and not file.signed:
            return Outcome(errors=(f"{name} is not digitally signed. Unsigned scripts are not allowed",))
        return _script(file, command.params.get("Args", ""), device)


def _get(path: str, device: "Device") -> Outcome:
    content = device.inside.files.get(path.casefold())
    if content is None:
        return Outcome(errors=(f"The system cannot find the file specified: {path}",))
    return Outcome(act=lambda: content)


def _script(file: LibraryFile, args: str, device: "Device") -> Outcome:
    run = SCRIPTS.get(file.name.casefold())
    printed = run(device.inside, args, act=False) if run else other_script(file.name, file.content, args)
    if printed.seconds > SCRIPT_SECONDS:
        return Outcome(seconds=SCRIPT_SECONDS, errors=("The script ran longer than 10 minutes and was stopped",))

    def act() -> bytes:
        device.inside.ran.append((file.name, args))
        return transcript(file.name, run(device.inside, args, act=True) if run else printed)

    return Outcome(seconds=printed.seconds, act=act)


def transcript(name: str, printed: Printed) -> bytes:
    """The result file of a script: the printed sample holds a raw line break in a string, and zeros at its end."""
    output = TRANSCRIPT.format(secrets.token_hex(4)) + printed.output + "\n\0\0\0"
    text = json.dumps(
        {
            "script_name": name,
            "exit_code": printed.exit_code,
            "script_output": output,
            "script_errors": printed.errors,
        }
    )
    return text.replace("\\n", "\n", 1).encode()


def _exit_code(result: bytes | None) -> int:
    return int(json.loads(result, strict=False)["exit_code"]) if result else 0


@dataclass
class Links:
    """Addresses of results, each good for half an hour: (customer, action id, place) and until when."""

    made: dict[str, tuple[str, str, int, datetime]] = field(default_factory=dict)
    fetched: list[tuple[str, int]] = field(default_factory=list)
    tokens_seen: int = 0

    def make(self, customer: str, action: str, place: int, now: datetime) -> str:
        """A new secret for a result."""
        secret = secrets.token_hex(16)
        self.made[secret] = (customer, action, place, now + LINK_LIFE)
        return secret
