"""What the store on Redis does when Redis is away, hangs, refuses or dies: say StoreDown, lose nothing, come back."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import StoreDown
from bot.state.redis import RedisStore
from bot.state.store import Change, Sealed

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
ONE = "tenant-1"
BOUND = 12.0  # seconds: a hanging Redis must be told apart from a slow one, but nobody waits longer than this

WRITES = {
    "commit": lambda s: s.commit(ONE, [Change(kind="request", id="b", rev=0, data={})]),
    "lease": lambda s: s.lease(ONE, "l", "me", 10),
    "claim": lambda s: s.claim(ONE, "t", 10),
    "finish": lambda s: s.finish(ONE, "t", {}, 10),
    "take": lambda s: s.take(ONE, "b", [(1, 60.0)], NOW),
    "put_value": lambda s: s.put_value(ONE, "v", {}, 10),
    "keyvalue put": lambda s: s.keyvalue().put("k", {}),
    "ping": lambda s: s.ping(),
}
READS = {
    "get": lambda s: s.get(ONE, "request", "a"),
    "get_many": lambda s: s.get_many(ONE, "request", ["a"]),
    "newest": lambda s: s.newest(ONE, "request"),
    "of_target": lambda s: s.of_target(ONE, "request", "d"),
    "due": lambda s: s.due(ONE, LATER),
    "head": lambda s: s.head(ONE),
    "audit": lambda s: s.audit(ONE),
    "audit back": lambda s: s.audit_back(ONE),
    "standing": lambda s: s.standing(ONE),
    "customers": lambda s: s.customers(),
    "get_value": lambda s: s.get_value(ONE, "v"),
    "keyvalue get": lambda s: s.keyvalue().get("k"),
}
OTHERS = {
    "release": lambda s: s.release(ONE, "l", "me"),
    "abandon": lambda s: s.abandon(ONE, "t"),
    "keyvalue delete": lambda s: s.keyvalue().delete("k"),
}


async def commit_one(store: RedisStore) -> None:
    change = Change(kind="request", id="a", rev=0, state="proposed", data={"n": 1}, due=NOW)
    await store.commit(ONE, [change], Sealed(head="", entries=[("text", "hash")]))


async def assert_there(store: RedisStore) -> None:
    assert (await store.get(ONE, "request", "a")).data == {"n": 1}
    assert [due.id for due in await store.due(ONE, LATER)] == ["a"]
    assert (await store.head(ONE), [row[1] for row in await store.audit(ONE)]) == ("hash", ["text"])


async def assert_down(store: RedisStore, names: dict) -> None:
    async with asyncio.timeout(BOUND):
        failed = await asyncio.gather(*(act(store) for act in names.values()), return_exceptions=True)
    assert {name: type(error) for name, error in zip(names, failed, strict=True)} == dict.fromkeys(names, StoreDown)


async def test_a_stopped_redis_is_store_down_and_its_return_is_noticed(own_redis, redis_store):
    """Every method says StoreDown while Redis is stopped, and works again by itself afterwards."""
    await commit_one(redis_store)
    own_redis.stop()
    await assert_down(redis_store, WRITES | READS | OTHERS)
    own_redis.start()
    await assert_there(redis_store)
    for act in (WRITES | READS | OTHERS).values():
        await act(redis_store)


async def test_a_hanging_redis_is_store_down(own_redis, redis_store):
    """A Redis that takes connections and answers nothing holds nobody up for long."""
    await commit_one(redis_store)
    own_redis.freeze()
    await assert_down(redis_store, WRITES | READS | OTHERS)
    own_redis.thaw()
    await assert_there(redis_store)


async def test_what_was_committed_outlives_a_kill(own_redis, redis_store):
    """Killed right after a commit, Redis has it when it is started again: record, due time, audit."""
    await commit_one(redis_store)
    own_redis.kill()
    await asyncio.to_thread(own_redis.start)
    await assert_there(redis_store)


@pytest.mark.parametrize(
    "refusal",
    [
        ("REPLICAOF", "127.0.0.1", "1"),
        ("CONFIG", "SET", "min-replicas-to-write", "1"),
        ("CONFIG", "SET", "maxmemory", "1"),
    ],
    ids=["read-only replica", "no replicas", "full"],
)
async def test_a_redis_that_takes_no_writes_is_store_down(own_redis, redis_store, refusal):
    """A replica, a primary without its replicas, a full Redis: writes say StoreDown and change nothing, reads work."""
    await commit_one(redis_store)
    with own_redis.client() as client:
        client.execute_command(*refusal)
    await assert_down(redis_store, {name: act for name, act in WRITES.items() if name != "take"})
    await assert_there(redis_store)
    assert await redis_store.get(ONE, "request", "b") is None


async def test_an_unknown_script_is_sent_again(own_redis, redis_store):
    """A Redis that forgot its scripts (after a failover) is given them again."""
    with own_redis.client() as client:
        client.script_flush()
    await commit_one(redis_store)
    await assert_there(redis_store)
