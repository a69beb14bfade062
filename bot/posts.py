"""Where a record is shown: the posts that every record with a card carries. A leaf.

A post is written down before it is sent and confirmed when its message id came back (design section 4).
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot.turn import Conversation, ConversationKind

DAY = 24 * 3600.0


class Place(BaseModel):
    """A conversation as records keep it; see `bot.turn.Conversation` for the fields."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: ConversationKind
    tenant: str
    service_url: str
    bot_id: str
    thread: str = ""
    team_id: str = ""
    channel_id: str = ""
    name: str = ""

    @classmethod
    def of(cls, conversation: Conversation) -> "Place":
        """Keep a conversation."""
        return cls(**vars(conversation))

    @property
    def address(self) -> str:
        """The conversation's id with its thread, as the Connector posts to."""
        return self.conversation().address

    def conversation(self) -> Conversation:
        """The conversation again."""
        return Conversation(**self.model_dump())


class Post(BaseModel):
    """One message that shows a record.

    `key` tells posts of one record apart: "card" in each conversation, or a reply in its thread ("severity:high").
    `shown` is the content revision that the message shows, 0 before the first. `tries` counts POSTs whose answer did
    not come; `sending` is when the present try began; `retry` is the earliest moment of the next one, `slot` its place
    in the conversation's rate bucket, where one is booked. `state`:
    `wanted` (no message id yet), `live`, `gone` (the conversation or message is over), `pointer` (superseded by
    another message of the same record), `unsure` (many tries over hours, none answered: it may stand there).
    """

    model_config = ConfigDict(frozen=True)

    key: str
    place: Place
    message: str = ""
    shown: int = 0
    tries: int = 0
    sending: datetime | None = None
    retry: datetime | None = None
    slot: datetime | None = None
    state: Literal["wanted", "live", "gone", "pointer", "unsure"] = "wanted"
    locale: str = ""
    zone: str = ""

    def waits(self, content: int) -> bool:
        """Whether it still has to be brought up to that content revision; a pointer is edited once."""
        if self.state == "pointer":
            return self.shown == 0
        return self.shown < content and self.state in ("wanted", "live")

    def in_thread(self) -> Place:
        """Where a reply below it goes: in a channel its own thread."""
        threaded = self.place.kind == "channel" and not self.place.thread
        return self.place.model_copy(update={"thread": self.message}) if threaded else self.place


class Shownable(BaseModel):
    """What every record with a card has: `content` grows with each visible change; posts follow it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: int = 1
    id: str
    customer: str
    content: int = 1
    posts: tuple[Post, ...] = ()

    @property
    def stage(self) -> str:
        """The state that the store compares with each write."""
        return ""

    @property
    def keep(self) -> float | None:
        """How many seconds the record is kept after this write; None while it is needed."""
        return 180 * DAY

    def step_due(self) -> datetime | None:
        """When the record itself wants to be looked at again, its posts aside."""
        return None

    def outdated(self) -> tuple[Post, ...]:
        """Posts that do not show the present content yet, and still can."""
        return tuple(p for p in self.posts if p.waits(self.content))

    def due(self, now: datetime) -> datetime | None:
        """When the record wants to be woken: the earlier of its own step and its posts."""
        moments = [post.retry or now for post in self.outdated()]
        own = self.step_due()
        return min([*moments, own] if own else moments, default=None)

    def post_at(self, conversation: str, message: str) -> Post | None:
        """The post that is that message in that conversation (ids as Teams gives them, without a thread)."""
        return next((p for p in self.posts if p.place.id == conversation and p.message == message), None)

    def in_conversation(self, conversation: str) -> bool:
        """Whether the record was shown, or is to be shown, in that conversation."""
        return any(post.place.id == conversation for post in self.posts)
