"""A file that somebody wants brought somewhere, kept until it is decided on: in Redis, for some hours at most.

It is named by its hash, so that what is sent is surely what people saw described when they decided.
"""

import base64
import hashlib
import zlib
from collections.abc import Awaitable, Callable

from bot.state.store import Store

KEPT_SECONDS = 4 * 3600.0
"""Longer than a request may wait for a decision and then to be sent."""
MOST_BYTES = 1024 * 1024
Kept = Callable[[str], Awaitable[bytes | None]]


async def keep(store: Store, customer: str, content: bytes) -> str:
    """Keep a file of at most MOST_BYTES; returns its SHA-256, by which it is found again. Raises ValueError."""
    if not 0 < len(content) <= MOST_BYTES:
        raise ValueError("a file that is empty or too large is not kept")
    sha256 = hashlib.sha256(content).hexdigest()
    packed = base64.b64encode(zlib.compress(content)).decode()
    await store.put_value(customer, f"upload:{sha256}", {"content": packed}, KEPT_SECONDS)
    return sha256


def kept_by(store: Store, customer: str) -> Kept:
    """What finds a customer's file by its hash; None where it is no longer kept."""

    async def kept(sha256: str) -> bytes | None:
        value = await store.get_value(customer, f"upload:{sha256}")
        if value is None:
            return None
        content = zlib.decompress(base64.b64decode(str(value["content"])))
        return content if hashlib.sha256(content).hexdigest() == sha256 else None

    return kept
