"""Teams as watchers meet it, in memory: what was posted, how often it was edited, and refusals."""

import json
from dataclasses import dataclass, field
from datetime import datetime

from bot.clock import ManualClock
from bot.errors import ServiceError
from bot.turn import Conversation, Shown


@dataclass
class Message:
    """A message as Teams keeps it."""

    id: str
    conversation: str
    thread: str
    cards: list[str]
    times: list[datetime]


@dataclass
class FakeTeams:
    """Takes what is posted; refuses with `refusing[conversation]`."""

    clock: ManualClock
    messages: list[Message] = field(default_factory=list)
    calls: list[tuple[str, datetime]] = field(default_factory=list)
    refusing: dict[str, ServiceError] = field(default_factory=dict)

    def _take(self, conversation: Conversation) -> None:
        if error := self.refusing.get(conversation.id):
            raise error
        self.calls.append((conversation.id, self.clock.now()))

    async def post(self, conversation: Conversation, shown: Shown) -> str:
        self._take(conversation)
        number = str(1000 + len(self.messages))
        card = json.dumps(shown.card, ensure_ascii=False)
        self.messages.append(Message(number, conversation.id, conversation.thread, [card], [self.clock.now()]))
        return number

    async def edit(self, conversation: Conversation, message: str, shown: Shown) -> None:
        self._take(conversation)
        found = next(one for one in self.messages if one.id == message)
        found.cards.append(json.dumps(shown.card, ensure_ascii=False))
        found.times.append(self.clock.now())
