"""The buttons of a request's card: propose, approve, reject, withdraw, send again, give up; and how the card is shown.

The card's data names a request and nothing else. The request is looked up in the conversation's own customer, must have
been shown in that conversation, and is decided by what the store holds.
"""

from collections.abc import Awaitable, Callable

from bot.command import Button, Context, Reply, View
from bot.errors import NotAllowed, Stale, UsageError
from bot.posts import Place, Post
from bot.responses import follow, reminding, requests
from bot.responses.declared import Parameter, Response
from bot.responses.desk import Desk
from bot.responses.models import DEVICE, Person, Request, State
from bot.roles import Role
from bot.turn import Click, Look, Shown
from bot.wire import MACHINE_ID
from cards.decision import INSTEAD
from cards.reminder import reminder_card
from cards.request import AGAIN, request_card
from handlers.asking import ask_for
from handlers.proposing import LONGEST_REASON, Asked
from handlers.responses import RESPONSES

CHOICES = {one.name: tuple(p for p in one.parameters if p.choices) for one in RESPONSES}
"""The choices of each response, of which an approver may ask for another."""
Act = Callable[[Desk, Request, Person, Click], Awaitable[Request]]


async def _propose(context: Context, click: Click) -> Reply:
    """A card's offer ("Isolate"): the same as typing the command for that target."""
    name, _, target = click.id.partition(":")
    response = context.services.responses.get(name)
    if response is None or not _names_one(response, target):
        raise Stale("error.unknown_button")
    said = [one for one in response.parameters if not one.optional or click.inputs.get(one.name, "").strip()]
    parameters = {parameter.name: _chosen(parameter, click) for parameter in said}
    reason, confirmed = click.inputs.get("reason", ""), click.inputs.get("confirm", "")
    asked = Asked(target=target, parameters=parameters, reason=reason, rest="", confirmed=confirmed)
    return await ask_for(context, name, asked)


async def _again(context: Context, click: Click) -> Reply:
    """Nothing was sent, for the device had changed or a permission was lacking: the same, as things are now.

    Or it was rejected in favour of other parameters: with those, if the requester agrees.
    """
    request = await _belongs_here(context, click)
    if request.state is State.REJECTED:
        return await _instead(context, request)
    now = request.trouble_values.get("id", "") or request.target.id
    if request.state is not State.FAILED or request.trouble not in AGAIN:
        raise Stale("error.nothing_to_ask_again")
    asked = Asked(
        target=now, parameters=dict(request.parameters), reason=request.reason, rest="", values=request.values
    )
    return await ask_for(context, request.response, asked)


async def _instead(context: Context, request: Request) -> Reply:
    """What an approver would agree to goes back to the requester, who alone can make it a new request."""
    instead = request.decisions[-1].instead if request.decisions else {}
    if not instead:
        raise Stale("error.nothing_to_ask_again")
    who = Person(id=context.actor.id, tenant=context.actor.tenant, name=context.actor.name)
    if not who.same(request.requester):
        raise NotAllowed("error.only_requester")
    target = ",".join(member.target.id for member in request.members) or request.target.id
    parameters = {**request.parameters, **instead}
    asked = Asked(target=target, parameters=parameters, reason=request.reason, rest="", values=request.values)
    return await ask_for(context, request.response, asked)


async def _undo(context: Context, click: Click) -> Reply:
    """The inverse of what was done, with the parameters that were kept for it."""
    request = await _belongs_here(context, click)
    done = [member.target.id for member in request.members if member.state is State.SUCCEEDED]
    over = request.state is State.SUCCEEDED or (request.state is State.PARTLY and done)
    inverse = context.services.responses.get(request.inverse)
    if not over or inverse is None or not (request.back or done):
        raise Stale("error.nothing_to_undo")
    parameters = dict(request.back) or {p.name: next(iter(p.choices.values()), "") for p in inverse.parameters}
    target, reason = ",".join(done) or request.target.id, click.inputs.get("reason", "")
    asked = Asked(target=target, parameters=parameters, reason=reason, rest="")
    return await ask_for(context, request.inverse, asked)


def _names_one(response: Response, target: str) -> bool:
    """Whether a button names its target: a device by its id alone."""
    return bool(MACHINE_ID.fullmatch(target) if response.target == DEVICE else target)


def _chosen(parameter: Parameter, click: Click) -> str:
    """What the form says of a parameter. Raises UsageError where it must be typed and was not, or is no good."""
    said = click.inputs.get(parameter.name, "").strip()
    if parameter.check is not None:
        return parameter.check(said)
    values = list(parameter.choices.values())
    return said if said in values else values[0]


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
    return request_card(context.look, request, CHOICES.get(request.response, ()))


async def _approve(desk: Desk, request: Request, who: Person, click: Click) -> Request:
    return await desk.approve(request.id, who, click.inputs.get("comment", "").strip()[:LONGEST_REASON])


async def _reject(desk: Desk, request: Request, who: Person, click: Click) -> Request:
    reason = click.inputs.get("reason", "").strip()
    if not reason:
        raise UsageError("error.no_reject_reason")
    response = desk.services.responses.get(request.response)
    changes = {name: value for name, value in _suggested(response, click) if value != request.parameters.get(name)}
    return await desk.reject(request.id, who, reason[:LONGEST_REASON], changes)


def _suggested(response: Response | None, click: Click) -> list[tuple[str, str]]:
    """The parameters that an approver would agree to, as far as the form names any that there are."""
    said = [(p, click.inputs.get(INSTEAD + p.name, "")) for p in response.parameters] if response else []
    return [(parameter.name, value) for parameter, value in said if value in parameter.choices.values()]


async def _withdraw(desk: Desk, request: Request, who: Person, _click: Click) -> Request:
    return await desk.withdraw(request.id, who)


async def _resend(desk: Desk, request: Request, who: Person, _click: Click) -> Request:
    return await desk.resend(request.id, who)


async def _give_up(desk: Desk, request: Request, who: Person, _click: Click) -> Request:
    return await desk.give_up(request.id, who)


BUTTONS = (
    Button(verb="propose", role=Role.OPERATOR, run=_propose, slow=True, once=True),
    Button(verb="again", role=Role.OPERATOR, run=_again, slow=True, once=True),
    Button(verb="undo", role=Role.OPERATOR, run=_undo, slow=True, once=True),
    Button(verb="approve", role=Role.APPROVER, run=_act_with(_approve), once=True),
    Button(verb="reject", role=Role.APPROVER, run=_act_with(_reject), once=True),
    Button(verb="withdraw", role=Role.OPERATOR, run=_act_with(_withdraw), once=True),
    Button(verb="resend", role=Role.APPROVER, run=_act_with(_resend), once=True),
    Button(verb="giveup", role=Role.APPROVER, run=_act_with(_give_up), once=True),
)


def _render(request: Request, post: Post, look: Look) -> Shown:
    if post.key in (reminding.WAITS, reminding.LASTS):
        return reminder_card(look, request, post.key)
    return request_card(look, request, CHOICES.get(request.response, ()))


VIEW = View(kind=requests.KIND, model=Request, render=_render, step=follow.step)
