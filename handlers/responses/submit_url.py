"""/submit-url URL [phishing|malware|spam|clean]: sends an address in to Microsoft; runs without a decision. Beta."""

from bot.graph.client import Graph
from bot.graph.submissions.models import Submission
from bot.responses.declared import Remote, Response
from bot.responses.mail import CATEGORIES, submission
from bot.responses.models import Request
from bot.roles import Role
from handlers.proposing import command_for
from handlers.submission_aim import CATEGORY, SUBMISSION, URL, stands


async def _send(remote: Remote, request: Request) -> Submission:
    return await remote.graph.submit_url(request.target.id, CATEGORIES[request.parameters[CATEGORY.name]])


def _same(request: Request, one: Submission) -> bool:
    return one.web_url == request.target.id


RESPONSE = Response(
    name="submit-url",
    family="submission",
    how=submission(_send, "url", same=_same),
    calls=(Graph.submit_url,),
    group="mail",
    target=SUBMISSION,
    risk="low",
    asks=Role.OPERATOR,
    approvals=0,
    needs_reason=False,
    parameters=(CATEGORY,),
    plans=frozenset({"THREAT_INTELLIGENCE"}),
    unsure=frozenset({"ATP_ENTERPRISE"}),
)

COMMAND = command_for(
    RESPONSE,
    aim=URL,
    examples=("/submit-url https://login.contoso.example/ phishing", "/submit-url hxxps://shop[.]example/ clean"),
)

TEXTS = {
    "help.submit-url.summary": "sends a web address in to Microsoft to be looked at",
    "response.submit-url.name": "Submitted address",
    "response.submit-url.title": "Submit the address {device}",
    "response.submit-url.button": "Submit address",
    "response.submit-url.effect": "Microsoft looks at the address, which takes minutes to hours. The call is one of"
    " Graph's beta and may change.",
    "response.submit-url.undo": "Nothing to undo.",
    "parameter.category": "Submitted as",
    "choice.category.phishing": "Phishing",
    "choice.category.malware": "Malware",
    "choice.category.spam": "Spam",
    "choice.category.notjunk": "Clean: it should not have been stopped",
    **stands("submit-url"),
}
