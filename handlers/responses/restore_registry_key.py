"""/restore-registry-key DEVICE KEY ["VALUE"] REASON: asks to put a removed registry key back; an approver decides."""

from handlers.scripts import command_of, response_for

RESPONSE = response_for("remove-registry-key", name="restore-registry-key", inverse="remove-registry-key")

COMMAND = command_of(
    RESPONSE,
    "remove-registry-key",
    r"/restore-registry-key LAPTOP-042 HKLM\Software\Classes\CLSID\Invoice it belongs to a tool of ours",
)

TEXTS = {
    "help.restore-registry-key.summary": "asks to put back a registry key that was removed",
    "response.restore-registry-key.name": "Registry key restored",
    "response.restore-registry-key.title": "Restore a registry key on {device}",
    "response.restore-registry-key.button": "Restore registry key",
    "response.restore-registry-key.effect": "A script puts back the key or value as it was when it was removed. It"
    " overwrites nothing.",
    "response.restore-registry-key.undo": "It can be removed again.",
}
