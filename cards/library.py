"""The live response library of a tenant."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.defender.live.models import LibraryFile
from bot.turn import Look, Shown
from cards import parts
from cards.elements import Container
from cards.text import count, escape, join, plain, say

ROWS = 15


@dataclass(frozen=True, kw_only=True)
class LibraryView:
    """The files, and our own scripts that are not there as they ship: to be brought there."""

    files: Sequence[LibraryFile]
    lacking: Sequence[str] = ()


def library_card(look: Look, view: LibraryView) -> Shown:
    """Each file with what is known of it without opening it; the API hands out no file of the library."""
    number = count(look, "library.files", len(view.files))
    lacking = say(look, "library.lacking", names=", ".join(view.lacking)) if view.lacking else None
    body = [
        parts.heading(say(look, "library.title"), escape(number) if view.files else say(look, "library.none"), lacking),
        *parts.rows(look, view.files, lambda file: _row(look, file), ROWS),
        parts.note(say(look, "library.how")),
        parts.as_of(look),
    ]
    return parts.shown(body, plain(look, "library.summary", files=number))


def _row(look: Look, file: LibraryFile) -> Container:
    about = escape(file.description, 200) if file.description else None
    changed = file.last_updated_time or file.creation_time
    details = [
        say(look, "library.changed", at=changed) if changed else None,
        say(look, "library.by", who=file.created_by) if file.created_by else None,
        say(look, "library.parameters", how=file.parameters_description) if file.parameters_description else None,
    ]
    told = [one for one in details if one is not None]
    return parts.section(
        escape(file.file_name, 120),
        parts.line(about) if about else None,
        parts.note(join(told, "; ")) if told else None,
        parts.note(say(look, "library.sha256", sha256=file.sha256)) if file.sha256 else None,
    )
