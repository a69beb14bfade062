"""/confirm-compromised USER REASON: asks to have Entra treat a user as compromised; an approver decides. P2."""

from bot.graph.client import Graph
from bot.responses.declared import Response
from bot.responses.people import risk_judged
from bot.roles import Role
from handlers.proposing import command_for
from handlers.user_aim import AIM, USER

RESPONSE = Response(
    name="confirm-compromised",
    family="user-risk",
    how=risk_judged(lambda graph, user: graph.confirm_compromised(user), "confirmedcompromised"),
    calls=(Graph.confirm_compromised,),
    group="user",
    target=USER,
    risk="high",
    asks=Role.OPERATOR,
    inverse="dismiss-risk",
    plans=frozenset({"AAD_PREMIUM_P2"}),
)

COMMAND = command_for(RESPONSE, aim=AIM, examples=("/confirm-compromised anna@contoso.com she did not sign in there",))

TEXTS = {
    "help.confirm-compromised.summary": "asks to have Entra treat a user as compromised",
    "response.confirm-compromised.name": "Confirmed compromise",
    "response.confirm-compromised.title": "Confirm that {device} is compromised",
    "response.confirm-compromised.button": "Confirm compromised",
    "response.confirm-compromised.effect": "Entra raises the user's risk to high. What follows is up to your"
    " Conditional Access: most often the user is blocked or must change the password.",
    "response.confirm-compromised.undo": "Dismiss risk takes it back.",
}
