"""What a handler or a job works with: the customer's clients, the store, the clock. One typed object, no globals."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.audit import Ledger
from bot.clock import Clock
from bot.defender.client import Defender
from bot.graph.client import Graph
from bot.memory import Memory
from bot.policy.models import NO_POLICY, Policy
from bot.posts import Place
from bot.responses.declared import Response
from bot.state.store import Store
from bot.teams.client import Teams

Wake = Callable[[str, str, str], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Services:
    """Clients are asked for by customer (tenant id), so that nobody can reach another customer's by accident.

    `wake(customer, kind, id)` asks for a record's job to run now; losing it costs a minute, never the work.
    `policy` rules over the responses; it was read at the start.
    `worker` names this process in leases. `responses` are the declared responses by name. Audit entries older than
    `audit_days` are trimmed (0: none).
    `granted(customer)` are the permissions in our tokens, by service; one whose token cannot be read is left out.
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
    policy: Policy = NO_POLICY
    audit_days: int = 400
    granted: Callable[[str], Awaitable[Mapping[str, frozenset[str]]]] | None = None
    barred: Callable[[str, Place], Awaitable[None]] | None = None

    @property
    def store(self) -> Store:
        """The store beneath the ledger."""
        return self.ledger.store
