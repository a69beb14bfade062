"""/restore-task DEVICE TASK REASON: asks to put back what /remove-task removed; an approver decides."""

from handlers.scripts import command_of, response_for

RESPONSE = response_for("remove-task", name="restore-task", inverse="remove-task")

COMMAND = command_of(RESPONSE, "remove-task", r'/restore-task LAPTOP-042 "\Invoice update" the finance team needs it')

TEXTS = {
    "help.restore-task.summary": "asks to put back a scheduled task that was removed",
    "response.restore-task.name": "Scheduled task restored",
    "response.restore-task.title": "Restore a scheduled task on {device}",
    "response.restore-task.button": "Restore task",
    "response.restore-task.effect": "A script registers the task again from what was kept. It overwrites nothing.",
    "response.restore-task.undo": "It can be removed again.",
}
