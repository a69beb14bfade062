"""/submit-mail USER MESSAGE [phishing|malware|spam|clean] REASON: asks to send a message in to Microsoft. Beta."""

from bot.graph.client import Graph
from bot.graph.submissions.models import Submission
from bot.responses.declared import Remote, Response
from bot.responses.mail import CATEGORIES, submission
from bot.responses.models import Request
from bot.roles import Role
from handlers.mail_aim import MAIL
from handlers.proposing import command_for
from handlers.submission_aim import CATEGORY, MESSAGE_OF, TO_MESSAGE, stands


async def _send(remote: Remote, request: Request) -> Submission:
    user_id, _, message = request.target.id.partition("/")
    user = await remote.graph.user(user_id)
    category = CATEGORIES[request.parameters[CATEGORY.name]]
    return await remote.graph.submit_mail(user_id, message, user.mail or user.name, category)


def _same(_request: Request, _one: Submission) -> bool:
    """A submission does not name the message by the id it was sent in with, so another's is never taken for ours."""
    return False


RESPONSE = Response(
    name="submit-mail",
    family="submission",
    how=submission(_send, "mail", same=_same),
    calls=(Graph.user, Graph.submit_mail),
    group="mail",
    target=MAIL,
    risk="medium",
    asks=Role.OPERATOR,
    parameters=(TO_MESSAGE, CATEGORY),
    plans=frozenset({"THREAT_INTELLIGENCE"}),
    unsure=frozenset({"ATP_ENTERPRISE"}),
)

COMMAND = command_for(
    RESPONSE,
    aim=MESSAGE_OF,
    examples=("/submit-mail anna@contoso.com AAMkADU3MWUxOTU0LWNlOTEtNDQ0OC1hYjk0 phishing it got through the filter",),
)

TEXTS = {
    "help.submit-mail.summary": "asks to send a message in to Microsoft to be looked at",
    "response.submit-mail.name": "Submitted message",
    "response.submit-mail.title": "Submit a message of {device}",
    "response.submit-mail.button": "Submit message",
    "response.submit-mail.effect": "Microsoft gets the message with all that is in it and looks at it, which takes"
    " minutes to hours. The call is one of Graph's beta and may change.",
    "response.submit-mail.undo": "It cannot be called back.",
    "parameter.message": "Message",
    **stands("submit-mail"),
}
