"""What watching costs: CPU, Redis and HTTP for each customer and round, and how soon an incident has its card."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

from bot.demo import TENANT
from tests.bench.cloud import Cloud
from tests.bench.figures import cpu_seconds, percentile, table
from tests.bench.scale import Scale
from tests.bench.seeds import customer, subscriptions_in
from tests.bench.subjects import our_bot, stage
from tests.state.redis_process import RedisProcess

SETTLE_ROUNDS = 2
CUSTOMERS_WATCHED = 20
PAUSE = 1.7
"""Seconds between two incidents: at no fixed place in the pollers' round."""


async def cost(scale: Scale, folder: Path) -> str:
    """CPU of the process, commands at Redis and HTTP calls, for each customer and round of all its watchers."""
    rows = [await _cost(scale, folder / f"of-{count}", count) for count in scale.customers]
    head = ("customers", "CPU ms per customer and round", "share of a core", "Redis commands", "HTTP calls")
    return table(f"Watching, every {scale.poll_seconds} s", head, rows)


def _tenants(count: int) -> str:
    return ",".join([TENANT, *(customer(number) for number in range(count))])


async def _cost(scale: Scale, folder: Path, count: int) -> list[str]:
    async with stage(folder) as (cloud, redis):
        await subscriptions_in(redis, cloud.url, count)
        settings = {"ALLOWED_TENANTS": _tenants(count), "POLL_SECONDS": str(scale.poll_seconds)}
        async with our_bot(cloud, redis, folder, **settings) as (_, process):
            await asyncio.sleep(scale.poll_seconds * SETTLE_ROUNDS)
            cpu, calls, commands = cpu_seconds(process), sum(cloud.counted.values()), _commands(redis)
            seconds = scale.poll_seconds * scale.rounds
            await asyncio.sleep(seconds)
            used = cpu_seconds(process) - cpu
            polls = count * scale.rounds
            calls, commands = sum(cloud.counted.values()) - calls, _commands(redis) - commands
        if cloud.errors or calls < polls * 0.9:
            raise AssertionError(f"{calls} calls for {polls} polls; {cloud.errors[:5]}")
    per = f"{used / polls * 1000:.1f}"
    return [f"{count:,}", per, f"{used / seconds:.0%}", f"{commands / polls:.1f}", f"{calls / polls:.1f}"]


def _commands(redis: RedisProcess) -> int:
    with redis.client() as client:
        return int(client.info("stats")["total_commands_processed"])


async def latency(scale: Scale, folder: Path) -> str:
    """Seconds from an incident being readable at Graph to its card at the Connector."""
    rows = [await _latency(folder / f"every-{every}", every, seconds) for every, seconds in scale.latencies]
    return table("From an incident at Graph to its card", ("poll", "incidents", "p50 / p95 / max s"), rows)


async def _latency(folder: Path, every: int, seconds: int) -> list[str]:
    async with stage(folder) as (cloud, redis):
        await subscriptions_in(redis, cloud.url, CUSTOMERS_WATCHED)
        settings = {"ALLOWED_TENANTS": _tenants(CUSTOMERS_WATCHED), "POLL_SECONDS": str(every)}
        async with our_bot(cloud, redis, folder, **settings):
            await asyncio.sleep(every + 1)
            made = await _make(cloud, seconds)
            await _all_shown(cloud, len(made), every + 20)
            waits = [cloud.seen[number] - at for number, at in made.items()]
    shown = " / ".join(f"{percentile(waits, share):.1f}" for share in (50, 95, 100))
    return [f"{every} s", str(len(waits)), shown]


async def _make(cloud: Cloud, seconds: int) -> dict[str, float]:
    """Incidents for one customer after the other; returns when each became readable."""
    made: dict[str, float] = {}
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        number = str(700_000 + len(made))
        cloud.incidents.setdefault(customer(len(made) % CUSTOMERS_WATCHED), []).append(incident(number))
        made[number] = time.perf_counter()
        await asyncio.sleep(PAUSE)
    return made


async def _all_shown(cloud: Cloud, count: int, seconds: float) -> None:
    for _ in range(int(seconds / 0.05)):
        if len(cloud.seen) >= count:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{len(cloud.seen)} of {count} incidents have a card")


def incident(number: str) -> dict[str, object]:
    """An incident as `api/security-list-incidents` answers it."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"
    return {
        "@odata.type": "#microsoft.graph.incident",
        "id": number,
        "incidentWebUrl": f"https://security.microsoft.com/incidents/{number}?tid={TENANT}",
        "redirectIncidentId": None,
        "displayName": f"Bench incident {number}",
        "createdDateTime": now,
        "lastUpdateDateTime": now,
        "assignedTo": None,
        "classification": "unknown",
        "determination": "unknown",
        "status": "active",
        "severity": "high",
        "customTags": [],
        "comments": [],
        "alerts": [],
    }
