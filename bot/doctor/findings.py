"""What doctor found: one line for each thing that it looked at. A leaf."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

Outcome = Literal["ok", "warning", "problem", "unknown"]
OUTCOMES: tuple[Outcome, ...] = ("problem", "warning", "unknown", "ok")
"""The gravest first."""
SECTIONS = (
    *("settings", "identity", "services", "redis", "software"),
    *("permissions", "reads", "plan", "library", "subscriptions"),
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line. `id` and the names in `facts` are for scripts and stay as they are; the id begins with the section.

    `says` is what was found, `means` what follows from it, `do` what to do next. `customer` is a tenant's id, empty
    for what concerns all of them.
    """

    id: str
    outcome: Outcome
    says: str
    means: str = ""
    do: str = ""
    customer: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def section(self) -> str:
        """One of `SECTIONS`."""
        return self.id.partition(".")[0]


def ok(key: str, says: str, **more: Any) -> Finding:
    """Nothing to do."""
    return Finding(id=key, outcome="ok", says=says, **more)


def warning(key: str, says: str, **more: Any) -> Finding:
    """It works, but somebody should look at it."""
    return Finding(id=key, outcome="warning", says=says, **more)


def problem(key: str, says: str, **more: Any) -> Finding:
    """Something does not work."""
    return Finding(id=key, outcome="problem", says=says, **more)


def unknown(key: str, says: str, **more: Any) -> Finding:
    """It could not be found out."""
    return Finding(id=key, outcome="unknown", says=says, **more)


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that was found, at `at` (UTC)."""

    at: datetime
    findings: Sequence[Finding]

    def count(self, outcome: Outcome) -> int:
        """How many lines came out so."""
        return sum(finding.outcome == outcome for finding in self.findings)

    def exit_code(self, *, strict: bool = False) -> int:
        """1 where there is a problem; `strict` takes a warning for one. What is not known is none."""
        return int(self.count("problem") > 0 or (strict and self.count("warning") > 0))

    def as_json(self) -> dict[str, Any]:
        """For machines. `v` changes when a name here changes."""
        return {
            "v": 1,
            "at": self.at.isoformat(),
            "counts": {outcome: self.count(outcome) for outcome in OUTCOMES},
            "findings": [{"section": finding.section, **asdict(finding)} for finding in self.findings],
        }


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """By customer (what concerns all comes first) and section, otherwise as they were found."""
    return sorted(findings, key=lambda finding: (finding.customer, SECTIONS.index(finding.section)))
