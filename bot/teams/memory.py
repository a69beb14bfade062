"""What "it" means, kept as conversation state through the SDK's Storage interface."""

from datetime import datetime

from bot.clock import Clock
from bot.memory import REMEMBERED_SECONDS
from bot.state.keyvalue import KeyValue
from bot.teams.storage import StateStorage
from bot.turn import Actor, Conversation


class ConversationMemory:
    """One small item per person and conversation; the last writer wins, which is what "the last device" means."""

    def __init__(self, keyvalue: KeyValue, clock: Clock) -> None:
        self._storage = StateStorage(keyvalue, etags=False, ttl=REMEMBERED_SECONDS)
        self._clock = clock

    async def remember(self, conversation: Conversation, actor: Actor, machine_id: str) -> None:
        """Keep that the person speaks of the device here."""
        item = {"v": 1, "machine": machine_id, "at": self._clock.now().isoformat()}
        await self._storage.write({_key(conversation, actor): item})

    async def recall(self, conversation: Conversation, actor: Actor) -> str:
        """The device this person spoke of here in the last ten minutes, or an empty text."""
        key = _key(conversation, actor)
        item = (await self._storage.read([key])).get(key)
        if not item:
            return ""
        age = self._clock.now() - datetime.fromisoformat(item["at"])
        return str(item["machine"]) if age.total_seconds() < REMEMBERED_SECONDS else ""


def _key(conversation: Conversation, actor: Actor) -> str:
    """The SDK's key for private conversation state; the conversation's tenant first, as for all that we keep."""
    return f"{{{conversation.tenant}}}:msteams/conversations/{conversation.address}/users/{actor.id}"
