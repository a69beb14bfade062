"""A Teams that remembers every message, and fails when it is told to."""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bot.errors import Missing, ServiceError
from bot.turn import Conversation, Shown


@dataclass
class Message:
    """A message as Teams has it: its address, what it shows now, and all it ever showed."""

    address: str
    shown: Shown
    history: list[Shown] = field(default_factory=list)


@dataclass
class Mishap:
    """What the next call meets: an error, after or before the call was carried out."""

    error: ServiceError
    acted: bool = False


class FakeTeams:
    """`bot.teams.client.Teams` that remembers; `mishaps` are met by the next calls of `post` and `edit`.

    `meanwhile` holds what happens once while a call is under way: under `before post`, `after post`, `before edit`.
    """

    def __init__(self) -> None:
        self.meanwhile: dict[str, Callable[[], Awaitable[Any]]] = {}
        self.messages: dict[str, Message] = {}
        self.mishaps: dict[str, deque[Mishap]] = {"post": deque(), "edit": deque()}
        self.lost = 0
        self.calls: list[tuple[str, str]] = []

    async def post(self, conversation: Conversation, shown: Shown) -> str:
        """Post, unless a mishap comes first."""
        await self._meanwhile("before post")
        mishap = self._mishap("post")
        message = f"m{len(self.messages) + 1}"
        self.calls.append(("post", conversation.address))
        if mishap is None or mishap.acted:
            self.messages[message] = Message(conversation.address, shown, [shown])
        await self._meanwhile("after post")
        if mishap:
            self.lost += mishap.acted
            raise mishap.error
        return message

    async def edit(self, conversation: Conversation, message: str, shown: Shown) -> None:
        """Replace a message's card."""
        await self._meanwhile("before edit")
        mishap = self._mishap("edit")
        self.calls.append(("edit", message))
        if message not in self.messages:
            raise Missing("teams", "edit", status=404)
        if mishap is None or mishap.acted:
            self.messages[message].shown = shown
            self.messages[message].history.append(shown)
        if mishap:
            raise mishap.error

    async def typing(self, conversation: Conversation) -> None:
        """Nothing to see."""

    async def member(self, conversation: Conversation, person: str) -> Any:
        """Nobody asks."""
        raise NotImplementedError

    async def _meanwhile(self, moment: str) -> None:
        if moment in self.meanwhile:
            await self.meanwhile.pop(moment)()

    def _mishap(self, call: str) -> Mishap | None:
        return self.mishaps[call].popleft() if self.mishaps[call] else None
