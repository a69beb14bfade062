"""What the project's own scripts would do on a device and print, so that they can be played without Windows.

Written from what each script's head promises, apart from the bot: the argument line is split as PowerShell splits it,
and whatever would run beside the script is taken down (`Inside.injected`).
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bot.simulator.live_inside import Inside, Program

VERSION = "1"
_SEPARATORS = re.compile(r"[;|&<>\n\r`$(){}@#,\"']")
_DIRECTIVE = re.compile(rb"#\s*simulate:\s*(.*)")


@dataclass(kw_only=True)
class Printed:
    """What a script prints, and how long it takes in seconds."""

    output: str = ""
    errors: str = ""
    exit_code: int = 0
    seconds: float = 5


class Script(Protocol):
    """A script's twin: with `act` it changes the device, if it was told to; without, nothing."""

    def __call__(self, inside: Inside, args: str, *, act: bool) -> Printed:
        """What it prints."""


class DeniedError(Exception):
    """The script refuses, or cannot do it."""


def words(inside: Inside, args: str) -> dict[str, str]:
    """The named arguments of a line. What a shell would take for its own is taken down as an injection."""
    if _SEPARATORS.search(args):
        inside.injected.append(args)
    found: dict[str, str] = {}
    name = ""
    for word in args.split():
        if word.startswith("-"):
            name = word[1:].casefold()
            found[name] = ""
        elif name:
            found[name] = word
        else:
            raise DeniedError(f"A positional parameter cannot be found that accepts argument '{word}'.")
    return found


def text(words_: Mapping[str, str], name: str) -> str:
    """A text argument, which comes as base64url."""
    coded = words_.get(name, "")
    return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()


def other_script(name: str, content: bytes, args: str) -> Printed:
    """A script that we do not know: it does as a line "# simulate: {JSON}" in it says, else it prints its arguments."""
    if told := _DIRECTIVE.search(content):
        return Printed(**json.loads(told[1]))
    return Printed(output=f"{name} {args}".strip())


@dataclass(frozen=True, kw_only=True)
class _Deed:
    """What a script would do: the states before and after, and the doing."""

    target: str
    before: dict[str, str]
    after: dict[str, str]
    do: Callable[[], object]
    undo: str = ""


def _script(name: str, plan: Callable[[Inside, Mapping[str, str], bool], _Deed]) -> Script:
    def run(inside: Inside, args: str, *, act: bool) -> Printed:
        answer: dict[str, Any] = {
            "script": name,
            "version": VERSION,
            "applied": False,
            "target": "",
            "before": {},
            "after": {},
            "changed": False,
            "undo": "",
            "error": "",
        }
        try:
            given = words(inside, args)
            deed = plan(inside, given, "undo" in given)
        except (DeniedError, ValueError) as refused:
            answer["error"] = str(refused)
            return Printed(output=json.dumps(answer), exit_code=1)
        applied = "apply" in given
        if applied and act:
            deed.do()
        answer |= {"applied": applied, "target": deed.target, "before": deed.before, "after": deed.after}
        answer |= {"changed": applied and deed.before != deed.after, "undo": deed.undo}
        return Printed(output=json.dumps(answer))

    return run


def _file(inside: Inside, given: Mapping[str, str], undo: bool) -> _Deed:  # noqa: FBT001 - one of a table
    path = text(given, "path")
    key = path.casefold()
    if key.startswith("c:\\windows\\system32\\") or "windows defender" in key:
        raise DeniedError("This file belongs to Windows or Defender and is never touched")
    source, to = (inside.quarantine, inside.files) if undo else (inside.files, inside.quarantine)
    if key not in source:
        raise DeniedError("Nothing was quarantined from there" if undo else "There is no such file")
    if undo and key in inside.files:
        raise DeniedError("There is a file again: move it away first")
    states = [{"exists": "yes", "size": str(len(source[key]))}, {"exists": "no"}]
    before, after = reversed(states) if undo else states
    return _Deed(
        target=path,
        before=before,
        after=after,
        do=lambda: to.update({key: source.pop(key)}),
        undo="quarantine-file" if undo else "restore-file",
    )


def _registry(inside: Inside, given: Mapping[str, str], undo: bool) -> _Deed:  # noqa: FBT001 - one of a table
    key, value = text(given, "key"), text(given, "value").casefold()
    path = key.casefold()
    if "\\services\\sense" in path or "\\services\\windefend" in path:
        raise DeniedError("This key belongs to Windows or Defender and is never touched")
    kept = f"{path}|{value}"
    if undo:
        if kept not in inside.exported:
            raise DeniedError("Nothing was removed from there")
        return _Deed(
            target=key,
            before={"exists": "no"},
            after={"exists": "yes"},
            do=lambda: inside.registry.setdefault(path, {}).update(inside.exported.pop(kept)),
            undo="remove-registry-key",
        )
    there = inside.registry.get(path)
    if there is None or (value and value not in there):
        raise DeniedError("There is no such value" if there is not None else "There is no such key")
    if not value and path.endswith("\\currentversion\\run"):
        raise DeniedError("This key as a whole is never removed: name one value of it")

    def remove() -> None:
        inside.exported[kept] = {value: there[value]} if value else dict(there)
        if value:
            del there[value]
        else:
            del inside.registry[path]

    return _Deed(target=key, before={"exists": "yes"}, after={"exists": "no"}, do=remove, undo="restore-registry-key")


def _process(inside: Inside, given: Mapping[str, str], _undo: bool) -> _Deed:  # noqa: FBT001 - one of a table
    name, number = text(given, "name").casefold(), int(given.get("processid", "0") or 0)
    if name in {"lsass.exe", "csrss.exe", "svchost.exe", "system", "msmpeng.exe", "mssense.exe"}:
        raise DeniedError("This process belongs to Windows or Defender and is never touched")
    found = [one for one, image in inside.processes.items() if image == name and number in (0, one)]
    if not found:
        raise DeniedError("No such process runs")
    return _Deed(
        target=name,
        before={"running": str(len(found)), "ids": " ".join(map(str, found))},
        after={"running": "0", "ids": ""},
        do=lambda: [inside.processes.pop(one) for one in found],
    )


def _program(inside: Inside, given: Mapping[str, str], kind: str, undo: bool) -> _Deed:  # noqa: FBT001 - as above
    name = text(given, "name")
    programs = inside.services if kind == "service" else inside.drivers
    one = programs.get(name.casefold())
    if name.casefold() in {"sense", "windefend", "wdfilter", "wdboot", "rpcss"}:
        raise DeniedError(f"This {kind} belongs to Windows or Defender and is never touched")
    if one is None:
        raise DeniedError(f"There is no such {kind}")
    if undo and not one.kept:
        raise DeniedError(f"This {kind} was not disabled by Watchkeeper")
    kept, ran = (one.kept, one.ran) if undo else ("disabled", False)

    def change(program: Program) -> None:
        program.kept, program.ran = ("", True) if undo else (program.start, program.running)
        program.start, program.running = kept, ran

    back, there = ("start-service", "stop-service") if kind == "service" else ("enable-driver", "disable-driver")
    return _Deed(
        target=name,
        before={"state": "Running" if one.running else "Stopped", "start": one.start},
        after={"state": "Running" if ran else "Stopped", "start": kept},
        do=lambda: change(one),
        undo=there if undo else back,
    )


def _task(inside: Inside, given: Mapping[str, str], undo: bool) -> _Deed:  # noqa: FBT001 - one of a table
    name = text(given, "task")
    key = name.casefold()
    if key.startswith("\\microsoft\\windows\\windows defender\\"):
        raise DeniedError("This task belongs to Windows or Defender and is never touched")
    source, to = (inside.kept_tasks, inside.tasks) if undo else (inside.tasks, inside.kept_tasks)
    if key not in source:
        raise DeniedError("Nothing was removed from there" if undo else "There is no such task")
    before, after = ({"exists": "no"}, {"exists": "yes"}) if undo else ({"exists": "yes"}, {"exists": "no"})
    return _Deed(
        target=name,
        before=before,
        after=after,
        do=lambda: to.update({key: source.pop(key)}),
        undo="remove-task" if undo else "restore-task",
    )


SCRIPTS: Mapping[str, Script] = {
    "watchkeeper-quarantine-file.ps1": _script("quarantine-file", _file),
    "watchkeeper-remove-registry-key.ps1": _script("remove-registry-key", _registry),
    "watchkeeper-kill-process.ps1": _script("kill-process", _process),
    "watchkeeper-stop-service.ps1": _script("stop-service", lambda i, g, u: _program(i, g, "service", u)),
    "watchkeeper-disable-driver.ps1": _script("disable-driver", lambda i, g, u: _program(i, g, "driver", u)),
    "watchkeeper-remove-task.ps1": _script("remove-task", _task),
}
"""By the name under which they stand in the library, in lower case."""
