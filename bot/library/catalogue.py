"""The scripts that ship with the project, as data: what each is called, and what it is handed."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "scripts"
SIGNATURE = b"# SIG # Begin signature block"
VERSION = "1"
"""Of all of them together: it stands in each script, in its answer and in the library's description."""
_DESCRIBED = re.compile(r"Watchkeeper ([a-z-]{1,40}) (\w{1,10}) \(([0-9a-f]{16}), (signed|unsigned)\)")


@dataclass(frozen=True, kw_only=True)
class Script:
    """One script: `texts` are its parameters that take coded text, `numbers` those that take a number."""

    name: str
    texts: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    undoes: bool = True

    @property
    def file(self) -> str:
        """Its name in the library."""
        return f"watchkeeper-{self.name}.ps1"

    @property
    def parameters(self) -> tuple[str, ...]:
        """All that it declares."""
        return (*self.texts, *self.numbers, *(("Undo",) if self.undoes else ()), "Apply")


SCRIPTS: Mapping[str, Script] = {
    script.name: script
    for script in (
        Script(name="quarantine-file", texts=("Path",)),
        Script(name="remove-registry-key", texts=("Key", "Value")),
        Script(name="kill-process", texts=("Name",), numbers=("ProcessId",), undoes=False),
        Script(name="stop-service", texts=("Name",)),
        Script(name="disable-driver", texts=("Name",)),
        Script(name="remove-task", texts=("Task",)),
    )
}


@dataclass(frozen=True, kw_only=True)
class Described:
    """What the description of a library's file says of a script of ours."""

    name: str
    version: str
    mark: str
    signed: bool


@cache
def content(script: Script) -> bytes:
    """The script as it ships, unsigned."""
    return (FOLDER / script.file).read_bytes()


def unsigned(text: bytes) -> bytes:
    """A script without its signature, with plain line ends: what must be the same in a signed copy."""
    lines = text.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").partition(SIGNATURE)[0]
    return lines.rstrip() + b"\n"


def is_signed(text: bytes) -> bool:
    """Whether a signature block stands in it; whose it is and whether it holds, only Windows can tell."""
    return SIGNATURE in text


def mark(text: bytes) -> str:
    """What tells one wording of a script from another, signed or not."""
    return hashlib.sha256(unsigned(text)).hexdigest()[:16]


def describe(script: Script, text: bytes) -> str:
    """The description under which a script goes into the library, and by which it is known there."""
    return f"Watchkeeper {script.name} {VERSION} ({mark(text)}, {'signed' if is_signed(text) else 'unsigned'})"


def described(text: str | None) -> Described | None:
    """What a description says; None where it is none of ours."""
    found = _DESCRIBED.fullmatch((text or "").strip())
    return Described(name=found[1], version=found[2], mark=found[3], signed=found[4] == "signed") if found else None
