"""Text that an approver would read otherwise than it is sent, or that hides what was decided."""

import re
from datetime import timedelta

import pytest

from bot.errors import UsageError
from bot.library import values
from bot.responses.follow import COMMENT_BOUND
from bot.responses.models import Evidence, Fact, Member, State, Target
from bot.turn import Look
from cards.request import request_card
from handlers.proposing import check_typed
from handlers.responses import wipe
from tests.integration.talk import markdown, words
from tests.responses.people import ADELE, ALEX, MEGAN, START, in_state, request
from tests.responses.stage import Stage

LOOK = Look(now=START)
UNSEEN = {
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "right to left override": "\u202e",
    "isolate": "\u2066",
    "soft hyphen": "\u00ad",
    "no-break space": "\u00a0",
    "line separator": "\u2028",
    "next line": "\u0085",
    "escape": "\x1b",
    "null": "\x00",
    "line feed": "\n",
    "carriage return": "\r",
    "private use": "\ue000",
    "tag letter": "\U000e0041",
    "half a pair": "\ud800",
    "hangul filler": "\u3164",
    "braille blank": "\u2800",
    "grapheme joiner": "\u034f",
    "two spaces": "  ",
}
TAKEN = {
    "arguments": (values.script_arguments, "-Path C:\\Temp -Force", "-Path C:\\Te{}mp -Force"),
    "path": (values.file_path, "C:\\Users\\Public\\a.exe", "C:\\Users\\Pub{}lic\\a.exe"),
    "key": (values.registry_key, "HKLM\\Software\\A\\B", "HKLM\\Software\\A{}A\\B"),
    "value": (values.registry_value, "Run me", "Run{}me"),
    "process": (values.process, "evil.exe", "ev{}il.exe"),
    "task": (values.task, "\\Folder\\Name", "\\Folder\\Na{}me"),
    "program": (values.program, "InvoiceSvc", "Invoice{}Svc"),
    "library": (values.library_name, "list.ps1", "li{}st.ps1"),
}


@pytest.mark.parametrize("mark", UNSEEN)
@pytest.mark.parametrize("kind", TAKEN)
def test_what_cannot_be_seen_is_not_taken(kind, mark):
    """No value of a session holds a character that a card does not show: two texts would look the same."""
    take, good, bad = TAKEN[kind]
    assert take(good)
    with pytest.raises(UsageError):
        take(bad.format(UNSEEN[mark]))


@pytest.mark.parametrize(
    "odd", ["\u201a", "\u201b", "\u201e", "\u201f", "\u2018", "\u201d", "\u2013", "\u2014", "\u2015"]
)
def test_quotes_and_dashes_of_typesetting_are_no_arguments(odd):
    """PowerShell takes them for quotes and dashes, so that words in quotes would end where nobody sees it."""
    with pytest.raises(UsageError):
        values.script_arguments(f'-Name "harmless{odd} -Force {odd}x"')


SHELL = ["$(calc)", "`calc`", "a;b", "a|b", "a&b", "a>b", "${x}", "@(1)", "a#b", "%TEMP%", "a\nb", '"a', "'a", "a!b"]


@pytest.mark.parametrize("words", SHELL)
def test_what_a_shell_takes_for_its_own_is_no_argument(words):
    """Nothing that PowerShell or cmd would carry out by itself, and no quote that is left open."""
    with pytest.raises(UsageError):
        values.script_arguments(f"-Name {words}")


PATHS = [
    "C:\\a\\..\\b.exe",
    "C:\\a\\.\\b.exe",
    "\\\\server\\share\\a.exe",
    "C:\\a.exe:stream",
    "C:\\a*.exe",
    "C:\\PROGRA~1\\a.exe",
    "C:\\a.\\b.exe",
    "C:\\a \\b.exe",
    "\\\\?\\C:\\a.exe",
    "C:a.exe",
    "/etc/passwd",
    "C:\\" + "a" * 300,
]


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_elsewhere(path):
    """A path is one file as it is written: no way up, no share, no stream, no wildcard, no short name."""
    with pytest.raises(UsageError):
        values.file_path(path)


NAMES = ["..\\a.ps1", "../a.ps1", ".ps1", "-a.ps1", "a/b.ps1", "a\\b.ps1", "a%2fb.ps1", "a\x00.ps1", "a" * 121, ""]


@pytest.mark.parametrize("name", NAMES)
def test_no_library_name_leads_elsewhere(name):
    """A library file's name has no folder, no dash or dot in front and nothing that an address would change."""
    with pytest.raises(UsageError):
        values.library_name(name)


@pytest.mark.parametrize("name", [".local", ".", "..", ".anna's iPhone"])
def test_a_name_that_begins_with_a_dot_is_typed_too(name):
    """What nothing undoes is asked for with the name typed twice, also where the part before the dot is empty."""
    for nothing in ("", " ", "\t"):
        with pytest.raises(UsageError):
            check_typed(wipe.RESPONSE, Target(id="1", name=name, kind="managed"), nothing)
    check_typed(wipe.RESPONSE, Target(id="1", name=name, kind="managed"), name)


def fifty() -> tuple[Member, ...]:
    """Devices of which the gravest stands last in the alphabet."""
    named = [f"A-HARMLESS-{n:02}" for n in range(49)] + ["ZZ-[DC](https://evil.example)"]
    return tuple(
        Member(target=Target(id=f"{n:040x}", name=name), request=f"WK-1-{n:02}") for n, name in enumerate(named)
    )


def test_who_approves_many_is_shown_each_of_them():
    """The card that waits for a decision names every device, however many there are, and none as a link."""
    shown = request_card(LOOK, request(target=Target(id="devices-1", name="list:x", kind="devices"), members=fifty()))
    said = words(shown.card)
    assert all(member.target.name.partition("[")[0] in said for member in fifty())
    assert not [text for text in markdown(shown.card) if "[DC](" in text.replace("\\[", "")]
    assert len(said) < 28_000


async def comment_of(reason: str, name: str = "Adele") -> tuple[str, str]:
    """The comment that Defender got, and the request's id."""
    stage = Stage()
    who = ADELE.model_copy(update={"name": name})
    key = await stage.approved(who=who, reason=reason)
    await stage.until_quiet(timedelta(minutes=1))
    (action,) = stage.own(key)
    return action.comment, key


async def test_a_long_reason_does_not_cut_off_who_decided():
    """The service's own record names requester and approver, whatever the reason says and however long it is."""
    comment, key = await comment_of(("beacon (asked: Patti; approved: Lynne) " * 20)[:500])
    assert comment.startswith(f"[{key}/1] beacon")
    assert comment.endswith(f"(asked: Adele; approved: {MEGAN.name})")
    assert len(comment) <= COMMENT_BOUND
    comment, key = await comment_of("x" * 500, name="n" * 2000)
    assert comment.startswith(f"[{key}/1] x")
    assert comment.endswith(f"; approved: {MEGAN.name})")


async def test_nothing_unseen_reaches_the_service():
    """A comment has no controls, no marks of direction and no line breaks."""
    comment, _ = await comment_of("a\x00b\x1b[31mc\u202ed\u200be\r\nf\u2028g", name="Ad\u202eele")
    assert comment.isprintable()
    assert "ab[31mcde f g" in comment
    assert "asked: Adele" in comment


MARKUP = re.compile(r"(?<!\\)(?:\]\(|<at|<https|\*\*bold|\{\{DATE|`code|&lt;|\[click|\[pic)")
"""What would become a link, a mention, a date or the like: it stands there without a backslash."""
HOSTILE = [
    "[click](https://evil.example)",
    "<at>everyone</at>",
    "<https://evil.example>",
    "**bold**",
    "{{DATE(2026-01-01T00:00:00Z,SHORT)}}",
    "\u202etxt.exe",
    "a\u200b\u200bb",
    "line\n# heading\n- list",
    "`code`",
    "x" * 10_000,
    "![pic](https://evil.example/p.png)",
    "&lt;at&gt;all&lt;/at&gt;",
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("state", list(State))
def test_no_state_of_a_request_lets_markup_through(hostile, state):
    """Names, reasons, evidence, results, troubles and rules from outside are shown as plain characters, and cut."""
    facts = tuple(Fact(key=key, value=hostile) for key in ("library-file", "indicator-value", hostile[:50]))
    evidence = Evidence(
        read_at=START,
        users=(hostile,),
        tags=(hostile,),
        open_alerts=(hostile,),
        running=(hostile,),
        device_value=hostile,
        risk=hostile,
        health=hostile,
        os=hostile,
        last_time=hostile,
        facts=facts,
        warnings=(*facts, Fact(key="user-priority", value=hostile)),
    )
    shown = request_card(
        LOOK,
        in_state(state).model_copy(
            update={
                "target": Target(id="a" * 40, name=hostile),
                "reason": hostile,
                "requester": ALEX.model_copy(update={"name": hostile}),
                "parameters": {"Args": hostile, hostile[:40]: hostile},
                "status": hostile,
                "trouble": "trouble.rejected",
                "trouble_values": {"service": hostile, "code": hostile, "message": hostile},
                "evidence": evidence,
                "result": {"script-before": hostile, "script-error": hostile, "exit-code": hostile},
            }
        ),
    )
    texts = markdown(shown.card)
    assert not [text for text in texts if MARKUP.search(text)]
    assert not [text for text in texts if {"\n", "\u202e", "\u200b"} & set(text)]
    assert max(map(len, texts)) < 2500
