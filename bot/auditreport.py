"""What the auditor found when it compared what the services hold with what was posted and done. A leaf.

See `bot.auditor` for reading it and `handlers.auditor` for the comparison itself.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict

KEPT_RUNS = 12
KEPT_FINDINGS = 50
KEPT_ALARMS = 20
PARTS = ("incidents", "center", "actions", "requests", "records")
"""What is compared, in the order in which it is shown."""


class Alarm(BaseModel):
    """What the auditor must not mend by itself. `kind` is a key of the catalogue under `auditor.alarm.`.

    `action` is the machine action's id at the service, `request` the request that its mark names, `device` its name.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: str
    action: str = ""
    request: str = ""
    device: str = ""


class Run(BaseModel):
    """One comparison. All counts are by name.

    `compared`: how many of each part were looked at. `unread`: the parts that were not compared, and why (a
    `SourceState.trouble`, or "crashed"); of those in `later` there are so many that the rest follows in the next run.
    `gaps` were found and `repaired` of them mended, by kind ("record", "card", "behind", "overdue", "asleep", "hold",
    "action", "item", "item-card"). `alarms` were left alone. `unsure` posts may stand or not, `waiting` ones have not
    been taken by Teams for more than an hour.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: datetime
    compared: Mapping[str, int] = {}
    unread: Mapping[str, str] = {}
    later: tuple[str, ...] = ()
    gaps: Mapping[str, int] = {}
    repaired: Mapping[str, int] = {}
    alarms: int = 0
    unsure: int = 0
    waiting: int = 0

    @property
    def well(self) -> bool:
        """Everything (or, of very many, what was its turn) was compared and nothing was found."""
        return not (self.unread or self.found)

    @property
    def found(self) -> bool:
        """Whether anything was wrong, mended or not."""
        return bool(self.gaps or self.alarms or self.unsure or self.waiting)

    @property
    def settled(self) -> bool:
        """Everything was compared, and nothing is open now: what was missing was put right, no post is in doubt."""
        left = self.unread or self.later or self.alarms or self.unsure or self.waiting
        return not left and dict(self.gaps) == dict(self.repaired)


class AuditReport(BaseModel):
    """The last run, the runs before it, and of the older ones those that found something; each newest first.

    `waits` is the auditor's own memory: since when it has seen a post wait. `next` is where the reading of many
    incidents goes on.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: int = 1
    last: Run
    runs: tuple[Run, ...] = ()
    findings: tuple[Run, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    waits: Mapping[str, datetime] = {}
    next: Mapping[str, datetime] = {}

    def since(self, moment: datetime) -> tuple[dict[str, int], dict[str, int]]:
        """The gaps and the repairs of all runs after that moment, by kind, as far as they are kept."""
        runs = [run for run in self.findings if run.at > moment]
        return total(run.gaps for run in runs), total(run.repaired for run in runs)


def total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sums of several counts by name."""
    summed: dict[str, int] = {}
    for one in counts:
        for name, n in one.items():
            summed[name] = summed.get(name, 0) + n
    return summed
