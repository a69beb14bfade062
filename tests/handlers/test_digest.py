"""What a digest says: what changed since the last one, what is unknown, and what to do next."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from bot.ambiguity import note_repeat
from bot.auditor import keep_report
from bot.auditreport import AuditReport, Run
from bot.defender.models import Investigation, Machine, MachineAction
from bot.digests import KIND, SCHEDULE, Snapshot
from bot.errors import MissingPermission, NotInPlan, ServiceError, Throttled, Unavailable
from bot.graph.models import GraphAlert
from bot.records import write
from bot.responses import requests
from bot.responses.models import Request, State
from bot.turn import Look
from cards.digest import digest_card
from handlers.digest import gather, step
from handlers.digest_steps import RULES, next_steps
from tests.cards import digests, policies, samples, walk
from tests.handlers.mornings import TENANT, Mornings, utc
from tests.responses.fake_teams import Mishap
from tests.responses.processes import Process

OTHER = "00000000-0000-0000-0000-000000000002"
DEVICE = samples.MACHINE


@pytest.fixture
async def stage() -> Mornings:
    """A channel that had its first digest on Monday at eight, and it is noon."""
    stage = Mornings("2026-11-22 12:00")
    stage.company.incident_now(1, severity="low")
    stage.company.incident_now(2, severity="high", assignedTo="anna@contoso.com")
    await stage.subscribe("digest at 08:00 Europe/Berlin")
    await stage.until("2026-11-23 11:00")
    return stage


async def tomorrow(stage: Mornings) -> Snapshot:
    """What Tuesday's digest says."""
    await stage.until("2026-11-24 08:00")
    snapshot = (await stage.digests())[-1].snapshot
    assert snapshot
    assert snapshot.at == utc("2026-11-24 07:00")
    return snapshot


async def test_a_quiet_day_has_its_digest_too(stage):
    """Where nothing happened the digest comes and says so, with the coverage and the audit head."""
    await tomorrow(stage)
    card = stage.cards()[-1]
    assert "Nothing new." in card
    assert "Everything was read for this: incidents, alerts, devices, machine actions" in card
    head = await stage.store.head(TENANT)
    assert f"Audit trail: the last entry, number 1, is {head[:12]}." in card


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (None, "have not been compared yet"),
        ({}, "have not been compared yet"),
        ({"compared": {"incidents": 2}}, "every incident and request had its card"),
        ({"compared": {"incidents": 2}, "waiting": 1}, "not every card is certain yet"),
        ({"compared": {"incidents": 2}, "later": ("incidents",)}, "not every card is certain yet"),
        ({"unread": {"incidents": "outage"}}, "Not compared with the services"),
        ({"compared": {"incidents": 2}, "alarms": 1}, "found 1 thing that a person must look at"),
    ],
)
async def test_what_the_comparison_found_is_said_as_it_is(stage, last, said):
    """That every card is there is said only where all was compared and nothing is left open."""
    services = stage.services()
    if last is not None:
        run = Run(at=stage.clock.now(), **last)
        await keep_report(services, TENANT, AuditReport(last=run), None)
    snapshot = await gather(services, TENANT, None, 5.0)
    card = json.dumps(digest_card(Look(now=stage.clock.now()), snapshot, TENANT).card)
    assert said in card
    assert ("every incident and request had its card" in card) == (said.startswith("every"))


async def test_incidents_since_the_last_digest(stage):
    """New, graver, reopened and closed ones are counted once each; a remark on one that was over counts for nothing."""
    company = stage.company
    company.incident_now(3, status="resolved")
    company.incident_now(4)
    await stage.until("2026-11-24 06:00")
    first = await tomorrow(stage)
    assert first.incidents
    assert (first.incidents.new, first.incidents.closed) == (2, 1)
    company.incident_now(3, status="active")
    company.incident_now(1, severity="medium")
    company.incident_now(2, status="resolved")
    company.incident_now(4, status="redirected", redirectIncidentId="1")
    company.incident_now(5, severity="high")
    company.incident_now(7, status="redirected", redirectIncidentId="5")
    stage.clock.move(60)
    company.incident_now(6, status="resolved")
    await stage.until("2026-11-25 06:00")
    company.incident_now(6, customTags=["a remark"])
    await stage.until("2026-11-25 08:00")
    found = (await stage.digests())[-1].snapshot.incidents
    assert (found.open, found.open_before) == (3, 3)
    assert (found.new, found.worse, found.closed) == (2, 2, 2)
    assert [(row.id, row.news) for row in found.rows] == [("5", "new"), ("1", "worse"), ("3", "reopened")]
    assert "closed: **2**" in stage.cards()[-1]
    company.incident_now(6, customTags=["another remark"])
    await stage.until("2026-11-26 08:00")
    assert (await stage.digests())[-1].snapshot.incidents.closed == 0


async def test_what_becomes_readable_late_is_new_once(stage):
    """An incident that was created before a digest and could be read only after it is new in the next one, and once."""
    stage.clock.move(60)
    stage.company.incident_now(8, createdDateTime="2026-11-23T06:40:00Z")
    late = stage.company.incidents_["8"].model_copy(update={"last_update_date_time": utc("2026-11-23 06:45")})
    stage.company.incidents_["8"] = late
    await stage.until("2026-11-24 06:30")
    stage.company.incident_now(7)
    stage.clock.move(60)
    stage.company.incident_now(7, status="resolved")
    first = await tomorrow(stage)
    assert first.incidents
    assert (first.incidents.new, first.incidents.closed) == (2, 1)
    await stage.until("2026-11-24 08:30")
    stage.company.incident_now(9, createdDateTime="2026-11-25T06:59:00Z")
    await stage.until("2026-11-25 08:00")
    assert (await stage.digests())[-1].snapshot.incidents.new == 1
    await stage.until("2026-11-26 08:00")
    assert (await stage.digests())[-1].snapshot.incidents.new == 0


async def test_what_came_while_incidents_could_not_be_read_is_told_later(stage):
    """Where one digest could not read incidents, the next goes back to the last that could, and says so."""
    stage.company.incident_now(8)
    stage.company.incident_now(1, status="resolved")
    stage.company.down["incidents"] = TROUBLES["outage"]
    assert (await tomorrow(stage)).incidents is None
    stage.company.down.clear()
    await stage.until("2026-11-25 08:00")
    said = (await stage.digests())[-1].snapshot.incidents
    assert (said.new, said.closed, said.open_before, said.exact) == (1, 1, 2, True)
    assert "Since 23 Nov 08:00 CET: they could not be read for the digest before." in stage.cards()[-1]


async def test_filled_twice_at_once_the_first_stays(stage):
    """A replica that was held up while it filled the digest does not change what another has filled and shown."""
    stage.leap("2026-11-24 07:00")
    await stage.work(TENANT, SCHEDULE, "19:soc")
    key = "19:soc:2026-11-24"
    process = Process("slow")
    process.arm(3, "hold before")
    slow = asyncio.create_task(step(stage.services(process), TENANT, key))
    await asyncio.sleep(0.05)
    assert process.upset
    await stage.until("2026-11-24 07:01")
    shown = stage.cards()[-1]
    stage.company.incident_now(99)
    process.let_go()
    await slow
    digest = (await stage.digests())[-1]
    assert (digest.content, stage.cards()[-1]) == (1, shown)
    assert digest.snapshot
    assert "99" not in digest.snapshot.incidents.standing


async def test_scores_are_compared_with_those_of_the_last_digest(stage):
    """Each score stands with its change since the last digest and whether that is good."""
    stage.company.secure, stage.company.exposure = 412.0, 35.5
    said = await tomorrow(stage)
    assert {figure.name: figure.change for figure in said.figures} == {"secure": 1.5, "devices": 0.0, "exposure": 5.5}
    card = stage.cards()[-1]
    for text in ("51.5 % (+1.5), better", "340, unchanged", "**35.5 of 100 (+5.5), worse**"):
        assert text in card


CALLS = {
    "incidents": "incidents",
    "incidents_changed_since": "incidents",
    "alerts": "alerts",
    "machines": "devices",
    "machine_actions": "machine-actions",
    "investigations": "investigations",
    "secure_scores": "secure-score",
    "configuration_score": "device-score",
    "exposure_score": "exposure-score",
}
TROUBLES = {
    "permission": MissingPermission("graph", "x", permission="Odd.Read.All", status=403),
    "plan": NotInPlan("defender", "x", status=403),
    "busy": Throttled("defender", "x", status=429),
    "outage": Unavailable("defender", "x", status=503),
}


@pytest.mark.parametrize(("call", "source"), CALLS.items())
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_what_is_not_read_is_said_with_the_reason_and_the_last_good_read(stage, call, source, trouble):
    """One source in trouble costs its own figures alone; why, and when it was read last, stands on the card."""
    stage.company.down[call] = TROUBLES[trouble]
    said = await tomorrow(stage)
    state = next(one for one in said.sources if one.name == source)
    assert (state.trouble, state.good) == (trouble, utc("2026-11-23 07:00"))
    others = [one for one in said.sources if one.name != source]
    assert all(one.trouble == "" and one.good == utc("2026-11-24 07:00") for one in others)
    card = stage.cards()[-1]
    assert "last read 23 Nov 08:00 CET" in card
    assert "Nothing new." not in card
    assert ("Odd.Read.All** An administrator" in card.replace(".All**. An", ".All** An")) == (trouble == "permission")


async def test_nothing_that_was_not_read_is_a_number(stage):
    """While nothing answers, no figure at all stands on the card, and it does not say that nothing happened."""
    stage.company.down["everything"] = TROUBLES["outage"]
    said = await tomorrow(stage)
    assert said.unread
    assert (said.incidents, said.center, said.at_risk, said.isolated, said.figures) == (None, None, None, None, ())
    card = stage.cards()[-1]
    for text in ("Nothing could be read of Microsoft's services", "At high risk: could not be read"):
        assert text in card
    for wrong in ("**0**", "Nothing new.", "Nothing presses.", "unchanged"):
        assert wrong not in card


async def test_a_digest_after_one_that_could_not_read(stage):
    """What the last digest did not know is no change: figures stand without one, and nothing is reported twice."""
    stage.company.down["everything"] = TROUBLES["outage"]
    await tomorrow(stage)
    stage.company.down.clear()
    await stage.until("2026-11-25 08:00")
    said = (await stage.digests())[-1].snapshot
    assert [figure.change for figure in said.figures] == [None, None, None]
    assert (said.incidents.open, said.incidents.open_before, said.incidents.new) == (2, 2, 0)
    assert 'At high risk: **0**"' in stage.cards()[-1]


@pytest.mark.parametrize("call", CALLS)
async def test_a_source_that_hangs_does_not_lose_the_digest(stage, call):
    """A source that never answers is given up after its time; everything else is there."""

    async def hang(*_: Any, **__: Any) -> None:
        await asyncio.sleep(3600)

    setattr(stage.company, call, hang)
    stage.clock.move(120)
    async with asyncio.timeout(5):
        said = await gather(stage.services(), TENANT, None, 0.05)
    assert CALLS[call] in said.failed
    assert len([one for one in said.sources if one.trouble == "outage"]) == 1


@pytest.mark.parametrize("call", ["alerts", "machines", "exposure_score"])
async def test_an_answer_that_nobody_foresaw_does_not_lose_the_digest(stage, call):
    """A fault of our own in one part leaves that part unknown and the digest goes out, once."""
    stage.company.down[call] = ValueError("odd")
    await tomorrow(stage)
    assert len(stage.cards()) == 2
    assert "Nothing new." not in stage.cards()[-1]


async def test_requests_that_wait_and_that_are_stuck(stage):
    """Requests stand with their age, the oldest first; what is unknown, or has waited for its device, is stuck."""
    at = utc("2026-11-24 07:00")
    made = {
        "young": {"created": at - timedelta(minutes=5), "expires": at + timedelta(minutes=55)},
        "old": {"created": at - timedelta(minutes=50), "expires": at + timedelta(minutes=10)},
        "unknown": {"state": State.UNKNOWN, "unknown_since": at - timedelta(minutes=10)},
        "pending": {"state": State.SENT, "sent_at": at - timedelta(hours=5)},
        "fresh": {"state": State.SENT, "sent_at": at - timedelta(minutes=5)},
        "over": {"state": State.SUCCEEDED},
    }
    for key, changes in made.items():
        await keep(stage, samples.request(str, id=f"WK-{key}", customer=TENANT, posts=(), next_check=None, **changes))
    stage.leap("2026-11-24 07:00")
    said = await gather(stage.services(), TENANT, None, 5.0)
    assert said.requests
    assert [row.id for row in said.requests.rows] == ["WK-old", "WK-young"]
    assert [row.id for row in said.requests.stuck_rows] == ["WK-pending", "WK-unknown"]
    assert not any(row.runs for row in said.requests.rows)
    assert [(step.key, step.line) for step in said.steps[:2]] == [
        ("request", "request WK-old"),
        ("unknown", "request WK-unknown"),
    ]


async def test_a_request_that_runs_by_itself_stands_with_that_time(stage):
    """The digest counts to when it runs, not to when it would expire."""
    at = utc("2026-11-24 07:00")
    terms = policies.terms(runs_at=at + timedelta(minutes=30), veto_minutes=1500)
    changes = {"expires": at + timedelta(days=3), "terms": terms, "posts": (), "next_check": None}
    await keep(stage, samples.request(str, id="WK-VETO234567", customer=TENANT, **changes))
    stage.leap("2026-11-24 07:00")
    said = await gather(stage.services(), TENANT, None, 5.0)
    assert said.requests
    assert [(row.until, row.runs) for row in said.requests.rows] == [(at + timedelta(minutes=30), True)]


async def keep(stage: Mornings, request: Request) -> None:
    await stage.services().ledger.commit(TENANT, [write(requests.KIND, request, stage.clock.now())])


async def test_devices_and_the_action_center(stage):
    """High-risk devices come with exposure, alerts and whether a scan was started; isolated ones with their age."""
    company, at = stage.company, utc("2026-11-24 07:00")
    for n, exposure in enumerate(["Low", "High", "Medium"]):
        company.machines_.append(
            Machine(id=str(n) * 40, computer_dns_name=f"pc-{n}", risk_score="High", exposure_level=exposure)
        )
    device = {"@odata.type": "#microsoft.graph.security.deviceEvidence", "mdeDeviceId": "1" * 40}
    file = {"@odata.type": "#microsoft.graph.security.fileEvidence", "remediationStatus": "pendingApproval"}
    other = file | {"fileDetails": {"fileName": "b.exe"}}
    made = (at - timedelta(days=2)).isoformat()
    alert = {"id": "a", "createdDateTime": made, "evidence": [device, file, file, other]}
    company.alerts_.append(GraphAlert.model_validate(alert))
    company.waiting.append(Investigation(id="7", state="PendingApproval", start_time=at - timedelta(days=1)))
    company.actions += [
        act("RunAntiVirusScan", "1" * 40, at - timedelta(days=6)),
        act("RunAntiVirusScan", "2" * 40, at - timedelta(days=8)),
        act("RunAntiVirusScan", "0" * 40, at - timedelta(days=1), status="Failed"),
        act("Isolate", "8" * 40, at - timedelta(days=3)),
        act("Isolate", "9" * 40, at - timedelta(hours=3)),
        act("Isolate", "7" * 40, at - timedelta(days=9)),
        act("Unisolate", "7" * 40, at - timedelta(days=5)),
        act("Isolate", "6" * 40, at - timedelta(days=1), status="TimeOut"),
    ]
    said = await tomorrow(stage)
    assert said.at_risk
    assert [(row.name, row.alerts, row.scanned) for row in said.at_risk.rows] == [
        ("pc-1", 1, True),
        ("pc-2", 0, False),
        ("pc-0", 0, False),
    ]
    assert said.isolated
    assert (said.isolated.total, said.isolated.unknown) == (2, 1)
    assert [row.name for row in said.isolated.rows] == ["dev-8", "dev-9", "dev-6"]
    assert said.center
    assert (said.center.investigations, said.center.items) == (1, 2)
    assert (said.center.oldest, said.center.until) == (at - timedelta(days=2), at + timedelta(days=5))
    assert [(s.key, s.line[:10]) for s in said.steps] == [
        ("isolated", "device 888"),
        ("scan", "scan 22222"),
        ("center", "actions pe"),
    ]
    assert "At high risk: **3** (3 more)" in stage.cards()[-1]


def act(kind: str, machine: str, at: Any, status: str = "Succeeded") -> MachineAction:
    return MachineAction(
        id=f"{kind}-{machine}-{at}",
        type=kind,
        status=status,
        machine_id=machine,
        computer_dns_name=f"dev-{machine[0]}",
        creation_date_time_utc=at,
        last_update_date_time_utc=at,
    )


async def test_so_many_alerts_that_counts_would_be_wrong(stage):
    """Where the list of alerts is cut, what would be counted of it is unknown."""
    stage.company.machines_.append(Machine(id=DEVICE, computer_dns_name="pc", risk_score="High"))
    stage.company.alerts_ = [GraphAlert(id=str(n)) for n in range(1000)]
    said = await tomorrow(stage)
    assert said.center
    assert said.center.items is None
    assert said.at_risk
    assert said.at_risk.rows[0].alerts is None


async def test_cards_that_may_stand_twice_are_counted_since_the_last_digest(stage):
    """A card that was posted again without an answer is counted in the next digest and in no later one."""
    stage.leap("2026-11-24 06:00")
    for _ in range(2):
        await note_repeat(stage.services(), TENANT)
    stage.teams.mishaps["post"].append(Mishap(Unavailable("teams", "post", sent=True), acted=True))
    await tomorrow(stage)
    assert len(stage.cards()) == 3
    assert "2 cards were posted again because Teams gave no answer" in stage.cards()[-1]
    await stage.until("2026-11-25 08:00")
    assert "1 card was posted again because Teams gave no answer" in stage.cards()[-1]
    await stage.until("2026-11-26 08:00")
    assert "may stand twice" not in stage.cards()[-1]


async def test_the_first_digest_covers_a_day_and_says_so():
    """Without a digest before, the last 24 hours are covered; closed ones are then those that changed and are over."""
    stage = Mornings("2026-11-22 12:00")
    stage.company.incident_now(1)
    stage.company.incident_now(2, createdDateTime="2026-11-01T00:00:00Z", status="resolved")
    await stage.subscribe("digest at 08:00 Europe/Berlin")
    await stage.until("2026-11-23 08:00")
    (card,) = stage.cards()
    assert "The last 24 hours, to 23 Nov 08:00 CET" in card
    assert "new: **1**, changed and closed: **1**" in card
    assert "unchanged" not in card


async def test_two_customers_never_mix():
    """Two customers at the same time: what is read, counted and shown of one is nowhere at the other."""
    stage = Mornings("2026-11-22 12:00")
    places = {TENANT: ("19:zebra", "ZEBRA"), OTHER: ("19:okapi", "OKAPI")}
    for customer, (place, mark) in places.items():
        company = stage.of(customer)
        company.machines_.append(Machine(id=DEVICE, computer_dns_name=f"{mark}-pc", risk_score="High"))
        company.actions.append(
            act("Isolate", "8" * 40, utc("2026-11-20 12:00")).model_copy(update={"computer_dns_name": mark})
        )
        company.incident_now(1, displayName=f"{mark} incident", severity="high")
        await stage.subscribe("digest at 08:00 Europe/Berlin", place, customer=customer)
    for day in (23, 24):
        for customer in places:
            stage.leap(f"2026-11-{day} 07:00")
            await stage.until(f"2026-11-{day} 07:00", customer)
            await stage.until(stage.clock.now() + timedelta(minutes=1), customer)
    for place, mark, other in (("19:zebra", "ZEBRA", "OKAPI"), ("19:okapi", "OKAPI", "ZEBRA")):
        cards = stage.cards(place)
        assert len(cards) == 2
        assert all(mark in card and other not in card for card in cards)
    assert [d.conversation for d in await stage.digests(OTHER)] == ["19:okapi"] * 2


def test_each_rule_finds_what_it_is_for():
    """Each rule has a snapshot in the gallery, or here, on which it fires, and none fires on a quiet day."""
    quiet = digests.quiet()
    assert [list(rule.find(quiet)) for rule in RULES] == [[]] * len(RULES)
    assert next_steps(quiet) == ()
    found = {
        step.key
        for snapshot in (digests.bad(str), digests.lacking(str))
        for rule in RULES
        for step in rule.find(snapshot)
    }
    assert found == {rule.key for rule in RULES}


def test_what_runs_by_itself_is_not_said_to_end():
    """Neither the step nor the row speaks of an end of a request that then runs."""
    asked = digests.bad(str).requests
    assert asked
    row = asked.rows[0].model_copy(update={"runs": True})
    snapshot = digests.quiet(requests=asked.model_copy(update={"rows": (row,), "stuck_rows": ()}))
    snapshot = snapshot.model_copy(update={"steps": next_steps(snapshot)})
    said = walk.text_of(digest_card(samples.LOOK, snapshot, TENANT).card)
    assert said.count("runs by itself") == 2
    assert "ends in" not in said.casefold()


def test_three_things_of_as_many_kinds_as_there_are():
    """The first of each kind comes before the second of any, in the order of urgency; three at most."""
    bad = digests.bad(str)
    assert [step.key for step in bad.steps] == ["request", "unknown", "incident"]
    assert bad.incidents
    rows = tuple(row.model_copy(update={"severity": "high", "assigned": False}) for row in bad.incidents.rows)
    only = digests.quiet(incidents=bad.incidents.model_copy(update={"rows": rows}))
    assert [step.line for step in next_steps(only)] == ["incident 2972", "incident 2970", "incident 2951"]


async def test_nothing_of_a_digest_is_lost_when_it_is_stored(stage):
    """What is kept of a digest is what was read."""
    said = await tomorrow(stage)
    record = await stage.store.get(TENANT, KIND, (await stage.digests())[-1].id)
    assert record
    assert Snapshot.model_validate(record.data["snapshot"]) == said


def test_errors_are_of_the_kind_that_is_meant():
    """The troubles of these tests are what the clients raise."""
    assert all(isinstance(error, ServiceError) for error in TROUBLES.values())
