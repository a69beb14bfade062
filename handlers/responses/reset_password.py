"""/reset-password USER REASON: asks to make a user's password useless; an approver decides.

The password becomes a random one that nobody ever sees: it is made in the moment of sending and kept nowhere.
"""

from bot.graph.client import Graph
from bot.responses.declared import Response
from bot.responses.people import password_replaced
from bot.roles import Role
from handlers.proposing import command_for
from handlers.user_aim import AIM, USER

RESPONSE = Response(
    name="reset-password",
    family="password",
    how=password_replaced(),
    calls=(Graph.set_password,),
    group="user",
    target=USER,
    risk="high",
    asks=Role.OPERATOR,
)

COMMAND = command_for(RESPONSE, aim=AIM, examples=("/reset-password anna@contoso.com it was found in a leak",))

TEXTS = {
    "help.reset-password.summary": "asks to make a user's password useless",
    "response.reset-password.name": "Password reset",
    "response.reset-password.title": "Reset the password of {device}",
    "response.reset-password.button": "Reset password",
    "response.reset-password.effect": "The password becomes a random one that nobody knows, and must be changed at the"
    " next sign-in. To get in again, the user resets it with self-service, where the company has that, or an"
    " administrator sets one in the admin center.",
    "response.reset-password.undo": "The old password does not come back. An administrator sets a new one in the admin"
    " center, or the user with self-service reset.",
    "response.reset-password.stand.succeeded": "**The password is reset** to one that nobody knows, as Entra says. What"
    " comes next: the user resets it with self-service, where the company has that, or an administrator sets one in the"
    " admin center.",
}
