"""/scan DEVICE [quick|full]: an antivirus scan; harmless, so it runs without a decision."""

from bot.defender.client import Defender, ScanType
from bot.defender.models import MachineAction
from bot.responses.models import Parameter, Request, Response
from bot.roles import Role
from handlers.proposing import command_for


async def _send(defender: Defender, request: Request, comment: str) -> MachineAction:
    scan: ScanType = "Full" if request.parameters["ScanType"] == "Full" else "Quick"
    return await defender.run_antivirus_scan(request.target.id, comment=comment, scan_type=scan)


RESPONSE = Response(
    name="scan",
    family="scan",
    types=frozenset({"RunAntiVirusScan"}),
    family_types=frozenset({"RunAntiVirusScan"}),
    send=_send,
    call=Defender.run_antivirus_scan,
    risk="low",
    asks=Role.OPERATOR,
    approvals=0,
    needs_reason=False,
    parameters=(Parameter(name="ScanType", choices={"quick": "Quick", "full": "Full"}),),
)

COMMAND = command_for(RESPONSE, examples=("/scan LAPTOP-042", "/scan LAPTOP-042 full"), menu=True)
