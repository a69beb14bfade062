"""A stage over HTTP that a whole module shares, as good as new before each test."""

from bot.audit import Ledger
from bot.simulator.entries import Entries
from bot.state.memory import MemoryStore
from tests.responses.over_http import HttpStage


def renewed(stage: HttpStage) -> HttpStage:
    """The stage with an empty store, no indicators, no faults and no calls made."""
    stage.store = MemoryStore(stage.clock)
    stage.ledger = Ledger(stage.store, "audit key")
    stage.sim.first.entries = Entries()
    stage.sim.faults.clear()
    stage.sim.calls.clear()
    return stage
