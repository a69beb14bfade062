"""The soak's judge on small worlds made by hand: each breach is seen, and none is where there is none."""

import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any

import httpx
import pytest

from bot.clock import ManualClock
from bot.simulator.actions import Order
from bot.simulator.connector import Message
from bot.simulator.core import CLIENT_ID
from bot.simulator.faults import Fault
from bot.simulator.incidents import Incident
from bot.simulator.server import Simulator
from bot.simulator.tokens import GRAPH, Caller
from tests.fast_clock import FastClock
from tests.soak.board import Board
from tests.soak.cards_read import read, taken
from tests.soak.evidence import Doubt, Evidence
from tests.soak.plan import Plan
from tests.soak.repertoire import ACTS, BESIDE
from tests.soak.talking import Press
from tests.soak.trouble import Chance, Tally
from tests.soak.truth import Taken, Witnessed
from tests.soak.verdict import RULES
from tests.soak.world import INCIDENTS, PLAYERS, REQUESTS, TENANTS, furnish

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TENANT = TENANTS[0]
KEY = "k" * 32
ID = "WK-ABCDEFGHJK"
ASKER = next(p for p in PLAYERS if p.role == "operator")
DECIDER = next(p for p in PLAYERS if p.role == "approver")
READER = next(p for p in PLAYERS if p.role == "reader")


def activity(title: str, stand: str, facts: dict[str, str], story: str = "", verbs: tuple[str, ...] = ()) -> Any:
    texts = [{"type": "TextBlock", "text": text} for text in (title, stand, story)]
    buttons = [{"type": "Action.Execute", "verb": verb, "data": {"id": facts.get("Request", "")}} for verb in verbs]
    listed = {"type": "FactSet", "facts": [{"title": name, "value": value} for name, value in facts.items()]}
    return {"type": "message", "attachments": [{"content": {"body": [*texts, listed], "actions": buttons}}]}


class World:
    """An isolation that was asked for, approved, carried out and shown, and an incident with its card."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.sim = Simulator(self.clock, seed=1, size="empty")
        furnish(self.sim)
        self.customer = self.sim.world.customers[TENANT]
        self.device = next(iter(self.customer.devices.values()))
        press = Press(
            verb="approve", who=DECIDER, request=ID, conversation=REQUESTS[TENANT], at=NOW, taken=True, answer={}
        )
        self.evidence = Evidence(sim=self.sim, board=Board(self.sim.connector), presses=[press], key=KEY)
        self.clock.move(5)
        self.action = self.submit(f"[{ID}/1] soak-0001")
        self.clock.move(30)
        self.sim.tick(self.customer)
        self.record = self._record()
        self.evidence.records = {TENANT: {ID: self.record}}
        self.evidence.incidents = {tenant: {} for tenant in TENANTS}
        self.card = self.show(self.result(), REQUESTS[TENANT])
        self.chat_card = self.show(self.result(), ASKER.chat)
        self.incident = Incident(id="77", title="T", severity="high", created=NOW, updated=NOW)
        self.customer.incidents["77"] = self.incident
        self.incident_card = self.show(self.incident_shown(), INCIDENTS[TENANT])
        self.audit("approved")

    def submit(self, comment: str, requestor: str = "Watchkeeper") -> str:
        order = Order(type="Isolate", scope="Full", comment=comment, requestor=requestor)
        return self.sim.dispatcher.submit(self.customer, self.device, order).id

    def _record(self) -> dict[str, Any]:
        person = {"id": DECIDER.id, "tenant": TENANT, "name": DECIDER.name}
        return {
            "id": ID,
            "response": "isolate",
            "family": "isolation",
            "target": {"id": self.device.id},
            "origin": ASKER.chat,
            "requester": {"id": ASKER.id, "tenant": TENANT, "name": ASKER.name},
            "created": NOW.isoformat(),
            "state": "succeeded",
            "trouble": "",
            "decisions": [{"what": "approved", "who": person, "at": NOW.isoformat()}],
            "attempts": [{"number": 1, "action": self.action}],
            "posts": [],
        }

    def result(self, stand: str = "**Defender reports: Succeeded.**", verbs: tuple[str, ...] = ()) -> Any:
        facts = {"Request": ID, "Reason": "soak-0001", "Defender action": self.action}
        return activity(f"Isolate {self.device.name}", stand, facts, f"12:00: {DECIDER.name} approved.", verbs)

    def incident_shown(self, line: str = "**High severity**, active", alerts: str = "0") -> Any:
        return activity("T", line, {"Incident": "77", "Alerts": alerts})

    def show(self, shown: Any, where: str, *, known: bool = True) -> Message:
        connector = self.sim.connector
        message = Message(connector.new_id(), where, "", [shown], [self.clock.now()])
        connector.all[message.id] = message
        connector.keep("post", message, shown)
        self.evidence.known |= {message.id} if known else set()
        return message

    def edit(self, message: Message, shown: Any) -> None:
        self.sim.connector.keep("edit", message, shown)

    def audit(self, what: str) -> None:
        text = json.dumps({"what": what, "who": f"{TENANT}/{DECIDER.id}", "subject": f"request:{ID}"})
        seal = hmac.new(KEY.encode(), f"\n{text}".encode(), sha256).hexdigest()
        self.evidence.audits = {TENANT: ([(text, seal)], seal)}

    def findings(self) -> dict[str, list[str]]:
        self.evidence.board.look()
        return {name: found for name, rule in RULES.items() if (found := list(rule(self.evidence)))}


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


USER = "c1000000-0000-4000-8000-000000000000"
BLOCKED = "WK-BLCKED2345"


def blocked(world: World, state: str = "succeeded", stand: str = "**Entra ID reports: InForce.**") -> None:
    """A sign-in that was asked to be blocked, and the card that tells of it."""
    more = {"response": "block-signin", "family": "sign-in", "attempts": [], "origin": REQUESTS[TENANT]}
    decision = {**world.record["decisions"][0], "what": "rejected" if state == "rejected" else "approved"}
    record = {**world.record, **more, "id": BLOCKED, "target": {"id": USER, "name": "user-00"}, "state": state}
    world.evidence.records[TENANT][BLOCKED] = {**record, "decisions": [decision]}
    world.show(activity("Block sign-in of user-00", stand, {"Request": BLOCKED}), REQUESTS[TENANT])
    press = world.evidence.presses[0]
    verb = "reject" if state == "rejected" else "approve"
    world.evidence.presses.append(replace(press, request=BLOCKED, verb=verb, taken=False))


def call(world: World, path: str = f"/v1.0/users/{USER}", operation: str = "graph.users.update") -> None:
    """The service took a call about the user."""
    world.evidence.taken.append(Taken(operation=operation, tenant=TENANT, at=NOW, said=path))


def well_blocked(world: World) -> None:
    blocked(world)
    call(world)
    world.customer.directory.people[USER].enabled = False


def blocked_twice(world: World) -> None:
    well_blocked(world)
    call(world)


def blocked_though_rejected(world: World) -> None:
    blocked(world, "rejected", "**Rejected. Nothing was sent.**")
    call(world)


def never_blocked(world: World) -> None:
    blocked(world)


def unblocked_since(world: World) -> None:
    well_blocked(world)
    world.customer.directory.people[USER].enabled = True


def several(world: World, stand: str, *states: str) -> None:
    """One request for several devices, each with a request of its own that ended so."""
    members = [{"request": f"{ID}-{number:02}"} for number, _ in enumerate(states, 1)]
    for member, state in zip(members, states, strict=True):
        one = {**world.record, "id": member["request"], "batch": BLOCKED, "state": state, "attempts": []}
        world.evidence.records[TENANT][one["id"]] = one
    more = {"id": BLOCKED, "members": members, "origin": REQUESTS[TENANT], "attempts": []}
    world.evidence.records[TENANT][BLOCKED] = {**world.record, **more}
    world.evidence.presses.append(replace(world.evidence.presses[0], request=BLOCKED, taken=False))
    world.show(activity("Isolate 2 devices", stand, {"Request": BLOCKED}), REQUESTS[TENANT])


def not_done_on_all(world: World) -> None:
    several(world, "**Done on every device.**", "succeeded", "failed")


def done_on_one_after_all(world: World) -> None:
    several(world, "**Done on no device.** Each is below.", "succeeded", "failed")


BREACHES: list[tuple[str, Callable[[World], None]]] = [
    ("doubled actions", blocked_twice),
    ("doubled actions", blocked_though_rejected),
    ("cards that say something else", never_blocked),
    ("out of order", unblocked_since),
    ("cards that say something else", not_done_on_all),
    ("cards that say something else", done_on_one_after_all),
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


def well_done_on_some(world: World) -> None:
    several(world, "**Done on some devices, not on all.**", "succeeded", "failed")


@pytest.mark.parametrize("well", [well_blocked, well_done_on_some], ids=lambda well: well.__name__)
def test_what_is_right_of_other_families_is_no_breach(well: Callable[[World], None]):
    """A setting that was made once and holds, and devices of which some failed as the card says, break no rule."""
    world = World()
    well(world)
    assert world.findings() == {}


def test_every_family_is_played_or_named():
    """Each family of the registry is in the repertoire, or among those that only the state machine plays."""
    from handlers.responses import RESPONSES  # noqa: PLC0415 - the judge itself knows nothing of the bot

    families = {response.family for response in RESPONSES}
    assert families - {act.family for act in ACTS} == BESIDE
    declared = {response.name: response for response in RESPONSES}
    for act in ACTS:
        response = declared[act.name]
        assert (act.family, act.alone, act.many) == (response.family, not response.approvals, response.many), act.name
        assert act.back == response.inverse or act.name == "unblock"  # to block again what was freed needs a new choice


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


def test_every_rule_was_seen_to_find_something():
    """No rule of the judge stands without a breach that it finds."""
    assert {rule for rule, _ in BREACHES} == set(RULES)


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
