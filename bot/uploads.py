"""A file that somebody wants brought somewhere, kept in Redis as long as the request for it may still be sent.

It is named by its hash, so that what is sent is surely what people saw described when they decided.
"""

import base64
import hashlib
import zlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bot.state.store import Store

MARGIN, MOST = timedelta(hours=2), timedelta(days=15)
"""What is added to the time that a request has, and the most: a policy lets it wait a week, and a week to be sent."""
MOST_BYTES = 1024 * 1024
Kept = Callable[[str], Awaitable[bytes | None]]


async def keep(store: Store, customer: str, content: bytes, *, now: datetime, wait: timedelta = timedelta(0)) -> str:
    """Keep a file of at most MOST_BYTES; returns its SHA-256, by which it is found again. Raises ValueError.

    `wait` is how long the request for it may go unsent; where another waits for the same file longer, that counts.
    """
    if not 0 < len(content) <= MOST_BYTES:
        raise ValueError("a file that is empty or too large is not kept")
    sha256 = hashlib.sha256(content).hexdigest()
    packed = base64.b64encode(zlib.compress(content)).decode()
    there = await store.get_value(customer, f"upload:{sha256}") or {}
    until = max(now + min(wait + MARGIN, MOST), datetime.fromisoformat(str(there.get("until", now.isoformat()))))
    value = {"content": packed, "until": until.isoformat()}
    await store.put_value(customer, f"upload:{sha256}", value, (until - now).total_seconds())
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
