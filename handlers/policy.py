"""/policy: who may ask for what and who decides; /policy test RESPONSE TARGET explains it for a case."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import partial
from zoneinfo import ZoneInfo

from bot.command import Command, Context, Reply
from bot.devices import first_word
from bot.errors import UsageError
from bot.policy.models import DAYS, ROLES, Case, Facts, Ruling, Verdict
from bot.policy.rule import hardest
from bot.responses.declared import Response
from bot.responses.models import Evidence, Target
from bot.responses.ruling import facts_of, ruled
from bot.roles import Role
from bot.turn import Shown
from cards.policy import CaseView, policy_card, policy_test_card
from handlers import accounts, aiming, intune_aim, mail_aim, user_aim
from handlers.accounts import accounts_of
from handlers.bulk import names_several, several
from handlers.bulk_reading import NEEDS as NEEDS_FOR_SEVERAL
from handlers.bulk_reading import looked_into
from handlers.deciders import decided

USAGE = "/policy [test RESPONSE TARGET [as ROLE] [at [DAY] HH:MM]]"
MOMENT = re.compile(r"(?:(mon|tue|wed|thu|fri|sat|sun)[a-z]* )?([01]?\d|2[0-3]):([0-5]\d)", re.IGNORECASE)
LOOKED_UP = {one.kind: one for one in (aiming.DEVICE, intune_aim.AIM)}
OF_ACCOUNTS = frozenset({user_aim.USER, mail_aim.MAIL})
ENDING = re.compile(r"^(?:as (?P<role>\S+))?\s*(?:at (?P<at>.+))?$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Tried:
    """The words of a case: response, target, the role that would ask (None: one's own), the moment (empty: now)."""

    response: str
    target: str
    role: Role | None
    at: str
    rest: str


def _parse(words: str) -> Tried | None:
    """None asks for the whole policy. Raises UsageError."""
    first, rest = first_word(words)
    if not first:
        return None
    response, rest = first_word(rest)
    target, ending = first_word(rest)
    found = ENDING.fullmatch(ending)
    if first.casefold() != "test" or not target or found is None:
        raise UsageError("error.policy_test", usage=USAGE)
    return Tried(
        response=response.removeprefix("/").casefold(),
        target=target,
        role=_role(found["role"]),
        at=_moment(found["at"]),
        rest=ending,
    )


def _role(said: str | None) -> Role | None:
    if said and said.casefold() not in ROLES:
        raise UsageError("error.unknown_role", said=said, usage=USAGE)
    return ROLES[said.casefold()] if said else None


def _moment(said: str | None) -> str:
    if said and not MOMENT.fullmatch(said.strip()):
        raise UsageError("error.unknown_moment", said=said, usage=USAGE)
    return (said or "").strip()


async def _run(context: Context, tried: Tried | None) -> Reply:
    if tried is None:
        return Reply(shown=_whole(context))
    response = _response(context, tried.response)
    if response.many and names_several(tried.target):
        return await _several(context, response, tried)
    name, known = await _target(context, response, tried)
    case = Case(
        response=response,
        requester=tried.role or context.role,
        now=_at(context, tried.at),
        kind=response.target,
        four_eyes=context.services.four_eyes,
    )
    cases = [replace(case, facts=facts) for facts in known]
    case, verdicts, ruling = hardest(context.services.policy, cases)
    view = replace(_view(context, tried, case, name, verdicts, ruling), machines=len(cases))
    return Reply(shown=policy_test_card(context.look, view))


def _view(
    context: Context, tried: Tried, case: Case, name: str, verdicts: Sequence[Verdict], ruling: Ruling
) -> CaseView:
    return CaseView(
        response=case.response.name,
        target=name,
        kind=case.response.target,
        requester=case.requester,
        me=tried.role is None,
        at=case.now,
        zone=_zone(context),
        facts=case.facts,
        verdicts=verdicts,
        ruling=ruling,
    )


async def _several(context: Context, response: Response, tried: Tried) -> Reply:
    """What holds for one request for several devices, and for each of them."""
    found = await looked_into(context, response, await several(context, tried.target))
    case = Case(response=response, requester=tried.role or context.role, now=_at(context, tried.at))
    rules = partial(
        ruled,
        context.services,
        response,
        role=case.requester,
        now=case.now,
        target=found.target,
        evidence=found.evidence,
    )
    view = _view(context, tried, case, tried.target, (), rules(members=found.members))
    each = [(member.target.name, rules(members=(member,))) for member in found.members]
    return Reply(shown=policy_test_card(context.look, replace(view, each=each)))


def _response(context: Context, said: str) -> Response:
    known = context.services.responses
    if said in known:
        return known[said]
    near = get_close_matches(said, list(known), n=1)
    if near:
        raise UsageError("error.unknown_response_near", said=said, near=near[0], usage=USAGE)
    raise UsageError("error.unknown_response", said=said, usage=USAGE)


def _whole(context: Context) -> Shown:
    services = context.services
    every = [decided(context, response) for response in context.features.responses]
    return policy_card(context.look, services.policy, every, four_eyes=services.four_eyes)


async def _target(context: Context, response: Response, tried: Tried) -> tuple[str, Sequence[Facts]]:
    """The target's name and what is known of it, or whose account an address is; of others the name is all there is."""
    aim = LOOKED_UP.get(response.target)
    if aim is None:
        target = Target(id=tried.target, name=tried.target, kind=response.target)
        address = tried.target.rpartition("/")[2]  # a message is named with its recipient
        users = await accounts_of(context, address) if response.target in OF_ACCOUNTS else None
        return tried.target, facts_of(target, Evidence(read_at=context.now, users=users))
    target = await aim.find(context, tried.target, f"policy test {response.name}", tried.rest)
    return target.name, facts_of(target, await aim.gather(context, target, response))


def _zone(context: Context) -> str:
    """Where a time is meant that somebody types: where the policy's hours are, else where the person is."""
    return context.services.policy.file.zone or context.look.zone or "UTC"


def _at(context: Context, said: str) -> datetime:
    """The next such moment of today or of that day; now where none was said."""
    local = context.now.astimezone(ZoneInfo(_zone(context)))
    found = MOMENT.fullmatch(said)
    if not found:
        return context.now
    day, hour, minute = found.groups()
    ahead = (DAYS.index(day.casefold()) - local.weekday()) % 7 if day else 0
    return (local + timedelta(days=ahead)).replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)


COMMAND = Command(
    name="policy",
    usage=USAGE,
    examples=(
        "/policy",
        "/policy test isolate LAPTOP-042",
        "/policy test isolate it as operator at sat 22:30",
        "/policy test isolate high-risk",
    ),
    role=Role.READER,
    parse=_parse,
    run=_run,
    needs=(*aiming.DEVICE.needs, *intune_aim.AIM.needs, *accounts.NEEDS, *NEEDS_FOR_SEVERAL),
)
