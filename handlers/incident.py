"""/incident ID: one incident with its alerts, evidence and assets."""

from bot.command import Command, Context, Reply
from bot.errors import Missing, NotFound, UsageError
from bot.graph.client import Graph
from bot.roles import Role
from cards.incident import IncidentDetails, incident_details_card
from handlers.blockable import blockable

USAGE = "/incident ID"
LONGEST_ID = 18


def _parse(words: str) -> str:
    number = words.strip().removeprefix("#")
    if not number.isdecimal() or not number.isascii() or len(number) > LONGEST_ID:
        raise UsageError("error.no_incident_id", usage=USAGE)
    return number


async def _run(context: Context, number: str) -> Reply:
    try:
        incident = await context.graph.incident(number)
    except Missing as error:
        raise NotFound("error.no_such_incident", id=number) from error
    evidence = [item for alert in incident.alerts or () for item in alert.evidence]
    details = IncidentDetails(incident=incident, alerts=incident.alerts, blockable=blockable(evidence))
    return Reply(shown=incident_details_card(context.look, details))


COMMAND = Command(
    name="incident",
    usage=USAGE,
    examples=("/incident 2972395",),
    role=Role.READER,
    parse=_parse,
    run=_run,
    needs=(Graph.incident,),
)
