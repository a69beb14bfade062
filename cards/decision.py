"""The buttons by which a request that waits is decided, and what is offered when it is over."""

from collections.abc import Sequence

from bot.responses.declared import Parameter
from bot.responses.models import Request, State
from bot.turn import Look
from cards import button
from cards.device import Offer, propose_button
from cards.elements import Action, InputChoiceSet, InputText
from cards.outcome import LIVE
from cards.text import Safe, escape, join, plain, plain_word, say

INSTEAD = "instead."
"""Before the name of a parameter: the input with what an approver would agree to."""
MOST_CHOICES = 2


def decisions(look: Look, request: Request, choices: Sequence[Parameter]) -> list[Action]:
    """Make the buttons for a decision; `choices` are the parameters of which an approver may want another."""
    reason = InputText("reason", plain(look, "input.reason"), error=plain(look, "input.reason.error"))
    others = [_instead(look, parameter) for parameter in choices[:MOST_CHOICES]]
    return [
        button.button(plain(look, "request.approve"), "approve", request.id, request.content, style="positive"),
        button.button(
            plain(look, "request.reject"),
            "reject",
            request.id,
            request.content,
            style="destructive",
            inputs=[reason, *others],
            confirm=plain(look, "request.reject-send"),
        ),
        _approve_with_comment(look, request),
        button.button(plain(look, "request.withdraw"), "withdraw", request.id, request.content),
    ]


def _approve_with_comment(look: Look, request: Request) -> Action:
    """Most approvals need no words; who has some unfolds a line for them."""
    comment = InputText("comment", plain(look, "input.comment"), error=plain(look, "input.value.error"), required=False)
    title, confirm = plain(look, "request.approve-comment"), plain(look, "request.approve")
    return button.button(title, "approve", request.id, request.content, inputs=[comment], confirm=confirm)


def _instead(look: Look, parameter: Parameter) -> InputChoiceSet:
    """What an approver would agree to: nothing else, unless they choose it."""
    label = plain(look, "input.instead", what=plain_word(look, "parameter", parameter.name))
    titled = [(_choice(look, parameter.name, value), value) for value in dict.fromkeys(parameter.choices.values())]
    return InputChoiceSet(INSTEAD + parameter.name, label, [(plain(look, "input.instead.none"), ""), *titled])


def _choice(look: Look, name: str, value: str) -> str:
    return plain_word(look, f"choice.{name.casefold()}", value)


def would_agree(look: Look, request: Request) -> list[Safe]:
    """What who rejected would agree to, as one line."""
    last = request.decisions[-1] if request.decisions else None
    if request.state is not State.REJECTED or last is None or not last.instead:
        return []
    said = [
        escape(f"{plain_word(look, 'parameter', name)}: {_choice(look, name, value)}")
        for name, value in last.instead.items()
    ]
    return [say(look, "request.would-agree", who=last.who.name, what=join(said))]


def afterwards(look: Look, request: Request) -> list[Action]:
    """What can be asked for when it is over: other parameters that somebody would agree to, or the inverse."""
    if request.state is State.REJECTED and request.decisions and request.decisions[-1].instead:
        return [button.button(plain(look, "request.ask-instead"), "again", request.id, request.content)]
    if request.state in (State.SUCCEEDED, State.PARTLY) and request.inverse and (request.back or request.members):
        return [_undo(look, request)]
    if request.state is State.SUCCEEDED and request.inverse:
        return [propose_button(look, Offer(response=request.inverse), request.target.id)]
    return []


def _undo(look: Look, request: Request) -> Action:
    """What people decide about is asked for anew, with a reason; a single setting goes back to what it was."""
    reason = InputText("reason", plain(look, "input.reason"), error=plain(look, "input.reason.error"))
    inputs = [reason] if request.members or request.approvals_needed or request.family == LIVE else []
    title, confirm = plain(look, "request.undo-it"), plain(look, "input.ask")
    return button.button(title, "undo", request.id, request.content, inputs=inputs, confirm=confirm)
