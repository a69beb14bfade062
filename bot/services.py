"""What a handler or a job works with: the customer's clients, the store, the clock. One typed object, no globals."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.audit import Ledger
from bot.clock import Clock
from bot.defender.client import Defender
from bot.graph.client import Graph
from bot.memory import Memory
from bot.posts import Place
from bot.responses.models import Response
from bot.state.store import Store
from bot.teams.client import Teams

Wake = Callable[[str, str, str], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Services:
    """Clients are asked for by customer (tenant id), so that nobody can reach another customer's by accident.

    `wake(customer, kind, id)` asks for a record's job to run now; losing it costs a minute, never the work.
    `worker` names this process in leases. `responses` are the declared responses by name. Audit entries older than
    `audit_days` are trimmed (0: none).
    `barred(customer, place)` is told when Teams does not let the bot write in a conversation any more.
    """

    defender: Callable[[str], Defender]
    graph: Callable[[str], Graph]
    teams: Teams
    ledger: Ledger
    clock: Clock
    wake: Wake
    worker: str
    responses: dict[str, Response]
    memory: Memory
    four_eyes: bool = True
    audit_days: int = 400
    barred: Callable[[str, Place], Awaitable[None]] | None = None

    @property
    def store(self) -> Store:
        """The store beneath the ledger."""
        return self.ledger.store
