"""What may be handed to a script or a session: each check gives the value back in its one form, or raises UsageError.

The scripts check the same again on the device, and there know what belongs to Windows or Defender. What cannot be seen
on a card is never taken: an approver would decide on another text than the one that is sent.
"""

import base64
import re
from collections.abc import Callable

from bot.errors import UsageError

Check = Callable[[str], str]
_ODD = r'<>:"/|?*\x00-\x1f\x7f'
_PATH = re.compile(rf"[A-Za-z]:(?:\\[^\\{_ODD}]{{1,255}}){{1,30}}")
_KEY = re.compile(r'(?:HKLM|HKU|HKEY_LOCAL_MACHINE|HKEY_USERS)(?:\\[^\\\x00-\x1f*?"]{1,255}){3,30}', re.IGNORECASE)
_VALUE = re.compile(r'[^\x00-\x1f\x7f"]{1,255}')
_PROCESS = re.compile(rf"([^\\{_ODD}]{{1,120}}?)(?::(\d{{1,10}}))?")
_NAME = re.compile(r"[A-Za-z0-9_.\- ]{1,80}")
_TASK = re.compile(rf"(?:\\[^\\{_ODD}]{{1,200}}){{1,10}}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._\-()]{0,119}")
_ARGUMENTS = re.compile("[^\x00-\x1f\x7f;|&<>`$(){}@#%^!\u2013-\u2015\u2018-\u201f]{0,1000}")
"""PowerShell takes the dashes and quotes of typesetting for its own, too."""
_BLANKS = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")  # printable by name, but nothing is seen
_TRICK = re.compile(r"\\\.{1,2}(?:\\|$)|[. ](?:\\|$)|~\d")
LARGEST_ID = 2**31 - 1
FIRST_ID = 5
"""Process ids up to 4 are Windows' own."""
LONGEST_PATH = 260
A_PATH, A_TASK = r"C:\Users\Public\a.exe", r"\Folder\Name"


def _seen(text: str) -> bool:
    """Whether a card can show it as it is: no controls, no marks of direction or width, no runs of blanks."""
    return text.isprintable() and "  " not in text and not _BLANKS & set(text)


def _fits(pattern: re.Pattern[str], text: str, key: str, example: str = "") -> str:
    if not pattern.fullmatch(text) or len(text) > LONGEST_PATH or not _seen(text):
        raise UsageError(key, example=example)
    return text


def file_path(text: str) -> str:
    r"""A full path of one file, such as `C:\Users\Public\a.exe`: no wildcard, no `..`, no stream, no short name."""
    path = _fits(_PATH, text.strip().replace("/", "\\"), "error.live.bad_path", A_PATH)
    if _TRICK.search(path):
        raise UsageError("error.live.bad_path", example=A_PATH)
    return path[0].upper() + path[1:]


def registry_key(text: str) -> str:
    r"""A key three levels or more below `HKLM` or `HKU`; what belongs to one user stands below `HKU\SID`."""
    key = _fits(_KEY, text.strip().rstrip("\\"), "error.live.bad_key")
    hive, _, rest = key.partition("\\")
    return f"{ {'hkey_local_machine': 'HKLM', 'hkey_users': 'HKU'}.get(hive.casefold(), hive.upper()) }\\{rest}"


def registry_value(text: str) -> str:
    """The name of a value."""
    return _fits(_VALUE, text.strip(), "error.live.bad_value")


def process(text: str) -> str:
    """A program file's name, or `name:id` for one process of it."""
    found = _PROCESS.fullmatch(text.strip())
    if not found or not _seen(found[0]) or (found[2] and not FIRST_ID <= int(found[2]) < LARGEST_ID):
        raise UsageError("error.live.bad_process")
    return text.strip()


def split_process(text: str) -> tuple[str, str]:
    """Its name, and its id (empty: all of that name)."""
    found = _PROCESS.fullmatch(text)
    if not found:
        raise UsageError("error.live.bad_process")
    return found[1], found[2] or ""


def program(text: str) -> str:
    """The short name of a service or driver."""
    return _fits(_NAME, text.strip(), "error.live.bad_program")


def task(text: str) -> str:
    r"""The full path of a scheduled task, such as `\Folder\Name`; a name alone is one in the first folder."""
    path = text.strip()
    return _fits(_TASK, path if path.startswith("\\") else f"\\{path}", "error.live.bad_task", A_TASK)


def library_name(text: str) -> str:
    """The name of a file in the library."""
    return _fits(_FILE, text.strip(), "error.live.bad_library_name")


def script_arguments(text: str) -> str:
    """Arguments for a script of the company's own: words and quotes, and nothing that a shell takes for its own."""
    line = text.strip()
    balanced = line.count('"') % 2 == 0 and line.count("'") % 2 == 0
    if not _ARGUMENTS.fullmatch(line) or not balanced or not _seen(line):
        raise UsageError("error.live.bad_arguments")
    return line


def coded(text: str) -> str:
    """A text as our scripts take it: base64url of UTF-8 without padding.

    No shell takes a character of it for its own, and it never begins with a dash. The pages do not say by what rules
    `Args` is split, so no way of quoting can be relied on.
    """
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
