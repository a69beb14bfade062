"""A small world made by hand, in which all went well, for the tests of the soak's judge."""

import hmac
import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from bot.clock import ManualClock
from bot.simulator.actions import Order
from bot.simulator.connector import Message
from bot.simulator.incidents import Incident
from bot.simulator.server import Simulator
from tests.soak.board import Board
from tests.soak.center_seen import Center
from tests.soak.evidence import Evidence
from tests.soak.repertoire import BY_NAME
from tests.soak.talking import Press
from tests.soak.things import Thing
from tests.soak.verdict import RULES
from tests.soak.wishes import Wish
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
        self.center = Center(self.sim)
        self.evidence = Evidence(
            sim=self.sim, board=Board(self.sim.connector), center=self.center, presses=[press], key=KEY
        )
        self.evidence.wishes = {"soak-0001": self.wish("isolate", self.device.id)}
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

    def wish(self, name: str, target: str, **given: str) -> Wish:
        """What somebody typed."""
        thing = Thing(id=target, typed=(target,), shown=target)
        where = REQUESTS[TENANT]
        return Wish(
            tag="", tenant=TENANT, who=ASKER, where=where, act=BY_NAME[name], target=thing, way="approve", given=given
        )

    def submit(self, comment: str, requestor: str = "Watchkeeper") -> str:
        order = Order(type="Isolate", scope="Full", comment=comment, requestor=requestor)
        return self.sim.dispatcher.submit(self.customer, self.device, order).id

    def _record(self) -> dict[str, Any]:
        person = {"id": DECIDER.id, "tenant": TENANT, "name": DECIDER.name}
        return {
            "id": ID,
            "response": "isolate",
            "family": "isolation",
            "target": {"id": self.device.id, "name": self.device.name},
            "reason": "soak-0001 looks bad",
            "parameters": {},
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
