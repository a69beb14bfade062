"""What reaches the bot, in our own types: the Teams seam makes them, everything else reads them. A leaf."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

ConversationKind = Literal["personal", "groupChat", "channel"]
Card = Mapping[str, Any]
_NUMBER = "__"


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """Where something is said. `id` is without the thread suffix; `thread` is the root message's id in a channel.

    `tenant` is the Entra tenant that owns the conversation. `service_url` is where the Connector answers for it.
    """

    id: str
    kind: ConversationKind
    tenant: str
    service_url: str
    bot_id: str
    thread: str = ""
    team_id: str = ""
    channel_id: str = ""
    name: str = ""

    @property
    def address(self) -> str:
        """The id that the Connector posts to: with the thread where there is one."""
        return f"{self.id};messageid={self.thread}" if self.thread else self.id


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts. `id` is the Entra object id, `tenant` the person's own tenant, `mri` the Teams id (`29:...`).

    `guest` is true for a guest of the conversation's tenant. `name` is for show only, it proves nothing.
    """

    id: str
    tenant: str
    name: str
    mri: str
    guest: bool = False


@dataclass(frozen=True, kw_only=True)
class Click:
    """A card button that was pressed: untrusted data that only names a record.

    `v`, `verb`, `id`, `rev` are the button's data; `inputs` are what the person typed into the card, by name; `message`
    is the id of the message that carried the card. `automatic`: the card refreshed itself, which never changes state.
    """

    v: int
    verb: str
    id: str
    rev: int
    inputs: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    automatic: bool = False


def input_id(name: str, nth: int) -> str:
    """The id of the input that is the `nth` (from 1) of that name on a card."""
    return name if nth == 1 else f"{name}{_NUMBER}{nth}"


def input_name(given: str) -> str:
    """The name of an input, from its id on a card: what `input_id` made of it."""
    name, mark, nth = given.rpartition(_NUMBER)
    return name if mark and nth.isdecimal() else given


@dataclass(frozen=True, kw_only=True)
class GivenFile:
    """A file that somebody sent along in a personal chat. Whoever has the `url` has the file: it is a secret."""

    name: str
    url: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One thing that happened: a message, a click, the bot added or removed.

    `invoke` says that the click waits for a card as its answer (Action.Execute); otherwise it came as a message
    (Action.Submit). `text` has our mention removed; `files` were sent along with it. `zone` is an IANA name, `locale` a
    BCP 47 tag; both may be empty.
    """

    kind: Literal["message", "click", "installed", "removed", "other"]
    id: str
    actor: Actor
    conversation: Conversation
    text: str = ""
    click: Click | None = None
    files: tuple[GivenFile, ...] = ()
    invoke: bool = False
    locale: str = ""
    zone: str = ""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A card ready to be shown, with the one line that notifications and screen readers get (plain text)."""

    card: Card
    summary: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a turn answers: nothing, a short text, or a card.

    For an invoke, `card` replaces the pressed card for this person and `text` is shown beside it for a moment.
    """

    shown: Shown | None = None
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a card is shown: the reader's language, time zone (IANA name) and the moment of showing (aware, UTC)."""

    now: datetime
    locale: str = "en"
    zone: str = "UTC"
