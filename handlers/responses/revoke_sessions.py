"""/revoke-sessions USER REASON: asks to sign a user out everywhere; an approver decides."""

from bot.graph.client import Graph
from bot.responses.declared import Response
from bot.responses.people import sessions_ended
from bot.roles import Role
from handlers.proposing import command_for
from handlers.user_aim import AIM, USER

RESPONSE = Response(
    name="revoke-sessions",
    family="sessions",
    how=sessions_ended(),
    calls=(Graph.revoke_sessions,),
    group="user",
    target=USER,
    risk="medium",
    asks=Role.OPERATOR,
)

COMMAND = command_for(RESPONSE, aim=AIM, examples=("/revoke-sessions anna@contoso.com her laptop was stolen",))

TEXTS = {
    "help.revoke-sessions.summary": "asks to sign a user out everywhere",
    "response.revoke-sessions.name": "Ended sessions",
    "response.revoke-sessions.title": "End the sessions of {device}",
    "response.revoke-sessions.button": "Revoke sessions",
    "response.revoke-sessions.effect": "The user has to sign in again everywhere. It takes some minutes, and an access"
    " token that was given out lives on until it expires, mostly for up to an hour.",
    "response.revoke-sessions.undo": "Nothing to undo: the user signs in again.",
    "response.revoke-sessions.stand.succeeded": "**The sessions are ended,** as Entra says. It takes some minutes until"
    " every app notices, and an access token that was given out lives on until it expires.",
    "response.revoke-sessions.stand.failed": "**Not in force.** Entra took it, and still lets older sessions count.",
}
