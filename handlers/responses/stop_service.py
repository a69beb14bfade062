"""/stop-service DEVICE SERVICE REASON: asks to stop and disable a service, by a script; an approver decides."""

from handlers.scripts import command_of, response_for

RESPONSE = response_for("stop-service", inverse="start-service")

COMMAND = command_of(RESPONSE, "stop-service", "/stop-service LAPTOP-042 InvoiceSvc it starts the malware again")

TEXTS = {
    "help.stop-service.summary": "asks to stop and disable a service on a device",
    "response.stop-service.name": "Service stopped",
    "response.stop-service.title": "Stop a service on {device}",
    "response.stop-service.button": "Stop service",
    "response.stop-service.effect": "A script disables the service and stops it, with those that depend on it. It"
    " remembers how it started, looks first, and leaves services of Windows and Defender alone.",
    "response.stop-service.undo": "Starting it gives it back the way it started before.",
}
