"""The card of /status in its main states, and the auditor's notice; what comes from outside goes through `x`."""

from dataclasses import replace

from bot.auditreport import Alarm, AuditReport, Run
from bot.limits import Used
from bot.pulse import Beat, Pulse
from bot.sources import SOURCES, SourceState
from bot.subscriptions import Subscription
from bot.turn import Shown
from cards.notice import alarms_card
from cards.status import status_card
from cards.status_view import PlanView, Queue, StatusView
from tests.cards.samples import LOOK, NOW, TENANT, X, ago, place

COMPARED = {"incidents": 42, "actions": 7, "requests": 12, "records": 180}
KINDS = ("doubled", "unknown", "unapproved", "active", "two", "of tomorrow")


def pulse(worker: str, **more: object) -> Pulse:
    values = {"worker": worker, "version": "0.1.0", "started": ago(days=3), "at": ago(seconds=4), **more}
    return Pulse.model_validate(values)


def well() -> StatusView:
    run = Run(at=ago(minutes=2), compared=COMPARED)
    mended = Run(at=ago(hours=7), gaps={"card": 2}, repaired={"card": 2})
    return StatusView(
        version="0.1.0",
        me="bot-1-7-a1b2c3",
        started=ago(days=3),
        replicas=(pulse("bot-1-7-a1b2c3"), pulse("bot-2-7-d4e5f6", longest=2.5)),
        redis_ms=0.4,
        swept=ago(seconds=8),
        sources=[SourceState(name=name, good=ago(minutes=1), tried=ago(minutes=1)) for name in SOURCES],
        watched=True,
        polled=ago(seconds=12),
        behind=0.0,
        queue=Queue(due=1),
        last_post=ago(minutes=14),
        report=AuditReport(last=run, runs=(run,), findings=(mended,)),
        beat=Beat(configured=True, at=ago(seconds=40), tried=ago(seconds=40)),
        here=Subscription(id="c", customer=TENANT, place=place(), since=NOW, incidents="medium"),
        conversations=3,
        budgets=[Used(api="defender machines", window=60.0, used=12, most=100)],
        plan=PlanView(
            names=("Defender for Business", "Entra ID P1", "Intune"),
            lacking=("collect", "quarantine", "restrict", "unrestrict"),
            forbidden={"Machine.Offboard": ("offboard",), "Machine.LiveResponse": ("get-file", "put-file")},
        ),
        head="3f2a9c41d07be6",
        entries=1234,
        tenant=TENANT,
    )


def alarms(x: X) -> tuple[Alarm, ...]:
    return tuple(
        Alarm(
            kind=kind, action=x("5382f7ea-7557-4ab7-9782-d50480024a4e"), request="WK-ABCDEFGHJK", device=x("laptop-1")
        )
        for kind in KINDS
    )


def everything_bad(x: X) -> StatusView:
    run = Run(
        at=ago(minutes=40),
        compared={"requests": 12},
        unread={"incidents": "permission", "actions": "outage", "records": "crashed"},
        later=("incidents",),
        gaps={"card": 3, "overdue": 9, "record": 2},
        repaired={"overdue": 9, "card": 1},
        alarms=7,
        unsure=1,
        waiting=4,
    )
    troubles = ("permission", "busy", "outage", "plan")
    sources = [
        SourceState(
            name=name,
            good=None if n == 0 else ago(hours=n),
            trouble=troubles[n % 4],
            detail=x("SecurityIncident.Read.All") if n % 4 == 0 else x("Down"),
            since=ago(hours=5),
        )
        for n, name in enumerate(SOURCES)
    ]
    return replace(
        well(),
        replicas=(
            pulse("bot-1-7-a1b2c3", working=False),
            pulse("bot-2-7-d4e5f6", longest=1900.0, version="0.2.0"),
        ),
        redis_ms=840.5,
        swept=ago(minutes=9),
        sources=sources,
        polled=ago(minutes=31),
        behind=1500.0,
        queue=Queue(due=1000, overdue=411, oldest=ago(hours=2), more=True),
        report=AuditReport(last=run, runs=(run,), findings=(run,), alarms=alarms(x)),
        beat=Beat(configured=True, at=ago(hours=1), tried=ago(seconds=30), trouble=("jobs", "poll")),
        here=None,
        budgets=[Used(api="graph security", window=60.0, used=150, most=150)],
        plan=PlanView(
            names=None,
            trouble="permission",
            lacking=[x(f"response-{n}") for n in range(23)],
            refused=("run-script",),
            forbidden={x("Machine.Offboard"): ("offboard",)},
        ),
        admin=True,
    )


def just_started() -> StatusView:
    return StatusView(
        version="0.1.0",
        me="bot-1-7-a1b2c3",
        started=ago(seconds=20),
        replicas=(pulse("bot-1-7-a1b2c3", started=ago(seconds=20)),),
        redis_ms=0.3,
        swept=None,
        sources=[SourceState(name=name) for name in SOURCES],
        watched=True,
        conversations=1,
    )


def every(x: X) -> dict[str, Shown]:
    nobody = replace(just_started(), watched=False, started=ago(hours=1), conversations=0)
    refused = replace(well(), beat=Beat(configured=True, at=None, tried=NOW, trouble=("refused",)))
    half = well().report
    assert half
    partly = replace(
        well(), report=half.model_copy(update={"last": half.last.model_copy(update={"later": ("incidents",)})})
    )
    return {
        "status-partly": status_card(LOOK, partly),
        "status": status_card(LOOK, well()),
        "status-bad": status_card(LOOK, everything_bad(x)),
        "status-started": status_card(LOOK, just_started()),
        "status-nobody": status_card(LOOK, nobody),
        "status-beat-refused": status_card(LOOK, refused),
        "notice-alarms": alarms_card(LOOK, alarms(x)[:5], 7, NOW, TENANT),
        "notice-alarm": alarms_card(LOOK, (Alarm(kind="two", request="WK-ABCDEFGHJK"),), 1, NOW, TENANT),
    }
