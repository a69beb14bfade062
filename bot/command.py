"""The kit that handlers are written with: Command, Button, View, Context, Reply, Features.

Everything here is data. `bot` learns of commands, cards and responses only through `Features`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from bot.defender.client import Defender
from bot.defender.models import Machine
from bot.errors import NotAllowed
from bot.graph.client import Graph
from bot.posts import Post, Shownable
from bot.responses.declared import Call, Response
from bot.roles import Role
from bot.turn import Actor, Click, Conversation, Look, Shown, Turn

if TYPE_CHECKING:
    from bot.services import Services

A = TypeVar("A")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a handler says.

    `shown`: a card. `note`: a short sentence (plain text) beside the pressed card. `follow`: the (kind, id) of a record
    whose card is posted here, or edited where it stands; `shown` then answers the click that changed it. `beside`: the
    answer to a click stands as a message of its own and leaves the pressed card as it is.
    """

    shown: Shown | None = None
    note: str = ""
    follow: tuple[str, str] | None = None
    beside: bool = False


@dataclass(frozen=True, kw_only=True)
class Context:
    """Who asks, where, for which customer, and the services to answer with. No settings, no activity.

    `doubt` says why `role` may be too low: the directory could not be asked. `machines` are the devices that the turn
    has read, by id (see `bot.devices`).
    """

    turn: Turn
    actor: Actor
    role: Role
    customer: str
    conversation: Conversation
    look: Look
    services: "Services"
    features: "Features"
    doubt: Exception | None = None
    machines: dict[str, Machine] = field(default_factory=dict, compare=False, repr=False)

    def require(self, needed: Role, otherwise: NotAllowed) -> None:
        """Raise `otherwise` where the person lacks that role, or why the role could not be read."""
        if self.role < needed:
            raise self.doubt or otherwise

    @property
    def defender(self) -> Defender:
        """The customer's Defender."""
        return self.services.defender(self.customer)

    @property
    def graph(self) -> Graph:
        """The customer's Graph."""
        return self.services.graph(self.customer)

    @property
    def now(self) -> datetime:
        """The moment of the turn."""
        return self.look.now


@dataclass(frozen=True, kw_only=True)
class Command(Generic[A]):
    """A command: `parse` makes arguments of the words after its name (raising UsageError), `run` answers.

    The summary stands in the catalogue under `help.<name>.summary`. `menu` puts it into the Teams command menu.
    `slow`: it waits for a service, so a working card is shown when it takes longer than a moment. `needs` are the
    client methods that it calls; its permissions follow from them (`bot.permissions`). `longest`: so many characters
    may its line have.
    """

    name: str
    usage: str
    examples: tuple[str, ...]
    role: Role
    parse: Callable[[str], A]
    run: Callable[[Context, A], Awaitable[Reply]]
    aliases: tuple[str, ...] = ()
    menu: bool = False
    slow: bool = True
    needs: tuple[Call, ...] = ()
    longest: int = 2000


@dataclass(frozen=True, kw_only=True)
class Button:
    """What a card's button does; the role is checked on every click.

    `once`: the same press by the same person on the same revision, delivered again, gets the same answer.
    `typed`: its id is a line as one would type it.
    """

    verb: str
    role: Role
    run: Callable[[Context, Click], Awaitable[Reply]]
    slow: bool = False
    once: bool = False
    typed: bool = False
    needs: tuple[Call, ...] = ()


@dataclass(frozen=True, kw_only=True)
class View:
    """How a record is shown: `kind` in the store, `model` to read it, `render` to make its card for one post.

    `step`, where there is one, takes the record on when it is due: it reads it, acts and commits.
    """

    kind: str
    model: type[Shownable]
    render: Callable[[Any, Post, Look], Shown]
    step: Callable[["Services", str, str], Awaitable[None]] | None = None
    needs: tuple[Call, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Watcher:
    """What is polled for each customer, every `every` seconds; `poll` gets services and the customer's tenant id."""

    name: str
    every: float
    poll: Callable[["Services", str], Awaitable[None]]
    needs: tuple[Call, ...] = ()


Failure = Callable[[Look, Exception, str], Shown]


@dataclass(frozen=True, kw_only=True)
class Features:
    """All that `bot` is told about commands and cards.

    `on_error(look, error, reference)`, `working(look, line)` and `done(look, text)` make the cards that the pipeline
    itself needs; `pointer(look)` is what an older card of a record becomes; `welcome(look)` greets. `texts` are the few
    plain sentences that answer a click: `working_below`, `still_working`, `failed` (with a place for a reference).
    `on_installed` is run when the bot comes into a conversation.
    """

    commands: Sequence[Command[Any]]
    buttons: Sequence[Button]
    responses: Sequence[Response]
    views: Sequence[View]
    watchers: Sequence[Watcher]
    on_error: Failure
    working: Callable[[Look, str], Shown]
    done: Callable[[Look, str], Shown]
    pointer: Callable[[Look], Shown]
    welcome: Callable[[Look], Shown]
    texts: Mapping[str, str] = field(default_factory=dict)
    on_installed: Callable[["Services", str, Turn], Awaitable[None]] | None = None
