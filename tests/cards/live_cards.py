"""Cards of live response: requests by script, output, the library."""

from typing import Any

from bot.defender.live.models import LibraryFile
from bot.responses.models import Fact, Request, State
from bot.turn import Shown
from cards.library import LibraryView, library_card
from cards.output import OutputView, offered_card, output_card
from cards.request import request_card
from tests.cards.samples import LOOK, NOW, X, ago, ended, facts, request, sent

PATH = "C:\\Users\\Public\\*invoice*.exe"
SHA256 = "6e212a0db618507c44e4ec8ee7499dfef7e5767e5f8d31144df3b96fd1145caf"


def script(x: X, name: str = "quarantine-file", **parameters: str) -> dict[str, Any]:
    """What is particular to a request by script."""
    told = (
        Fact(key="library-file", value=f"watchkeeper-{name}.ps1"),
        Fact(key="library-about", value=x(f"Watchkeeper {name} 1 (0123456789abcdef, signed)")),
        Fact(key="library-by", value=x("Watchkeeper")),
        Fact(key="library-changed", at=ago(days=12)),
        Fact(key="library-sha256", value=SHA256),
        Fact(key="previewed", at=ago(minutes=30)),
        Fact(key="previewed-before", value=x("exists: yes; size: 12")),
    )
    return {
        "response": name,
        "family": "live",
        "parameters": {**parameters, "ScriptName": f"watchkeeper-{name}.ps1", "Sha256": SHA256},
        "inverse": "restore-file",
        "evidence": facts(x, facts=told),
    }


def own(x: X) -> dict[str, Any]:
    arguments = {"ScriptName": x("memdump.ps1"), "Args": x("-Id 4711 -To 'C:\\Temp\\a_b.dmp'"), "Sha256": SHA256}
    return {"response": "run-script", "family": "live", "parameters": arguments, "inverse": ""}


def requests(x: X) -> dict[str, Request]:
    path = x(PATH)
    before, after = x("exists: yes; size: 48128; sha256: 6e21*_*"), x("exists: no")
    done = {"script-target": path, "script-before": before, "script-after": after, "script-undo": "restore-file"}
    refused = {"script-target": path, "script-error": x("This file belongs to *Windows* and is never touched")}
    slow = {"live-command": "RunScript", "live-error": x("The script ran longer than 10 minutes [and] was stopped")}
    looked = {**done, "script-would": after}
    del looked["script-after"]
    asked = script(x, Path=path)
    return {
        "live-proposed": request(x, **asked),
        "live-waits": sent(x, **own(x)),
        "live-done": ended(x, State.SUCCEEDED, "Succeeded", result=done, back={"Path": path}, **asked),
        "live-refused": ended(x, State.FAILED, "ScriptFailed", result=refused, **asked),
        "live-nothing": ended(x, State.FAILED, "NothingChanged", result={"script-before": before}, **asked),
        "live-unreadable": ended(x, State.TIMED_OUT, "AnswerUnreadable", **asked),
        "live-slow": ended(x, State.FAILED, "Failed", result=slow, **own(x)),
        "live-exit": ended(x, State.FAILED, "ScriptFailed", result={"exit-code": "3"}, **own(x)),
        "live-preview": ended(
            x,
            State.SUCCEEDED,
            "Succeeded",
            result=looked,
            **{**asked, "response": "preview", "approvals_needed": 0, "reason": "", "inverse": ""}
            | {"parameters": {"What": "quarantine-file", "Path": path}},
        ),
        "live-file": ended(
            x,
            State.SUCCEEDED,
            "Succeeded",
            response="get-file",
            family="live",
            parameters={"Path": path},
            inverse="",
        ),
    }


def every(x: X) -> dict[str, Shown]:
    long = "\n".join(x(f"{n:>4}  C:\\Windows\\[System32]\\*svchost_{n}*.exe -k `net`") for n in range(3000))
    view = OutputView(
        request="WK-7F3K9QXZ2M",
        device=x("laptop-042.contoso.com"),
        script=x("memdump.ps1"),
        exit_code=3,
        output=long,
        errors=x("Access is **denied** [here](https://evil.example)\n```\n| a | b |"),
    )
    nothing = OutputView(
        request="WK-7F3K9QXZ2M", device=x("a"), script=x("b.ps1"), exit_code=None, output="\0\0\n\n", errors=""
    )
    files = [
        LibraryFile(
            file_name=x("script1.ps1"),
            sha256=SHA256,
            description=x("What *it* does"),
            last_updated_time=NOW,
            created_by=x("admin"),
            parameters_description=x("-Id NUMBER"),
        ),
        *[LibraryFile(file_name=x(f"tool-{n}.exe")) for n in range(20)],
    ]
    return {
        "output": output_card(LOOK, view),
        "output-nothing": output_card(LOOK, nothing),
        "output-offered": offered_card(LOOK, x("C:\\a_b.exe of laptop")),
        "library": library_card(LOOK, LibraryView(files=files, lacking=("kill-process", "stop-service"))),
        "library-none": library_card(LOOK, LibraryView(files=())),
        **{f"request-{name}": request_card(LOOK, made) for name, made in requests(x).items()},
    }
