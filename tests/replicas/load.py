"""Load on several processes: people who ask, propose and approve, incidents that arrive; what must come of it."""

import asyncio
import contextlib
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from bot.demo import ADELE, MEGAN, PATTI, TENANT
from bot.simulator.connector import Message
from bot.simulator.world import Device
from tests.integration.talk import chat, heard, verbs, working
from tests.replicas.pair import Pair
from tests.soak.cards_read import read, rows_of, taken

QUESTIONS = ("/whoami", "/score", "/incidents", "/actions")
ARRIVAL = 0.8
"""Seconds between two incidents."""


@dataclass
class Load:
    """What was asked and acknowledged, to be compared with what stands in the end."""

    pair: Pair
    channel: str
    asked: list[str] = field(default_factory=list)
    approved: dict[str, str] = field(default_factory=dict)
    incidents: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def people(self) -> None:
        """Somebody asks one thing after the other, each in a chat of its own, so that answers can be told apart."""
        number = 0
        while not self.over.is_set():
            here = chat(self.pair, [ADELE])
            await self.pair.say(ADELE, QUESTIONS[number % len(QUESTIONS)], here)
            self.asked.append(here)
            number += 1
            await asyncio.sleep(0.3)

    async def requests(self) -> None:
        """Adele proposes to isolate one device after the other; Megan approves, and presses until she is answered."""
        devices = [
            d for d in self.pair.sim.first.devices.values() if d.os == "Windows11" and d.onboarding == "onboarded"
        ]
        devices = [device for device in devices if not self.pair.actions(device.id)]
        for device in devices:
            if self.over.is_set():
                return
            card = await self._proposed(device)
            for _ in range(40):
                answer = await self.pair.click(MEGAN, card, "approve")
                if taken("approve", MEGAN.name, answer):
                    self.approved[device.id] = read(card.activity).id
                    break
                if "approve" not in verbs(card):
                    break
                await asyncio.sleep(0.5)

    async def _proposed(self, device: Device) -> Message:
        """The request's card. Who is told that it did not work (Redis is away) asks again; the request stays one."""
        for _ in range(8):
            await self.pair.say(ADELE, f"/isolate {device.id} it talks to a bad host", self.channel)
            with contextlib.suppress(AssertionError):
                return await self.pair.until(lambda: self._asks(device.name), 10)
        raise AssertionError(f"no card asks about {device.name}")

    def _asks(self, device: str) -> Message | None:
        cards = [m for m in heard(self.pair, self.channel) if device in m.text and "approve" in verbs(m)]
        return cards[-1] if cards else None

    async def arrivals(self) -> None:
        """Incidents come, one at a time."""
        while not self.over.is_set():
            made = self.pair.sim.scenario.step("new_incident", TENANT)
            assert made
            self.incidents.append(made["incident"])
            await asyncio.sleep(ARRIVAL)

    async def redeliveries(self) -> None:
        """The same activity, delivered to both processes again and again, is worked on once."""
        while not self.over.is_set():
            here = chat(self.pair, [ADELE])
            twice = self.pair.activity(ADELE, here, text="/whoami", id=uuid.uuid4().hex)
            await asyncio.gather(self.pair.send(twice), self.pair.send(twice))
            self.asked.append(here)
            await asyncio.sleep(0.5)

    def cards(self) -> Counter[str]:
        """How many cards each incident has: of its own, or a line in one for many."""
        seen = [read(message.activity) for message in heard(self.pair, self.channel) if not message.thread]
        return Counter(one.id for one in seen if one.kind == "incident")

    def cardless(self) -> set[str]:
        """Incidents that stand nowhere: many at once share a card, which names some and counts the others."""
        shown = heard(self.pair, self.channel)
        rows = set().union(*(rows_of(message.activity) for message in shown))
        counted = sum(read(message.activity).total - len(rows_of(message.activity)) for message in shown)
        missing = set(self.incidents) - set(self.cards()) - rows
        return missing if len(missing) > counted else set()

    def unanswered(self) -> list[str]:
        """The chats in which no answer stands."""
        return [here for here in self.asked if not [m for m in heard(self.pair, here) if not working(m)]]

    def doubled_answers(self) -> int:
        """How many answers stand twice."""
        return sum(len(heard(self.pair, here)) - 1 for here in self.asked if heard(self.pair, here))

    def undone(self) -> list[str]:
        """Devices whose approved isolation the service has not got."""
        return [device for device in self.approved if not self.pair.actions(device)]

    async def send_again(self) -> None:
        """What a killed process was just sending, nobody knows: that is for a person to decide, and Megan does."""
        for card in heard(self.pair, self.channel):
            if "resend" in verbs(card):
                await self.pair.click(MEGAN, card, "resend")

    def look(self) -> str:
        """What is not as it should be, to be read when a test fails."""
        states = {read(m.activity).id: read(m.activity).text for m in heard(self.pair, self.channel)}
        undone = [(device, self.approved[device], states.get(self.approved[device])) for device in self.undone()]
        return f"undone {undone}, without a card {self.cardless()}, unanswered {self.unanswered()}"

    def doubled(self) -> list[str]:
        """Devices that were isolated more than once."""
        counts = Counter(entry.machine_id for entry in self.pair.actions())
        return [device for device, count in counts.items() if count > 1]


@contextlib.asynccontextmanager
async def loaded(pair: Pair) -> AsyncIterator[Load]:
    """Load from now on, until the block ends; then whoever speaks finishes the sentence."""
    channel = chat(pair, [ADELE, MEGAN, PATTI], "channel")
    await pair.say(PATTI, "/subscribe", channel)
    load = Load(pair, channel)
    tasks = [
        asyncio.create_task(work) for work in (load.people(), load.requests(), load.arrivals(), load.redeliveries())
    ]
    try:
        yield load
        load.over.set()
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
