"""/digest: what changed since the last digest of this conversation, and the same once a day where it was subscribed."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot import digest_schedule
from bot.ambiguity import repeats_since
from bot.command import Command, Context, Reply, View
from bot.coverage import coverage
from bot.digests import KIND, SCHEDULE, Digest, Schedule, Snapshot
from bot.errors import StoreError
from bot.posts import Post
from bot.records import mutate, read
from bot.roles import Role
from bot.services import Services
from bot.subscribers import find
from bot.turn import Look, Shown
from cards.digest import digest_card
from handlers import digest_parts as parts
from handlers.digest_incidents import incidents
from handlers.digest_steps import next_steps

log = structlog.get_logger()
T = TypeVar("T")

SECONDS, SECONDS_IN_A_TURN = 20.0, 12.0
"""How long each source may take."""
A_DAY = timedelta(hours=24)
LATE = timedelta(minutes=10)


async def gather(services: Services, customer: str, basis: Snapshot | None, seconds: float) -> Snapshot:
    """Read all that a digest says. What fails or hangs is left unknown; only the store's trouble is raised."""
    now = services.clock.now()
    since = basis.at if basis else now - A_DAY
    asked = parts.Asked(services=services, customer=customer, at=now, since=since, basis=basis, seconds=seconds)
    covered = parts.Covered(asked)
    alerts, scanned, scores, found, requests, isolated = await asyncio.gather(
        _part("alerts", parts.open_alerts(asked, covered)),
        _part("scans", parts.scanned_lately(asked, covered)),
        _part("scores", parts.scores(asked, covered)),
        _part("incidents", incidents(asked, covered)),
        _part("requests", parts.our_requests(asked)),
        _part("isolated", parts.off_the_network(asked, covered)),
    )
    center, at_risk = await asyncio.gather(
        _part("center", parts.action_center(asked, covered, alerts)),
        _part("at_risk", parts.devices_at_risk(asked, covered, alerts, scanned)),
    )
    figures, day = scores or ((), None)
    snapshot = Snapshot(
        at=now,
        since=since,
        first=basis is None,
        figures=figures,
        day=day,
        incidents=found,
        carried=basis.last_incidents if basis and not found else None,
        requests=requests,
        center=center,
        at_risk=at_risk,
        isolated=isolated,
        ambiguous=await _part("ambiguous", repeats_since(services, customer, since)),
        trail=await _part("trail", parts.audit_trail(asked)),
        upkeep=await _part("upkeep", parts.upkeep(asked)),
        sources=tuple(await coverage(services, customer)),
        failed=tuple(covered.sources.failed),
    )
    return snapshot.model_copy(update={"steps": next_steps(snapshot)})


async def _part(name: str, work: Awaitable[T]) -> T | None:
    """A part of the digest; one that fails in a way that nobody foresaw does not take the others with it."""
    try:
        return await work
    except StoreError:
        raise
    except Exception:
        log.exception("digest_part_failed", part=name)
        return None


async def _run(context: Context, _words: str) -> Reply:
    basis = await _last_here(context.services, context.customer, context.conversation.id)
    snapshot = await gather(context.services, context.customer, basis, SECONDS_IN_A_TURN)
    return Reply(shown=digest_card(context.look, snapshot, context.customer))


async def _last_here(services: Services, customer: str, conversation: str) -> Snapshot | None:
    """What the last digest said that came here by itself, while they come; one that was asked for does not count."""
    found = await read(services.store, customer, SCHEDULE, conversation, Schedule)
    if not found or found[0].next is None or not found[0].latest:
        return None
    newest = await read(services.store, customer, KIND, found[0].latest, Digest)
    if newest and not newest[0].seen:
        return await _said(services, customer, newest[0].basis)
    return newest[0].snapshot if newest else None


async def _said(services: Services, customer: str, digest: str) -> Snapshot | None:
    found = await read(services.store, customer, KIND, digest, Digest) if digest else None
    return found[0].snapshot if found else None


async def step(services: Services, customer: str, key: str) -> None:
    """Fill a digest that was made; in a conversation that wants none any more it is dropped."""
    found = await read(services.store, customer, KIND, key, Digest)
    if not found or found[0].step_due() is None:
        return
    subscription = await find(services, customer, found[0].conversation)
    snapshot: Snapshot | None = None
    if subscription and subscription.digest:
        basis = await _said(services, customer, found[0].basis)
        snapshot = await gather(services, customer, basis, SECONDS)

    def filled(digest: Digest) -> Digest:
        if digest.step_due() is None:
            return digest
        return digest.model_copy(update={"snapshot": snapshot, "content": 1}) if snapshot else digest.dropped()

    await mutate(services.ledger, customer, KIND, key, Digest, services.clock.now(), filled)


def _render(digest: Digest, _post: Post, look: Look) -> Shown:
    if digest.snapshot is None:
        raise ValueError(f"digest {digest.id} is empty")
    return digest_card(look, digest.snapshot, digest.customer, due=_late(digest.meant_for, digest.snapshot.at))


def _late(due: datetime, at: datetime) -> datetime | None:
    """When it should have come, where that was noticeably earlier."""
    return due if at - due >= LATE else None


def _no_card(schedule: Schedule, _post: Post, _look: Look) -> Shown:
    raise ValueError(f"schedule {schedule.id} is not shown")


COMMAND = Command(
    name="digest",
    usage="/digest",
    examples=("/digest",),
    role=Role.READER,
    parse=str,
    run=_run,
    menu=True,
    needs=parts.NEEDS,
)

VIEWS = (
    View(kind=KIND, model=Digest, render=_render, step=step, needs=parts.NEEDS),
    View(kind=SCHEDULE, model=Schedule, render=_no_card, step=digest_schedule.step),
)
