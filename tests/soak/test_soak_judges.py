"""The soak's judge on small worlds made by hand: each breach is seen, and none is where there is none."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

import httpx
import pytest

from bot.clock import ManualClock
from bot.simulator.core import CLIENT_ID
from bot.simulator.faults import Fault
from bot.simulator.incidents import Incident
from bot.simulator.tokens import DEFENDER, GRAPH, Caller
from tests.fast_clock import FastClock
from tests.soak.cards_read import read, taken
from tests.soak.evidence import Doubt
from tests.soak.plan import Plan
from tests.soak.small_world import ASKER, DECIDER, ID, NOW, READER, TENANT, World, activity
from tests.soak.test_soak_center import CENTER_BREACHES
from tests.soak.test_soak_families import FAMILY_BREACHES, USER
from tests.soak.trouble import Chance, Tally
from tests.soak.truth import Witnessed
from tests.soak.verdict import RULES
from tests.soak.world import REQUESTS, furnish


def test_where_all_is_well_nothing_is_found():
    """A request and an incident that went right break no rule."""
    assert World().findings() == {}


def doubled(world: World) -> None:
    world.submit(f"[{ID}/1] soak-0001")


def beside_another(world: World) -> None:
    world.sim.dispatcher.repeat = "duplicate"
    world.customer.set_online(world.device, NOW, online=False)
    world.submit("by hand", "patti")
    world.clock.move(300)
    world.record["decisions"].append({**world.record["decisions"][0], "what": "sent again"})
    world.submit(f"[{ID}/2] soak-0001")


def two_at_once(world: World) -> None:
    world.sim.dispatcher.repeat = "duplicate"
    world.submit("[WK-SECOND2345/1] soak-0002")
    world.submit("[WK-THIRD23456/1] soak-0003")


def without_record(world: World) -> None:
    world.show(activity("Isolate x", "**Withdrawn. Nothing was sent.**", {"Request": "WK-LOST234567"}), ASKER.chat)


def without_card(world: World) -> None:
    world.record["origin"] = READER.chat


def stays_unexplained(world: World) -> None:
    world.edit(world.card, world.result("**Unknown whether Defender accepted it.**", ("giveup",)))


def unread_incident(world: World) -> None:
    world.customer.incidents["78"] = Incident(id="78", title="T", severity="low", created=NOW, updated=NOW)


def cardless_incident(world: World) -> None:
    unread_incident(world)
    world.evidence.incidents[TENANT]["78"] = {"id": "78", "posts": []}


def released_meanwhile(world: World) -> None:
    world.device.isolated = False


def still_open(world: World) -> None:
    world.record["state"] = "sent"


def works_for_ever(world: World) -> None:
    world.show(activity("Working on it", "devices", {}), ASKER.chat)


def decided_by_a_reader(world: World) -> None:
    world.record["decisions"][0]["who"] = {"id": READER.id, "tenant": TENANT, "name": READER.name}
    world.evidence.presses.clear()


def decided_by_the_asker(world: World) -> None:
    world.record["requester"]["id"] = DECIDER.id


def never_pressed(world: World) -> None:
    world.evidence.presses.clear()


def forgotten_decision(world: World) -> None:
    world.record["decisions"] = [{**world.record["decisions"][0], "what": "rejected"}]


def not_in_the_trail(world: World) -> None:
    world.audit("proposed")


def second_card(world: World) -> None:
    world.show(world.result(), REQUESTS[TENANT])


def untrue_end(world: World) -> None:
    world.customer.actions[world.action].status = "Failed"


def sent_all_the_same(world: World) -> None:
    world.edit(world.card, world.result("**Withdrawn. Nothing was sent.**"))


def old_severity(world: World) -> None:
    world.incident.severity = "low"


def old_alerts(world: World) -> None:
    world.edit(world.incident_card, world.incident_shown(alerts="3"))


def changed_entry(world: World) -> None:
    rows, head = world.evidence.audits[TENANT]
    world.evidence.audits[TENANT] = ([(rows[0][0] + " ", rows[0][1])], head)


def cut_off(world: World) -> None:
    world.evidence.audits[TENANT] = ([], world.evidence.audits[TENANT][1])


BREACHES: list[tuple[str, Callable[[World], None]]] = [
    ("doubled actions", doubled),
    ("doubled actions", beside_another),
    ("doubled actions", two_at_once),
    ("lost requests", without_record),
    ("lost requests", without_card),
    ("lost requests", stays_unexplained),
    ("lost incidents", unread_incident),
    ("lost incidents", cardless_incident),
    ("out of order", released_meanwhile),
    ("not final", still_open),
    ("not final", works_for_ever),
    ("unauthorised acts", decided_by_a_reader),
    ("unauthorised acts", decided_by_the_asker),
    ("unauthorised acts", never_pressed),
    ("acknowledged decisions lost", forgotten_decision),
    ("acknowledged decisions lost", not_in_the_trail),
    ("cards too many, unexplained", second_card),
    ("cards that say something else", untrue_end),
    ("cards that say something else", sent_all_the_same),
    ("cards that say something else", old_severity),
    ("cards that say something else", old_alerts),
    ("audit chain broken", changed_entry),
    ("audit chain broken", cut_off),
]


@pytest.mark.parametrize(("rule", "breach"), BREACHES, ids=[breach.__name__ for _, breach in BREACHES])
def test_a_breach_is_found(rule: str, breach: Callable[[World], None]):
    """Each thing that must not be is found under its name."""
    world = World()
    breach(world)
    assert rule in world.findings()


async def test_the_book_names_what_was_taken():
    """A call that changed something is kept with its path and body, also where its answer was lost; none that read."""
    sim = Witnessed(ManualClock(NOW), seed=1, size="empty")
    furnish(sim)
    book = sim.keep_book()
    sim.faults.add("graph.users.update", Fault(kind="error", status=500, acted=True))
    roles = frozenset(sim.first.roles[GRAPH])
    token = sim.tokens.issue(Caller(app=CLIENT_ID, tenant=TENANT, audience=GRAPH, roles=roles))
    async with sim.running(), httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http:
        assert (await http.get(f"{sim.url}/v1.0/users/{USER}")).status_code == 200
        answer = await http.patch(f"{sim.url}/v1.0/users/{USER}", json={"accountEnabled": False})
    assert answer.status_code == 500
    assert [(one.operation, one.tenant) for one in book.taken] == [("graph.users.update", TENANT)]
    assert USER in book.taken[0].said
    assert "accountenabled" in book.taken[0].said


async def test_the_book_names_a_file_that_was_uploaded():
    """A file comes in parts, which the service alone can read: its name and description are noted all the same."""
    clock = ManualClock(NOW)
    sim = Witnessed(clock, seed=1, size="empty")
    furnish(sim)
    clock.move(5)
    book = sim.keep_book()
    roles = frozenset(sim.first.roles[DEFENDER])
    token = sim.tokens.issue(Caller(app=CLIENT_ID, tenant=TENANT, audience=DEFENDER, roles=roles))
    files = {"File": ("up-1.ps1", b"# content")}
    async with sim.running(), httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http:
        more = {"Description": f"[{ID}/1] looks bad", "OverrideIfExists": "false"}
        answer = await http.post(f"{sim.url}/api/libraryfiles", data=more, files=files)
    assert answer.status_code == 200
    assert sim.first.library["up-1.ps1"].content == b"# content"
    assert [one.operation for one in book.taken] == ["defender.library.upload"]
    assert "up-1.ps1" in book.taken[0].said
    assert f"[{ID.casefold()}/1]" in book.taken[0].said


async def test_the_book_counts_the_looks_at_alerts():
    """When a customer's alerts were read is noted: what waited meanwhile must have been seen."""
    sim = Witnessed(ManualClock(NOW), seed=1, size="empty")
    furnish(sim)
    book = sim.keep_book()
    roles = frozenset(sim.first.roles[GRAPH])
    token = sim.tokens.issue(Caller(app=CLIENT_ID, tenant=TENANT, audience=GRAPH, roles=roles))
    async with sim.running(), httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http:
        await http.get(f"{sim.url}/v1.0/security/alerts_v2")
        await http.get(f"{sim.url}/v1.0/security/incidents")
    assert book.looks == [(TENANT, NOW)]


def test_every_rule_was_seen_to_find_something():
    """No rule of the judge stands without a breach that it finds."""
    assert {rule for rule, _ in (*BREACHES, *FAMILY_BREACHES, *CENTER_BREACHES)} == set(RULES)


def test_a_card_whose_posting_was_never_answered_is_explained():
    """A second card is no breach where its posting met a fault, and is one where nothing explains it."""
    world = World()
    world.show(world.result("**Waits for a decision until 13:00.**"), REQUESTS[TENANT], known=False)
    assert set(world.findings()) >= {"cards too many, unexplained"}
    world.evidence.doubts = [Doubt(at=world.clock.now(), kind="fault", speed=10)]
    assert world.findings() == {}


def test_an_answer_says_whether_a_decision_was_taken():
    """Only an answer that names the person's own decision counts as taken."""
    world = World()
    card = {"type": "application/vnd.microsoft.card.adaptive", "value": world.result()["attachments"][0]["content"]}
    assert taken("approve", DECIDER.name, card)
    assert not taken("approve", ASKER.name, card)
    assert not taken("reject", DECIDER.name, card)
    assert not taken("approve", DECIDER.name, {"type": "text", "value": "This request is already approved."})
    assert not taken("approve", DECIDER.name, None)


def test_cards_are_read_without_the_marks_of_markdown():
    """Bold and escapes are no part of what a card says."""
    seen = read(activity(r"Isolate pc\-1", "**Given up.** Look.", {"Request": ID}))
    assert (seen.kind, seen.id, seen.title, seen.stand) == ("request", ID, "Isolate pc-1", "given up")


async def test_a_fast_clock_is_the_same_for_all(tmp_path):
    """Whoever opens the file sees the same moment, also after the speed was changed; time never goes back."""
    clock = FastClock.create(tmp_path / "clock", 1000)
    other = FastClock(tmp_path / "clock")
    before = other.now()
    await clock.sleep(20)
    between = other.now()
    assert between - before >= timedelta(seconds=20)
    clock.speed = 5000
    assert other.speed == 5000
    assert clock.now() >= between


def test_faults_come_by_chance_in_every_kind():
    """At a share of 1 each call meets a fault, of all kinds sooner or later, and never a refusal of a conversation."""
    world = World()
    chance = Chance(world.sim, Random(1), Tally())  # noqa: S311 - the same faults each time
    assert chance.take("defender.machines.list") is None
    chance.share = chance.sending_share = 1.0
    kinds = {fault.kind for _ in range(2000) if (fault := chance.take("defender.machines.isolate"))}
    assert kinds >= {"throttled", "error", "html", "timeout", "reset", "slow", "empty", "garbage", "expired", "accept"}
    posts = {fault.kind for _ in range(2000) if (fault := chance.take("connector.post"))}
    assert not posts & {"forbidden", "plan"}


def test_the_environment_says_how_large_a_soak_is():
    """Sizes and seed are taken from the environment; half as many requests take half the time."""
    plan = Plan.of({"SEED": "7", "REQUESTS": "250", "INCIDENTS": "", "QUICK": ""})
    assert (plan.seed, plan.requests, plan.incidents) == (7, 250, 1000)
    assert plan.request_seconds == Plan(seed=0).request_seconds / 2
    assert Plan.of({"QUICK": "1"}).requests == 40
