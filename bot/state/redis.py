"""The store on Redis (the only importer of redis beside the embedded server).

Keys are `wk:{<customer>}:...`: the braces are a hash tag, so that a record, its due time and the audit stream share a
slot. One Lua script makes every commit: it compares revisions, states and the audit head, and writes all or nothing.
"""

import asyncio
import json
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisError, ResponseError

from bot.errors import Conflict, StoreDown
from bot.state.commit import BY_TARGET, CATCH_UP, COMMIT, STANDING, commit_arguments, milliseconds
from bot.state.redis_client import open_client
from bot.state.scripts import BEGIN, HOLD, LEASE, PUT, RELEASE, TAKE
from bot.state.store import (
    FORGOTTEN,
    MOST_OF_TARGET,
    Begun,
    Change,
    Claimed,
    Due,
    HeadMoved,
    Kept,
    Record,
    Sealed,
    Standing,
    target_of,
)
from bot.state.together import Together

CATCH_UP_AT_ONCE = 500
SERVER_SETTINGS = ("appendfsync", "protected-mode")
"""What `facts` asks CONFIG GET for. Never for a password."""


@dataclass(frozen=True, kw_only=True)
class ServerFacts:
    """INFO as redis-py reads it, settings by name, the server's clock, and the seconds that its fastest answer took."""

    info: Mapping[str, Any]
    config: Mapping[str, str] | None
    now: datetime
    latency: float


@asynccontextmanager
async def _down() -> AsyncIterator[None]:
    """Say StoreDown for whatever Redis or the way to it did."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreDown(f"Redis: {type(error).__name__}") from error


def _row(position: str, fields: Mapping[str, str]) -> tuple[str, str, str]:
    """An audit entry; what somebody else put into the stream has no text or no hash, and breaks the chain."""
    return (position, fields.get("entry", ""), fields.get("hash", ""))


def _claimed(text: str | None) -> Claimed:
    """What stands under a claim that is somebody else's: the answer, once there is one."""
    return Claimed(state="done", answer=json.loads(text)) if text else Claimed(state="busy")


class RedisStore:
    """The store on one Redis. `open` connects; time-outs are short, because an approval must not hang."""

    def __init__(self, redis: "Redis | RedisCluster") -> None:
        self._together = Together(redis)
        self._redis: Any = redis  # its stubs promise bytes or str everywhere; we always decode
        self._commit = redis.register_script(COMMIT)
        self._by_target = redis.register_script(BY_TARGET)
        self._catch_up = redis.register_script(CATCH_UP)
        self._catching_up = asyncio.Lock()
        self._standing = redis.register_script(STANDING)
        self._lease = redis.register_script(LEASE)
        self._release = redis.register_script(RELEASE)
        self._take = redis.register_script(TAKE)
        self._begin = redis.register_script(BEGIN)
        self._hold = redis.register_script(HOLD)
        self._known: set[str] = set()
        self._taken = 0
        self._name = secrets.token_hex(4)

    @classmethod
    def open(cls, url: str) -> "RedisStore":
        """A store at that address (see `bot.state.address`); nothing is sent yet. Raises ValueError for no address."""
        return cls(open_client(url))

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
        async with _down():
            rows = await self._together(*(("HGETALL", self._key(customer, kind, key)) for key in keys))
        return [
            Record(kind=kind, id=key, rev=int(row["rev"]), state=row["state"], data=json.loads(row["data"]))
            for key, row in zip(keys, rows, strict=True)
            if row
        ]

    async def newest(self, customer: str, kind: str, *, limit: int = 1000) -> list[Record]:
        """Records of a kind, the latest written first; names of records that ran out are forgotten on the way."""
        index = self._key(customer, "all", kind)
        async with _down():
            (keys,) = await self._together(("ZREVRANGE", index, 0, limit - 1))
        return await self._those_left(customer, kind, keys, index)

    async def of_target(self, customer: str, kind: str, target: str, *, limit: int = MOST_OF_TARGET) -> list[Record]:
        """Records of a kind about that target, the latest written first."""
        names = (("target", kind, target), ("all", kind), ("indexed", kind))
        by_target, *others = (self._key(customer, *parts) for parts in names)
        while True:
            async with _down():
                behind, keys = await self._by_target(keys=[by_target, *others], args=[limit])
            if not behind:
                return await self._those_left(customer, kind, keys, by_target)
            await self._index_targets(customer, kind)

    async def _index_targets(self, customer: str, kind: str) -> None:
        """Bring the indexes of targets up to what a version wrote that does not know them."""
        index, pointer = self._key(customer, "all", kind), self._key(customer, "indexed", kind)
        async with self._catching_up, _down():
            indexed = await self._redis.get(pointer)
            rows = await self._redis.zrange(
                index, f"({indexed or 0}", "+inf", byscore=True, withscores=True, offset=0, num=CATCH_UP_AT_ONCE
            )
            if not rows:
                return
            keys, names = [index, pointer], []
            for record in await self.get_many(customer, kind, [key for key, _ in rows]):
                if target := target_of(record.data):
                    keys += [self._key(customer, kind, record.id), self._key(customer, "target", kind, target)]
                    names.append(record.id)
            await self._catch_up(keys=keys, args=[int(rows[-1][1]), *names])

    async def _those_left(self, customer: str, kind: str, keys: Sequence[str], index: str) -> list[Record]:
        """The records of these names; names of those that ran out are taken out of the index that has them."""
        records = await self.get_many(customer, kind, keys)
        gone = set(keys) - {record.id for record in records}
        if gone:
            async with _down():
                await self._redis.zrem(index, *gone)
        return records

    async def commit(self, customer: str, changes: Sequence[Change], sealed: Sealed | None = None) -> None:
        """Write all changes, their due times, the audit entries and a trim of the oldest, or nothing."""
        keys = [self._key(customer, name) for name in ("due", "audit", "head", "checkpoint")]
        for change in changes:
            kind, target = change.kind, target_of(change.data)
            keys += [self._key(customer, kind, change.id), self._key(customer, "all", kind)]
            keys += [self._key(customer, "target", kind, target), self._key(customer, "indexed", kind)]
        arguments = commit_arguments(changes, sealed)
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
                f"({milliseconds(before)}",
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
        return [_row(*row) for row in rows]

    async def audit_back(self, customer: str, *, limit: int = 1000, before: str = "") -> list[tuple[str, str, str]]:
        """The same, newest first, those before a position."""
        async with _down():
            rows = await self._redis.xrevrange(
                self._key(customer, "audit"), max=f"({before}" if before else "+", count=limit
            )
        return [_row(*row) for row in rows]

    async def standing(self, customer: str) -> Standing:
        """How the audit stream stands, all of it at one moment."""
        async with _down():
            found = await self._standing(keys=[self._key(customer, name) for name in ("head", "audit", "checkpoint")])
        return Standing(head=found[0], length=found[1], checkpoint=found[2])

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
        return _claimed(text)

    async def begin(
        self, customer: str, turn: str, seconds: float, *, note: Kept, record: tuple[str, str], values: Sequence[str]
    ) -> Begun:
        """Claim a turn, keep the note, read a record and values, in one round trip."""
        keys = [self._key(customer, *parts) for parts in (("turn", turn), ("value", note.name), record)]
        keys += [self._key(customer, "value", name) for name in values]
        arguments: list[str | int] = [int(seconds * 1000), json.dumps(note.value), int(note.seconds * 1000)]
        async with _down():
            fresh, text, row, *texts = await self._begin(keys=keys, args=arguments)
        kind, key = record
        rev, state, data = row
        return Begun(
            claimed=Claimed(state="fresh") if fresh else _claimed(text),
            record=Record(kind=kind, id=key, rev=int(rev), state=state, data=json.loads(data)) if rev else None,
            values=[json.loads(text) if text else None for text in texts],
        )

    async def hold(self, customer: str, turn: str, seconds: float) -> None:
        """Keep a claim that is still worked on for that many seconds more; an answer stays as it is."""
        async with _down():
            await self._hold(keys=[self._key(customer, "turn", turn)], args=[int(seconds * 1000)])

    async def finish(self, customer: str, turn: str, answer: Mapping[str, Any], seconds: float) -> None:
        """Keep a turn's answer for redeliveries."""
        async with _down():
            key = self._key(customer, "turn", turn)
            await self._together(("SET", key, json.dumps(answer), "PX", int(seconds * 1000)))

    async def abandon(self, customer: str, turn: str) -> None:
        """Give a claim back, so that a redelivery is taken up at once."""
        async with _down():
            await self._redis.delete(self._key(customer, "turn", turn))

    async def take(
        self, customer: str, bucket: str, windows: Sequence[tuple[int, float]], now: datetime, *, patience: float = 0.0
    ) -> float:
        """Take one from a rate bucket of (count, seconds) windows; returns the seconds to wait (see `Store`)."""
        arguments: list[str | int] = [milliseconds(now), self._taking(), int(patience * 1000), int(FORGOTTEN * 1000)]
        for count, seconds in windows:
            arguments += [count, int(seconds * 1000)]
        async with _down():
            wait = await self._take(keys=[self._key(customer, "bucket", bucket)], args=arguments)
        return float(wait) / 1000

    def _taking(self) -> str:
        """A name for one that is taken: no other process gives the same."""
        self._taken += 1
        return f"{self._name}{self._taken:x}"

    async def spend(self, customer: str, bucket: str, seconds: float, now: datetime) -> None:
        """Count one that waits for nobody."""
        key = self._key(customer, "bucket", bucket)
        async with _down():
            await self._together(
                ("ZREMRANGEBYSCORE", key, "-inf", milliseconds(now) - int(seconds * 1000)),
                ("ZADD", key, milliseconds(now), self._taking()),
                ("PEXPIRE", key, int((seconds + FORGOTTEN) * 1000)),
            )

    async def taken(self, customer: str, windows: Sequence[tuple[str, float]], now: datetime) -> list[int]:
        """How many were taken of each (bucket, seconds) within its last seconds."""
        until = milliseconds(now)
        async with _down(), self._redis.pipeline(transaction=False) as pipe:
            for bucket, seconds in windows:
                pipe.zcount(self._key(customer, "bucket", bucket), f"({until - int(seconds * 1000)}", until)
            counts: list[int] = await pipe.execute()
        return counts

    async def put_value(self, customer: str, name: str, value: Mapping[str, Any], seconds: float) -> None:
        """Keep a small value for that many seconds."""
        async with _down():
            key = self._key(customer, "value", name)
            await self._together(("SET", key, json.dumps(value), "PX", int(seconds * 1000)))

    async def get_value(self, customer: str, name: str) -> Mapping[str, Any] | None:
        """A small value, or None."""
        async with _down():
            (text,) = await self._together(("GET", self._key(customer, "value", name)))
        value: Mapping[str, Any] | None = json.loads(text) if text else None
        return value

    async def facts(self) -> ServerFacts:
        """What the server says of itself. A managed one may refuse CONFIG GET: then the settings are None."""
        async with _down():
            took = []
            for _ in range(4):  # the first one makes the connection
                began = time.monotonic()
                seconds, micros = await self._redis.time()
                took.append(time.monotonic() - began)
            info = await self._redis.info()
            try:
                found = [await self._redis.config_get(name) for name in SERVER_SETTINGS]
            except ResponseError:
                found = None
        config = None if found is None else {name: str(value) for one in found for name, value in one.items()}
        now = datetime.fromtimestamp(int(seconds) + int(micros) / 1e6, UTC)
        return ServerFacts(info=info, config=config, now=now, latency=min(took))

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
