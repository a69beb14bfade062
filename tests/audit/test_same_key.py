"""A bot with another audit key does not start: it would break the trail of every customer for good."""

from datetime import UTC, datetime

import pytest

from bot.audit import Ledger
from bot.audit.same_key import same_key
from bot.audit.seals import Seals
from bot.clock import ManualClock
from bot.settings import SettingsError
from bot.state.memory import MemoryStore
from bot.state.store import Change
from tests.integration.conftest import staged
from tests.integration.talk import redis_of_its_own

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DAY = 24 * 3600


async def test_the_first_key_stays_the_key():
    """The first bot's key is remembered by its fingerprint; the same one passes again, another one never."""
    store = MemoryStore(ManualClock(NOW))
    assert await same_key(store, Seals("first"))
    assert await same_key(store, Seals("first"))
    assert not await same_key(store, Seals("second"))
    assert await same_key(store, Seals("first"))


async def test_a_bot_with_another_key_does_not_start(tmp_path):
    """It says which setting to put back, and has written nothing."""
    with redis_of_its_own() as redis:
        async with staged(redis.url, tmp_path, AUDIT_KEY="a" * 32):
            pass
        with pytest.raises(SettingsError, match="AUDIT_KEY is not the one"):
            async with staged(redis.url, tmp_path, AUDIT_KEY="b" * 32):
                pass


@pytest.mark.parametrize(("keep", "lives"), [(400 * DAY, 40 * DAY), (10 * DAY, 10 * DAY), (None, None)])
async def test_no_record_outlives_what_the_settings_allow(keep, lives):
    """RECORD_DAYS shortens a record's life, never lengthens it; one that is still needed stays for good."""
    clock = ManualClock(NOW)
    store = MemoryStore(clock)
    ledger = Ledger(store, "key", longest=40 * DAY)
    await ledger.commit("one", [Change(kind="request", id="1", rev=0, data={"v": 1}, keep=keep)])
    clock.move((lives or 500 * DAY) - 60)
    assert await store.get("one", "request", "1")
    clock.move(120)
    assert bool(await store.get("one", "request", "1")) == (lives is None)
