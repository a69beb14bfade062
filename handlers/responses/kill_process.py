"""/kill-process DEVICE NAME[:ID] REASON: asks to end processes on a device, by a script; an approver decides."""

from handlers.scripts import command_of, response_for

RESPONSE = response_for("kill-process")

COMMAND = command_of(
    RESPONSE,
    "kill-process",
    "/kill-process LAPTOP-042 invoice.exe it encrypts files",
    "/kill-process it powershell.exe:4711 download cradle",
)

TEXTS = {
    "help.kill-process.summary": "asks to end processes on a device by name, or one by name:id",
    "response.kill-process.name": "Process ended",
    "response.kill-process.title": "End processes on {device}",
    "response.kill-process.button": "End process",
    "response.kill-process.effect": "A script ends all processes of that program, or the one whose id is named. What"
    " they had not saved is lost. It looks first, and leaves processes of Windows and Defender alone.",
    "response.kill-process.undo": "It cannot be undone.",
}
