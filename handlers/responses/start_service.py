"""/start-service DEVICE SERVICE REASON: asks to give back what /stop-service took; an approver decides."""

from handlers.scripts import command_of, response_for

RESPONSE = response_for("stop-service", name="start-service", inverse="stop-service")

COMMAND = command_of(RESPONSE, "stop-service", "/start-service LAPTOP-042 InvoiceSvc it is a tool of ours")

TEXTS = {
    "help.start-service.summary": "asks to enable and start a service that was stopped",
    "response.start-service.name": "Service started",
    "response.start-service.title": "Start a service on {device}",
    "response.start-service.button": "Start service",
    "response.start-service.effect": "A script gives the service the start type that it had before it was stopped, and"
    " starts it if it ran then.",
    "response.start-service.undo": "It can be stopped again.",
}
