"""The PowerShell scripts that ship: no PowerShell runs here, so their syntax is parsed and their form is checked.

They were not yet run on Windows. What they promise to the Python side is held against what the Python side expects.
"""

import re
from collections.abc import Iterator

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from bot.library.answers import KEYS
from bot.library.catalogue import (
    FOLDER,
    SCRIPTS,
    VERSION,
    Script,
    content,
    describe,
    described,
    is_signed,
    mark,
    unsigned,
)

PARSER = Parser(Language(tree_sitter_powershell.language()))
LONGEST = 79
CRITICAL = {
    "quarantine-file": ("ntdll", "lsass", "csrss", "msmpeng", "mssense", "Windows Defender", "System32"),
    "remove-registry-key": ("WinDefend", "Sense", "SAM", "SECURITY", "EventLog", "Windows Defender"),
    "kill-process": ("csrss", "lsass", "wininit", "services", "smss", "msmpeng", "mssense"),
    "stop-service": ("windefend", "sense", "wdnissvc", "rpcss", "eventlog", "mpssvc"),
    "disable-driver": ("wdfilter", "wdboot", "mssec", "ntfs", "fltmgr", "tcpip"),
    "remove-task": ("Windows Defender", "WindowsUpdate", "BitLocker"),
}
NEW_SYNTAX = ("??", "?.", "&&", "||", "-Parallel", "ternary", "clean {")
each = pytest.mark.parametrize("script", SCRIPTS.values(), ids=lambda one: one.name)


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def tree(text: bytes) -> Node:
    return PARSER.parse(text).root_node


def of_type(root: Node, *types: str) -> list[str]:
    return [(node.text or b"").decode() for node in nodes(root) if node.type in types]


def without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.strip().startswith("#"))


@each
def test_a_script_is_powershell(script: Script):
    """The grammar reads it whole, without an error or a missing piece."""
    assert not tree(content(script)).has_error


@pytest.mark.parametrize("broken", [b"if (1 {", b"param([string)$A)", b"'open", b"function { }}", b"try { 1"])
def test_the_parser_finds_mistakes(broken: bytes):
    """A slip in a script would be seen."""
    assert tree(broken).has_error


@each
def test_a_script_stays_small_and_plain(script: Script):
    """Under 80 lines of ASCII that Windows PowerShell 5.1 knows, and nothing that fetches or evaluates code."""
    text = content(script).decode("ascii")
    assert len(text.splitlines()) <= LONGEST
    assert all(ord(one) >= 32 or one == "\n" for one in text)
    code = without_comments(text)
    assert not [word for word in NEW_SYNTAX if word in code]
    for word in ("Invoke-Expression", "iex ", "DownloadString", "Invoke-WebRequest", "Add-Type", "-EncodedCommand"):
        assert word.lower() not in code.lower()


@each
def test_a_script_declares_what_it_is_handed(script: Script):
    """Its parameters are exactly those that the Python side passes, each text and number with a check of its own."""
    root = tree(content(script))
    blocks = of_type(root, "param_block")
    head = next(block for block in blocks if "Apply" in block)
    declared = re.findall(r"(?m)^\s+(.*)\[(?:string|int|switch)\]\$(\w+)", head)
    assert tuple(name for _, name in declared) == script.parameters
    for checks, name in declared:
        if name in script.texts:
            assert re.search(r"ValidatePattern\('\^\[A-Za-z0-9_-\]\{2,\d+\}\$'\)", checks), name
        elif name in script.numbers:
            assert "ValidateRange" in checks
        else:
            assert not checks.strip(), f"{name} is a switch"
    mandatory = [name for checks, name in declared if "Mandatory = $true" in checks]
    assert mandatory == [script.texts[0]]


@each
def test_a_script_answers_what_is_read(script: Script):
    """The keys of its JSON are those of `Answer`, in their order, with its own name and this version."""
    text = content(script).decode()
    answer = text[text.index("$answer = ") : text.index("error = ''")]
    assert tuple(re.findall(r"\b(\w+) = ", answer + "error = ''")[1:]) == KEYS
    assert f"script = '{script.name}'; version = '{VERSION}'" in answer
    assert "ConvertTo-Json -Compress" in text
    assert text.rstrip().endswith("exit $exit")


@each
def test_a_script_only_looks_unless_it_is_told_to_act(script: Script):
    """Each command that changes the device stands behind a test of -Apply."""
    changing = re.compile(
        r"Move-Item|Remove-Item|Set-Acl|Stop-Process|Stop-Service|Start-Service|sc\.exe|icacls|New-Item|Export-Clixml"
        r"|Unregister-ScheduledTask|Register-ScheduledTask|Stop-ScheduledTask|New-ItemProperty"
        r"|Invoke-Reg (?:import|export)"
    )
    found = 0
    for node in nodes(tree(content(script))):
        if node.type != "command" or not changing.match((node.text or b"").decode().lstrip("& ")):
            continue
        above, guarded = node.parent, False
        while above is not None:
            guarded |= above.type == "if_statement" and re.match(rb"if \(\$Apply\b", above.text or b"") is not None
            above = above.parent
        assert guarded, (node.text or b"").decode()
        found += 1
    assert found


@each
def test_a_script_leaves_what_is_critical_alone(script: Script):
    """Its list of what is never touched names the core of Windows and Defender, and it is asked before anything."""
    text = content(script).decode()
    for word in CRITICAL[script.name]:
        assert word.lower() in text.lower(), word
    body = text[text.rindex("\ntry {") :]
    asked = min(at for at in (body.find("Assert-Allowed"), body.find("-match $core")) if at > 0)
    assert asked < body.index("if ($Apply")


@each
def test_a_script_that_undoes_keeps_what_it_needs(script: Script):
    """What can be undone is kept in a folder for administrators alone before it is changed; what cannot keeps none."""
    text = content(script).decode()
    assert ("Undo" in script.parameters) == script.undoes == ("$store = " in text)
    if script.undoes:
        assert "'*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F'" in text
        kept = text.index("Export-Clixml")
        for word in ('-Destination "$place.bin"', "-LiteralPath $item -Recurse", "start= disabled", "Unregister-"):
            assert word not in text or kept < text.index(word)


def test_each_script_has_a_file_and_each_file_is_a_script():
    """Nothing lies in the folder that the catalogue does not know."""
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(one.file for one in SCRIPTS.values())


def test_a_signed_copy_is_the_same_script():
    """A signature, other line ends and a mark of order change nothing of what a script is; a changed line does."""
    script = SCRIPTS["kill-process"]
    text = content(script)
    signed = b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n") + b"\r\n# SIG # Begin signature block\r\n# MII\r\n"
    assert unsigned(signed) == unsigned(text)
    assert mark(signed) == mark(text) != mark(text.replace(b"-Force", b""))
    assert (is_signed(signed), is_signed(text)) == (True, False)


@each
def test_a_description_is_known_again(script: Script):
    """What is written into the library says which script it is, in which wording, and whether it is signed."""
    said = described(describe(script, content(script)))
    assert said
    assert (said.name, said.version, said.mark, said.signed) == (script.name, VERSION, mark(content(script)), False)
    assert described("Somebody's own script") is None
    assert described(None) is None
