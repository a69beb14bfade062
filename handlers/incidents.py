"""/incidents [open|mine|high|all]: what Microsoft Defender XDR holds, the last changed first."""

from bot.command import Command, Context, Reply
from bot.errors import ServiceError, UsageError
from bot.graph.client import Graph
from bot.graph.models import Incident
from bot.roles import Role
from cards.incidents import IncidentList, incidents_card

OPEN = ("active", "inProgress")
FILTERS = ("open", "mine", "high", "all")
MOST = 50
USAGE = "/incidents [open|mine|high|all]"


def _parse(words: str) -> str:
    name = words.casefold() or "open"
    if name not in FILTERS:
        raise UsageError("error.unknown_filter", said=words, known=", ".join(FILTERS), usage=USAGE)
    return name


async def _run(context: Context, name: str) -> Reply:
    found = await _read(context, name)
    total: int | None = len(found)
    if len(found) >= MOST:
        total = await _total(context) if name == "open" else None
    listed = IncidentList(filter=name, total=total, rows=tuple(found), more=len(found) >= MOST, tenant=context.customer)
    return Reply(shown=incidents_card(context.look, listed))


async def _read(context: Context, name: str) -> list[Incident]:
    if name == "open":
        return await context.graph.incidents(statuses=OPEN, top=MOST)
    if name == "high":
        return await context.graph.incidents(statuses=OPEN, severities=("high",), top=MOST)
    if name == "mine":
        member = await context.services.teams.member(context.conversation, context.actor.mri)
        if not member.email:
            raise UsageError("error.no_email")
        return await context.graph.incidents(statuses=OPEN, assigned_to=member.email, top=MOST)
    return await context.graph.incidents(top=MOST)


async def _total(context: Context) -> int | None:
    try:
        return await context.graph.open_incident_count()
    except ServiceError:
        return None


COMMAND = Command(
    name="incidents",
    usage=USAGE,
    examples=("/incidents", "/incidents high", "/incidents mine"),
    role=Role.READER,
    parse=_parse,
    run=_run,
    menu=True,
    needs=(Graph.incidents, Graph.open_incident_count),
)
