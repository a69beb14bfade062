"""From a declared response to its command, its button and its request: what all responses share."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bot.command import Command, Context, Reply
from bot.devices import first_word
from bot.errors import UsageError
from bot.posts import Place, Post
from bot.responses import requests
from bot.responses.declared import Parameter, Response
from bot.responses.desk import Desk, Proposal
from bot.responses.models import Evidence, Member, Person, Target
from bot.subscribers import request_posts, request_watchers
from cards.text import WHOLE, clean, plain_word, sentence
from handlers.aiming import Aim
from handlers.bulk import Several, names_several, several
from handlers.bulk_reading import NEEDS as NEEDS_FOR_SEVERAL
from handlers.bulk_reading import looked_into
from handlers.standing import admit, marked

LONGEST_REASON = 500
Read: TypeAlias = tuple[Evidence, tuple[Member, ...]]
"""What an approver is told of a target; of several devices, each of them."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The words of a proposal: the target as it was named, the service's parameters, the reason; a list's values.

    `confirmed` is the target's name, typed a second time where the response asks for that.
    """

    target: str
    parameters: dict[str, str]
    reason: str
    rest: str
    values: tuple[str, ...] = ()
    confirmed: str = ""


def parse_for(response: Response, aim: Aim) -> Callable[[str], Asked]:
    """The parser of a response's command: TARGET VALUE.. [choice] REASON."""

    def parse(words: str) -> Asked:
        target, rest = first_word(words)
        if not target:
            raise UsageError(aim.missing, usage=usage_of(response, aim))
        confirmed, words = first_word(rest) if response.typed else ("", rest)
        parameters, reason = _parameters(response, aim, words)
        check_reason(response, reason, usage_of(response, aim))
        return Asked(target=target, parameters=parameters, reason=reason, rest=rest, confirmed=confirmed)

    return parse


def _parameters(response: Response, aim: Aim, rest: str) -> tuple[dict[str, str], str]:
    """The typed values and the choices in front of the reason, the first of each choice where none is named."""
    given = {}
    for parameter in response.parameters:
        if parameter.choices and parameter.check is None:
            given[parameter.name], rest = choice_of(parameter, rest)
            continue
        if parameter.optional and rest[:1] not in {'"', "'"}:
            continue  # without quotes nobody could tell it from the reason
        word, after = first_word(rest)
        if not word or parameter.check is None:
            raise UsageError("error.no_value", value=parameter.hint, usage=usage_of(response, aim))
        given[parameter.name], rest = parameter.check(word), after
    return given, rest


def choice_of(parameter: Parameter, rest: str) -> tuple[str, str]:
    """The choice that the words begin with, else the first one, and the words after it."""
    word, _, remaining = rest.partition(" ")
    if word.casefold() in parameter.choices:
        return parameter.choices[word.casefold()], remaining.strip()
    return next(iter(parameter.choices.values())), rest


def check_typed(response: Response, target: Target, confirmed: str) -> None:
    """What nothing undoes is asked for with the name typed twice, with or without its domain. Raises UsageError."""
    said, name = confirmed.strip().casefold(), target.name.casefold()
    if response.typed and (not said or said not in {name, name.partition(".")[0]}):
        raise UsageError("error.not_confirmed", command=response.name, name=target.name)


def check_reason(response: Response, reason: str, usage: str) -> None:
    """A reason is asked for where an approver must judge it. Raises UsageError."""
    if response.needs_reason and not reason.strip():
        raise UsageError("error.no_reason", usage=usage)
    if len(reason) > LONGEST_REASON:
        raise UsageError("error.reason_too_long", most=LONGEST_REASON)


def check_shown(context: Context, parameters: Mapping[str, str]) -> None:
    """Nothing is asked for that a card would cut off or not show: it would be approved unread. Raises UsageError."""
    for name, value in parameters.items():
        if clean(value, WHOLE) != value:
            what = sentence(plain_word(context.look, "parameter", name))
            raise UsageError("error.not_shown_whole", what=what, most=WHOLE)


def usage_of(response: Response, aim: Aim) -> str:
    """How the response's command is typed."""
    words = [
        f"[{'|'.join(p.choices)}]" if p.choices and p.check is None else f"[{p.hint}]" if p.optional else p.hint
        for p in response.parameters
    ]
    named = [aim.hint, f"{aim.hint}-AGAIN"] if response.typed else [aim.hint]
    return " ".join([f"/{response.name}", *named, *words, "REASON" if response.needs_reason else "[REASON]"])


def command_for(response: Response, *, aim: Aim, examples: tuple[str, ...], menu: bool = False) -> Command[Asked]:
    """The command of a declared response."""

    async def run(context: Context, asked: Asked) -> Reply:
        await admit(context, response)
        if response.many and names_several(asked.target):
            return await propose_several(context, response, await several(context, asked.target), asked)
        target = await aim.find(context, asked.target, response.name, asked.rest)
        check_typed(response, target, asked.confirmed)
        return await propose(context, response, aim, target, asked)

    return Command(
        name=response.name,
        usage=usage_of(response, aim),
        examples=examples,
        role=response.asks,
        parse=parse_for(response, aim),
        run=run,
        menu=menu,
        needs=(*aim.needs, *NEEDS_FOR_SEVERAL) if response.many else aim.needs,
    )


async def propose_several(context: Context, response: Response, devices: Several, asked: Asked) -> Reply:
    """Ask for a response on several devices at once: one request, one decision."""

    async def gather() -> Read:
        read = await looked_into(context, response, devices)
        return read.evidence, read.members

    return await _propose(context, response, devices.target, asked, gather)


async def propose(context: Context, response: Response, aim: Aim, target: Target, asked: Asked) -> Reply:
    """Write the request down and have its card posted; one that is already open is shown here instead."""

    async def gather() -> Read:
        return await aim.told(context, target, response, asked.parameters), ()

    return await _propose(context, response, target, asked, gather)


async def _propose(
    context: Context,
    response: Response,
    target: Target,
    asked: Asked,
    gather: Callable[[], Awaitable[Read]],
) -> Reply:
    customer, services = context.customer, context.services
    check_shown(context, asked.parameters)
    here = Post(key="card", place=Place.of(context.conversation), locale=context.turn.locale, zone=context.turn.zone)
    ask = requests.ask_key(target.id, response.name, asked.parameters if response.each else None)
    standing, _ = await requests.holder(services, customer, requests.ASK, ask)
    desk = Desk(services, customer)
    posts = await request_posts(services, customer, here)
    if not standing:
        evidence, members = await gather()
        request, new = await desk.propose(
            Proposal(
                response=response,
                target=target,
                parameters=asked.parameters,
                reason=asked.reason.strip(),
                values=asked.values,
                members=members,
                requester=Person(id=context.actor.id, tenant=context.actor.tenant, name=context.actor.name),
                evidence=await marked(context, response, evidence),
                posts=posts,
                role=context.role,
                unheard=len(posts) == 1 and context.conversation.kind == "personal",
                origin=context.conversation.id,
                watchers=await request_watchers(services, customer),
            )
        )
        if new:
            return Reply(follow=(requests.KIND, request.id))
        standing = request.id
    await desk.show_here(standing, here)
    return Reply(follow=(requests.KIND, standing))
