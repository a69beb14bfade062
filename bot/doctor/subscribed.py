"""Who gets to see what happens: the conversations that each customer subscribed."""

import asyncio
from collections.abc import Sequence

from bot.doctor.findings import Finding, ok, problem, unknown, warning
from bot.doctor.patient import Patient
from bot.errors import StoreError
from bot.records import readable
from bot.subscribers import KIND
from bot.subscriptions import Subscription

SUBSCRIBE = "An admin types `/subscribe` in the channel where the team watches."


async def subscription_findings(patient: Patient, customer: str) -> list[Finding]:
    """What is subscribed to incidents, to requests and to the digest."""
    found = await _subscribed(patient, customer)
    if found is None:
        says = "Which conversations are subscribed is not known: Redis is not reached."
        return [unknown("subscriptions.requests", says, customer=customer)]
    return [_requests(found, customer), _incidents(found, customer), _digest(found, customer)]


async def _subscribed(patient: Patient, customer: str) -> list[Subscription] | None:
    if patient.store is None:
        return None
    try:
        async with asyncio.timeout(patient.limit):
            records = await patient.store.newest(customer, KIND)
    except (StoreError, TimeoutError):
        return None
    return [one for one in readable(records, Subscription) if not one.ended]


def _requests(found: Sequence[Subscription], customer: str) -> Finding:
    key, count = "subscriptions.requests", sum(one.requests for one in found)
    if not count:
        says = "No conversation is subscribed to requests."
        means = "Nobody but the asker would see that something waits for a decision."
        return problem(key, says, means=means, do=SUBSCRIBE, customer=customer)
    return ok(key, f"{_conversations(count)} subscribed to requests.", customer=customer, facts={"count": count})


def _incidents(found: Sequence[Subscription], customer: str) -> Finding:
    key, count = "subscriptions.incidents", sum(bool(one.incidents) for one in found)
    if not count:
        says = "No conversation is subscribed to incidents."
        means = "New incidents are not shown in Teams."
        return warning(key, says, means=means, do=SUBSCRIBE, customer=customer)
    return ok(key, f"{_conversations(count)} subscribed to incidents.", customer=customer, facts={"count": count})


def _digest(found: Sequence[Subscription], customer: str) -> Finding:
    times = sorted({f"{one.digest} {one.digest_zone}".strip() for one in found if one.digest})
    if not times:
        do = "Wanted? `/subscribe digest at 08:00` in the channel that should get it."
        return ok("subscriptions.digest", f"No conversation gets the daily digest. {do}", customer=customer)
    says = f"The daily digest comes at {', '.join(times)}."
    return ok("subscriptions.digest", says, customer=customer, facts={"times": times})


def _conversations(count: int) -> str:
    return f"{count} conversation{'s are' if count > 1 else ' is'}"
