"""/restore-file DEVICE PATH REASON: asks to put back what /quarantine-file moved away; an approver decides."""

from handlers.scripts import command_of, response_for

RESPONSE = response_for("quarantine-file", name="restore-file", inverse="quarantine-file")

COMMAND = command_of(
    RESPONSE, "quarantine-file", r'/restore-file LAPTOP-042 "C:\Users\Public\invoice.exe" it was harmless'
)

TEXTS = {
    "help.restore-file.summary": "asks to put back a file that was moved away",
    "response.restore-file.name": "File put back",
    "response.restore-file.title": "Put a file back on {device}",
    "response.restore-file.button": "Put file back",
    "response.restore-file.effect": "A script moves the file back to where it was, with the rights that it had. It"
    " overwrites nothing.",
    "response.restore-file.undo": "It can be moved away again.",
}
