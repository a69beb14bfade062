"""What is done to a device by live response: files, a script of the company's own, and the scripts that ship."""

from collections.abc import Mapping

from bot.simulator.live_inside import Inside
from tests.soak.acts import WHY, Act, Choice, any_of, on_device

OWN, TOOL = "own.ps1", "tool.exe"
FILE = "c:\\users\\public\\invoice.exe"
ABSENT = "c:\\users\\public\\nowhere.exe"
KEY = "hklm\\software\\classes\\clsid\\invoice"
PROCESS, SERVICE, DRIVER, TASK = "invoice.exe", "invoicesvc", "invoicedrv", "\\invoice update"
LIVE = "defender.machines.runliveresponse"
SUBJECTS: Mapping[str, Mapping[str, Choice]] = {
    "quarantine-file": any_of("Path", FILE),
    "remove-registry-key": any_of("Key", KEY),
    "kill-process": any_of("Process", PROCESS),
    "stop-service": any_of("Service", SERVICE),
    "disable-driver": any_of("Driver", DRIVER),
    "remove-task": any_of("Task", TASK, typed='"{}"'),
}
"""By the script: what it is done to, as it is typed."""
UNDONE = {
    "quarantine-file": "restore-file",
    "remove-registry-key": "restore-registry-key",
    "stop-service": "start-service",
    "disable-driver": "enable-driver",
    "remove-task": "restore-task",
}


def _gone(inside: Inside, script: str) -> bool:
    """Whether what the script takes away is away."""
    return {
        "quarantine-file": FILE not in inside.files,
        "remove-registry-key": KEY not in inside.registry,
        "kill-process": PROCESS not in inside.processes.values(),
        "stop-service": inside.services[SERVICE].start == "disabled",
        "disable-driver": inside.drivers[DRIVER].start == "disabled",
        "remove-task": TASK not in inside.tasks,
    }[script]


def _scripted(name: str, script: str, back: str, *, away: bool) -> Act:
    return Act(
        name=name,
        line=f"/{name} {{name}} {{what}} " + WHY,
        on="device",
        operation=LIVE,
        family="live",
        thing=script,
        options={"what": SUBJECTS[script]},
        back=back,
        holds=on_device(lambda device, _: _gone(device.inside, script) is away),
        script=True,
    )


_PREVIEWED = {
    f"{script} {typed}": choice for script, words in SUBJECTS.items() for typed, choice in words.items()
}  # which look it is stands in another parameter of the request
SCRIPTED = (
    *(_scripted(script, script, UNDONE.get(script, ""), away=True) for script in SUBJECTS),
    *(_scripted(back, script, script, away=False) for script, back in UNDONE.items()),
    Act(
        name="preview",
        line="/preview {name} {what} " + WHY,
        on="device",
        operation=LIVE,
        family="live",
        options={"what": _PREVIEWED},
        alone=True,
        script=True,
    ),
    Act(
        name="run-script",
        line=f"/run-script {{name}} {OWN} " + WHY,
        on="device",
        operation=LIVE,
        family="live",
        options={"": any_of("ScriptName", OWN)},
    ),
    Act(
        name="get-file",
        line="/get-file {name} {path} " + WHY,
        on="device",
        operation=LIVE,
        family="live",
        options={"path": any_of("Path", FILE, FILE, ABSENT)},
        often=2,
    ),
    Act(
        name="put-file",
        line=f"/put-file {{name}} {TOOL} " + WHY,
        on="device",
        operation=LIVE,
        family="live",
        options={"": any_of("FileName", TOOL)},
    ),
)
