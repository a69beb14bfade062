"""The software itself: its version, Python's, and whether the packages are those that were tested together."""

import platform
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

from bot.doctor.findings import Finding, ok, unknown, warning
from bot.version import VERSION

ROOT = Path(__file__).resolve().parents[2]
OLDEST, NEWEST = (3, 11), (3, 13)
MOST_NAMED = 5
_PINNED = re.compile(r"^([\w.-]+)==([\w.+!-]+)(.*)$", re.MULTILINE)


def software_findings(root: Path = ROOT) -> Iterator[Finding]:
    """Version, Python and packages; `root` is where the project's files stand."""
    python = platform.python_version()
    facts = {"version": VERSION, "python": python}
    says = f"Watchkeeper {VERSION} on Python {python}."
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        yield ok("software.version", says, facts=facts)
    else:
        do = "Use Python 3.11, 3.12 or 3.13."
        yield warning("software.version", says, means="It was not tested there.", do=do, facts=facts)
    yield _packages(root)


def _packages(root: Path) -> Finding:
    try:
        text = (root / "requirements.lock").read_text(encoding="utf-8")
    except OSError:
        says = "Whether the packages are those that were tested is not known: requirements.lock is not here."
        return unknown("software.packages", says)
    locked = {_folded(name): version for name, version, _ in _PINNED.findall(text)}
    return _compared(locked, _installed())


@cache
def _installed() -> Mapping[str, str]:
    return {_folded(one.metadata["Name"]): one.version for one in distributions()}


def _compared(locked: Mapping[str, str], installed: Mapping[str, str]) -> Finding:
    """A package that the lock names only for another system or Python is not missed."""
    other = [
        f"{name} {installed[name]} instead of {version}"
        for name, version in sorted(locked.items())
        if installed.get(name, version) != version
    ]
    if other:
        shown = ", ".join(other[:MOST_NAMED]) + (" ..." if len(other) > MOST_NAMED else "")
        do = "Install what requirements.lock names (`make installed`, or build the image anew)."
        means = "This combination was not tested."
        says = f"{len(other)} packages are not those of requirements.lock: {shown}."
        return warning("software.packages", says, means=means, do=do, facts={"other": other})
    count = len(locked.keys() & installed.keys())
    return ok("software.packages", f"All {count} packages are as in requirements.lock.", facts={"packages": count})


def _folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
