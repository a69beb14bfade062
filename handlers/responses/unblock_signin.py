"""/unblock-signin USER REASON: asks to let a blocked user sign in again; an approver decides."""

from bot.graph.client import Graph
from bot.responses.declared import Response
from bot.responses.people import sign_in
from bot.roles import Role
from handlers.proposing import command_for
from handlers.user_aim import AIM, USER

RESPONSE = Response(
    name="unblock-signin",
    family="sign-in",
    how=sign_in(enabled=True),
    calls=(Graph.set_account_enabled,),
    group="user",
    target=USER,
    risk="high",
    asks=Role.OPERATOR,
    inverse="block-signin",
)

COMMAND = command_for(RESPONSE, aim=AIM, examples=("/unblock-signin anna@contoso.com the password was reset",))

TEXTS = {
    "help.unblock-signin.summary": "asks to let a blocked user sign in again",
    "response.unblock-signin.name": "Unblocked sign-in",
    "response.unblock-signin.title": "Unblock sign-in of {device}",
    "response.unblock-signin.button": "Unblock sign-in",
    "response.unblock-signin.effect": "The user can sign in again, with the password that is set now.",
    "response.unblock-signin.undo": "Block sign-in keeps the user out again.",
    "response.unblock-signin.stand.succeeded": "**The user can sign in again,** as Entra shows it.",
    "response.unblock-signin.stand.failed": "**Not in force.** Entra took it, and shows the account as blocked.",
}
