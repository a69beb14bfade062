"""/remove-task DEVICE TASK REASON: asks to remove a scheduled task, by a script; an approver decides."""

from handlers.scripts import command_of, response_for

RESPONSE = response_for("remove-task", inverse="restore-task")

COMMAND = command_of(RESPONSE, "remove-task", r'/remove-task LAPTOP-042 "\Invoice update" it starts the malware again')

TEXTS = {
    "help.remove-task.summary": "asks to remove a scheduled task on a device",
    "response.remove-task.name": "Scheduled task removed",
    "response.remove-task.title": "Remove a scheduled task on {device}",
    "response.remove-task.button": "Remove task",
    "response.remove-task.effect": "A script keeps the task as XML on the device and removes it. It looks first, and"
    " leaves tasks of Windows and Defender alone.",
    "response.remove-task.undo": "Restoring it registers the task again; one with a stored password does not get that"
    " back.",
}
