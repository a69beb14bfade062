"""/submit-file REQUEST-ID [malware|..] REASON: asks to send a file in to Microsoft that /get-file fetched. Beta.

The file goes from Defender's own store through this process to Microsoft; it is kept nowhere on the way.
"""

from bot.defender.client import Defender
from bot.graph.client import Graph
from bot.graph.submissions.models import Submission
from bot.responses.declared import Parameter, Remote, Response
from bot.responses.mail import CATEGORIES, submission
from bot.responses.models import Request
from bot.roles import Role
from handlers.proposing import command_for
from handlers.submission_aim import CATEGORY, FILE, SUBMISSION, stands

MOST = 3 * 1024 * 1024
"""The pages name no largest file; with base64 this fits into the 4 MB that Graph takes in one request."""
AS = Parameter(name=CATEGORY.name, choices={"malware": "malware", "clean": "notJunk"})


async def _send(remote: Remote, request: Request) -> Submission:
    action, _, name = request.target.id.partition("/")
    content = await remote.defender.live_result(action, 0, most=MOST)
    return await remote.graph.submit_file(name, content, CATEGORIES[request.parameters[CATEGORY.name]])


def _same(request: Request, one: Submission) -> bool:
    return one.file_name == request.target.name


RESPONSE = Response(
    name="submit-file",
    family="submission",
    how=submission(_send, "file", same=_same),
    calls=(Defender.live_result, Graph.submit_file),
    group="mail",
    target=SUBMISSION,
    risk="medium",
    asks=Role.OPERATOR,
    parameters=(AS,),
    plans=frozenset({"THREAT_INTELLIGENCE"}),
    unsure=frozenset({"ATP_ENTERPRISE"}),
)

COMMAND = command_for(RESPONSE, aim=FILE, examples=("/submit-file WK-7GQ2M4XK9P malware it came by mail",))

TEXTS = {
    "help.submit-file.summary": "asks to send a file in to Microsoft that /get-file fetched",
    "response.submit-file.name": "Submitted file",
    "response.submit-file.title": "Submit the file {device}",
    "response.submit-file.button": "Submit file",
    "response.submit-file.effect": "Microsoft gets the file with all that is in it and looks at it, which takes minutes"
    " to hours. The call is one of Graph's beta and may change.",
    "response.submit-file.undo": "It cannot be called back.",
    **stands("submit-file"),
}
