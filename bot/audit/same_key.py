"""Whether this bot seals with the key that the trail was begun with: another one would break the chain for good."""

from bot.audit.seals import Seals
from bot.state.store import Store

EVERYBODY = "-"
NAME = "audit-key"
FOR_GOOD = 20 * 365 * 24 * 3600.0


async def same_key(store: Store, seals: Seals) -> bool:
    """Compare with the fingerprint that the first bot on this store left; leave it where there is none."""
    kept = await store.get_value(EVERYBODY, NAME)
    if kept is not None and kept.get("fingerprint") != seals.fingerprint:
        return False
    await store.put_value(EVERYBODY, NAME, {"v": 1, "fingerprint": seals.fingerprint}, FOR_GOOD)
    return True
