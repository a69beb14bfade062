"""/dismiss-risk USER REASON: asks to have Entra drop its suspicion against a user; an approver decides. P2."""

from bot.graph.client import Graph
from bot.responses.declared import Response
from bot.responses.people import risk_judged
from bot.roles import Role
from handlers.proposing import command_for
from handlers.user_aim import AIM, USER

RESPONSE = Response(
    name="dismiss-risk",
    family="user-risk",
    how=risk_judged(lambda graph, user: graph.dismiss_risk(user), "dismissed"),
    calls=(Graph.dismiss_risk,),
    group="user",
    target=USER,
    risk="high",
    asks=Role.OPERATOR,
    inverse="confirm-compromised",
    plans=frozenset({"AAD_PREMIUM_P2"}),
)

COMMAND = command_for(RESPONSE, aim=AIM, examples=("/dismiss-risk anna@contoso.com she was on a business trip",))

TEXTS = {
    "help.dismiss-risk.summary": "asks to have Entra drop its suspicion against a user",
    "response.dismiss-risk.name": "Dismissed risk",
    "response.dismiss-risk.title": "Dismiss the risk of {device}",
    "response.dismiss-risk.button": "Dismiss risk",
    "response.dismiss-risk.effect": "Entra lowers the user's risk to none, so that Conditional Access no longer"
    " holds it against the user.",
    "response.dismiss-risk.undo": "Confirm compromised raises it to high.",
}
