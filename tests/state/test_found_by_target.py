"""The index by target on Redis: what it costs, when it ends, and records of versions that do not know it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.audit import Ledger
from bot.responses.models import Request, State
from bot.state.redis import RedisStore
from bot.state.store import Change, target_of
from tests.responses.people import ADELE, TENANT
from tests.responses.stage import Stage

ONE = "tenant-1"
DAY = 24 * 3600.0


@pytest.fixture
async def store(redis_server) -> AsyncIterator[RedisStore]:
    store = RedisStore.open(redis_server.url)
    yield store
    await store.close()


def about(target: str, key: str, rev: int = 0, **more: Any) -> Change:
    return Change(kind="request", id=key, rev=rev, data={"target": {"id": target}, "rev": rev}, **more)


def as_released(client: Any, change: Change, top: float | None = None) -> None:
    """Write a record as versions did whose commit knows no index by target; `top` is the highest score of its kind."""
    index, key = f"wk:{{{ONE}}}:all:request", f"wk:{{{ONE}}}:request:{change.id}"
    if top is None:
        newest = client.zrevrange(index, 0, 0, withscores=True)
        top = newest[0][1] if newest else 0
    row = {"rev": change.rev + 1, "state": change.state, "data": json.dumps(change.data)}
    client.hset(key, mapping=row)
    client.zadd(index, {change.id: top + 1})
    if change.keep:
        client.pexpire(key, int(change.keep * 1000))


def reads(client: Any) -> int:
    """How many records were read since the server was started."""
    return int(client.info("commandstats").get("cmdstat_hgetall", {}).get("calls", 0))


async def found(store: RedisStore, target: str) -> list[str]:
    return [record.id for record in await store.of_target(ONE, "request", target)]


async def test_what_released_versions_wrote_is_found(store, redis_server):
    """More records than are caught up at once, open and over, are found by their target at the first question."""
    with redis_server.client() as client:
        with client.pipeline() as pipe:
            for n in range(1100):
                as_released(pipe, about(f"d{n % 300}", f"r{n}"), top=n)
            pipe.execute()
        assert await found(store, "d7") == ["r907", "r607", "r307", "r7"]
        before = reads(client)
        assert await found(store, "d8") == ["r908", "r608", "r308", "r8"]
        assert reads(client) - before == 4


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.booleans()), min_size=1, max_size=25))
async def test_versions_side_by_side_lose_nothing(store, redis_server, writes):
    """While a released version and this one write in turn, each record is found by its target, in the true order."""
    with redis_server.client() as client:
        client.flushall()
        for released, number, ask in writes:
            key = f"r{number}"
            live = await store.get(ONE, "request", key)
            change = about(f"d{number % 2}", key, live.rev if live else 0)
            if released:
                as_released(client, change)
            else:
                await store.commit(ONE, [change])
            if ask:
                everything = await store.newest(ONE, "request")
                for target in ("d0", "d1"):
                    mine = [record for record in everything if target_of(record.data) == target]
                    assert await store.of_target(ONE, "request", target) == mine


async def test_many_catch_up_at_once(store, redis_server):
    """Twenty who ask in the same moment, while others write, all see what was there before."""
    with redis_server.client() as client:
        for n in range(60):
            as_released(client, about("d", f"r{n}"))
    asked, _ = await asyncio.gather(
        asyncio.gather(*(store.of_target(ONE, "request", "d") for _ in range(20))),
        asyncio.gather(*(store.commit(ONE, [about("e", f"n{n}")]) for n in range(60))),
    )
    assert {len(one) for one in asked} == {60}
    assert len(await store.of_target(ONE, "request", "e")) == 60


@pytest.mark.parametrize("released", [True, False])
async def test_the_index_ends_after_its_last_record(store, redis_server, released):
    """Nothing is left of a target whose records ran out; one that is kept for good is found beside others that end."""
    with redis_server.client() as client:
        changes = [about("gone", "a", keep=DAY), about("gone", "b", keep=9 * DAY)]
        changes += [about("open", "c"), about("open", "d", keep=DAY)]
        for change in changes:
            if released:
                as_released(client, change)
            else:
                await store.commit(ONE, [change])
        assert await found(store, "gone") == ["b", "a"]
        redis_server.age(8 * DAY)
        assert (await found(store, "gone"), await found(store, "open")) == (["b"], ["c"])
        redis_server.age(2 * DAY)
        indexes = [f"wk:{{tenant-1}}:target:request:{target}" for target in ("gone", "open")]
        assert [client.exists(name) for name in indexes] == [0, 1]
        assert 300 * DAY < client.ttl(indexes[1]) <= 400 * DAY


async def test_a_step_reads_what_concerns_its_target(store, redis_server):
    """What sending a request reads does not grow with the requests of other targets."""
    stage = on(store)
    with redis_server.client() as client:

        async def cost() -> int:
            key = await stage.approved("scan", posts=())
            before = reads(client)
            await stage.work(key)
            assert (await stage.request(key)).state is State.SENT
            after = reads(client)
            stage.sim.first.actions.clear()
            await store.commit(TENANT, await freed(store, key))
            return after - before

        alone = await cost()
        for n in range(80):
            await store.commit(TENANT, [about(f"other{n}", f"o{n}")])
        assert await cost() == alone + 1  # the one before on the same device


def on(store: RedisStore) -> Stage:
    """A company whose store is this one."""
    stage = Stage()
    stage.store = store
    stage.ledger = Ledger(store, "audit key")
    return stage


async def freed(store: RedisStore, key: str) -> list[Change]:
    """What lets the same be asked again."""
    request = Request.model_validate((await store.get(TENANT, "request", key)).data)
    held = [("flight", f"{request.target.id}:{request.family}"), ("ask", request.ask)]
    return [Change(kind=kind, id=name, rev=1, data=None) for kind, name in held]


async def test_the_order_of_approvals_holds_across_versions(store, redis_server):
    """What a released version approved is sent before what this one approved later on the same device."""
    stage = on(store)
    first = await stage.approved("isolate")
    later = await stage.approved("release", who=ADELE)
    with redis_server.client() as client:
        names = list(client.scan_iter("wk:*:target:*")) + list(client.scan_iter("wk:*:indexed:*"))
        client.delete(*names)  # as if nobody had ever kept an index
    await stage.work(later)
    assert (await stage.request(later)).trouble_values["id"] == first
    assert stage.own() == []
    await stage.until_quiet()
    assert [action.type for action in stage.own()] == ["Isolate", "Unisolate"]
