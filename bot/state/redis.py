"""The store on Redis (the only importer of redis beside the embedded server).

Keys are `wk:{<customer>}:...`: the braces are a hash tag, so that a record, its due time and the audit stream share a
slot. One Lua script makes every commit: it compares revisions, states and the audit head, and writes all or nothing.
"""

import json
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bot.errors import Conflict, StoreDown
from bot.state.store import Change, Claimed, Due, HeadMoved, Record, Sealed

# KEYS: due index, audit stream, audit head, then for each change: record, index of its kind.
# ARGV: a JSON list of changes and the sealed audit entries; see _arguments.
COMMIT = """
local changes = cjson.decode(ARGV[1])
local sealed = cjson.decode(ARGV[2])
for n, change in ipairs(changes) do
  local key = KEYS[2 + 2 * n]
  local rev = tonumber(redis.call('HGET', key, 'rev') or '0')
  if rev ~= change.rev then return 'revision ' .. change.id end
  if change.was ~= '' and rev > 0 and redis.call('HGET', key, 'state') ~= change.was then
    return 'state ' .. change.id
  end
end
if sealed.entries and (redis.call('GET', KEYS[3]) or '') ~= sealed.head then return 'head' end
for n, change in ipairs(changes) do
  local key, index = KEYS[2 + 2 * n], KEYS[3 + 2 * n]
  local member = change.kind .. ':' .. change.id
  if change.data == '' then
    redis.call('DEL', key)
    redis.call('ZREM', index, change.id)
  else
    redis.call('HSET', key, 'rev', change.rev + 1, 'state', change.state, 'data', change.data)
    local newest = redis.call('ZREVRANGE', index, 0, 0, 'WITHSCORES')
    redis.call('ZADD', index, (tonumber(newest[2]) or 0) + 1, change.id)
    redis.call('ZREMRANGEBYRANK', index, 0, -10001)
    if change.keep > 0 then redis.call('PEXPIRE', key, change.keep) else redis.call('PERSIST', key) end
  end
  if change.due > 0 then redis.call('ZADD', KEYS[1], change.due, member)
  else redis.call('ZREM', KEYS[1], member) end
end
if sealed.entries then
  for _, entry in ipairs(sealed.entries) do
    redis.call('XADD', KEYS[2], '*', 'entry', entry[1], 'hash', entry[2])
    redis.call('SET', KEYS[3], entry[2])
  end
end
return 'ok'
"""

LEASE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

# KEYS: bucket. ARGV: now (ms), a name for this one, then count and milliseconds of each window.
TAKE = """
local now, wait, longest = tonumber(ARGV[1]), 0, 0
for n = 3, #ARGV, 2 do longest = math.max(longest, tonumber(ARGV[n + 1])) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - longest)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. (now + 60000), '+inf') -- a clock went wrong and was set right
for n = 3, #ARGV, 2 do
  local count, span = tonumber(ARGV[n]), tonumber(ARGV[n + 1])
  if redis.call('ZCOUNT', KEYS[1], '(' .. (now - span), '+inf') >= count then
    local blocking = redis.call('ZREVRANGE', KEYS[1], count - 1, count - 1, 'WITHSCORES')
    wait = math.max(wait, tonumber(blocking[2]) + span - now)
  end
end
if wait == 0 then
  redis.call('ZADD', KEYS[1], now, ARGV[2])
  redis.call('PEXPIRE', KEYS[1], longest)
end
return wait
"""


# KEYS: value. ARGV: the expected eTag (empty: any), the new eTag, the JSON text, milliseconds to live (0: for good).
PUT = """
local stored = redis.call('HGET', KEYS[1], 'etag')
if ARGV[1] ~= '' and stored and stored ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'etag', ARGV[2], 'value', ARGV[3])
if ARGV[4] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[4]) else redis.call('PERSIST', KEYS[1]) end
return 1
"""


@asynccontextmanager
async def _down() -> AsyncIterator[None]:
    """Say StoreDown for whatever Redis or the way to it did."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreDown(f"Redis: {type(error).__name__}") from error


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _argument(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "id": change.id,
        "rev": change.rev,
        "was": change.was,
        "state": change.state,
        "data": "" if change.data is None else json.dumps(change.data),
        "due": _milliseconds(change.due) if change.due and change.data is not None else 0,
        "keep": int((change.keep or 0) * 1000),
    }


class RedisStore:
    """The store on one Redis. `open` connects; time-outs are short, because an approval must not hang."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its stubs promise bytes or str everywhere; we always decode
        self._commit = redis.register_script(COMMIT)
        self._lease = redis.register_script(LEASE)
        self._release = redis.register_script(RELEASE)
        self._take = redis.register_script(TAKE)
        self._known: set[str] = set()
        self._taken = 0

    @classmethod
    def open(cls, url: str) -> "RedisStore":
        """A store at that URL (`redis://`, `rediss://`, `unix://`); nothing is sent yet.

        A burst waits for a free connection. Nothing is sent twice by the client itself: a commit that was made but not
        answered would meet its own revision and read as somebody else's.
        """
        pool = BlockingConnectionPool.from_url(
            url,
            decode_responses=True,
            socket_timeout=5,
            socket_connect_timeout=3,
            max_connections=100,
            timeout=5,
            health_check_interval=30,
            retry=Retry(NoBackoff(), 0),
        )
        return cls(Redis.from_pool(pool))

    def keyvalue(self) -> "RedisKeyValue":
        """Conversation state on the same connections."""
        return RedisKeyValue(self._redis)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    @staticmethod
    def _key(customer: str, *parts: str) -> str:
        return ":".join((f"wk:{{{customer}}}", *parts))

    async def get(self, customer: str, kind: str, key: str) -> Record | None:
        """One record, or None."""
        found = await self.get_many(customer, kind, [key])
        return found[0] if found else None

    async def get_many(self, customer: str, kind: str, keys: Sequence[str]) -> list[Record]:
        """Those of the records that exist, in the order asked for."""
        async with _down(), self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hgetall(self._key(customer, kind, key))
            rows = await pipe.execute()
        return [
            Record(kind=kind, id=key, rev=int(row["rev"]), state=row["state"], data=json.loads(row["data"]))
            for key, row in zip(keys, rows, strict=True)
            if row
        ]

    async def newest(self, customer: str, kind: str, *, limit: int = 1000) -> list[Record]:
        """Records of a kind, the latest written first; names of records that ran out are forgotten on the way."""
        index = self._key(customer, "all", kind)
        async with _down():
            keys = await self._redis.zrevrange(index, 0, limit - 1)
        records = await self.get_many(customer, kind, keys)
        gone = set(keys) - {record.id for record in records}
        if gone:
            async with _down():
                await self._redis.zrem(index, *gone)
        return records

    async def commit(self, customer: str, changes: Sequence[Change], sealed: Sealed | None = None) -> None:
        """Write all changes, their due times and the audit entries, or nothing."""
        keys = [self._key(customer, name) for name in ("due", "audit", "head")]
        for change in changes:
            keys += [self._key(customer, change.kind, change.id), self._key(customer, "all", change.kind)]
        entries = {"head": sealed.head, "entries": list(sealed.entries)} if sealed else {}
        arguments = [json.dumps([_argument(change) for change in changes]), json.dumps(entries)]
        async with _down():
            if customer not in self._known:
                await self._redis.sadd("wk:customers", customer)
                self._known.add(customer)
            said = await self._commit(keys=keys, args=arguments)
        if said == "head":
            raise HeadMoved
        if said != "ok":
            raise Conflict(said)

    async def due(self, customer: str, before: datetime, *, limit: int = 1000) -> list[Due]:
        """Records due before that moment, earliest first."""
        async with _down():
            rows = await self._redis.zrange(
                self._key(customer, "due"),
                "-inf",
                f"({_milliseconds(before)}",
                byscore=True,
                withscores=True,
                offset=0,
                num=limit,
            )
        found = []
        for member, score in rows:
            kind, _, key = member.partition(":")
            found.append(Due(kind=kind, id=key, at=datetime.fromtimestamp(float(score) / 1000, UTC)))
        return found

    async def head(self, customer: str) -> str:
        """The hash of the newest audit entry, empty where there is none."""
        async with _down():
            head: str | None = await self._redis.get(self._key(customer, "head"))
        return head or ""

    async def audit(self, customer: str, *, limit: int = 1000, after: str = "") -> list[tuple[str, str, str]]:
        """Audit entries as (position, entry as JSON text, hash), oldest first, those after a position."""
        async with _down():
            rows = await self._redis.xrange(
                self._key(customer, "audit"), min=f"({after}" if after else "-", count=limit
            )
        return [(position, fields["entry"], fields["hash"]) for position, fields in rows]

    async def customers(self) -> list[str]:
        """Every customer that has a record."""
        async with _down():
            return sorted(await self._redis.smembers("wk:customers"))

    async def lease(self, customer: str, name: str, owner: str, seconds: float) -> bool:
        """Take a lease, or keep it if it is already this owner's. False: somebody else has it."""
        async with _down():
            taken = await self._lease(keys=[self._key(customer, "lease", name)], args=[owner, int(seconds * 1000)])
        return bool(taken)

    async def release(self, customer: str, name: str, owner: str) -> None:
        """Give a lease back if it is still this owner's."""
        async with _down():
            await self._release(keys=[self._key(customer, "lease", name)], args=[owner])

    async def claim(self, customer: str, turn: str, seconds: float) -> Claimed:
        """Claim a turn for that many seconds, or learn what became of it."""
        key = self._key(customer, "turn", turn)
        async with _down():
            if await self._redis.set(key, "", nx=True, px=int(seconds * 1000)):
                return Claimed(state="fresh")
            text = await self._redis.get(key)
        return Claimed(state="done", answer=json.loads(text)) if text else Claimed(state="busy")

    async def finish(self, customer: str, turn: str, answer: Mapping[str, Any], seconds: float) -> None:
        """Keep a turn's answer for redeliveries."""
        async with _down():
            await self._redis.set(self._key(customer, "turn", turn), json.dumps(answer), px=int(seconds * 1000))

    async def abandon(self, customer: str, turn: str) -> None:
        """Give a claim back, so that a redelivery is taken up at once."""
        async with _down():
            await self._redis.delete(self._key(customer, "turn", turn))

    async def take(self, customer: str, bucket: str, windows: Sequence[tuple[int, float]], now: datetime) -> float:
        """Take one from a rate bucket of (count, seconds) windows. 0: taken; else the seconds to wait."""
        self._taken += 1
        arguments: list[str | int] = [_milliseconds(now), f"{id(self):x}-{self._taken}-{_milliseconds(now)}"]
        for count, seconds in windows:
            arguments += [count, int(seconds * 1000)]
        async with _down():
            wait = await self._take(keys=[self._key(customer, "bucket", bucket)], args=arguments)
        return float(wait) / 1000

    async def put_value(self, customer: str, name: str, value: Mapping[str, Any], seconds: float) -> None:
        """Keep a small value for that many seconds."""
        async with _down():
            await self._redis.set(self._key(customer, "value", name), json.dumps(value), px=int(seconds * 1000))

    async def get_value(self, customer: str, name: str) -> Mapping[str, Any] | None:
        """A small value, or None."""
        async with _down():
            text = await self._redis.get(self._key(customer, "value", name))
        value: Mapping[str, Any] | None = json.loads(text) if text else None
        return value

    async def ping(self) -> None:
        """Raise StoreDown unless Redis answers and accepts writes."""
        async with _down():
            await self._redis.set("wk:ping", "1", px=60_000)


class RedisKeyValue:
    """Small JSON values with eTags (see `bot.state.keyvalue.KeyValue`), beside the records on the same Redis."""

    def __init__(self, redis: Any) -> None:
        self._redis = redis
        self._put = redis.register_script(PUT)

    async def get(self, key: str) -> tuple[dict[str, Any], str] | None:
        """The value and its eTag, or None."""
        async with _down():
            row = await self._redis.hgetall(f"wk:state:{key}")
        return (json.loads(row["value"]), row["etag"]) if row else None

    async def put(
        self, key: str, value: Mapping[str, Any], *, expected: str | None = None, ttl: float | None = None
    ) -> str:
        """Write a value and return its new eTag; Conflict where the stored eTag is not the expected one."""
        etag = uuid.uuid4().hex
        arguments = [expected or "", etag, json.dumps(dict(value)), int((ttl or 0) * 1000)]
        async with _down():
            written = await self._put(keys=[f"wk:state:{key}"], args=arguments)
        if not written:
            raise Conflict(key)
        return etag

    async def delete(self, key: str) -> None:
        """Remove a value; that there is none is no error."""
        async with _down():
            await self._redis.delete(f"wk:state:{key}")
