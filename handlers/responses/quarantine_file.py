"""/quarantine-file DEVICE PATH REASON: asks to move a file away on a device, by a script; an approver decides."""

from handlers.scripts import command_of, response_for

RESPONSE = response_for("quarantine-file", inverse="restore-file")

COMMAND = command_of(
    RESPONSE, "quarantine-file", r'/quarantine-file LAPTOP-042 "C:\Users\Public\invoice.exe" opened from a mail'
)

TEXTS = {
    "help.quarantine-file.summary": "asks to move a file on a device into a protected folder",
    "response.quarantine-file.name": "File moved away",
    "response.quarantine-file.title": "Move a file away on {device}",
    "response.quarantine-file.button": "Move file away",
    "response.quarantine-file.effect": "A script moves the file into a folder on the device that only administrators"
    " can open. It looks first, and leaves files of Windows and Defender alone.",
    "response.quarantine-file.undo": "Putting it back restores the file with its rights.",
}
