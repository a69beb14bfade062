"""How a device stands on the network, from what was derived to what a card shows."""

from bot.isolation import Network
from cards.device import Isolation


def shown(network: Network) -> Isolation:
    """The derived state as the card shows it."""
    return Isolation(state=network.state, since=network.since)
