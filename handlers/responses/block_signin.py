"""/block-signin USER REASON: asks to keep a user from signing in; an approver decides."""

from bot.graph.client import Graph
from bot.responses.declared import Response
from bot.responses.people import sign_in
from bot.roles import Role
from handlers.proposing import command_for
from handlers.user_aim import AIM, USER

RESPONSE = Response(
    name="block-signin",
    family="sign-in",
    how=sign_in(enabled=False),
    calls=(Graph.set_account_enabled,),
    group="user",
    target=USER,
    risk="high",
    asks=Role.OPERATOR,
    inverse="unblock-signin",
)

COMMAND = command_for(
    RESPONSE,
    aim=AIM,
    examples=("/block-signin anna@contoso.com signs in from two countries", '/block-signin "Anna Berg" left today'),
)

TEXTS = {
    "help.block-signin.summary": "asks to keep a user from signing in",
    "response.block-signin.name": "Blocked sign-in",
    "response.block-signin.title": "Block sign-in of {device}",
    "response.block-signin.button": "Block sign-in",
    "response.block-signin.effect": "The user cannot sign in any more. What is signed in stays so until its token"
    " expires: **revoke-sessions** ends it sooner.",
    "response.block-signin.undo": "Unblock sign-in lets the user sign in again.",
    "response.block-signin.stand.succeeded": "**Sign-in is blocked,** as Entra shows it. Whoever is signed in stays so"
    " until the token expires.",
    "response.block-signin.stand.failed": "**Not in force.** Entra took it, but shows that the user may sign in.",
}
