"""Brings our scripts into a tenant's live response library: compares, and uploads what differs.

The API hands out no file of the library, only its hash and description. So a signed copy is known by its description,
which this tool wrote, and its hash is compared with that of the copy at hand.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.defender.live.client import LiveResponse
from bot.defender.live.models import LibraryFile, Upload
from bot.library import catalogue
from bot.library.catalogue import SCRIPTS, Script

State = Literal["same", "missing", "other", "unsigned", "kept"]
ABOUT: Mapping[State, str] = {
    "same": "is there as it should be",
    "missing": "is not there",
    "other": "is there in another wording",
    "unsigned": "is there unsigned, and the copy at hand is signed",
    "kept": "is there signed, in this wording; the unsigned copy at hand does not replace it",
}
TO_UPLOAD = frozenset({"missing", "other", "unsigned"})
PARAMETERS = "texts as base64url of UTF-8; -Apply acts, without it the script only looks"


class FolderError(Exception):
    """The folder does not hold our scripts as they ship, signed or not; the text says which."""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A script with the content that is to be in the library."""

    script: Script
    content: bytes

    @property
    def sha256(self) -> str:
        """Its hash, as the library lists it."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Found:
    """How one script stands in a library."""

    copy: Copy
    state: State


def copies(folder: Path | None = None) -> list[Copy]:
    """Our scripts as they ship, or their signed copies in a folder. Raises FolderError."""
    if folder is None:
        return [Copy(script=script, content=catalogue.content(script)) for script in SCRIPTS.values()]
    return [_copy_in(folder, script) for script in SCRIPTS.values()]


def _copy_in(folder: Path, script: Script) -> Copy:
    try:
        content = (folder / script.file).read_bytes()
    except OSError as error:
        raise FolderError(f"{script.file} cannot be read in {folder} ({error.strerror}).") from None
    if catalogue.unsigned(content) != catalogue.unsigned(catalogue.content(script)):
        raise FolderError(f"{script.file} in {folder} is not the script of this version. Please sign a fresh copy.")
    return Copy(script=script, content=content)


def compare(files: Sequence[LibraryFile], wanted: Sequence[Copy]) -> list[Found]:
    """How each script stands, in the order in which they are wanted."""
    listed = {file.file_name.casefold(): file for file in files}
    return [Found(copy=copy, state=_state(listed.get(copy.script.file), copy)) for copy in wanted]


def _state(file: LibraryFile | None, copy: Copy) -> State:
    if file is None:
        return "missing"
    said = catalogue.described(file.description)
    if said is None or (said.name, said.mark) != (copy.script.name, catalogue.mark(copy.content)):
        return "other"
    if (file.sha256 or "").casefold() == copy.sha256:
        return "same"
    if catalogue.is_signed(copy.content):
        return "other" if said.signed else "unsigned"
    return "kept" if said.signed else "other"


async def sync(library: LiveResponse, wanted: Sequence[Copy], *, check: bool = False) -> list[Found]:
    """Compare, and unless it is a `check` upload what differs. Returns how it stood before. Raises ServiceError."""
    found = compare(await library.library_files(), wanted)
    for one in found:
        if one.state in TO_UPLOAD and not check:
            await library.upload_library_file(_upload(one.copy))
    return found


def _upload(copy: Copy) -> Upload:
    return Upload(
        name=copy.script.file,
        content=copy.content,
        description=catalogue.describe(copy.script, copy.content),
        parameters=PARAMETERS,
        override=True,
    )
