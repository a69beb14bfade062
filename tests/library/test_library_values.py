"""What people type for a script or a session: brought into one form, refused where it is none, never a way in."""

import base64
import re
import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.errors import UsageError
from bot.library import values
from bot.library.arguments import line
from bot.library.catalogue import SCRIPTS
from bot.simulator.live_inside import Inside
from bot.simulator.live_scripts import text as decoded
from bot.simulator.live_scripts import words
from cards.text import ENGLISH as TEXTS

HARMLESS = re.compile(r"[A-Za-z0-9_ -]*")
CHECKS = {
    "Path": values.file_path,
    "Key": values.registry_key,
    "Value": values.registry_value,
    "Name": values.program,
    "Task": values.task,
}
ANYTHING = st.text(max_size=60) | st.text(alphabet="\\:/.\"'`$;|&(){}<>*? aC0~-\r\n\x00é", max_size=40)
PATHS = st.from_regex(r"[A-Za-z]:(\\[^\\<>:\"/|?*\x00-\x1f\x7f]{1,12}){1,4}", fullmatch=True)


@pytest.mark.parametrize(
    ("check", "said", "becomes"),
    [
        (values.file_path, "c:\\Users\\Public\\a b.exe", "C:\\Users\\Public\\a b.exe"),
        (values.file_path, " C:/Temp/x.dll ", "C:\\Temp\\x.dll"),
        (values.registry_key, "hklm\\Software\\A\\B", "HKLM\\Software\\A\\B"),
        (values.registry_key, "HKEY_USERS\\S-1-5-21-1\\Software\\X\\", "HKU\\S-1-5-21-1\\Software\\X"),
        (values.registry_value, "Invoice", "Invoice"),
        (values.process, "evil.exe:4711", "evil.exe:4711"),
        (values.program, "InvoiceSvc", "InvoiceSvc"),
        (values.task, "Invoice update", "\\Invoice update"),
        (values.task, "\\A\\B", "\\A\\B"),
        (values.library_name, "look (2).ps1", "look (2).ps1"),
        (values.script_arguments, ' -Name "a b" -Id 4,5 ', '-Name "a b" -Id 4,5'),
    ],
)
def test_what_is_understood(check, said: str, becomes: str):
    """Each kind of value has one form."""
    assert check(said) == becomes


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (values.file_path, "\\\\server\\share\\x"),
        (values.file_path, "C:\\Users\\..\\Windows\\x"),
        (values.file_path, "C:\\a.txt:stream"),
        (values.file_path, "C:\\a*.exe"),
        (values.file_path, "C:\\PROGRA~1\\x.exe"),
        (values.file_path, "C:\\a.exe."),
        (values.file_path, "C:\\a.exe "[:-1] + " \\b"),
        (values.file_path, "C:\\" + "a" * 300),
        (values.file_path, "C:\\"),
        (values.file_path, "invoice.exe"),
        (values.registry_key, "HKLM\\Software"),
        (values.registry_key, "HKCU\\Software\\A\\B"),
        (values.registry_key, 'HKLM\\Software\\A"\\B\\C'),
        (values.registry_value, 'a"b'),
        (values.process, "C:\\evil.exe"),
        (values.process, "evil.exe:4"),
        (values.process, "evil.exe:99999999999"),
        (values.program, "a'b"),
        (values.program, "a;b"),
        (values.task, "\\"),
        (values.library_name, "../x.ps1"),
        (values.library_name, ".hidden"),
        (values.script_arguments, "x; Remove-Item C:\\"),
        (values.script_arguments, "$(calc)"),
        (values.script_arguments, "a | b"),
        (values.script_arguments, '-Name "open'),
        (values.script_arguments, "a\nb"),
    ],
)
def test_what_is_refused(check, said: str):
    """What is none is refused as the person's mistake, in words that the catalogue has."""
    with pytest.raises(UsageError) as refused:
        check(said)
    assert refused.value.key in TEXTS


@given(st.sampled_from(sorted(CHECKS)), ANYTHING)
@settings(max_examples=300, deadline=None)
def test_a_check_takes_or_refuses(name: str, said: str):
    """Whatever is typed, a check gives a value that it takes again unchanged, or refuses it."""
    try:
        value = CHECKS[name](said)
    except UsageError:
        return
    assert CHECKS[name](value) == value
    assert "\n" not in value


@given(ANYTHING)
@example("-Apply")
@example("'; Remove-Item C:\\ -Recurse #")
@example('" & calc & "')
@settings(max_examples=400, deadline=None)
def test_nothing_can_be_injected(said: str):
    """A text becomes letters, digits, - and _, never begins with a dash, and comes out as it went in."""
    coded = values.coded(said)
    assert re.fullmatch(r"[A-Za-z0-9_-]*", coded)
    assert not coded.startswith("-")
    assert base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode() == said


@given(
    st.sampled_from(sorted(SCRIPTS)),
    st.lists(ANYTHING.filter(bool), min_size=2, max_size=2),
    st.sets(st.sampled_from(["apply", "undo"])),
)
@settings(max_examples=300, deadline=None)
def test_an_argument_line_is_taken_apart_as_it_was_put_together(name: str, said: list[str], wanted: set[str]):
    """By a shell that splits at blanks: each parameter gets its own text whole, no more parameters, nothing beside."""
    script = SCRIPTS[name]
    given_values = dict(zip(script.texts, said, strict=False)) | dict.fromkeys(script.numbers, "4711")
    switches = wanted - (set() if script.undoes else {"undo"})
    made = line(script, given_values, apply="apply" in switches, undo="undo" in switches)
    assert HARMLESS.fullmatch(made)
    inside = Inside()
    taken = words(inside, made)
    assert inside.injected == []
    assert set(taken) == {one.casefold() for one in given_values} | switches
    for parameter, value in given_values.items():
        expected = taken[parameter.casefold()]
        assert (expected if parameter in script.numbers else decoded(taken, parameter.casefold())) == value


@given(PATHS, st.text(alphabet=string.printable, max_size=20))
@settings(max_examples=200, deadline=None)
def test_typed_arguments_hold_nothing_that_a_shell_takes(path: str, more: str):
    """What a script of the company's own is handed has no separator, pipe, variable or line end in it."""
    try:
        taken = values.script_arguments(f'-Path "{path}" {more}')
    except UsageError:
        return
    assert not set(taken) & set(";|&<>`$(){}@#%^!\r\n\x00")
    assert taken.count('"') % 2 == 0


def test_a_line_holds_only_what_the_script_declares():
    """Another name, a word for a number, or an undo that does not exist never become a line."""
    script = SCRIPTS["kill-process"]
    for wrong, undo in (({"Path": "x"}, False), ({"Name": "x", "ProcessId": "1 -Apply"}, False), ({"Name": "x"}, True)):
        with pytest.raises(ValueError, match=r"takes no|is a number|undoes nothing"):
            line(script, wrong, apply=True, undo=undo)
    assert line(script, {"Name": "x", "ProcessId": ""}, apply=False) == "-Name eA"
