"""/investigate DEVICE REASON: asks Defender to investigate a device by itself; an approver decides."""

from collections.abc import Mapping
from dataclasses import replace

from bot.command import Context
from bot.defender.client import Defender
from bot.responses.declared import Response
from bot.responses.investigation import INVESTIGATE, goes_on
from bot.responses.models import Fact, Target
from bot.roles import Role
from handlers.aiming import READ_SECONDS
from handlers.device_aim import MANAGED
from handlers.proposing import command_for
from handlers.reading import Sources

MOST = 5


async def _about(context: Context, target: Target, _typed: Mapping[str, str]) -> tuple[list[Fact], list[Fact]]:
    """The investigations of the device that go on: another one may not be needed."""
    reading = context.defender.investigations_of(target.id)
    found = await Sources(READ_SECONDS, context).read("investigations", reading)
    if found is None:
        return [Fact(key="investigations")], []
    going_on = [f"{one.id} ({one.state})" for one in found if goes_on(one)]
    return [Fact(key="investigations", value=", ".join(going_on[:MOST]) or "none")], []


_AIM = replace(MANAGED, about=_about, needs=(*MANAGED.needs, Defender.investigations_of))

RESPONSE = Response(
    name="investigate",
    family="investigation",
    how=INVESTIGATE,
    calls=(Defender.start_investigation,),
    risk="medium",
    asks=Role.OPERATOR,
)

COMMAND = command_for(RESPONSE, aim=_AIM, examples=("/investigate LAPTOP-042 odd behaviour after a mail",))

TEXTS = {
    "evidence.investigations": "Under way",
    "evidence.investigations.none": "no investigation",
    "help.investigate.summary": "asks Defender to investigate a device by itself",
    "response.investigate.name": "Investigation",
    "response.investigate.title": "Investigate {device}",
    "response.investigate.button": "Investigate",
    "response.investigate.effect": "Defender examines the device by itself. Depending on its settings it removes what"
    " it finds, or asks in the Action center. In Defender for Business it removes it without asking.",
    "response.investigate.undo": "An investigation cannot be taken back by a call. What it removed can be undone in the"
    " Action center's history.",
    "response.investigate.stand.sent": "**Defender investigates.** It reports: {status}.",
    "response.investigate.stand.partlydone": "**The investigation is over, in part.** Defender reports: {status}."
    " Please look at it in the portal.",
    "status.queued": "Queued",
    "status.pendingapproval": "Waits for approval in the Action center",
    "status.pendingresource": "Waits for the device",
    "status.successfullyremediated": "Remediated",
    "status.partiallyremediated": "Partly remediated",
    "status.partiallyinvestigated": "Partly investigated",
    "status.benign": "No threats found",
    "status.innerfailure": "Failed inside Defender",
    "status.unsupportedos": "Not possible on this system",
    "status.unsupportedalerttype": "Not possible for this kind of alert",
    "status.suppressedalert": "Not made: the alert is suppressed",
    "status.preexistingalert": "Not made: there was one for this alert",
    "status.terminated": "Terminated",
    "status.terminatedbyuser": "Terminated by a person",
    "status.terminatedbysystem": "Terminated by Defender",
}
