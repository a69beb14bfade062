"""The digest in its main states, made of sample snapshots; what comes from outside goes through `x`."""

from datetime import timedelta
from typing import Any

from bot.digests import (
    ActionCenter,
    AtRisk,
    Figure,
    IncidentLine,
    Incidents,
    Isolated,
    NextStep,
    OffDevice,
    RequestLine,
    Requests,
    RiskyDevice,
    Snapshot,
    Trail,
    Upkeep,
)
from bot.sources import SOURCES, SourceState
from bot.subscriptions import Subscription
from bot.turn import Shown
from cards.digest import digest_card
from cards.subscription import digest_ended_card, subscribed_card
from handlers.digest_steps import next_steps
from tests.cards.samples import LOOK, MACHINE, NOW, TENANT, X, ago, place

HEAD = "3fa9c1d2e4b5a6978812"


def sources(**trouble: tuple[str, str]) -> tuple[SourceState, ...]:
    """All sources as read now, but for those in trouble: (trouble, detail)."""
    found = []
    for name in SOURCES:
        why, detail = trouble.get(name.replace("-", "_"), ("", ""))
        good = ago(hours=26) if why else NOW
        found.append(SourceState(name=name, good=good, tried=NOW, trouble=why, detail=detail, since=ago(hours=25)))
    return tuple(found)


def incidents(**more: Any) -> Incidents:
    """How incidents stand, read now, since yesterday."""
    return Incidents(**{"at": NOW, "since": ago(hours=24)} | more)


def quiet(**more: Any) -> Snapshot:
    """A day on which nothing happened."""
    values: dict[str, Any] = {
        "at": NOW,
        "since": ago(hours=24),
        "figures": (
            Figure(name="secure", unit="percent", now=52.9, before=52.9),
            Figure(name="devices", unit="points", now=340.0, before=340.0),
            Figure(name="exposure", unit="points", now=33.4, before=33.4),
        ),
        "incidents": incidents(open=0, open_before=0, exact=True),
        "requests": Requests(),
        "center": ActionCenter(investigations=0, items=0),
        "at_risk": AtRisk(total=0, before=0),
        "isolated": Isolated(total=0),
        "ambiguous": 0,
        "trail": Trail(head=HEAD, entries=218),
        "upkeep": Upkeep(at=ago(minutes=3), repaired=0),
        "sources": sources(),
    }
    return Snapshot(**values | more)


def bad(x: X) -> Snapshot:
    """A day on which everything happened."""
    rows = (
        IncidentLine(id="2972", title=x("Ransomware in the finance department"), severity="high", news="new"),
        IncidentLine(id="2970", title=x("Odd sign-ins"), severity="high", news="worse", assigned=True),
        IncidentLine(id="2951", title="", severity="medium", news="reopened"),
        IncidentLine(id="2950", title=x("Phishing mail opened"), severity=x("medium")),
    )
    asked = RequestLine(
        id="WK-7QX2MABCDE",
        response="isolate",
        device=x("laptop-042.contoso.com"),
        state="proposed",
        since=ago(minutes=50),
        until=NOW + timedelta(minutes=10),
    )
    stuck = asked.model_copy(update={"id": "WK-8", "state": "unknown", "since": ago(hours=3), "until": None})
    risky = tuple(
        RiskyDevice(id=MACHINE, name=x(f"laptop-{n:03}.contoso.com"), exposure="High", alerts=n, scanned=n > 1)
        for n in range(1, 6)
    )
    isolated = (
        OffDevice(id=MACHINE, name=x("laptop-017"), state="isolated", since=ago(days=3)),
        OffDevice(id=MACHINE, name=x("srv-01"), state="unknown"),
    )
    snapshot = quiet(
        figures=(
            Figure(name="secure", unit="percent", now=51.2, before=52.9),
            Figure(name="devices", unit="points", now=346.0, before=340.0),
            Figure(name="exposure", unit="points", now=41.0, before=33.4),
        ),
        incidents=Incidents(
            at=NOW,
            since=ago(hours=24),
            open=14,
            open_before=9,
            new=6,
            worse=2,
            closed=3,
            exact=True,
            whole=False,
            rows=rows,
        ),
        requests=Requests(waiting=4, stuck=1, rows=(asked,) * 3, stuck_rows=(stuck,)),
        center=ActionCenter(investigations=2, items=5, oldest=ago(days=5), until=NOW + timedelta(days=2)),
        at_risk=AtRisk(total=7, before=4, rows=risky),
        isolated=Isolated(total=5, unknown=1, rows=isolated),
        ambiguous=2,
        trail=Trail(head=HEAD, entries=218, broken=True),
        upkeep=Upkeep(at=ago(minutes=3), alarms=1, well=False),
    )
    return snapshot.model_copy(update={"steps": next_steps(snapshot)})


def lacking(x: X) -> Snapshot:
    """A permission is missing, a plan lacks something, a service is busy; the rest was read."""
    granted = sources(
        exposure_score=("permission", x("Score.Read.All")),
        device_score=("permission", x("Score.Read.All")),
        investigations=("plan", ""),
        devices=("busy", ""),
    )
    snapshot = quiet(
        figures=(Figure(name="secure", unit="points", now=412.5),),
        center=ActionCenter(investigations=None, items=1),
        at_risk=None,
        sources=granted,
        failed=("device-score", "exposure-score", "investigations", "devices"),
        upkeep=Upkeep(at=ago(minutes=3), unread=("actions", "incidents"), well=False),
    )
    return snapshot.model_copy(update={"steps": next_steps(snapshot)})


def nothing() -> Snapshot:
    """Microsoft's services did not answer at all."""
    down = sources(**{name.replace("-", "_"): ("outage", "503") for name in SOURCES})
    never = (*down[:-1], down[-1].model_copy(update={"good": None}))
    empty = {"incidents": None, "center": None, "at_risk": None, "isolated": None, "figures": ()}
    return quiet(**empty, sources=never, failed=SOURCES, trail=Trail(), upkeep=None)


def every_step(x: X) -> tuple[NextStep, ...]:
    """Steps that fit no snapshot above, one of them of a later version."""
    return (
        NextStep(key="unknown", line="request WK-8", values={"response": "isolate", "device": x("laptop-042")}),
        NextStep(key="score", line="score", values={"name": "secure"}),
        NextStep(key="of-tomorrow", line="score"),
    )


def digests(x: X) -> dict[str, Shown]:
    """The digest's cards by name."""
    first = quiet(first=True, figures=(Figure(name="exposure", unit="points", now=12.0),))
    few = Incidents(at=NOW, since=ago(hours=48), open=None, new=1, closed=1, rows=())
    steps = quiet(steps=every_step(x), incidents=few, at_risk=AtRisk(total=2), center=ActionCenter(items=3))
    subscribed = Subscription(
        id="c", customer=TENANT, place=place(), since=NOW, digest="08:00", digest_zone="Europe/Berlin"
    )
    times = tuple(NOW + timedelta(hours=18, days=n) for n in range(3))
    return {
        "digest-quiet": digest_card(LOOK, quiet(), TENANT),
        "digest-bad": digest_card(LOOK, bad(x), TENANT),
        "digest-late": digest_card(LOOK, quiet(since=ago(days=4)), TENANT, due=ago(days=3)),
        "digest-permission": digest_card(LOOK, lacking(x), TENANT),
        "digest-nothing-read": digest_card(LOOK, nothing(), TENANT),
        "digest-first": digest_card(LOOK, first, TENANT),
        "digest-steps": digest_card(LOOK, steps, TENANT),
        "digest-ended": digest_ended_card(LOOK),
        "subscribed-digest": subscribed_card(LOOK, subscribed, times),
    }
