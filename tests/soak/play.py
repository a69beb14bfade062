"""The stage of the soak: simulator, Redis, the bot's processes, and the two parts played on it."""

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx

from bot.demo import APP_ID, TENANT
from tests.fast_clock import FastClock
from tests.served import Served
from tests.soak import report, verdict
from tests.soak.board import Board
from tests.soak.center_played import Proposals
from tests.soak.center_seen import Center
from tests.soak.evidence import Doubt, Evidence
from tests.soak.fleet import Fleet, unexpected, until
from tests.soak.incidents_played import Incidents
from tests.soak.plan import Plan
from tests.soak.requests_played import Requests
from tests.soak.talking import Talk
from tests.soak.trouble import SHARE, Chance, ConnectorLimits, Mischief
from tests.soak.truth import Witnessed
from tests.soak.world import INCIDENTS, POLICY, REQUESTS, ROLES, TENANTS, furnish, of
from tests.state.redis_process import redis_process

Say = Callable[[str], None]
QUIET = 2.0
"""Seconds between two looks at whether something still happens."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a soak found: a sentence for each breach, and the same with all figures as text."""

    must_be_0: dict[str, list[str]]
    table: str
    json: str


class Stage:
    """All that plays together. `dice` decides what happens; the order of processes' doings is not in its hands."""

    def __init__(self, plan: Plan, sim: Witnessed, clock: FastClock, fleet: Fleet, http: httpx.AsyncClient) -> None:
        self.plan, self.sim, self.clock, self.fleet = plan, sim, clock, fleet
        self.dice = Random(plan.seed)  # noqa: S311 - the same soak again is the point
        self.chance = Chance(sim, Random(plan.seed + 1), fleet.tally)  # noqa: S311 - as above
        self.mischief = Mischief(sim, Random(plan.seed + 2), fleet.tally)  # noqa: S311 - as above
        self.mischief.by_hand = plan.by_hand
        sim.faults = self.chance
        self.board = Board(sim.connector)
        self.talk = Talk(sim, fleet, http, self.dice)
        self.requests = Requests(sim, self.talk, self.board, self.dice, Random(plan.seed + 4))  # noqa: S311 - as above
        self.requests.choosing.leave_alone = plan.left_alone
        self.incidents = Incidents(sim, self.dice, fleet.tally)
        self.center = Center(sim)
        self.proposals = Proposals(sim, self.center, Random(plan.seed + 3), fleet.tally)  # noqa: S311 - as above
        self.requests.patience = plan.patience
        self.running: set[asyncio.Task[None]] = set()
        self.doubts: list[Doubt] = []

    async def begin(self) -> None:
        """Wait for the bot, and have both kinds of conversations subscribed."""
        await until(lambda: len(self.fleet.up()) >= self.fleet.wanted)
        for tenant in TENANTS:
            admin = next(player for player in of(tenant) if player.role == "admin")
            await self.talk.say(admin, "subscribe requests", REQUESTS[tenant])
            await self.talk.say(admin, "subscribe incidents", INCIDENTS[tenant])

    async def watch(self) -> None:
        """Let the service misbehave now and then, and note when something became doubtful; until cancelled."""
        while True:
            if self.chance.share:
                self.mischief.step()
            self.center.look(self.clock.now())
            self.note()
            await asyncio.sleep(0.2)

    def note(self) -> None:
        """Keep each doubt with the speed that the clock had."""
        fresh, self.fleet.tally.doubts = self.fleet.tally.doubts, []
        self.doubts += [Doubt(at=at, kind=kind, speed=self.clock.speed) for at, kind in fresh]

    async def play_requests(self) -> None:
        """Part A; those who wait for an end go on waiting during part B."""
        plan, self.clock.speed, self.chance.share = self.plan, self.plan.request_speed, SHARE
        self.chance.sending_share = plan.sending_share
        steps = self._accidents(plan.requests, plan.request_kills, plan.redis_restarts)
        self._propose(plan.request_seconds, plan.bursts // 2)
        for number in range(plan.requests):
            self.running |= {asyncio.create_task(accident()) for accident in steps.get(number, ())}
            self.running.add(asyncio.create_task(self.requests.play(number)))
            await asyncio.sleep(self.dice.expovariate(plan.requests / plan.request_seconds))

    async def play_incidents(self) -> None:
        """Part B; in its first half there is one process of the bot only."""
        plan, self.clock.speed = self.plan, self.plan.incident_speed
        steps = self._accidents(plan.incidents, plan.incident_kills, 0)
        self.fleet.wanted = 1
        self._propose(plan.incident_seconds, 0)
        playing = asyncio.create_task(self.incidents.play(plan.incidents, plan.incident_seconds))
        done = -1
        while not playing.done() or done < plan.incidents - 1:
            due = range(done + 1, min(self.incidents.made, plan.incidents))
            for number in due:
                await asyncio.gather(*(accident() for accident in steps.get(number, ())))
                done = number
            if self.incidents.made > plan.incidents / 2:
                self.fleet.wanted = plan.replicas
            await asyncio.sleep(0.1)
        await playing
        await asyncio.sleep(plan.tail_seconds)

    async def play_center(self) -> None:
        """Part C: things wait in the Action center and are decided there, and nothing else happens."""
        plan, self.clock.speed = self.plan, self.plan.center_speed
        await self._looked_at()
        when = [self.dice.uniform(0, plan.center_seconds) for _ in range(plan.center_kills)]
        await asyncio.gather(
            self.proposals.play(plan.proposals // 3, plan.bursts - plan.bursts // 2, plan.center_seconds),
            *(self._kill(seconds) for seconds in when),
        )

    async def _looked_at(self) -> None:
        """Wait until the bot reads every customer's alerts again after what befell it, but not for ever."""
        since, book = self.clock.now(), self.sim.book
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.plan.center_seconds):
                await until(lambda: {tenant for tenant, at in book.looks if at > since} == set(TENANTS))

    def _propose(self, seconds: float, bursts: int) -> None:
        """A third of what waits in the Action center begins to wait within that time, beside all else."""
        play = self.proposals.play(self.plan.proposals // 3, bursts, seconds)
        self.running.add(asyncio.create_task(play))

    def _accidents(self, steps: int, kills: int, restarts: int) -> dict[int, list[Callable[[], Awaitable[None]]]]:
        """At which step which accident happens, a moment later."""
        found: dict[int, list[Callable[[], Awaitable[None]]]] = {}
        for accident in [self._kill] * kills + [self._restart] * restarts:
            found.setdefault(self.dice.randrange(steps), []).append(accident)
        return found

    async def _kill(self, later: float = 0) -> None:
        await asyncio.sleep(later + self.dice.uniform(0, 2))
        await self.fleet.kill(self.dice)

    async def _restart(self) -> None:
        await asyncio.sleep(self.dice.uniform(0, 2))
        await self.fleet.restart_redis()

    async def settle(self, evidence: Evidence, say: Say) -> None:
        """Faults off, the service behaves, and the clock runs fast, until all is well or time is up."""
        await asyncio.gather(*self.running)
        self.chance.share = self.chance.sending_share = 0.0
        self.mischief.end()
        self.clock.speed = self.plan.settle_speed
        ends = asyncio.get_running_loop().time() + self.plan.settle_seconds
        quiet, before = 0, -1
        while asyncio.get_running_loop().time() < ends:
            await self.requests.settle()
            await asyncio.sleep(QUIET)
            records = len(self.sim.connector.records)
            quiet, before = (quiet + 1 if records == before else 0), records
            if quiet > self.plan.quiet:
                left = {name: len(found) for name, found in judged(self.collected(evidence)).items() if found}
                if not left:
                    return
                self.proposals.decide_for(evidence.all_records())
                say(f"not well yet: {_listed(left)}")
                quiet = 0

    def collected(self, evidence: Evidence) -> Evidence:
        """The evidence as it is now."""
        self.note()
        evidence.doubts = self.doubts
        evidence.board.look()
        with self.fleet.redis.client() as client:
            evidence.take_redis(client)
        return evidence


def judged(evidence: Evidence) -> dict[str, list[str]]:
    """What each rule finds."""
    return {name: list(rule(evidence)) for name, rule in verdict.RULES.items()}


@contextlib.asynccontextmanager
async def staged(plan: Plan, folder: Path) -> AsyncIterator[tuple[Stage, Evidence]]:
    """Everything started; ended again in the opposite order."""
    clock = FastClock.create(folder / "clock", plan.request_speed)
    sim = Witnessed(clock, seed=plan.seed, size="empty")
    sim.limiter = ConnectorLimits(clock)
    furnish(sim)
    sim.keep_book()
    key = secrets.token_hex(32)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(sim.running())
        redis = stack.enter_context(redis_process())
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        environ = _environ(sim, redis.url, folder, key)
        bots = [Served(environ, folder, f"bot{n}", clock.path) for n in range(plan.replicas)]
        fleet = Fleet(bots, redis, http, clock)
        fleet.wanted = plan.replicas
        stage = Stage(plan, sim, clock, fleet, http)
        stack.push_async_callback(fleet.end)
        for work in (fleet.keep(), stage.watch()):
            task = asyncio.create_task(work)
            stack.push_async_callback(_cancelled, task)
        yield (
            stage,
            Evidence(
                sim=sim,
                board=stage.board,
                center=stage.center,
                presses=stage.talk.presses,
                key=key,
                taken=sim.book.taken,
                looks=sim.book.looks,
                wishes=stage.requests.wishes,
            ),
        )


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _environ(sim: Witnessed, redis_url: str, folder: Path, key: str) -> dict[str, str]:
    policy = folder / "policy.toml"
    policy.write_text(POLICY)
    return {
        **dict.fromkeys(("LOGIN_URL", "GRAPH_URL", "DEFENDER_URL"), sim.url),
        "BOT_OPENID_URL": f"{sim.url}/v1/.well-known/openidconfiguration",
        "APP_ID": APP_ID,
        "APP_TENANT_ID": TENANT,
        "REDIS_URL": redis_url,
        "AUDIT_KEY": key,
        "DATA_DIR": str(folder),
        "ALLOWED_TENANTS": ",".join(TENANTS),
        "POLL_SECONDS": "30",
        "POLICY_FILE": str(policy),
        **ROLES,
    }


async def soak(plan: Plan, folder: Path, say: Say) -> Found:
    """Play it all and judge it."""
    async with staged(plan, folder) as (stage, evidence):
        say(f"seed {plan.seed}; the bot's processes start")
        await stage.begin()
        say(f"{plan.requests} requests, {plan.request_kills} kills, {plan.redis_restarts} restarts of Redis")
        await stage.play_requests()
        say(f"{plan.incidents} incidents, {plan.incident_kills} kills")
        await stage.play_incidents()
        say(f"the Action center, {plan.center_kills} kills")
        await stage.play_center()
        say("faults off; everything comes to its end")
        await stage.settle(evidence, say)
        say("the verdict")
        must_be_0 = judged(stage.collected(evidence))
        (folder / "evidence.json").write_text(report.kept(evidence))
        rows = _figures(stage, evidence)
    logs = [bot.log for bot in stage.fleet.bots]
    must_be_0["log lines not foreseen"] = unexpected(logs)
    return Found(must_be_0=must_be_0, table=report.table(must_be_0, rows), json=report.as_json(must_be_0, rows))


def _figures(stage: Stage, evidence: Evidence) -> dict[str, object]:
    counts, delays = stage.fleet.tally.counts, report.delays(evidence)
    made = Counter(record["state"] for _, record in evidence.all_records())
    several = sum(bool(record.get("members")) for _, record in evidence.all_records())
    speed = stage.plan.incident_speed
    return {
        "requests made, by their end": _listed(made),
        "requests for several devices": several,
        "incidents": sum(len(c.incidents) for c in stage.sim.world.customers.values()),
        "cards per incident": _listed(report.cards_each(evidence, "incident")),
        "cards per request and conversation": _listed(report.cards_each(evidence, "request")),
        "Action center: items, cards of their own, cards for many": report.center(evidence),
        "second cards after a post without an answer": report.orphans(evidence),
        "posts made again because no answer came (the bot's metric)": sum(stage.fleet.ambiguous.values()),
        "detection delay p50, p95, max": ", ".join(
            f"{report.percentile(delays, share):.0f} s" for share in (0.5, 0.95, 1.0)
        )
        + f" (polled every 30 s; on a clock {speed:g} times as fast as the machine's)",
        "faults met": _listed(stage.fleet.tally.faults),
        **report.follows(evidence),
        **report.by_family(evidence, counts),
        **{name: count for name, count in sorted(counts.items()) if not name.startswith("asked: ")},
        "seed": stage.plan.seed,
    }


def _listed(counts: object) -> str:
    items = sorted(dict(counts).items(), key=lambda item: str(item[0]))  # type: ignore[call-overload]  # any mapping
    return ", ".join(f"{name}: {value}" for name, value in items)
