"""/intune-scan DEVICE [quick|full]: an antivirus scan through Intune; harmless, so it runs without a decision."""

from bot.graph.client import Graph
from bot.graph.intune.models import DeviceAction
from bot.responses.declared import Parameter
from bot.responses.intune import remote_action
from bot.responses.models import Request
from bot.wire import folded
from handlers.intune_aim import AIM, through_intune
from handlers.proposing import command_for


async def _send(graph: Graph, request: Request) -> None:
    await graph.intune_scan(request.target.id, quick=request.parameters["quickScan"] == "true")


def _same(request: Request, action: DeviceAction) -> bool:
    """Where the entry does not say which scan it was, nobody knows whether it is the same."""
    wanted = "quick" if request.parameters["quickScan"] == "true" else "full"
    return wanted in (folded(action.scan_type) or action.kind)


RESPONSE = through_intune(
    name="intune-scan",
    family="intune-scan",
    how=remote_action(_send, names=("windowsDefenderScan", "quickScan", "fullScan"), same=_same),
    calls=(Graph.intune_scan,),
    risk="low",
    approvals=0,
    needs_reason=False,
    parameters=(Parameter(name="quickScan", choices={"quick": "true", "full": "false"}),),
)

COMMAND = command_for(RESPONSE, aim=AIM, examples=("/intune-scan LAPTOP-042", "/intune-scan LAPTOP-042 full"))

TEXTS = {
    "help.intune-scan.summary": "has a Windows device scan itself for malware, through Intune",
    "response.intune-scan.name": "Scan through Intune",
    "response.intune-scan.title": "Scan {device} through Intune",
    "response.intune-scan.button": "Scan through Intune",
    "response.intune-scan.effect": "The device scans itself with Defender Antivirus and stays usable.",
    "response.intune-scan.undo": "Nothing to undo.",
    "parameter.quickscan": "Kind of scan",
    "choice.quickscan.true": "Quick scan",
    "choice.quickscan.false": "Full scan",
}
