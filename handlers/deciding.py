"""The buttons of a request's card: propose, approve, reject, withdraw, send again, give up; and how the card is shown.

The card's data names a request and nothing else. The request is looked up in the conversation's own customer, must have
been shown in that conversation, and is decided by what the store holds.
"""

from collections.abc import Awaitable, Callable

from bot.command import Button, Context, Reply, View
from bot.devices import MACHINE_ID, find_device
from bot.errors import NotAllowed, Stale, UsageError
from bot.posts import Place, Post
from bot.responses import follow, requests
from bot.responses.desk import Desk
from bot.responses.models import Person, Request, State
from bot.roles import Role
from bot.turn import Click, Look, Shown
from cards.request import request_card
from handlers.proposing import LONGEST_REASON, TO_PROPOSE, check_reason, propose

Act = Callable[[Desk, Request, Person, Click], Awaitable[Request]]


async def _propose(context: Context, click: Click) -> Reply:
    """A card's offer ("Isolate"): the same as typing the command for that device."""
    name, _, machine_id = click.id.partition(":")
    response = context.services.responses.get(name)
    if response is None or not MACHINE_ID.fullmatch(machine_id):
        raise Stale("error.unknown_button")
    context.require(response.asks, NotAllowed("error.role", role=response.asks.word, command=response.name))
    reason = click.inputs.get("reason", "")
    check_reason(response, reason)
    parameters = {}
    for parameter in response.parameters:
        values = list(parameter.choices.values())
        chosen = click.inputs.get(parameter.name, values[0])
        parameters[parameter.name] = chosen if chosen in values else values[0]
    machine = await find_device(context, machine_id, response.name)
    return await propose(context, response, machine, parameters, reason)


def _act_with(act: Act) -> Callable[[Context, Click], Awaitable[Reply]]:
    """A decision button: find the request, make sure that it belongs here, act, and answer with its card.

    A press that came as a message (from an older client) has its answer in the card, which is edited where it stands.
    """

    async def run(context: Context, click: Click) -> Reply:
        request = await _belongs_here(context, click)
        who = Person(id=context.actor.id, tenant=context.actor.tenant, name=context.actor.name)
        try:
            after = await act(Desk(context.services, context.customer), request, who, click)
        except Stale:
            after = await requests.get(context.services, context.customer, request.id)
            await context.services.wake(context.customer, requests.KIND, request.id)
            if after.state is State.PROPOSED or not context.turn.invoke:
                raise
        return Reply(shown=_card(context, after)) if context.turn.invoke else Reply()

    return run


async def _belongs_here(context: Context, click: Click) -> Request:
    """The request, if it was shown in this conversation; a message of it that we lost track of is adopted."""
    request = await requests.get(context.services, context.customer, click.id)
    if not request.in_conversation(context.conversation.id):
        raise Stale("error.not_from_here")
    if click.rev > request.content:
        raise Stale("error.unknown_button")
    if click.message and not request.post_at(context.conversation.id, click.message):
        post = Post(
            key="card",
            place=Place.of(context.conversation),
            message=click.message,
            shown=min(click.rev, request.content),
            state="live",
            locale=context.turn.locale,
            zone=context.turn.zone,
        )
        await Desk(context.services, context.customer).adopt(request.id, post)
    return request


def _card(context: Context, request: Request) -> Shown:
    return request_card(context.look, request)


async def _approve(desk: Desk, request: Request, who: Person, click: Click) -> Request:
    return await desk.approve(request.id, who, click.inputs.get("comment", "").strip()[:LONGEST_REASON])


async def _reject(desk: Desk, request: Request, who: Person, click: Click) -> Request:
    reason = click.inputs.get("reason", "").strip()
    if not reason:
        raise UsageError("error.no_reject_reason")
    return await desk.reject(request.id, who, reason[:LONGEST_REASON])


async def _withdraw(desk: Desk, request: Request, who: Person, _click: Click) -> Request:
    return await desk.withdraw(request.id, who)


async def _resend(desk: Desk, request: Request, who: Person, _click: Click) -> Request:
    return await desk.resend(request.id, who)


async def _give_up(desk: Desk, request: Request, who: Person, _click: Click) -> Request:
    return await desk.give_up(request.id, who)


BUTTONS = (
    Button(verb="propose", role=Role.OPERATOR, run=_propose, slow=True, once=True, needs=TO_PROPOSE),
    Button(verb="approve", role=Role.APPROVER, run=_act_with(_approve), once=True),
    Button(verb="reject", role=Role.APPROVER, run=_act_with(_reject), once=True),
    Button(verb="withdraw", role=Role.OPERATOR, run=_act_with(_withdraw), once=True),
    Button(verb="resend", role=Role.APPROVER, run=_act_with(_resend), once=True),
    Button(verb="giveup", role=Role.APPROVER, run=_act_with(_give_up), once=True),
)


def _render(request: Request, _post: Post, look: Look) -> Shown:
    return request_card(look, request)


VIEW = View(kind=requests.KIND, model=Request, render=_render, step=follow.step, needs=follow.NEEDS)
