"""What the rest of the bot asks of Teams. The HTTP side stands in `connector.py`."""

from dataclasses import dataclass
from typing import Protocol

from bot.turn import Conversation, Shown


@dataclass(frozen=True, kw_only=True)
class Member:
    """A person in a conversation, as the Connector knows them.

    `id` is the Entra object id; `tenant` is the person's own tenant, empty where the Connector does not say;
    `guest` is true where `userRole` says so.
    """

    id: str
    name: str
    tenant: str
    guest: bool
    email: str = ""


@dataclass(frozen=True, kw_only=True)
class FileOffer:
    """A file that a person is asked to take. `id` comes back with their answer, `size` is in bytes."""

    id: str
    name: str
    description: str
    size: int


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A file in somebody's OneDrive, as Teams said where it would lie."""

    name: str
    content_url: str
    unique_id: str
    file_type: str


class Teams(Protocol):
    """Sending to Teams. Each method raises `ServiceError`s of bot.errors with service `teams`.

    `Throttled` and `Unavailable(sent=False)`: certainly not shown. `Unavailable(sent=True)`: perhaps shown.
    `Barred`: the bot may not write there. `Missing`: the message or conversation is gone. `Rejected`: our mistake.
    """

    async def post(self, conversation: Conversation, shown: Shown) -> str:
        """Post a card; in a channel into the thread where `conversation.thread` is set. Returns the message id."""

    async def edit(self, conversation: Conversation, message: str, shown: Shown) -> None:
        """Replace the card of one of the bot's own messages."""

    async def typing(self, conversation: Conversation) -> None:
        """Show that an answer is being made; a failure is not worth an error."""

    async def member(self, conversation: Conversation, person: str) -> Member:
        """Look a person up by Teams id (MRI) in the conversation."""

    async def offer_file(self, conversation: Conversation, offer: FileOffer) -> str:
        """Ask whether a file may be put into the person's OneDrive (personal chats only). Returns the message id."""

    async def upload_file(self, url: str, content: bytes) -> None:
        """Put the file where Teams said. Raises Rejected for an address that is not SharePoint's."""

    async def read_file(self, url: str, *, most: int) -> bytes:
        """The content of a file that a person sent along. Raises Rejected where it is larger than `most` bytes."""

    async def show_file(self, conversation: Conversation, file: StoredFile) -> str:
        """Post a card that opens a file which was uploaded. Returns the message id."""

    async def take_back(self, conversation: Conversation, message: str) -> None:
        """Delete one of the bot's own messages."""
