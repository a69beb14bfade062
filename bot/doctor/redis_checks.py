"""Whether Redis is reached, keeps what is written, and is kept from others (README, `Provide a Redis`)."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bot.addresses import is_own_host
from bot.doctor.endpoints import RUN
from bot.doctor.findings import Finding, ok, problem, unknown, warning
from bot.doctor.patient import Patient
from bot.errors import StoreError
from bot.state.address import Address, read_address
from bot.state.redis import RedisStore, ServerFacts

OLDEST = (6, 2)
SLOW = 0.05  # seconds
FULL, NEARLY_FULL = 0.95, 0.8
MEBIBYTE = 1024 * 1024
CLOCK = "Redis"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where Redis is, as REDIS_URL says, without the password. `local`: on this machine; `socket`: a unix socket."""

    name: str
    socket: bool
    local: bool
    tls: bool
    password: bool


async def redis_findings(patient: Patient) -> list[Finding]:
    """One line for each thing that matters of Redis."""
    url = patient.settings.redis_url
    if patient.store is None or url is None:
        return [unknown("redis.reached", "Redis is not looked at: REDIS_URL is missing or cannot be used.")]
    address = read_address(url.get_secret_value())
    place = _place(address)
    if address.kind == "cluster":
        return [await _cluster(patient.store, place, patient), _private(place, None)]
    try:
        async with asyncio.timeout(patient.limit):
            facts = await patient.store.facts()
    except (StoreError, TimeoutError) as error:
        return [_unreached(place, error, patient)]
    patient.behind[CLOCK] = (facts.now - patient.clock.now()).total_seconds()
    checks = [_reached(place, facts), await _writes(patient.store, facts, patient.limit)]
    return [*checks, *_kept(facts), *_memory(facts.info), _private(place, facts)]


def _place(address: Address) -> Place:
    if address.kind == "sentinel":
        hosts = [host for host, _ in address.sentinels]
        name = f"{address.service}, as the Sentinels at {', '.join(hosts)} name it"
        local = all(map(is_own_host, hosts))
        return Place(name=name, socket=False, local=local, tls=address.tls, password=bool(address.password))
    parts = urlsplit(address.plain)
    return Place(
        name="its unix socket" if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}",
        socket=parts.scheme == "unix",
        local=is_own_host(parts.hostname or ""),
        tls=address.tls,
        password=bool(parts.password or "password=" in parts.query),
    )


async def _cluster(store: RedisStore, place: Place, patient: Patient) -> Finding:
    """Of a cluster only whether it takes writes: how each of its nodes is set up is not looked at."""
    try:
        async with asyncio.timeout(patient.limit):
            await store.ping()
    except (StoreError, TimeoutError) as error:
        return _unreached(place, error, patient)
    says = f"The Redis Cluster ({place.name}) takes writes. How its nodes keep what they hold is not looked at."
    do = "See to it that each node has `appendonly yes`, `appendfsync always` and `maxmemory-policy noeviction`."
    return unknown("redis.reached", says, do=do)


def _unreached(place: Place, error: Exception, patient: Patient) -> Finding:
    cause = _cause(error)
    means = "The bot does not start, and a running one takes no commands."
    if cause in {"AuthenticationError", "NoPermissionError"}:
        do = "Check user and password in REDIS_URL."
        return problem("redis.reached", f"Redis ({place.name}) refuses our password or user.", means=means, do=do)
    do = RUN if patient.settings.development else "Check REDIS_URL, that the server runs, and the network between."
    why = "gives no answer in time" if cause == "TimeoutError" else f"cannot be reached ({cause})"
    return problem("redis.reached", f"Redis ({place.name}) {why}.", means=means, do=do, facts={"error": cause})


def _cause(error: Exception) -> str:
    """The class of what redis-py met; of a time-out of ours, that."""
    return type(error if isinstance(error, TimeoutError) else error.__cause__ or error).__name__


def _reached(place: Place, facts: ServerFacts) -> Finding:
    version, took = str(facts.info.get("redis_version", "?")), facts.latency * 1000
    figures = {"version": version, "ms": round(took, 1)}
    says = f"Redis {version} ({place.name}) answers in {took:.1f} ms"
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST:
        do = "Install Redis 7, or Valkey."
        return problem("redis.reached", f"{says}. It is too old: 6.2 is needed at least.", do=do, facts=figures)
    if facts.latency > SLOW:
        means = "Each command takes many questions, one after the other."
        do = "Put Redis near the bot."
        return warning("redis.reached", f"{says}. That is slow.", means=means, do=do, facts=figures)
    return ok("redis.reached", f"{says}.", facts=figures)


async def _writes(store: RedisStore, facts: ServerFacts, limit: float) -> Finding:
    """Whether it takes writes: it must be no replica, have its data loaded, and let our user write."""
    role = str(facts.info.get("role", "?"))
    replicas = int(facts.info.get("connected_slaves", 0))
    figures = {"role": role, "replicas": replicas}
    try:
        async with asyncio.timeout(limit):
            await store.ping()
    except (StoreError, TimeoutError) as error:
        cause = _cause(error)
        do = "Name the primary in REDIS_URL." if role != "master" else "See the memory and the disk below."
        says = f"It takes no writes ({cause}); its role is {'replica' if role == 'slave' else role}."
        return problem("redis.writes", says, means="Nothing can be asked or decided.", do=do, facts=figures)
    copies = f"{replicas} replica{'' if replicas == 1 else 's'} follow{'s' if replicas == 1 else ''} it"
    says = f"It takes writes, as the primary; {copies if replicas else 'no replica follows it'}."
    return ok("redis.writes", says, facts=figures)


def _kept(facts: ServerFacts) -> Iterator[Finding]:
    """Whether what was written is on the disk when it is answered."""
    info, sync = facts.info, (facts.config or {}).get("appendfsync")
    means = "What was approved or posted in the last moments before a crash is lost, and may be done twice or never."
    if not info.get("aof_enabled"):
        do = "Set `appendonly yes` and `appendfsync always`."
        yield problem("redis.appendonly", "It does not write what it holds to the disk at once.", means=means, do=do)
    elif sync is None:
        do = "Ask whoever runs it whether appendfsync is `always`."
        yield unknown("redis.appendonly", "It writes to the disk; how soon, it does not let us read.", do=do)
    elif sync != "always":
        do = "Set `appendfsync always`."
        yield warning("redis.appendonly", f"It writes to the disk, with appendfsync {sync}.", means=means, do=do)
    else:
        yield ok("redis.appendonly", "What is written is on its disk before it is answered (appendfsync always).")
    yield from _disk(info)


def _disk(info: Mapping[str, Any]) -> Iterator[Finding]:
    names = ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")
    failed = {name: str(info[name]) for name in names if info.get(name, "ok") != "ok"}
    if info.get("loading"):
        yield problem("redis.disk", "It is still loading its data.", do="Wait, then ask again.")
    elif failed:
        says = f"Its last write to the disk failed ({', '.join(failed)})."
        do = "Look for a full or broken disk on its machine, and into its log."
        yield problem("redis.disk", says, means="It may refuse to write any time.", do=do, facts=failed)
    else:
        yield ok("redis.disk", "Its last writes to the disk went well.")


def _memory(info: Mapping[str, Any]) -> Iterator[Finding]:
    policy = info.get("maxmemory_policy")
    if policy is None:
        yield unknown("redis.policy", "What it drops when memory is full, it does not say.")
    elif policy != "noeviction":
        says = f"It drops records when memory is full (maxmemory-policy {policy})."
        means = "Requests, incidents and the audit trail can vanish."
        yield problem("redis.policy", says, means=means, do="Set `maxmemory-policy noeviction`.")
    else:
        yield ok("redis.policy", "It never drops a record to make room (noeviction).")
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    figures = {"used": used, "most": most}
    says = f"It uses {used / MEBIBYTE:.0f} MiB of memory"
    if not most:
        yield ok("redis.memory", f"{says}, without a limit of its own.", facts=figures)
        return
    says = f"{says} of {most / MEBIBYTE:.0f} MiB"
    make = problem if used > FULL * most else warning if used > NEARLY_FULL * most else ok
    full = {"means": "When it is full nothing can be written.", "do": "Raise maxmemory."} if make is not ok else {}
    yield make("redis.memory", f"{says}.", facts=figures, **full)


def _private(place: Place, facts: ServerFacts | None) -> Finding:
    """Who else may give it commands: whoever can write to Redis controls the bot."""
    key, means = "redis.private", "Whoever can write to Redis controls the bot."
    if place.socket:
        return ok(key, "It is spoken to through a unix socket, which only this machine has.")
    if not place.password:
        do = "Give it a password (requirepass, or an ACL user), and put that into REDIS_URL."
        guarded = facts is not None and (facts.config or {}).get("protected-mode") == "yes"
        if place.local and guarded:
            return warning(key, "It takes the commands of this machine without a password.", means=means, do=do)
        return problem(key, "It takes commands over the network without a password.", means=means, do=do)
    if not (place.tls or place.local):
        says = "Password and records travel to it unencrypted."
        return warning(key, says, means=means, do="Use TLS (rediss://), unless the network between is yours alone.")
    return ok(key, f"It wants a password{', over TLS' if place.tls else ', and is on this machine'}.")
