"""Where a conversation's Connector answers now: its URL can change, so each turn's is noted (teams-platform 2.7).

Records keep the URL they were made with; what is sent later goes to the newest one known.
"""

from dataclasses import replace

from bot.state.store import Kept, Store
from bot.turn import Conversation

KEPT_SECONDS = 90 * 24 * 3600.0


def _name(conversation: Conversation) -> str:
    return f"service-url:{conversation.id}"


def note(conversation: Conversation) -> Kept:
    """The service URL that an authenticated turn came with, to be kept."""
    return Kept(name=_name(conversation), value={"url": conversation.service_url}, seconds=KEPT_SECONDS)


async def current(store: Store, conversation: Conversation) -> Conversation:
    """The conversation with the newest service URL known."""
    kept = await store.get_value(conversation.tenant, _name(conversation))
    return replace(conversation, service_url=str(kept["url"])) if kept else conversation
