"""What is measured and how it is written down: percentiles, CPU time, memory, Markdown tables."""

import math
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("aiohttp", "httpx", "redis", "hiredis", "pydocket", "PyJWT", "pydantic", "botbuilder-core", "adaptivecards")

CORES = os.sched_getaffinity(0)
"""The cores this run may use; taken before anything is pinned."""


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least that share (0 to 100) of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("nothing was measured")
    return ordered[max(0, math.ceil(share / 100 * len(ordered)) - 1)]


def cpu_seconds(process: int) -> float:
    """The CPU time that a process has used, all its threads, in user and kernel mode; steps of 10 ms."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(process: int) -> float:
    """The memory of a process that is in RAM, in MiB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def pin(process: int, core: int) -> None:
    """Keep a process on one core, where the machine has that many."""
    if core in CORES:
        os.sched_setaffinity(process, {core})


def middle(values: Sequence[float], digits: int = 0) -> str:
    """The median, with the smallest and largest where there are several."""
    shown = [f"{value:.{digits}f}" for value in (statistics.median(values), min(values), max(values))]
    return shown[0] if len(values) == 1 else f"{shown[0]} ({shown[1]}..{shown[2]})"


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with its title."""
    lines = [head, ["---"] * len(head), *rows]
    return f"### {title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def machine() -> str:
    """When, where and with what it was measured."""
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {len(CORES)} cores ({model.partition(': ')[2] or 'unknown'}), "
        f"Linux {platform.release()}, Python {platform.python_version()}, {packages}. "
        f"Load average at the start {os.getloadavg()[0]:.1f}."
    )
