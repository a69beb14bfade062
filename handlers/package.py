"""/package REQUEST-ID: the link to a collected investigation package, for who asked for it or approved it.

Whoever has the link has the package. So it is fetched when it is asked for, said in a personal chat alone, to a typed
message alone (answers to presses are kept for redeliveries), and neither kept nor logged.
"""

import re

from bot.audit import Entry
from bot.budgets import ACTING, ranked
from bot.command import Command, Context, Reply
from bot.defender.client import Defender
from bot.errors import Missing, NotAllowed, NotFound, Stale, UsageError
from bot.responses import requests
from bot.responses.models import Person, Request, State
from bot.roles import Role
from cards.package import PackageView, package_card

ID = re.compile(r"WK-[0-9A-Z]{1,20}(-\d{1,3})?")
USAGE = "/package REQUEST-ID"
COLLECTS = "collect"


def _parse(words: str) -> str:
    name = words.strip().upper()
    if not ID.fullmatch(name):
        raise UsageError("error.no_request_id", usage=USAGE)
    return name


async def _run(context: Context, name: str) -> Reply:
    if context.conversation.kind != "personal":
        raise UsageError("error.package_personal", id=name)
    if context.turn.kind != "message":
        raise UsageError("error.package_typed")
    request = await _allowed(context, name)
    action = request.attempt.action if request.attempt else ""
    try:
        with ranked(ACTING):  # two calls a minute are all there are
            link = await context.defender.package_link(action)
    except Missing as error:
        raise NotFound("error.package_gone", id=request.id) from error
    shown = package_card(context.look, PackageView(device=request.target.name, request=request.id, link=link))
    if shown is None:
        raise NotFound("error.package_link")
    await _note(context, request)
    return Reply(shown=shown)


async def _allowed(context: Context, name: str) -> Request:
    """The request, if this person asked for it or approved it, and it has collected a package."""
    request = await requests.get(context.services, context.customer, name)
    if request.response != COLLECTS or request.members:
        raise NotFound("error.no_package", id=request.id)
    me = Person(id=context.actor.id, tenant=context.actor.tenant, name=context.actor.name)
    if not any(me.same(one) for one in (request.requester, *(d.who for d in request.approvals))):
        raise NotAllowed("error.package_not_yours")
    if request.state is not State.SUCCEEDED:
        raise Stale("error.package_not_there", id=request.id, state=request.state.value)
    return request


async def _note(context: Context, request: Request) -> None:
    """Write down who was given the link, before it is given."""
    entry = Entry(
        at=context.now,
        what="package handed over",
        who=f"{context.actor.tenant}/{context.actor.id}",
        subject=f"request:{request.id}",
        more={"response": request.response, "device": request.target.id},
    )
    await context.services.ledger.commit(context.customer, [], [entry])


COMMAND = Command(
    name="package",
    usage=USAGE,
    examples=("/package WK-7QX2M",),
    role=Role.OPERATOR,
    parse=_parse,
    run=_run,
    needs=(Defender.package_link,),
)
