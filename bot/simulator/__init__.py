"""A simulated Microsoft: login, Defender, Graph and the Bot Connector, as the reference pages document them."""

from bot.simulator.faults import Fault
from bot.simulator.server import Simulator

__all__ = ["Fault", "Simulator"]
