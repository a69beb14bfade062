"""Whether the bot lives, as it is kept for all replicas: what each process says of itself, and the last heart beat.

A leaf for cards. Reading and writing it is the work of `bot.heart` and `bot.heartbeat`.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Pulse(BaseModel):
    """One process: `worker` names it, `at` is when it last said so.

    `working`: it takes jobs. `longest` is for how many seconds the job that has run longest is running.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    worker: str
    version: str
    started: datetime
    at: datetime
    working: bool = True
    longest: float = 0.0


class Beat(BaseModel):
    """The heart beat outside. `at` is the last one that was taken, `tried` the last turn of all.

    `trouble` says why the last turn sent none, or that it was not taken: names of `TROUBLES`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    configured: bool = False
    at: datetime | None = None
    tried: datetime | None = None
    trouble: tuple[str, ...] = ()


TROUBLES = ("store", "sweep", "poll", "jobs", "refused")
"""Why no heart beat was sent: Redis, no sweep, a customer not polled, a worker stuck; or the other side refused it."""
