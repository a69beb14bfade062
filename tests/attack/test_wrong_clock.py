"""A clock that went wrong and was set right puts nothing off for hours."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import ManualClock
from bot.posting import CONVERSATION_LIMITS
from bot.state.memory import MemoryStore
from bot.state.redis import RedisStore
from bot.state.store import AHEAD

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["memory", "redis"])
async def test_posts_of_tomorrow_do_not_block_today(redis, kind):
    """Posts counted by a clock a day ahead do not hold up a conversation once the clock is right again."""
    store = MemoryStore(ManualClock(NOW)) if kind == "memory" else RedisStore.open(redis.url)
    for now, ahead in ((NOW, timedelta(days=1)), (NOW + timedelta(minutes=1), timedelta(minutes=10))):
        for patience in (0.0, AHEAD):
            while await store.take("t", "c", CONVERSATION_LIMITS, now + ahead, patience=patience) <= patience:
                pass
        assert await store.take("t", "c", CONVERSATION_LIMITS, now) == 0
    if isinstance(store, RedisStore):
        await store.close()
