"""The sections of the benchmark: each measures one thing and gives a Markdown table."""

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from tests.bench.cloud import Cloud
from tests.bench.figures import middle, percentile, resident_mib, table
from tests.bench.scale import Scale
from tests.bench.seeds import requests_in
from tests.bench.subjects import our_bot, plain, stage, started
from tests.bench.turns import Cell, People, times, until

SCORE = b"412.5"
APPROVED = b"Bench Person"
"""What stands on the right card: the score that the fakes give, and who approved."""
BARE, OURS, STOCK = "bare aiohttp, the limit", "Watchkeeper `/score`", "stock SDK, echo with a card"
PRESS = "Watchkeeper, press of Approve"
HEAD = (
    "variant",
    "turns/s, median (min..max)",
    "CPU ms/turn",
    "CPU, times the limit",
    "p50 / p95 / p99 ms",
    "load core",
)
LONGEST_START = 60.0
Cells = dict[tuple[str, int], list[Cell]]
QUIET_SECONDS, QUIET_AT_LAST = 6.0, 180.0


async def turns(scale: Scale, folder: Path) -> str:
    """Turns of all variants side by side; they take turns inside each repetition, and the order rotates."""
    cells: Cells = defaultdict(list)
    async with AsyncExitStack() as stack:
        cloud, redis = await stack.enter_async_context(stage(folder))
        cloud.marker = SCORE
        bare = await stack.enter_async_context(plain("bare_bot", cloud))
        stock = await stack.enter_async_context(plain("echo_bot", cloud))
        ours, process = await stack.enter_async_context(our_bot(cloud, redis, folder))
        subjects = {BARE: (bare.port, bare.pid), OURS: (ours.port, process), STOCK: (stock.port, stock.pid)}
        people = {name: (People(cloud, port), pid) for name, (port, pid) in subjects.items()}
        for crowd, _ in people.values():
            await crowd.warm(crowd.ask)
        for repetition in range(scale.repetitions):
            for users in scale.users:
                order = list(people)[repetition % len(people) :] + list(people)[: repetition % len(people)]
                for name in order:
                    crowd, pid = people[name]
                    ends = until(scale.cell_seconds)
                    cells[name, users].append(await crowd.measured(pid, crowd.ask, users, itertools.count(), ends))
    return "\n".join([*(_turn_table(cells, users) for users in scale.users), _slow(cloud)])


def _turn_table(cells: Cells, users: int) -> str:
    limit = [cell.cpu_ms for cell in cells[BARE, users]]
    rows = [_row(name, found, limit) for (name, at), found in cells.items() if at == users]
    return table(f"Turns, {users} at a time", HEAD, rows)


def _row(name: str, found: Sequence[Cell], limit: Sequence[float]) -> list[str]:
    waits = [latency * 1000 for cell in found for latency in cell.latencies]
    ratios = [cell.cpu_ms / base for cell, base in zip(found, limit, strict=True)]
    shown = " / ".join(f"{percentile(waits, share):.1f}" for share in (50, 95, 99))
    busy = max(cell.load_cpu / cell.wall for cell in found)
    rate, cpu = middle([cell.rate for cell in found]), middle([cell.cpu_ms for cell in found], 2)
    return [name, rate, cpu, middle(ratios, 1), shown, f"{busy:.0%}"]


async def presses(scale: Scale, folder: Path) -> str:
    """Presses of Approve on requests that wait, beside the limit; each request once. What follows goes on meanwhile."""
    cells: Cells = defaultdict(list)
    async with (
        stage(folder) as (cloud, redis),
        plain("bare_bot", cloud) as bare,
        our_bot(cloud, redis, folder) as (ours, process),
    ):
        people, limit = People(cloud, ours.port), People(cloud, bare.port)
        cloud.marker = SCORE
        await limit.warm(limit.ask)
        await people.warm(people.ask)
        starts = itertools.count(0, scale.presses)
        for _, users in itertools.product(range(scale.repetitions), scale.users):
            await quiet(cloud)
            beside = await limit.measured(bare.pid, limit.ask, users, itertools.count(), until(1.0))
            cells[BARE, users].append(beside)
            first = next(starts)
            names = await requests_in(redis, cloud.url, first, scale.presses)
            press, numbers = people.pressing(names, APPROVED), itertools.count(first)
            cells[PRESS, users].append(await people.measured(process, press, users, numbers, times(scale.presses)))
    return "\n".join(_press_table(cells, users) for users in scale.users)


async def quiet(cloud: Cloud) -> None:
    """Wait until what follows earlier presses is done: it would take time, and answers, from what comes next."""
    async with asyncio.timeout(QUIET_AT_LAST):
        before = -1
        while before != (now := cloud.counted["POST"] + cloud.counted["PUT"]):
            before = now
            await asyncio.sleep(QUIET_SECONDS)


def _press_table(cells: Cells, users: int) -> str:
    limit = [cell.cpu_ms for cell in cells[BARE, users]]
    rows = [_row(name, cells[name, users], limit) for name in (BARE, PRESS)]
    return table(f"Presses of Approve, {users} at a time", HEAD, rows)


async def growth(scale: Scale, folder: Path) -> str:
    """Memory after so many turns of one process."""
    rows = []
    async with stage(folder) as (cloud, redis), our_bot(cloud, redis, folder) as (ours, process):
        cloud.marker = SCORE
        people = People(cloud, ours.port)
        numbers = itertools.count()
        rows.append(["0", f"{resident_mib(process):.1f}"])
        done = 0
        for count in scale.memory_turns:
            await people.load(people.ask, 16, numbers, times(count - done))
            done = count
            rows.append([f"{count:,}", f"{resident_mib(process):.1f}"])
    return table("Memory of the process", ("turns", "MiB in RAM"), rows) + _slow(cloud)


def _slow(cloud: Cloud) -> str:
    """How many answers took so long that a working card came first; none on a quiet machine."""
    return f"\n{cloud.counted['working']} answers came behind a working card.\n"


async def start(scale: Scale, folder: Path) -> str:
    """Seconds from the start of the process to its first answered turn, Redis and files warm."""
    found = []
    async with stage(folder) as (cloud, redis):
        cloud.marker = SCORE
        for _ in range(scale.starts):
            began = time.perf_counter()
            served, _ = started(cloud, redis, folder)
            await _answered(People(cloud, served.port), began)
            found.append(time.perf_counter() - began)
            await served.stop(30)
    return table("Start", ("", "seconds, median (min..max)"), [["to the first answered turn", middle(found, 2)]])


async def _answered(people: People, began: float) -> None:
    """Ask until a turn is answered: at first the port is not open, then the keys are not there."""
    while True:
        try:
            await people.once()
        except (OSError, AssertionError):
            if time.perf_counter() - began > LONGEST_START:
                raise
            await asyncio.sleep(0.01)
        else:
            return
