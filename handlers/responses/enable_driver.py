"""/enable-driver DEVICE DRIVER REASON: asks to enable what /disable-driver disabled; an approver decides."""

from handlers.scripts import command_of, response_for

RESPONSE = response_for("disable-driver", name="enable-driver", inverse="disable-driver", risk="high")

COMMAND = command_of(RESPONSE, "disable-driver", "/enable-driver LAPTOP-042 InvoiceDrv the printer needs it")

TEXTS = {
    "help.enable-driver.summary": "asks to enable a driver that was disabled",
    "response.enable-driver.name": "Driver enabled",
    "response.enable-driver.title": "Enable a driver on {device}",
    "response.enable-driver.button": "Enable driver",
    "response.enable-driver.effect": "A script gives the driver the start type that it had before it was disabled.",
    "response.enable-driver.undo": "It can be disabled again.",
}
