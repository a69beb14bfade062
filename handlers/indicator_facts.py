"""What an approver is told of a value before an indicator is made for it or removed (defender-api 13, 14).

Each part is read by itself: one that cannot be read is an empty fact, which the card shows as such.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from bot.command import Context
from bot.defender.client import Defender
from bot.defender.files.models import AddressStats, FileFacts, FileStats
from bot.defender.indicators.models import Indicator
from bot.defender.indicators.values import Value, recognise
from bot.defender.models import DefenderAlert, Machine
from bot.errors import Missing
from bot.graph.client import Graph
from bot.responses.declared import Response
from bot.responses.indicators import NOW, action_of
from bot.responses.models import Evidence, Fact, Target
from handlers.aiming import READ_SECONDS, last_time
from handlers.reading import Sources

FACT_NEEDS = (
    Defender.file,
    Defender.file_stats,
    Defender.file_machines,
    Defender.file_alerts,
    Defender.ip_stats,
    Defender.domain_stats,
    Defender.indicators_for,
    Graph.domains,
)
FILE_NEEDS = (Defender.file, Defender.file_stats, Defender.file_machines, Defender.file_alerts)
NAMED = 5
"""How many devices, names and alerts are named; the rest is counted."""


async def gather(context: Context, target: Target, response: Response) -> Evidence:
    """What is known of the value, which indicator holds for it now, and how the same went the last time."""
    value, sources = recognise(target.id), Sources(READ_SECONDS, context)
    held, told, (last, last_at) = await asyncio.gather(
        sources.read("indicators", context.defender.indicators_for(value.text, value.type)),
        _told(context, value, sources),
        last_time(context, target, response),
    )
    facts, warnings = told
    return Evidence(
        read_at=context.now,
        last_time=last,
        last_time_at=last_at,
        facts=(Fact(key="indicator-value", value=value.shown), *_now(held), *facts),
        warnings=(*_of_now(held, response), *warnings),
    )


Told = tuple[list[Fact], list[Fact]]
"""Facts and warnings."""


async def _told(context: Context, value: Value, sources: Sources) -> Told:
    if value.type in {"FileSha1", "FileSha256"}:
        return await _of_file(context.defender, value, sources)
    if value.address:
        stats = await sources.read("address", context.defender.ip_stats(value.address))
        return _of_address(stats)
    if value.host:
        stats, domains = await asyncio.gather(
            sources.read("address", context.defender.domain_stats(value.host)),
            sources.read("domains", context.graph.domains()),
        )
        facts, warnings = _of_address(stats)
        return facts, [*warnings, *([Fact(key="indicator-domains-unread")] if domains is None else [])]
    return [], [Fact(key="indicator-md5")] if value.type == "FileMd5" else []


def _now(held: Sequence[Indicator] | None) -> list[Fact]:
    """The indicator that holds for the value now; its first fact is what a request is compared with when it is sent."""
    if held is None:
        return [Fact(key=NOW)]
    if not held:
        return [Fact(key=NOW, value=action_of(held))]
    one = held[0]
    return [
        Fact(key=NOW, value=action_of(held)),
        Fact(key="indicator-title", value=one.title or "?"),
        Fact(key="indicator-by", value=one.maker or "?"),
        *([Fact(key="indicator-since", at=one.last_update_time)] if one.last_update_time else []),
        *([Fact(key="indicator-until", at=one.expiration_time)] if one.expiration_time else []),
        *([] if one.everywhere else [Fact(key="indicator-groups", value=_few(one.rbac_group_names))]),
    ]


def _of_now(held: Sequence[Indicator] | None, response: Response) -> list[Fact]:
    """That what somebody made is replaced: it does not come back when ours is removed."""
    if not held or response.name == "unblock":
        return []
    return [Fact(key="indicator-replaces", value=f"{action_of(held)} ({held[0].maker or '?'})")]


async def told_of_file(context: Context, sha1: str) -> Told:
    """What is known of a file: who signed it, where it was seen, which alerts name it."""
    return await _of_file(context.defender, recognise(sha1), Sources(READ_SECONDS, context))


async def _of_file(defender: Defender, value: Value, sources: Sources) -> Told:
    file, stats = await asyncio.gather(
        sources.read("file", defender.file(value.text)),
        sources.read("file-stats", defender.file_stats(value.text)),
    )
    sha1 = value.text if value.type == "FileSha1" else _sha1(file, stats)
    if not sha1 and isinstance(sources.failed.get("file"), Missing):
        return [Fact(key="file-unknown", value="no")], []
    machines, alerts = (
        await asyncio.gather(
            sources.read("file-machines", defender.file_machines(sha1)),
            sources.read("file-alerts", defender.file_alerts(sha1)),
        )
        if sha1
        else (None, None)
    )
    facts = [*_seen(stats), *_signed(file), *_worldwide(file, stats), _devices(machines), _alerts(alerts)]
    return facts, [*_spread(stats.organization_prevalence if stats else None), *_microsofts(file)]


def _sha1(file: FileFacts | None, stats: FileStats | None) -> str:
    """The devices and alerts of a file are asked for by its SHA-1."""
    return (file.sha1 if file else None) or (stats.sha1 if stats else None) or ""


def _seen(stats: FileStats | None) -> list[Fact]:
    if stats is None:
        return [Fact(key="file-here")]
    names = [Fact(key="file-names", value=_few(stats.top_file_names))] if stats.top_file_names else []
    return [*names, *_here(stats.organization_prevalence, stats.org_first_seen, stats.org_last_seen)]


def _here(prevalence: int | None, first: datetime | None, last: datetime | None) -> list[Fact]:
    """On how many devices of the company, and since and until when."""
    times = [Fact(key="file-here-first", at=first), Fact(key="file-here-last", at=last)]
    counted = Fact(key="file-here", value="" if prevalence is None else str(prevalence))
    return [counted, *(fact for fact in times if fact.at)]


def _signed(file: FileFacts | None) -> list[Fact]:
    """Who signed it, and whether the certificate is valid: a name alone proves nothing."""
    if file is None:
        return [Fact(key="file-signer")]
    signer = file.signer or file.file_publisher
    key = "file-unsigned" if not signer else "file-signed" if file.is_valid_certificate else "file-signed-badly"
    found = [Fact(key=key, value=signer or "-")]
    if file.determination_value or file.determination_type not in {None, "Unknown"}:
        verdict = " ".join(filter(None, (file.determination_type, file.determination_value)))
        found.append(Fact(key="file-verdict", value=verdict))
    return found


def _worldwide(file: FileFacts | None, stats: FileStats | None) -> list[Fact]:
    count = file.global_prevalence if file else stats.globally_prevalence if stats else None
    first = file.global_first_observed if file else stats.global_first_observed if stats else None
    return [
        Fact(key="file-world", value="" if count is None else f"{count:,}"),
        *([Fact(key="file-world-first", at=first)] if first else []),
    ]


def _devices(machines: Sequence[Machine] | None) -> Fact:
    if machines is None:
        return Fact(key="file-devices")
    return Fact(key="file-devices", value=_few([machine.name for machine in machines]) or "0")


def _alerts(alerts: Sequence[DefenderAlert] | None) -> Fact:
    if alerts is None:
        return Fact(key="file-alerts")
    titles = list(dict.fromkeys(alert.title or alert.id for alert in alerts if alert.is_open))
    return Fact(key="file-alerts", value=_few(titles) or "0")


def _of_address(stats: AddressStats | None) -> Told:
    if stats is None:
        return [Fact(key="file-here")], []
    count = stats.organization_prevalence
    return _here(count, stats.org_first_seen, stats.org_last_seen), _spread(count)


def _spread(prevalence: int | None) -> list[Fact]:
    """Blocking or allowing what is in use here is felt at once."""
    return [Fact(key="indicator-in-use", value=str(prevalence))] if prevalence else []


def _microsofts(file: FileFacts | None) -> list[Fact]:
    """A file signed by Microsoft, validly as it seems: Windows or Office may need it."""
    named = [name for name in (file.signer, file.file_publisher) if name] if file else []
    ours = next((name for name in named if name.casefold().startswith("microsoft")), "")
    return [Fact(key="indicator-microsoft", value=ours)] if ours and file and file.is_valid_certificate else []


def _few(names: Sequence[str]) -> str:
    """The first few in one line; the rest is counted."""
    more = len(names) - NAMED
    return ", ".join(name[:60] for name in names[:NAMED]) + (f" +{more}" if more > 0 else "")
