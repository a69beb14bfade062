"""What one run of the auditor gathers on its way through the parts."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.auditreport import Alarm, Run
from bot.posts import Shownable


@dataclass
class Findings:
    """See `bot.auditreport.Run` for the counts. `seen` are records by (kind, id) as they were read on the way.

    `marks`: where the reading of many incidents goes on in the next run.
    """

    compared: dict[str, int] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    gaps: dict[str, int] = field(default_factory=dict)
    repaired: dict[str, int] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    marks: dict[str, datetime] = field(default_factory=dict)
    seen: dict[tuple[str, str], Shownable] = field(default_factory=dict)
    waits: dict[str, datetime] = field(default_factory=dict)
    unsure: int = 0
    waiting: int = 0

    def gap(self, kind: str, n: int = 1) -> None:
        """That many of a kind are missing or wrong."""
        if n > 0:
            self.gaps[kind] = self.gaps.get(kind, 0) + n

    def mended(self, kind: str, n: int = 1) -> None:
        """That many of them were put right."""
        if n > 0:
            self.repaired[kind] = self.repaired.get(kind, 0) + n

    def count(self, part: str, n: int) -> None:
        """That many of a part were compared."""
        self.compared[part] = self.compared.get(part, 0) + n

    def run(self, at: datetime) -> Run:
        """The numbers of the run."""
        return Run(
            at=at,
            compared=self.compared,
            unread=self.unread,
            later=tuple(self.later),
            gaps=self.gaps,
            repaired=self.repaired,
            alarms=len(self.alarms),
            unsure=self.unsure,
            waiting=self.waiting,
        )
