"""What "it" means: the last device that a person named in a conversation, for ten minutes."""

from typing import Protocol

from bot.turn import Actor, Conversation

REMEMBERED_SECONDS = 600.0


class Memory(Protocol):
    """Conversation state; `bot.teams.memory` keeps it through the SDK's Storage interface."""

    async def remember(self, conversation: Conversation, actor: Actor, machine_id: str) -> None:
        """Keep that the person speaks of the device here."""

    async def recall(self, conversation: Conversation, actor: Actor) -> str:
        """The device this person spoke of here in the last ten minutes, or an empty text."""
