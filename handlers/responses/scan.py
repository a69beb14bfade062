"""/scan DEVICE [quick|full]: an antivirus scan; harmless, so it runs without a decision."""

from bot.defender.client import Defender, ScanType
from bot.defender.models import MachineAction
from bot.responses.declared import Parameter, Response
from bot.responses.how import machine_action
from bot.responses.models import Request
from bot.roles import Role
from handlers.aiming import DEVICE
from handlers.proposing import command_for


async def _send(defender: Defender, request: Request, comment: str) -> MachineAction:
    scan: ScanType = "Full" if request.parameters["ScanType"] == "Full" else "Quick"
    return await defender.run_antivirus_scan(request.target.id, comment=comment, scan_type=scan)


RESPONSE = Response(
    name="scan",
    family="scan",
    how=machine_action(_send, types={"RunAntiVirusScan"}, family_types={"RunAntiVirusScan"}),
    calls=(Defender.run_antivirus_scan,),
    risk="low",
    asks=Role.OPERATOR,
    approvals=0,
    needs_reason=False,
    parameters=(Parameter(name="ScanType", choices={"quick": "Quick", "full": "Full"}),),
    many=True,
)

COMMAND = command_for(RESPONSE, aim=DEVICE, examples=("/scan LAPTOP-042", "/scan LAPTOP-042 full"), menu=True)

TEXTS = {
    "help.scan.summary": "has a device scan itself for malware",
    "response.scan.name": "Scan",
    "response.scan.title": "Scan {device}",
    "response.scan.button": "Scan",
    "response.scan.effect": "The device scans itself with Defender Antivirus and stays usable.",
    "response.scan.undo": "Nothing to undo.",
}
