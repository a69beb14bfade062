"""From a declared response to its command, its button and its request: what /scan, /isolate and /release share."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.command import Command, Context, Reply
from bot.defender.client import Defender
from bot.defender.models import Machine, MachineAction
from bot.devices import TO_FIND, find_device, first_word
from bot.errors import UsageError
from bot.isolation import network_of
from bot.posts import Place, Post
from bot.responses import requests
from bot.responses.desk import Desk, Proposal
from bot.responses.models import Evidence, Person, Response, Target
from bot.roles import Role
from bot.subscribers import request_posts
from handlers.reading import Sources

READ_SECONDS = 8.0
LONGEST_REASON = 500
TO_PROPOSE = (*TO_FIND, Defender.logon_users, Defender.machine_alerts, Defender.machine_actions)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The words of a proposal: the device as it was named, the service's parameters, the reason."""

    device: str
    parameters: dict[str, str]
    reason: str
    rest: str


def parse_for(response: Response) -> Callable[[str], Asked]:
    """The parser of a response's command: DEVICE [choice] REASON."""

    def parse(words: str) -> Asked:
        device, rest = first_word(words)
        if not device:
            raise UsageError("error.no_device", usage=usage_of(response))
        parameters, reason = _parameters(response, rest)
        check_reason(response, reason)
        return Asked(device=device, parameters=parameters, reason=reason, rest=rest)

    return parse


def _parameters(response: Response, rest: str) -> tuple[dict[str, str], str]:
    """The choices in front of the reason, the first of each where none is named."""
    chosen = {}
    for parameter in response.parameters:
        word, _, remaining = rest.partition(" ")
        if word.casefold() in parameter.choices:
            chosen[parameter.name] = parameter.choices[word.casefold()]
            rest = remaining.strip()
        else:
            chosen[parameter.name] = next(iter(parameter.choices.values()))
    return chosen, rest


def check_reason(response: Response, reason: str) -> None:
    """A reason is asked for where an approver must judge it. Raises UsageError."""
    if response.needs_reason and not reason.strip():
        raise UsageError("error.no_reason", usage=usage_of(response))
    if len(reason) > LONGEST_REASON:
        raise UsageError("error.reason_too_long", most=LONGEST_REASON)


def usage_of(response: Response) -> str:
    """How the response's command is typed."""
    choices = "".join(f" [{'|'.join(p.choices)}]" for p in response.parameters)
    return f"/{response.name} DEVICE{choices}{' REASON' if response.needs_reason else ' [REASON]'}"


def command_for(response: Response, *, examples: tuple[str, ...], menu: bool = False) -> Command[Asked]:
    """The command of a declared response."""

    async def run(context: Context, asked: Asked) -> Reply:
        machine = await find_device(context, asked.device, response.name, asked.rest)
        return await propose(context, response, machine, asked.parameters, asked.reason)

    return Command(
        name=response.name,
        usage=usage_of(response),
        examples=examples,
        role=response.asks,
        parse=parse_for(response),
        run=run,
        menu=menu,
        needs=TO_PROPOSE,
    )


async def propose(
    context: Context, response: Response, machine: Machine, parameters: dict[str, str], reason: str
) -> Reply:
    """Write the request down and have its card posted; one that is already open is shown here instead."""
    customer, services = context.customer, context.services
    here = Post(
        key="card",
        place=Place.of(context.conversation),
        locale=context.turn.locale,
        zone=context.turn.zone,
    )
    standing, _ = await requests.holder(services, customer, requests.ASK, requests.ask_key(machine.id, response.name))
    desk = Desk(services, customer)
    posts = await request_posts(services, customer, here)
    if not standing:
        request, new = await desk.propose(
            Proposal(
                response=response,
                target=Target(id=machine.id, name=machine.name),
                parameters=parameters,
                reason=reason.strip(),
                requester=Person(id=context.actor.id, tenant=context.actor.tenant, name=context.actor.name),
                evidence=await gather(context, machine, response),
                posts=posts,
                unheard=_unheard(context, response, posts),
                origin=context.conversation.id,
            )
        )
        if new:
            return Reply(follow=(requests.KIND, request.id))
        standing = request.id
    await desk.show_here(standing, here)
    return Reply(follow=(requests.KIND, standing))


def _unheard(context: Context, response: Response, posts: Sequence[Post]) -> bool:
    """Whether a request that needs a decision is shown to nobody but the person who asked and may not decide it."""
    alone = len(posts) == 1 and context.conversation.kind == "personal"
    own = not context.services.four_eyes and context.role >= Role.APPROVER
    return response.approvals > 0 and alone and not own


async def gather(context: Context, machine: Machine, response: Response) -> Evidence:
    """What an approver needs to decide; what cannot be read in time is left unknown, and the card says so."""
    defender, sources = context.defender, Sources(READ_SECONDS, context)
    users, alerts, actions = await asyncio.gather(
        sources.read("users", defender.logon_users(machine.id)),
        sources.read("alerts", defender.machine_alerts(machine.id)),
        sources.read("actions", defender.machine_actions(machine_id=machine.id, top=50)),
    )
    before = _last_time(actions or [], response)
    return Evidence(
        read_at=context.now,
        users=None if users is None else tuple(u.account_name or u.id for u in users)[:8],
        device_value=machine.device_value or "",
        risk=machine.risk_score or "",
        exposure=machine.exposure_level or "",
        health=machine.health_status or "",
        os=" ".join(filter(None, (machine.os_platform, machine.version))),
        last_seen=machine.last_seen,
        open_alerts=None
        if alerts is None
        else tuple(a.title or a.id for a in alerts if (a.status or "").casefold() != "resolved")[:6],
        running=None if actions is None else tuple(f"{a.type} ({a.status})" for a in actions if a.is_active)[:6],
        isolation="" if actions is None else network_of(actions).state,
        last_time="" if before is None else (before.status or ""),
        last_time_at=_moment(before),
    )


def _last_time(actions: list[MachineAction], response: Response) -> MachineAction | None:
    return next((a for a in actions if a.is_final and (a.type or "") in response.types), None)


def _moment(action: MachineAction | None) -> datetime | None:
    return (action.updated or action.created) if action else None
