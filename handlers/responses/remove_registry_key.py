"""/remove-registry-key DEVICE KEY ["VALUE"] REASON: asks to remove a registry key or value; an approver decides."""

from handlers.scripts import command_of, response_for

RESPONSE = response_for("remove-registry-key", inverse="restore-registry-key")

COMMAND = command_of(
    RESPONSE,
    "remove-registry-key",
    r'/remove-registry-key LAPTOP-042 HKLM\Software\Microsoft\Windows\CurrentVersion\Run "Invoice" starts malware',
    r"/remove-registry-key LAPTOP-042 HKLM\Software\Classes\CLSID\Invoice registered by the malware",
)

TEXTS = {
    "help.remove-registry-key.summary": "asks to remove a registry key, or one value of it",
    "response.remove-registry-key.name": "Registry key removed",
    "response.remove-registry-key.title": "Remove a registry key on {device}",
    "response.remove-registry-key.button": "Remove registry key",
    "response.remove-registry-key.effect": "A script keeps a copy of the key on the device and removes it, or only the"
    " value that is named. It looks first, and leaves keys of Windows and Defender alone.",
    "response.remove-registry-key.undo": "Restoring it puts the copy back.",
}
