"""The two stores and the two key-value states, each with hands to let its time pass."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from bot.clock import ManualClock
from bot.state.keyvalue import KeyValue, MemoryKeyValue
from bot.state.memory import MemoryStore
from bot.state.redis import RedisStore
from bot.state.store import Store
from tests.state.redis_process import RedisProcess, redis_process

START = datetime(2026, 11, 23, 10, tzinfo=UTC)


@dataclass
class Shelf:
    """A store under test; `age` lets that many seconds pass for whatever lives for a time only."""

    store: Store
    age: Callable[[float], None]


@pytest.fixture(scope="session")
def redis_of_session() -> Iterator[RedisProcess]:
    with redis_process() as server:
        yield server


@pytest.fixture
def redis_server(redis_of_session: RedisProcess) -> RedisProcess:
    """The session's server, empty."""
    with redis_of_session.client() as client:
        client.flushall()
    return redis_of_session


@pytest.fixture
def own_redis() -> Iterator[RedisProcess]:
    """A server that the test may kill."""
    with redis_process() as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
async def shelf(request: pytest.FixtureRequest) -> AsyncIterator[Shelf]:
    """The contract holds for both."""
    if request.param == "memory":
        clock = ManualClock(START)
        yield Shelf(store=MemoryStore(clock), age=clock.move)
        return
    server: RedisProcess = request.getfixturevalue("redis_server")
    store = RedisStore.open(server.url)
    yield Shelf(store=store, age=server.age)
    await store.close()


@pytest.fixture
def store(shelf: Shelf) -> Store:
    return shelf.store


@pytest.fixture
async def redis_store(own_redis: RedisProcess) -> AsyncIterator[RedisStore]:
    """A store on the server that the test may kill."""
    store = RedisStore.open(own_redis.url)
    yield store
    await store.close()


@dataclass
class Drawer:
    """A key-value state under test, in the same way."""

    keyvalue: KeyValue
    age: Callable[[float], None]


@pytest.fixture(params=["memory", "redis"])
async def drawer(request: pytest.FixtureRequest) -> AsyncIterator[Drawer]:
    if request.param == "memory":
        clock = ManualClock(START)
        yield Drawer(keyvalue=MemoryKeyValue(clock), age=clock.move)
        return
    server: RedisProcess = request.getfixturevalue("redis_server")
    store = RedisStore.open(server.url)
    yield Drawer(keyvalue=store.keyvalue(), age=server.age)
    await store.close()
