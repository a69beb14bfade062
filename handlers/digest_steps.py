"""What to do next, chosen by rules: the first three that apply, of as many kinds as there are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from bot.digests import NextStep, Snapshot
from bot.incidents import rank

MOST = 3
ISOLATED_LONG = timedelta(hours=24)
GRAVE = rank("high")

Find = Callable[[Snapshot], Iterator[NextStep]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What to look for; its texts stand in the catalogue under `digest.next.<key>` and `digest.do.<key>`."""

    key: str
    find: Find


def _waits(digest: Snapshot) -> Iterator[NextStep]:
    """A request more than half of whose time to be decided is over."""
    for row in digest.requests.rows if digest.requests else ():
        if row.until and digest.at - row.since >= (row.until - row.since) / 2:
            values = {"response": row.response, "device": row.device}
            key = "runs" if row.runs else "request"
            yield NextStep(key=key, line=f"request {row.id}", values=values, times={"until": row.until})


def _unknown(digest: Snapshot) -> Iterator[NextStep]:
    """A request of which nobody knows whether Defender accepted it."""
    for row in digest.requests.stuck_rows if digest.requests else ():
        if row.state == "unknown":
            values = {"response": row.response, "device": row.device}
            yield NextStep(key="unknown", line=f"request {row.id}", values=values)


def _nobodys(digest: Snapshot) -> Iterator[NextStep]:
    """An open incident of high severity that is assigned to nobody."""
    for row in digest.incidents.rows if digest.incidents else ():
        if rank(row.severity) >= GRAVE and not row.assigned:
            yield NextStep(key="incident", line=f"incident {row.id}", values={"id": row.id, "title": row.title})


def _isolated_long(digest: Snapshot) -> Iterator[NextStep]:
    """A device that has been isolated for more than a day."""
    for row in digest.isolated.rows if digest.isolated else ():
        if row.state == "isolated" and row.since and digest.at - row.since > ISOLATED_LONG:
            times = {"since": row.since}
            yield NextStep(key="isolated", line=f"device {row.id}", values={"device": row.name}, times=times)


def _permission(digest: Snapshot) -> Iterator[NextStep]:
    """A permission that is not granted."""
    for name in dict.fromkeys(one.detail for one in digest.sources if one.trouble == "permission"):
        yield NextStep(key="permission", values={"permission": name})


def _unscanned(digest: Snapshot) -> Iterator[NextStep]:
    """A device at high risk on which no scan was started in the last seven days."""
    for row in digest.at_risk.rows if digest.at_risk else ():
        if row.scanned is False:
            yield NextStep(key="scan", line=f"scan {row.id}", values={"device": row.name})


def _action_center(digest: Snapshot) -> Iterator[NextStep]:
    """Something that waits for approval in the Action center."""
    center = digest.center
    if center and (center.investigations or center.items):
        yield NextStep(key="center", line="actions pending")


def _score(digest: Snapshot) -> Iterator[NextStep]:
    """A score that grew worse."""
    for figure in digest.figures:
        if figure.worse:
            yield NextStep(key="score", line="score", values={"name": figure.name})
            return


RULES = (
    Rule(key="request", find=_waits),
    Rule(key="unknown", find=_unknown),
    Rule(key="incident", find=_nobodys),
    Rule(key="isolated", find=_isolated_long),
    Rule(key="permission", find=_permission),
    Rule(key="scan", find=_unscanned),
    Rule(key="center", find=_action_center),
    Rule(key="score", find=_score),
)
"""In the order of their urgency."""


def next_steps(digest: Snapshot) -> tuple[NextStep, ...]:
    """What to do next: the first of each rule in the order of the rules, then the second of each."""
    found = [list(islice(rule.find(digest), MOST)) for rule in RULES]
    return tuple(one[n] for n in range(MOST) for one in found if len(one) > n)[:MOST]
