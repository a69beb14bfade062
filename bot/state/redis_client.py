"""A client of redis-py for each kind of address, with short time-outs and no repetitions of its own.

Nothing is sent twice by the client itself: a commit that was made but not answered would meet its own revision and
read as somebody else's.
"""

from typing import Any, cast

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from bot.state.address import Address, read_address

MOST_CONNECTIONS = 100
_TIMES: dict[str, Any] = {"socket_timeout": 5, "socket_connect_timeout": 3, "health_check_interval": 30}
_SENTINEL_TIMES: dict[str, Any] = {"socket_timeout": 1, "socket_connect_timeout": 1}


def open_client(url: str) -> "Redis | RedisCluster":
    """A client that connects when it is first used. Raises ValueError for an address of no known form."""
    address = read_address(url)
    # Bytes that are no text come back as they are: what somebody changed in Redis is judged, not stumbled over.
    common = _TIMES | {"decode_responses": True, "encoding_errors": "surrogateescape", "retry": Retry(NoBackoff(), 0)}
    if address.kind == "cluster":
        return RedisCluster.from_url(address.plain, max_connections=10 * MOST_CONNECTIONS, **common)
    waiting = common | {"max_connections": MOST_CONNECTIONS, "timeout": 5}
    if address.kind == "sentinel":
        return Redis.from_pool(_sentinel_pool(address, waiting))
    return Redis.from_pool(BlockingConnectionPool.from_url(address.plain, **waiting))


class _SentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to the present master; a burst waits for a free one. It closes its connections to the Sentinels."""

    async def aclose(self) -> None:
        """Close the connections to the master, then those to the Sentinels."""
        await super().aclose()
        for sentinel in self.sentinel_manager.sentinels:
            await sentinel.aclose()


def _sentinel_pool(address: Address, options: dict[str, Any]) -> BlockingConnectionPool:
    asking = {"username": address.sentinel_username, "password": address.sentinel_password, "ssl": address.tls}
    sentinels: Any = cast("Any", Sentinel)(list(address.sentinels), sentinel_kwargs=asking | _SENTINEL_TIMES)
    pool: BlockingConnectionPool = cast("Any", _SentinelPool)(  # redis-py has no types for its Sentinels
        address.service,
        sentinels,
        db=address.database,
        username=address.username,
        password=address.password,
        ssl=address.tls,
        **options,
    )
    return pool
