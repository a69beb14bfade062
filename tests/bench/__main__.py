"""`make bench`: measures and prints Markdown tables. QUICK=1: a small version. OUT=file: written there as well.

Any turn that fails ends the run: what measures failures measures nothing.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bench import sections, watching
from tests.bench.figures import machine
from tests.bench.scale import FULL, QUICK, Scale

Section = Callable[[Scale, Path], Awaitable[str]]
SECTIONS: tuple[Section, ...] = (
    sections.turns,
    sections.presses,
    sections.start,
    sections.growth,
    watching.latency,
    watching.cost,
)
NOTES = """The bot runs on core 0; load, fakes and Redis (every write on the disk when answered) on core 1; a closed
loop. Each turn: a token signed with RS256 is checked; a card goes to the Connector, with a token of an endpoint 40 ms
away. The limit and the stock SDK do nothing else, and the stock SDK is given its outgoing token.
The CPU of a press holds what follows it, too: the calls to Defender and the edits of the card. Few turns a second carry
more of what the process does anyhow. Compare within one table only; below 15 % a difference means nothing."""


async def measure(scale: Scale, chosen: tuple[str, ...]) -> list[str]:
    """All sections, or those named."""
    found = [f"## Benchmark\n\n{machine()}\n\n{NOTES}\n"]
    for section in SECTIONS:
        if chosen and section.__name__ not in chosen:
            continue
        with tempfile.TemporaryDirectory(prefix="wk-bench-") as folder:
            found.append(await section(scale, Path(folder)))
        print(found[-1], flush=True)
    return found


def main() -> None:
    """Measure, print and write."""
    scale = QUICK if os.environ.get("QUICK") else FULL
    pages = asyncio.run(measure(scale, tuple(sys.argv[1:])))
    if out := os.environ.get("OUT"):
        Path(out).write_text("\n".join(pages))


if __name__ == "__main__":
    main()
