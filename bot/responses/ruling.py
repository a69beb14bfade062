"""Where the policy meets a request: what it rules when somebody asks, and whether it still lets one be sent.

A request keeps the ruling that it was made under, whatever a restart puts in force later, with one exception: what the
policy of now forbids for the case as it was asked is not sent any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.policy.models import Case, Facts, Ruling
from bot.policy.rule import rule_all
from bot.responses import machine, veto
from bot.responses.declared import Response
from bot.responses.models import DEVICES, Evidence, Member, Request, State, Target, Twin
from bot.responses.terms import Terms
from bot.roles import Role
from bot.services import Services

BY_POLICY = "approved by policy"
STAYS_OPEN = "not run by itself"
BEGINS_ANEW = "time to object began anew"


def facts_of(target: Target, evidence: Evidence | None) -> tuple[Facts, ...]:
    """What the evidence tells of the target, as the policy asks for it; each of a device's machines by itself.

    Facts hang on the machine: a device that is reached through Intune has those of the same machine in Defender.
    """
    if target.kind == "user":
        return (Facts(people=tuple(dict.fromkeys((target.name, *((evidence.users if evidence else None) or ()))))),)
    if evidence is None:
        return (Facts(),)
    if target.kind == "mail":
        return (Facts(people=evidence.users),)
    machines: tuple[Evidence | Twin, ...] = (evidence, *evidence.twins)
    return tuple(_of_machine(one, evidence.users) for one in machines)


def _of_machine(read: Evidence | Twin, people: tuple[str, ...] | None) -> Facts:
    return Facts(
        tags=None if read.tags is None else frozenset(read.tags),
        value=read.device_value.casefold(),
        risk=read.risk.casefold(),
        severity=read.severity.casefold(),
        people=people,
    )


def ruled(
    services: Services,
    response: Response,
    *,
    role: Role,
    now: datetime,
    target: Target,
    evidence: Evidence | None,
    members: Sequence[Member] = (),
    typed: Mapping[str, str] | None = None,
) -> Ruling:
    """What holds for that asking; for several devices, the strictest of what holds for each."""
    case = Case(
        response=response,
        requester=role,
        now=now,
        kind=target.kind,
        four_eyes=services.four_eyes,
        typed=None if typed is None else tuple(typed.values()),
    )
    if not members:
        return rule_all(services.policy, [replace(case, facts=facts) for facts in facts_of(target, evidence)])
    return rule_all(services.policy, [replace(case, kind=DEVICES, facts=_of_member(one)) for one in members])


def _of_member(member: Member) -> Facts:
    """What was read of each; the alerts are not read for so many."""
    tags = None if member.tags is None else frozenset(member.tags)
    return Facts(tags=tags, value=member.value.casefold(), risk=member.risk.casefold(), people=member.users)


def kept(
    ruling: Ruling, now: datetime, *, mark: str, heard: bool, role: Role, watchers: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """The ruling as a new request keeps it. `heard`: somebody else sees its card, so that there is who can object."""
    minutes = ruling.veto_minutes
    heard = heard and (watchers is None or bool(watchers) or ruling.requester_may)
    terms = Terms(
        why=ruling.why,
        policy=ruling.place,
        mark=mark,
        runs_at=now + timedelta(minutes=minutes) if minutes is not None and heard else None,
        veto_minutes=minutes or 0,
        preapproved=ruling.preapproved,
        send_minutes=int(ruling.send_within.total_seconds() // 60),
        asked_as=role.word,
        watchers=watchers,
    )
    at_once = {"state": State.APPROVED, "send_by": now + ruling.send_within, "next_check": now}
    return {
        "expires": now + ruling.time_to_live,
        "approvals_needed": 0 if ruling.at_once else ruling.approvals,
        "four_eyes": not ruling.requester_may,
        "terms": terms,
        **(at_once if ruling.at_once else {}),
    }


def audited(request: Request) -> dict[str, object]:
    """What the audit says of the ruling, where the policy made it."""
    terms = request.terms
    said = {
        "policy": terms.policy,
        "preapproved": terms.preapproved,
        "runs_at": terms.runs_at.isoformat() if terms.runs_at else "",
    }
    return {name: value for name, value in said.items() if value}


def forbidden(services: Services, request: Request) -> str:
    """The sentence by which the policy of now forbids the request as it was asked; empty where it does not.

    The policy that it was made under let it pass, so only another one is asked.
    """
    response = services.responses.get(request.response)
    if response is None or request.terms.mark == services.policy.mark:
        return ""
    role = Role[request.terms.asked_as.upper()] if request.terms.asked_as else response.asks
    ruling = ruled(
        services,
        response,
        role=role,
        now=request.created,
        target=request.target,
        evidence=request.evidence,
        members=request.members,
        typed=request.parameters,
    )
    return ruling.forbidden


def undecided(services: Services, request: Request, now: datetime) -> tuple[Request, str]:
    """What becomes of a request that is due and not decided, and the word for the audit.

    It runs by itself where it was to do so and nobody objected, unless it is forbidden by now; else it has expired.
    """
    if request.terms.runs_at is None or now >= request.expires:
        return machine.expire(request, now), "expired"
    if forbidden(services, request):
        return veto.stay_open(request, now), STAYS_OPEN
    after = veto.lapse(request, now, within(services, request))
    return after, BY_POLICY if after.state is State.APPROVED else BEGINS_ANEW if after.terms.runs_at else STAYS_OPEN


def within(services: Services, request: Request) -> timedelta:
    """The time that an approved one has to be sent."""
    declared = services.responses[request.response].send_within
    return timedelta(minutes=request.terms.send_minutes) if request.terms.send_minutes else declared
