"""How much is measured: the whole of it, or a small version that shows that everything works."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scale:
    """`users` at a time, each cell `cell_seconds` long and repeated; the other fields say it by their names."""

    users: tuple[int, ...] = (1, 16, 64)
    cell_seconds: float = 4.0
    repetitions: int = 4
    presses: int = 200
    memory_turns: tuple[int, ...] = (1_000, 10_000, 50_000)
    starts: int = 5
    customers: tuple[int, ...] = (10, 100, 1_000)
    poll_seconds: int = 30
    rounds: int = 2
    latencies: tuple[tuple[int, int], ...] = ((30, 120), (5, 60))
    """Poll in seconds, and for how many seconds incidents are made."""


FULL = Scale()
QUICK = Scale(
    users=(1, 16),
    cell_seconds=1.0,
    repetitions=1,
    presses=60,
    memory_turns=(300, 900),
    starts=1,
    customers=(10, 30),
    poll_seconds=3,
    rounds=1,
    latencies=((2, 6),),
)
